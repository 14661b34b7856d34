/**
 * The rows of a file, whatever format it came in: of a table, or of NDJSON, whose rows are declarations.
 */
import type { FileFinding } from './file-findings.ts'
import { kindOfFile } from './kind.ts'
import { readNdjson } from './ndjson.ts'
import type { FiledRow } from './row-line.ts'
import type { FileSource, NdjsonPosition } from './rows.ts'
import { readTable, type TableOptions, type TablePosition } from './table.ts'
import type { BatchWork } from './work.ts'

export type FileRow = FiledRow & {
  /** Its own number where the row is a declaration; then `line` is all of it, and `cells` its text. */
  readonly entry?: number
}

/** Plain data. */
export type FilePosition = TablePosition | NdjsonPosition

export type FileBatch<At extends FilePosition = FilePosition> = {
  readonly rows: readonly FileRow[]
  /** One that ends the reading is in the last batch. */
  readonly findings: readonly FileFinding[]
  /** After these rows. */
  readonly next: At
}

export type RowOptions = {
  readonly format: 'csv' | 'xlsx' | 'ndjson'
  readonly defaults: TableOptions['defaults']
}

/** How to read a batch's file, every time it is read. */
export async function rowOptionsOf(
  { employer, period, region, format }: BatchWork,
  source: FileSource,
): Promise<RowOptions> {
  const kind = format ?? (await seenFormat(source))
  return { format: kind === 'tsv' ? 'csv' : kind, defaults: { employer, region, period } }
}

/** What is of no kind is read as text, and told to be no table. */
async function seenFormat(source: FileSource): Promise<RowOptions['format']> {
  for await (const bytes of source(0)) {
    const kind = kindOfFile(bytes)
    return typeof kind === 'string' ? kind : 'csv'
  }
  return 'csv'
}

export function readRows(
  source: FileSource,
  { format, defaults }: RowOptions,
  from: FilePosition | undefined,
): AsyncGenerator<FileBatch> {
  return format === 'ndjson'
    ? readNdjson(source, from as NdjsonPosition | undefined)
    : readTable(source, { format, defaults, from: from as TablePosition | undefined })
}

/** Whether the rows of a file are declarations. */
export function isOfDeclarations(position: FilePosition): position is NdjsonPosition {
  return 'format' in position
}
