/**
 * Writes CSV that spreadsheets in China open correctly (RFC 4180, UTF-8 with a byte-order mark, lines
 * ending in CR LF), with nothing in it that one would run as a formula.
 */
import { guardCell } from './cell-guard.ts'
import type { SheetRows } from './xlsx-writer.ts'

/** Characters passed on together. */
const pieceCharacters = 32 * 1024

export async function* writeCsv(rows: SheetRows): AsyncGenerator<Buffer> {
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

/** Quotes separators of all kinds, because readers guess which one a file has. */
function csvCell(cell: string): string {
  const safe = guardCell(cell)
  return /[",;\t\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
