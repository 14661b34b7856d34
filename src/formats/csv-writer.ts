/**
 * Writes CSV as spreadsheets in China open it rightly (RFC 4180, UTF-8 with a byte-order mark, lines
 * that end with CR LF), with nothing in it that one would run as a formula.
 */
import { guardCell } from './cell-guard.ts'
import type { Rows } from './xlsx-writer.ts'

/** Handed on together. */
const pieceCharacters = 32 * 1024

export async function* writeCsv(rows: Rows): AsyncGenerator<Buffer> {
  let piece = '\ufeff'
  for await (const row of rows) {
    piece += csvRow(row)
    if (piece.length < pieceCharacters) continue
    yield Buffer.from(piece)
    piece = ''
  }
  if (piece !== '') yield Buffer.from(piece)
}

function csvRow(cells: readonly string[]): string {
  let row = ''
  for (let i = 0; i < cells.length; i += 1) {
    row += (i === 0 ? '' : ',') + csvCell(cells[i] as string)
  }
  return `${row}\r\n`
}

/** Separators of all kinds are quoted, as readers find out which one a file has. */
function csvCell(cell: string): string {
  const safe = guardCell(cell)
  return /[",;\t\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
