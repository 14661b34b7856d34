/**
 * The file of errors that a filer gets back: the rows that were not taken, in the columns they came in,
 * with the row they had, what is wrong and how to mend it. Mended and sent back, it is known by the title
 * over the row numbers, which names the batch: its rows are merged with what was filed of that.
 */

import { writeCsv } from '../../formats/csv-writer.ts'
import { writeXlsx } from '../../formats/xlsx-writer.ts'
import type { WrittenFileFinding } from '../findings/file-findings.ts'
import { addedFields, columnNames } from './columns.ts'
import type { Header } from './header.ts'

/** A row that was refused. */
export type ErrorsFileRow = {
  readonly row: number
  /** In a mended file: the row in the first one, as filed. */
  readonly position?: string | undefined
  /** As filed. */
  readonly cells: readonly string[]
  /** Of the file, or of the check of its line. */
  readonly faults: readonly Fault[]
}

export type Fault = Pick<WrittenFileFinding, 'message' | 'fix'> & {
  /** Letter and title, where it isn't in the message. */
  readonly column?: string | undefined
}

export type ErrorsFileOptions = {
  readonly format: 'csv' | 'xlsx'
  readonly batch: string
  readonly header: Header
  readonly rows: AsyncIterable<ErrorsFileRow> | Iterable<ErrorsFileRow>
}

const batchIn = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/

/** The batch whose errors file a table is, by its header; undefined where that doesn't say. */
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

/** Without those that an errors file had added before: it may be the second one. */
function originalColumns({ titles, columns }: Header): number[] {
  const added = new Set(addedFields.map((field) => columns[field]))
  return [...titles.keys()].filter((column) => !added.has(column))
}

async function* errorRows(
  { batch, header: { titles }, rows }: ErrorsFileOptions,
  original: readonly number[],
): AsyncGenerator<readonly string[]> {
  const added = addedFields.map((field) => {
    const [name] = columnNames[field]
    return field === 'position' ? `${name}（批次 ${batch}）` : name
  })
  yield [...original.map((column) => titles[column] as string), ...added]
  for await (const { row, position, cells, faults } of rows) {
    yield [
      ...original.map((column) => cells[column] ?? ''),
      position ?? String(row),
      told(faults, (fault) => withColumn(fault, fault.message['zh-CN'], '：')),
      told(faults, ({ fix }) => fix['zh-CN']),
      told(faults, (fault) => withColumn(fault, fault.message.en, ': ')),
      told(faults, ({ fix }) => fix.en),
    ]
  }
}

function withColumn({ column }: Fault, message: string, colon: string): string {
  return column === undefined ? message : `${column}${colon}${message}`
}

/** One behind the other, the same once. */
function told(faults: readonly Fault[], text: (fault: Fault) => string): string {
  return [...new Set(faults.map(text))].join(' ')
}
