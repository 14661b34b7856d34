/**
 * What every table reader yields: rows in the file's order, in batches, each with the position after
 * it. A position is plain data: stored, it lets another process continue from there.
 */
import type { FindingParams } from '../declaration/findings.ts'
import type { FormatFinding, FormatFindingCode } from './findings.ts'

/** The type of a spreadsheet cell that isn't text. */
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
  /** As text; a date is `YYYY-MM-DD`. Empty cells at the end may be missing. */
  readonly cells: readonly string[]
  /** In a workbook: the types of cells that aren't text, by column. */
  readonly kinds?: readonly (CellKind | undefined)[] | undefined
  readonly faults?: readonly CellFault[] | undefined
}

export type Separator = ',' | ';' | '\t'
export type Encoding = 'utf-8' | 'gb18030'

export type CsvPosition = {
  readonly format: 'csv'
  /** Where reading continues. */
  readonly offsetBytes: number
  /** Rows before it. */
  readonly rowsRead: number
  readonly separator: Separator
  /** Undefined while all was ASCII. */
  readonly encoding: Encoding | undefined
}

export type XlsxPosition = {
  readonly format: 'xlsx'
  /** The part of the archive with the chosen sheet. */
  readonly part: string | undefined
  /** The sheet's name, as a spreadsheet shows it. */
  readonly sheet: string | undefined
  readonly rowsRead: number
}

export type NdjsonPosition = {
  readonly format: 'ndjson'
  readonly offsetBytes: number
  readonly rowsRead: number
  /** Rows that are not blank. */
  readonly filled: number
}

export type Position = CsvPosition | XlsxPosition | NdjsonPosition

export type RowBatch<At extends Position = Position, Found = FormatFinding> = {
  readonly rows: readonly Row[]
  readonly findings: readonly Found[]
  /** The position after these rows. */
  readonly next: At
}

/** An uploaded file. */
export type FileSource = {
  /** Its size. */
  readonly bytes: number
  /** Its bytes from an offset on, in pieces of any size. */
  readonly read: (offset: number) => AsyncIterable<Uint8Array>
  /** Called often by readers while they yield no rows for long. */
  readonly heartbeat?: () => Promise<void>
}
