/**
 * Reads a CSV or TSV file of any size in constant memory, from its beginning or from the position of an
 * earlier batch. The first block decides encoding and separator.
 */
import { isUtf8 } from 'node:buffer'
import {
  cellCharactersMax,
  csvRecordBytesMax,
  fileColumnsMax,
  fileRowsMax,
  headerSearchRowsMax,
} from '../limits.ts'
import { Blocks } from './blocks.ts'
import { type CsvBlock, type Decode, readRecord } from './csv-record.ts'
import {
  encodingOf,
  hasByteOrderMark,
  isChineseUtf8,
  isUtf16Or32,
  withoutDosEndMarks,
} from './encoding.ts'
import { type FormatFinding, formatFinding } from './findings.ts'
import type {
  CellFault,
  CsvPosition,
  Encoding,
  FileSource,
  Row,
  RowBatch,
  Separator,
} from './rows.ts'

const separators: readonly Separator[] = [',', '\t', ';']

type State = {
  offsetBytes: number
  rowsRead: number
  separator: Separator
  encoding: Encoding | undefined
}

/**
 * @param knownTitles how many columns a row names, if it were the header; the separator with the most
 *   wins
 */
export async function* readCsvRows(
  source: FileSource,
  knownTitles: (cells: readonly string[]) => number,
  from?: CsvPosition,
): AsyncGenerator<RowBatch<CsvPosition>> {
  const blocks = new Blocks(source.read(from?.offsetBytes ?? 0))
  try {
    const state: State =
      from === undefined
        ? { offsetBytes: 0, rowsRead: 0, separator: ',', encoding: undefined }
        : { ...from }
    let first = from === undefined
    for (;;) {
      let bytes = await blocks.next()
      if (first) {
        if (isUtf16Or32(bytes)) {
          yield batchOf(state, [], [formatFinding('ENCODING_WIDE')])
          return
        }
        if (hasByteOrderMark(bytes)) {
          Object.assign(state, { encoding: 'utf-8', offsetBytes: 3 })
          blocks.use(3)
          bytes = bytes.subarray(3)
        }
        state.separator = separatorOf(bytes, state, knownTitles)
        first = false
      }
      const { rows, usedBytes, findings, stops } = readBlock(bytes, state, blocks.ended)
      blocks.use(usedBytes)
      if (rows.length > 0 || findings.length > 0 || blocks.ended) {
        yield batchOf(state, rows, findings)
      }
      if (stops || blocks.ended) return
    }
  } finally {
    await blocks.stop()
  }
}

function batchOf(state: State, rows: Row[], findings: FormatFinding[]): RowBatch<CsvPosition> {
  return { rows, findings, next: { format: 'csv', ...pick(state) } }
}

function pick({ offsetBytes, rowsRead, separator, encoding }: State): State {
  return { offsetBytes, rowsRead, separator, encoding }
}

/** The separator with the most known titles; a comma if none is known. */
function separatorOf(
  bytes: Buffer,
  { encoding }: State,
  knownTitles: (cells: readonly string[]) => number,
): Separator {
  const known = encoding ?? encodingOf(fullLines(bytes))
  let best: { separator: Separator; titles: number } = { separator: ',', titles: 0 }
  for (const separator of separators) {
    const block = blockOf(bytes, { separator, encoding: known, final: true })
    let at = 0
    for (let row = 0; row < headerSearchRowsMax && at < bytes.length; row += 1) {
      const record = tryRecord(block, at)
      if (typeof record === 'string') break
      const titles = knownTitles(record.cells)
      if (titles > best.titles) best = { separator, titles }
      at = record.end
    }
  }
  return best.separator
}

function tryRecord(block: CsvBlock, at: number): ReturnType<typeof readRecord> {
  try {
    return readRecord(block, at)
  } catch {
    return 'cut' // undecodable; the actual reading reports where
  }
}

function fullLines(bytes: Buffer): Buffer {
  const end = Math.max(bytes.lastIndexOf(10), bytes.lastIndexOf(13)) + 1
  return end === 0 ? bytes : bytes.subarray(0, end)
}

type BlockOptions = {
  readonly separator: Separator
  readonly encoding: Encoding | undefined
  readonly final: boolean
}

function blockOf(bytes: Buffer, { separator, encoding, final }: BlockOptions): CsvBlock {
  const text = bytes.toString('latin1')
  const decode: Decode =
    encoding === 'gb18030'
      ? (start, end) => decodeChinese(text, bytes, start, end)
      : (start, end) => bytes.toString('utf8', start, end)
  return { text, separator: separator.charCodeAt(0), decode, final }
}

const gb18030 = new TextDecoder('gb18030', { fatal: true, ignoreBOM: true })

/** Recently decoded cells by their bytes: categories and the like repeat on every row. */
const decoded = new Map<string, string>()
const decodedMax = 2_000

/** @throws TypeError for bytes that are not GB18030 */
function decodeChinese(text: string, bytes: Buffer, start: number, end: number): string {
  const key = text.slice(start, end)
  const known = decoded.get(key)
  if (known !== undefined) return known
  const cell = gb18030.decode(bytes.subarray(start, end))
  if (decoded.size === decodedMax) decoded.clear()
  decoded.set(key, cell)
  return cell
}

type ReadBlock = {
  readonly rows: Row[]
  readonly usedBytes: number
  readonly findings: FormatFinding[]
  readonly stops: boolean
}

/** Reads all full records of a block and advances the state. */
function readBlock(filed: Buffer, state: State, final: boolean): ReadBlock {
  const bytes = final ? withoutDosEndMarks(filed) : filed
  const lines = final ? bytes : fullLines(bytes)
  const findings: FormatFinding[] = []
  if (state.encoding === undefined) {
    state.encoding = encodingOf(lines)
    if (state.encoding === 'gb18030' && isUtf8(lines)) findings.push(guessed)
  }
  const block = blockOf(bytes, { ...state, final })
  const rows: Row[] = []
  const zero = bytes.indexOf(0)
  // Checking the block as a whole costs nothing; only if it fails are rows checked one by one.
  const suspect = state.encoding === 'gb18030' || !isUtf8(lines)
  let at = 0
  let fault: FormatFinding | undefined
  while (at < bytes.length && fault === undefined) {
    const row = state.rowsRead + 1
    const record = tryDecoding(block, at)
    if (zero >= at && (typeof record === 'string' || zero < record.end)) {
      fault = formatFinding('NULL_CHARACTERS', { row })
    } else if (typeof record === 'string') {
      fault = faultOfIncomplete(record, {
        row,
        bytes: bytes.length - at,
        final,
        encoding: state.encoding,
      })
      if (fault === undefined) break
    } else {
      fault =
        (suspect ? encodingFault(bytes.subarray(at, record.end), row, state) : undefined) ??
        limitFault(record, at, row)
      if (fault === undefined) {
        takeRow(row, record.cells, rows)
        at = record.end
        state.rowsRead = row
      }
    }
  }
  if (fault !== undefined) findings.push(fault)
  else if (final) at = filed.length
  state.offsetBytes += at
  return { rows, usedBytes: at, findings, stops: fault !== undefined }
}

const guessed = formatFinding('ENCODING_GUESSED')

function tryDecoding(block: CsvBlock, at: number): ReturnType<typeof readRecord> | 'undecodable' {
  try {
    return readRecord(block, at)
  } catch (error) {
    if (error instanceof TypeError) return 'undecodable'
    throw error
  }
}

type IncompleteRecord = {
  readonly row: number
  readonly bytes: number
  readonly final: boolean
  readonly encoding: Encoding | undefined
}

/** Why a record can't be read to its end; undefined if its rest is still to come. */
function faultOfIncomplete(
  part: 'unclosed' | 'cut' | 'undecodable',
  { row, bytes, final, encoding }: IncompleteRecord,
): FormatFinding | undefined {
  if (part === 'undecodable') return encodingFinding(row, encoding)
  if (bytes > csvRecordBytesMax) return formatFinding('RECORD_TOO_LONG', { row }, recordLimit)
  return part === 'unclosed' && final ? formatFinding('QUOTE_UNCLOSED', { row }) : undefined
}

const recordLimit = { max: csvRecordBytesMax / 1024 }

function encodingFinding(row: number, encoding: Encoding | undefined): FormatFinding {
  return row === 1
    ? formatFinding('ENCODING_UNKNOWN', { row })
    : formatFinding('ENCODING_CHANGES', { row }, { encoding: (encoding ?? 'utf-8').toUpperCase() })
}

/** A record in another encoding than those before it. */
function encodingFault(
  record: Buffer,
  row: number,
  { encoding }: State,
): FormatFinding | undefined {
  const other = encoding === 'gb18030' ? isChineseUtf8(record) : !isUtf8(record)
  return other ? encodingFinding(row, encoding) : undefined
}

function limitFault(
  { cells, end }: { cells: string[]; end: number },
  start: number,
  row: number,
): FormatFinding | undefined {
  if (end - start > csvRecordBytesMax) return formatFinding('RECORD_TOO_LONG', { row }, recordLimit)
  if (cells.length > fileColumnsMax) {
    return formatFinding('COLUMNS_TOO_MANY', { row }, { max: fileColumnsMax })
  }
  return row > fileRowsMax
    ? formatFinding('ROWS_TOO_MANY', { row }, { max: fileRowsMax })
    : undefined
}

/** Adds a row. Blank rows count, but are not passed on. A cell that is too long is cut. */
function takeRow(row: number, cells: string[], rows: Row[]): void {
  let blank = true
  let faults: CellFault[] | undefined
  for (let column = 0; column < cells.length; column += 1) {
    const { length } = cells[column] as string
    if (length > 0) blank = false
    if (length > cellCharactersMax) {
      cells[column] = (cells[column] as string).slice(0, cellCharactersMax)
      faults ??= []
      faults.push({ column, code: 'CELL_TOO_LONG', params: { max: cellCharactersMax } })
    }
  }
  if (!blank) rows.push(faults === undefined ? { row, cells } : { row, cells, faults })
}
