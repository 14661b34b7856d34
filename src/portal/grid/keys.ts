/** Where a key takes the active cell, as in a spreadsheet. Pure, so that it is tested as a table. */
import { type Column, columns } from './row.ts'

export type Cell = { readonly row: number; readonly column: Column }

/** Undefined for a key that moves nothing. */
export function moved(
  from: Cell,
  key: string,
  rows: number,
  page: number,
  withControl: boolean,
): Cell | undefined {
  const at = columns.indexOf(from.column)
  const rowAt = (row: number) => ({ ...from, row: Math.max(0, Math.min(rows - 1, row)) })
  const columnAt = (index: number): Cell => ({
    ...from,
    column: columns[Math.max(0, Math.min(columns.length - 1, index))] as Column,
  })
  switch (key) {
    case 'ArrowUp':
      return rowAt(withControl ? 0 : from.row - 1)
    case 'ArrowDown':
      return rowAt(withControl ? rows - 1 : from.row + 1)
    case 'ArrowLeft':
      return columnAt(at - 1)
    case 'ArrowRight':
      return columnAt(at + 1)
    case 'PageUp':
      return rowAt(from.row - page)
    case 'PageDown':
      return rowAt(from.row + page)
    case 'Home':
      return withControl ? { row: 0, column: columns[0] } : columnAt(0)
    case 'End':
      return withControl
        ? { ...columnAt(columns.length - 1), row: rows - 1 }
        : columnAt(columns.length - 1)
    default:
      return undefined
  }
}
