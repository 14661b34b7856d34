/**
 * Reads the rows of a workbook: the one visible sheet that has a header and lines. Neither the file nor
 * the sheet is in memory: rows come as it inflates. Its distinct texts are, at most 70 MB; beside them,
 * 20 MB are live on the heap.
 */

import { fileContains, readRangeBytes } from '../../formats/file-part.ts'
import type { FileSource, Row, RowBatch, XlsxPosition } from '../../formats/rows.ts'
import { SheetReader } from '../../formats/sheet.ts'
import {
  findingOfError,
  openWorkbook,
  readPart,
  type Sheet,
  type Workbook,
} from '../../formats/workbook.ts'
import { Zip } from '../../formats/zip.ts'
import { headerSearchRowsMax } from '../../limits.ts'
import { type FileFinding, fileFinding } from '../findings/file-findings.ts'
import { isHeader } from './columns.ts'

type Batch = RowBatch<XlsxPosition, FileFinding>

export async function* readXlsxRows(
  source: FileSource,
  from?: XlsxPosition,
): AsyncGenerator<Batch> {
  let next: XlsxPosition = from ?? {
    format: 'xlsx',
    part: undefined,
    sheet: undefined,
    rowsRead: 0,
  }
  try {
    const refused = await refusalOf(source)
    if (refused !== undefined) {
      yield { rows: [], findings: [refused], next }
      return
    }
    const workbook = await openWorkbook(await Zip.open(source))
    const { chosen, findings } = await chooseSheet(workbook, from)
    next = { ...next, part: chosen?.part, sheet: chosen?.name }
    if (chosen === undefined || findings.length > 0) yield { rows: [], findings, next }
    if (chosen === undefined) return
    for await (const batch of readSheet(workbook, chosen, next.rowsRead)) {
      next = batch.next
      yield batch
    }
  } catch (error) {
    const finding = findingOfError(error)
    if (finding === undefined) throw error
    yield { rows: [], findings: [finding], next }
  }
}

const compoundFile = Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1])
/** The stream of a compound file that holds a workbook with a password. */
const encryptedPackage = Buffer.from('EncryptedPackage', 'utf16le')

async function refusalOf(file: FileSource): Promise<FileFinding | undefined> {
  const start = await readRangeBytes(file, 0, compoundFile.length)
  if (start.length === 0) return fileFinding('FILE_EMPTY')
  if (start.equals(compoundFile)) {
    const hasPassword = await fileContains(file, encryptedPackage)
    return fileFinding(hasPassword ? 'FILE_PASSWORD' : 'FILE_LEGACY_SPREADSHEET')
  }
  return start.toString('latin1', 0, 2) === 'PK' ? undefined : fileFinding('FILE_KIND_UNKNOWN')
}

type Named = Pick<Sheet, 'name' | 'part'>
type Choice = { readonly chosen: Named | undefined; readonly findings: readonly FileFinding[] }

/** The sheet with lines; if none has any, the first that could hold a table. */
async function chooseSheet({ sheets, ...rest }: Workbook, from?: XlsxPosition): Promise<Choice> {
  if (from?.part !== undefined) {
    return { chosen: { part: from.part, name: from.sheet ?? '' }, findings: [] }
  }
  const workbook = { sheets, ...rest }
  const findings: FileFinding[] = []
  const withHeader: Sheet[] = []
  const withLines: Sheet[] = []
  const others: Sheet[] = []
  for (const sheet of sheets) {
    const { header, lines } = await lookAt(workbook, sheet)
    if (sheet.hidden) {
      if (lines) findings.push(fileFinding('SHEET_HIDDEN', { sheet: sheet.name }))
    } else if (lines) withLines.push(sheet)
    else (header ? withHeader : others).push(sheet)
  }
  const [first, second] = withLines
  if (first !== undefined && second !== undefined) {
    const other = { other: second.name }
    return {
      chosen: undefined,
      findings: [fileFinding('SHEETS_SEVERAL', { sheet: first.name }, other)],
    }
  }
  const chosen = first ?? withHeader[0] ?? others[0]
  for (const sheet of [...withHeader, ...others]) {
    if (sheet !== chosen) findings.push(fileFinding('SHEET_IGNORED', { sheet: sheet.name }))
  }
  if (chosen === undefined) findings.push(fileFinding('FILE_EMPTY'))
  return { chosen, findings }
}

/** Whether a sheet has a header and a row below it. Without either, it reads the full sheet. */
async function lookAt(workbook: Workbook, { part }: Sheet) {
  let [header, seen] = [false, false]
  if (!workbook.zip.has(part)) return { header, lines: false }
  const reader = new SheetReader(workbook, 0)
  for await (const _ of readPart(workbook.zip, part, reader, () => seen)) {
    for (const { row, cells } of reader.takeRows()) {
      if (header) return { header, lines: true }
      header = !seen && isHeader(cells)
      seen ||= !header && row >= headerSearchRowsMax
    }
  }
  return { header, lines: false }
}

async function* readSheet(
  workbook: Workbook,
  { name: sheet, part }: Named,
  skipRows: number,
): AsyncGenerator<Batch> {
  const reader = new SheetReader(workbook, skipRows)
  let rowsRead = skipRows
  const batchOf = (rows: Row[], findings: readonly FileFinding[]): Batch => {
    rowsRead = rows.at(-1)?.row ?? rowsRead
    return { rows, findings, next: { format: 'xlsx', part, sheet, rowsRead } }
  }
  for await (const _ of readPart(workbook.zip, part, reader)) {
    if (reader.isFull) yield batchOf(reader.takeRows(), [])
  }
  yield batchOf(reader.takeRows(), reader.findings())
}
