/**
 * What a spreadsheet that opens a CSV file would take for something else: a cell that begins like a
 * formula is run (CSV injection, OWASP), a long number loses its last digits. In CSV such a cell gets an
 * apostrophe before it, and is shown as text. Whoever sends the file back sends the apostrophe too, so
 * reading takes it off: a value written and read is the same value, also one that had an apostrophe of
 * its own.
 *
 * A workbook needs none: a cell says that it is text, and its style that it was quoted.
 */
const endangered = /^'*(?:[=+\-@\t\r\n＝＋－＠]|[0-9]{12,}$)/
const guarded = /^'+(?:[=+\-@\t\r\n＝＋－＠]|[0-9]{12,}$)/

export function guardCell(cell: string): string {
  return endangered.test(cell) ? `'${cell}` : cell
}

/** For a workbook: only what reading would take off is put before it. */
export function guardApostrophe(cell: string): string {
  return guarded.test(cell) ? `'${cell}` : cell
}

export function restoreCell(cell: string): string {
  return cell.charCodeAt(0) === 39 && guarded.test(cell) ? cell.slice(1) : cell
}
