/**
 * Reads a table row by row, in whatever format: finds its header, skips rows that are not lines, and
 * turns the others into lines. Each batch has the position after it, from which another process can
 * continue as if it had read everything.
 */

import { readCsvRows } from '../../formats/csv-rows.ts'
import type { CsvPosition, FileSource, Row, RowBatch, XlsxPosition } from '../../formats/rows.ts'
import { headerSearchRowsMax } from '../../limits.ts'
import { endsReading, type FileFinding, fileFinding } from '../findings/file-findings.ts'
import { countKnownTitles, isHeader, joinHeader } from './columns.ts'
import { cutTitles, type FileDefaults, type Header, headerNotFound, readHeader } from './header.ts'
import { type FiledRow, RowReader } from './row-line.ts'
import { classifyRow } from './summary-rows.ts'
import { readXlsxRows } from './xlsx-rows.ts'

/** Plain data. */
export type TablePosition = {
  readonly rows: CsvPosition | XlsxPosition
  readonly header: Header | undefined
  /** Number of lines before it, and the rows of the first and the last of them. */
  readonly lines: number
  readonly firstRow: number
  readonly lastRow: number
  /** Rows with only amounts: totals, if no line follows. */
  readonly held: readonly Row[]
  /** Until a header is found: the previous row, which may be the upper row of a two-row header. */
  readonly above?: Row | undefined
}

export type TableBatch = {
  readonly header: Header | undefined
  readonly rows: readonly FiledRow[]
  /** Findings of the file and of skipped rows. A finding that ends the reading is in the last batch. */
  readonly findings: readonly FileFinding[]
  /** The position after these rows. */
  readonly next: TablePosition
}

export type TableOptions = {
  readonly format: 'csv' | 'xlsx'
  readonly defaults: FileDefaults
  readonly from?: TablePosition | undefined
}

/** If more rows of amounts follow each other, they are lines with faults. */
const heldRowsMax = 20

export async function* readTable(
  source: FileSource,
  { format, defaults, from }: TableOptions,
): AsyncGenerator<TableBatch> {
  const table = new Table({ defaults, isText: format === 'csv', from })
  const batches: AsyncGenerator<RowBatch<CsvPosition | XlsxPosition, FileFinding>> =
    format === 'csv'
      ? readCsvRows(source, countKnownTitles, from?.rows as CsvPosition | undefined)
      : readXlsxRows(source, from?.rows as XlsxPosition | undefined)
  let last: RowBatch<CsvPosition | XlsxPosition, FileFinding> | undefined
  for await (const batch of batches) {
    if (last !== undefined) yield table.take(last)
    if (table.ended) return
    last = batch
  }
  if (last !== undefined) yield table.takeLast(last)
}

class Table {
  readonly #defaults: FileDefaults
  readonly #isText: boolean
  #header: Header | undefined
  #reader: RowReader | undefined
  #lines = 0
  #firstRow = 0
  #lastRow = 0
  #held: Row[] = []
  #above: Row | undefined
  #sheet: string | undefined
  #rows: FiledRow[] = []
  #findings: FileFinding[] = []
  #sawRow = false
  ended = false

  constructor(options: {
    defaults: FileDefaults
    isText: boolean
    from: TablePosition | undefined
  }) {
    this.#defaults = options.defaults
    this.#isText = options.isText
    const { from } = options
    if (from === undefined) return
    this.#lines = from.lines
    this.#firstRow = from.firstRow
    this.#lastRow = from.lastRow
    this.#held = [...from.held]
    this.#above = from.above
    if (from.header !== undefined) this.#setHeader(from.header)
  }

  take({ rows, findings, next }: RowBatch<CsvPosition | XlsxPosition, FileFinding>): TableBatch {
    this.#rows = []
    this.#findings = []
    this.#sheet = next.format === 'xlsx' ? next.sheet : undefined
    for (const row of rows) {
      if (this.#reader === undefined) this.#lookForHeader(row)
      else this.#takeRow(row, this.#header as Header)
      if (this.ended) break
    }
    if (!this.ended) for (const finding of findings) this.#report(this.#ifRelevant(finding))
    return this.#batch(next)
  }

  takeLast(batch: RowBatch<CsvPosition | XlsxPosition, FileFinding>): TableBatch {
    const { next } = this.take(batch)
    if (!this.ended && this.#reader === undefined && this.#aboveIsHeader())
      this.#takeHeader(this.#above as Row)
    if (!this.ended) {
      for (const { row } of this.#held) this.#report(fileFinding('TOTALS_SKIPPED', { row }))
      this.#held = []
      if (this.#reader === undefined) this.#report(this.#withoutHeader())
      else if (this.#lines === 0) this.#report(fileFinding('FILE_EMPTY'))
    }
    return this.#batch(next.rows)
  }

  #withoutHeader(): FileFinding {
    return this.#sawRow ? headerNotFound(this.#defaults) : fileFinding('FILE_EMPTY')
  }

  #batch(rows: CsvPosition | XlsxPosition): TableBatch {
    return {
      header: this.#header,
      rows: this.#rows,
      findings: this.#findings,
      next: {
        rows,
        header: this.#header,
        lines: this.#lines,
        firstRow: this.#firstRow,
        lastRow: this.#lastRow,
        held: this.#held,
        ...(this.#above !== undefined && { above: this.#above }),
      },
    }
  }

  #report(finding: FileFinding | undefined): void {
    if (finding === undefined) return
    this.#findings.push(this.#onSheet(finding))
    if (endsReading(finding)) this.ended = true
  }

  /** Adds the sheet's name in a workbook. */
  #onSheet(finding: FileFinding): FileFinding {
    const { place } = finding
    if (this.#sheet === undefined || place.sheet !== undefined || place.row === undefined)
      return finding
    return { ...finding, place: { ...place, sheet: this.#sheet } }
  }

  /** Merged cells matter among lines only: titles and signatures often have them. */
  #ifRelevant(finding: FileFinding): FileFinding | undefined {
    if (finding.code !== 'CELLS_MERGED') return finding
    const first = finding.place.row ?? 0
    const last = Number(finding.params?.lastRow ?? first)
    return first <= this.#lastRow && last >= this.#firstRow ? finding : undefined
  }

  /** Takes a header together with the next row, which may be its second row. */
  #lookForHeader(row: Row): void {
    this.#sawRow = true
    const above = this.#above
    const joined = above && joinHeader(above, row)
    if (above !== undefined && this.#aboveIsHeader()) {
      this.#takeHeader(joined ?? above)
      if (joined === undefined && !this.ended) this.#takeRow(row, this.#header as Header)
    } else if (joined !== undefined && isHeader(joined.cells)) this.#takeHeader(joined)
    else if (row.row > headerSearchRowsMax) this.#report(headerNotFound(this.#defaults))
    else this.#above = cutTitles(row)
  }

  #aboveIsHeader(): boolean {
    return this.#above !== undefined && isHeader(this.#above.cells)
  }

  #takeHeader(row: Row): void {
    this.#above = undefined
    const { header, findings } = readHeader(row, this.#defaults)
    this.#setHeader(header)
    for (const finding of findings) this.#report(finding)
  }

  #setHeader(header: Header): void {
    this.#header = header
    this.#reader = new RowReader(header, {
      ...{ defaults: this.#defaults, isText: this.#isText },
      report: (finding) => this.#report(finding),
    })
  }

  #takeRow(row: Row, header: Header): void {
    const place = { row: row.row }
    const kind = classifyRow(row, header)
    if (kind === 'totals') this.#report(fileFinding('TOTALS_SKIPPED', place))
    else if (kind === 'note') this.#report(fileFinding('NOTE_SKIPPED', place))
    else if (kind === 'sameHeader') this.#report(fileFinding('HEADER_REPEATED', place))
    else if (kind === 'otherHeader') this.#report(fileFinding('HEADER_CHANGES', place))
    else if (kind === 'sums' && this.#held.length < heldRowsMax) this.#held.push(row)
    else {
      for (const one of this.#held) this.#takeLine(one)
      this.#held = []
      this.#takeLine(row)
    }
  }

  #takeLine(row: Row): void {
    this.#rows.push((this.#reader as RowReader).read(row))
    this.#lines += 1
    if (this.#firstRow === 0) this.#firstRow = row.row
    this.#lastRow = row.row
  }
}
