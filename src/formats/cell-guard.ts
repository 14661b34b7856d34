/**
 * Guards cells of CSV files against spreadsheets, which run a cell that begins like a formula (CSV
 * injection, OWASP) and drop the last digits of a long number. Such a cell gets an apostrophe before it
 * and is shown as text. A file that is sent back contains the apostrophe, so reading removes it: a
 * value written and read is the same value, also one that has an apostrophe of its own.
 *
 * A workbook needs no guard: a cell's type says that it is text, and its style that it was quoted.
 */
const endangered = /^'*(?:[=+\-@\t\r\n＝＋－＠]|[0-9]{12,}$)/
const guarded = /^'+(?:[=+\-@\t\r\n＝＋－＠]|[0-9]{12,}$)/

export function guardCell(cell: string): string {
  return endangered.test(cell) ? `'${cell}` : cell
}

/** For a workbook: guards only a value from which reading would remove an apostrophe. */
export function guardApostrophe(cell: string): string {
  return guarded.test(cell) ? `'${cell}` : cell
}

export function restoreCell(cell: string): string {
  return cell.charCodeAt(0) === 39 && guarded.test(cell) ? cell.slice(1) : cell
}
