/** What the readers of files give: rows in the file's order, in batches, each with the position after it. */

import type { NdjsonPosition } from '../../formats/rows.ts'
import type { FileFinding } from '../findings/file-findings.ts'
import type { Header } from './header.ts'
import type { FiledRow } from './row-line.ts'
import type { TablePosition } from './table.ts'

export type FileRow = FiledRow & {
  /** Its own number where the row is a declaration; then `line` is all of it, and `cells` its text. */
  readonly entry?: number
}

/** Plain data. */
export type FilePosition = TablePosition | NdjsonPosition

export type FileBatch<At extends FilePosition | undefined = FilePosition | undefined> = {
  /** Of a table, once it was found. */
  readonly header?: Header | undefined
  readonly rows: readonly FileRow[]
  /** One that ends the reading is in the last batch. */
  readonly findings: readonly FileFinding[]
  /** After these rows; undefined: nothing of it was read. */
  readonly next: At
}
