/**
 * What every reader of tables gives: the rows in the file's order, in batches, each batch with the
 * position after it. A position is plain data: kept somewhere, it lets another process go on there.
 */
import type { FindingParams } from '../declaration/findings.ts'
import type { FormatFinding, FormatFindingCode } from './findings.ts'

/** What a spreadsheet holds in a cell that isn't text. */
export type CellKind = 'number' | 'date' | 'boolean'

/** A cell that can't be read; it matters if its column does. */
export type CellFault = {
  /** From 0. */
  readonly column: number
  readonly code: FormatFindingCode
  readonly params?: FindingParams
}

export type Row = {
  /** From 1, as a spreadsheet shows it: a record with line breaks in it is one row. */
  readonly row: number
  /** As text; a date is `YYYY-MM-DD`. What is empty at the end may be missing. */
  readonly cells: readonly string[]
  /** Of a workbook: the kinds of cells that aren't text, by column. */
  readonly kinds?: readonly (CellKind | undefined)[] | undefined
  readonly faults?: readonly CellFault[] | undefined
}

export type Separator = ',' | ';' | '\t'
export type Encoding = 'utf-8' | 'gb18030'

export type CsvPosition = {
  readonly format: 'csv'
  /** Where reading goes on. */
  readonly offsetBytes: number
  /** The rows before it. */
  readonly rowsRead: number
  readonly separator: Separator
  /** Undefined while all was ASCII. */
  readonly encoding: Encoding | undefined
}

export type XlsxPosition = {
  readonly format: 'xlsx'
  /** The part of the archive that is the sheet, once it was chosen. */
  readonly part: string | undefined
  /** Its name, as a spreadsheet shows it. */
  readonly sheet: string | undefined
  readonly rowsRead: number
}

export type NdjsonPosition = {
  readonly format: 'ndjson'
  readonly offsetBytes: number
  readonly rowsRead: number
  /** Of these rows, those that are not blank. */
  readonly filled: number
}

export type Position = CsvPosition | XlsxPosition | NdjsonPosition

export type RowBatch<At extends Position = Position, Found = FormatFinding> = {
  readonly rows: readonly Row[]
  readonly findings: readonly Found[]
  /** After these rows. */
  readonly next: At
}

/** A file as uploaded. */
export type FileSource = {
  /** How many it has. */
  readonly bytes: number
  /** Its bytes from one on, in pieces of any size. */
  readonly read: (offset: number) => AsyncIterable<Uint8Array>
  /** Awaited again and again by what gives no rows for long. */
  readonly keep?: () => Promise<void>
}
