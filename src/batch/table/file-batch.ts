/**
 * What file readers yield: rows in the file's order, in batches, each with the position after it.
 */

import type { NdjsonPosition } from '../../formats/rows.ts'
import type { FileFinding } from '../findings/file-findings.ts'
import type { Header } from './header.ts'
import type { FiledRow } from './row-line.ts'
import type { TablePosition } from './table.ts'

export type FileRow = FiledRow & {
  /** The row number, if the row is a declaration; `line` is then all of it, and `cells` its text. */
  readonly entry?: number
}

/** Plain data. */
export type FilePosition = TablePosition | NdjsonPosition

export type FileBatch<At extends FilePosition | undefined = FilePosition | undefined> = {
  /** Of a table, once found. */
  readonly header?: Header | undefined
  readonly rows: readonly FileRow[]
  /** A finding that ends the reading is in the last batch. */
  readonly findings: readonly FileFinding[]
  /** The position after these rows; undefined: nothing was read. */
  readonly next: At
}
