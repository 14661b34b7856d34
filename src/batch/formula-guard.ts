/**
 * Cells that begin like a formula are run by spreadsheets that open the file (CSV injection, OWASP): in
 * CSV they get an apostrophe before them, which a spreadsheet then shows as text. Whoever sends the file
 * back sends the apostrophe too, so reading takes it off: a value written and read is the same value,
 * also one that had an apostrophe of its own.
 *
 * A workbook needs none: a cell says that it is text, and its style that it was quoted.
 */
const formula = /^'*[=+\-@\t\r＝＋－＠]/
const guarded = /^'+[=+\-@\t\r＝＋－＠]/

export function guardFormula(cell: string): string {
  return formula.test(cell) ? `'${cell}` : cell
}

/** For a workbook: only what reading would take off is put before it. */
export function guardApostrophe(cell: string): string {
  return guarded.test(cell) ? `'${cell}` : cell
}

export function restoreFormula(cell: string): string {
  return cell.charCodeAt(0) === 39 && guarded.test(cell) ? cell.slice(1) : cell
}
