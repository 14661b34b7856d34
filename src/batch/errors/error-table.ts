/**
 * The rows set aside of a table as JSON, for a page in which they are mended: the original columns and cells, and of
 * each row what is wrong by column, with a value that passes where one is known. Sent back as a table with `position`
 * as the title over `position` of each row, they amend the batch, like its errors file.
 */
import type { Text } from '../../declaration/catalogue/entry.ts'
import { columnLetters } from '../../formats/findings.ts'
import type { Queryable } from '../../journal/reading/read-pool.ts'
import { type FileFinding, severityOf, writeFileFinding } from '../findings/file-findings.ts'
import { RowSet } from '../staging/row-set.ts'
import { originalColumns, positionTitle } from '../table/errors-file.ts'
import type { Header } from '../table/header.ts'
import { columnOfPointer } from '../table/row-line.ts'
import { writeInSheetWords } from '../table/sheet-words.ts'
import type { ErrorRow } from './error-rows.ts'

/** Characters buffered before they are passed on. */
const pieceCharacters = 64 * 1024

export type ErrorTableOptions = {
  readonly batch: string
  readonly header: Header
  readonly rows: AsyncIterable<ErrorRow>
  /** Rows of the first file that are not mended yet; undefined where none is. */
  readonly open: RowSet | undefined
}

export async function* writeErrorTable(options: ErrorTableOptions): AsyncGenerator<Buffer> {
  const { batch, header, rows, open } = options
  const columns = originalColumns(header)
  const titles = columns.map((column) => header.titles[column] ?? '')
  const head = JSON.stringify({ batch, titles, position: positionTitle(batch) })
  let text = `${head.slice(0, -1)},"rows":[`
  let comma = ''
  for await (const row of rows) {
    text += comma + JSON.stringify(writtenRow(row, { header, columns, open }))
    comma = ','
    if (text.length < pieceCharacters) continue
    yield Buffer.from(text)
    text = ''
  }
  yield Buffer.from(`${text}]}`)
}

type Written = Pick<ErrorTableOptions, 'header' | 'open'> & { readonly columns: readonly number[] }

function writtenRow({ row, position = String(row), cells, findings }: ErrorRow, written: Written) {
  const { header, columns, open } = written
  return {
    row,
    position,
    open: open?.has(Number(position)) ?? true,
    cells: columns.map((column) => cells[column] ?? ''),
    findings: findings.map((finding) => {
      const column = columnOf(finding, header)
      const shown = column === undefined ? -1 : columns.indexOf(column)
      return { ...writtenFinding(finding), ...(shown >= 0 && { column: shown }) }
    }),
  }
}

function writtenFinding(finding: FileFinding) {
  const { message, fix, suggestion } = writeInSheetWords(finding)
  const { legalBasis } = writeFileFinding(finding)
  const texts: { readonly message: Text; readonly fix: Text } = { message, fix }
  return {
    code: finding.code,
    severity: severityOf(finding),
    ...texts,
    ...(legalBasis !== undefined && { legalBasis }),
    ...(suggestion !== undefined && { suggestion }),
  }
}

/** By its letters, or by the field that the pointer names. */
function columnOf({ place }: FileFinding, header: Header): number | undefined {
  const letters = /^[A-Z]{1,3}(?=$|（)/.exec(place.column ?? '')?.[0]
  if (letters === undefined) return columnOfPointer(header, place.pointer ?? '')
  const column = header.titles.findIndex((_, i) => columnLetters(i) === letters)
  return column < 0 ? undefined : column
}

/** Rows of the first file of its family that are not mended yet; undefined where none is. */
export async function findOpenRows(pool: Queryable, batch: string): Promise<RowSet | undefined> {
  const { rows } = await pool.query<{ rows_open: Buffer }>({
    name: 'find-open-rows',
    text: `
      select a.rows_open
      from batch.batch b
      join batch.amended a on a.first = coalesce(b.first, b.id)
      where b.id = $1`,
    values: [batch],
  })
  return rows[0] && new RowSet(rows[0].rows_open)
}
