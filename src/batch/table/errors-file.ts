/**
 * Writes the errors file that a filer downloads: the rejected rows in their original columns, with the
 * row number, the problem and the fix. When it is sent back, the title over the row numbers names the
 * batch, and its rows are merged with what that batch filed.
 */

import { writeCsv } from '../../formats/csv-writer.ts'
import { writeXlsx } from '../../formats/xlsx-writer.ts'
import type { WrittenFileFinding } from '../findings/file-findings.ts'
import { addedFields, columnNames } from './columns.ts'
import type { Header } from './header.ts'

/** A rejected row. */
export type ErrorsFileRow = {
  readonly row: number
  /** In an amendment: the row number in the first file, as filed. */
  readonly position?: string | undefined
  /** As filed. */
  readonly cells: readonly string[]
  /** Faults of the row, found by reading or checking it. */
  readonly faults: readonly Fault[]
}

export type Fault = Pick<WrittenFileFinding, 'message' | 'fix'> & {
  /** Letter and title, if the message doesn't name them. */
  readonly column?: string | undefined
}

export type ErrorsFileOptions = {
  readonly format: 'csv' | 'xlsx'
  readonly batch: string
  readonly header: Header
  readonly rows: AsyncIterable<ErrorsFileRow> | Iterable<ErrorsFileRow>
}

const batchIn = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/

/** The batch whose errors file a table is, by its header; undefined if it names none. */
export function amendedBatchOf({ titles, columns: { position } }: Header): string | undefined {
  return position === undefined ? undefined : batchIn.exec(titles[position] ?? '')?.[0]
}

export function writeErrorsFile(options: ErrorsFileOptions): AsyncGenerator<Buffer> {
  const { format, header } = options
  const original = originalColumns(header)
  const table = errorRows(options, original)
  if (format === 'csv') return writeCsv(table)
  const widths = [...original.map(() => 16), 8, 60, 60, 60, 60]
  return writeXlsx([{ name: '需要修改的行', widths, headerRows: 1, rows: table }])
}

/** The title over the row numbers names the batch. */
export function positionTitle(batch: string): string {
  return `${columnNames.position[0]}（批次 ${batch}）`
}

/** Leaves out the columns that an earlier errors file added. */
export function originalColumns({ titles, columns }: Header): number[] {
  const added = new Set(addedFields.map((field) => columns[field]))
  return [...titles.keys()].filter((column) => !added.has(column))
}

async function* errorRows(
  { batch, header: { titles }, rows }: ErrorsFileOptions,
  original: readonly number[],
): AsyncGenerator<readonly string[]> {
  const added = addedFields.map((field) =>
    field === 'position' ? positionTitle(batch) : columnNames[field][0],
  )
  yield [...original.map((column) => titles[column] as string), ...added]
  for await (const { row, position, cells, faults } of rows) {
    yield [
      ...original.map((column) => cells[column] ?? ''),
      position ?? String(row),
      joinTexts(faults, (fault) => withColumn(fault, fault.message['zh-CN'], '：')),
      joinTexts(faults, ({ fix }) => fix['zh-CN']),
      joinTexts(faults, (fault) => withColumn(fault, fault.message.en, ': ')),
      joinTexts(faults, ({ fix }) => fix.en),
    ]
  }
}

function withColumn({ column }: Fault, message: string, colon: string): string {
  return column === undefined ? message : `${column}${colon}${message}`
}

/** Joins the texts and drops repeated ones. */
function joinTexts(faults: readonly Fault[], text: (fault: Fault) => string): string {
  return [...new Set(faults.map(text))].join(' ')
}
