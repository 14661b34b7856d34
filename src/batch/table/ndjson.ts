/**
 * Reads NDJSON: one JSON object on each line, a line at a time, with the limits of a request's body.
 * The check judges the content of an object; here it only must be one.
 */
import { isUtf8 } from 'node:buffer'
import { safeParse } from 'secure-json-parse'
import { excessOf } from '../../declaration/json-limits.ts'
import { sayEncoding, whereNotUtf8 } from '../../declaration/utf8.ts'
import { Blocks } from '../../formats/blocks.ts'
import { hasByteOrderMark, isUtf16Or32, withoutDosEndMarks } from '../../formats/encoding.ts'
import type { FileSource, NdjsonPosition } from '../../formats/rows.ts'
import { fileRowsMax, jsonDepthMax, jsonItemsMax, ndjsonLineBytesMax } from '../../limits.ts'
import { type FileFinding, fileFinding } from '../findings/file-findings.ts'
import type { FileBatch, FileRow } from './file-batch.ts'
import type { RowHeader } from './row-line.ts'

const limits = { jsonDepthMax, jsonItemsMax }

/** A batch of large declarations is at most one block of small ones, or one of them. */
export async function* readNdjson(
  source: FileSource,
  from?: NdjsonPosition,
): AsyncGenerator<FileBatch<NdjsonPosition>> {
  const blocks = new Blocks(source.read(from?.offsetBytes ?? 0))
  let next: NdjsonPosition = from ?? { format: 'ndjson', offsetBytes: 0, rowsRead: 0, filled: 0 }
  try {
    for (;;) {
      const bytes = await blocks.next()
      const isFirst = next.offsetBytes === 0
      const read =
        isFirst && isUtf16Or32(bytes)
          ? utf16Or32
          : readLines(
              isFirst && hasByteOrderMark(bytes) ? 3 : 0,
              bytes,
              blocks.ended,
              next.rowsRead,
            )
      blocks.use(read.usedBytes)
      next = {
        format: 'ndjson',
        offsetBytes: next.offsetBytes + read.usedBytes,
        rowsRead: next.rowsRead + read.lines,
        filled: next.filled + read.rows.length,
      }
      const last = read.stops || blocks.ended
      const findings =
        last && next.filled === 0 && !read.stops ? [fileFinding('FILE_EMPTY')] : read.findings
      if (read.rows.length > 0 || last) yield { rows: read.rows, findings, next }
      if (last) return
    }
  } finally {
    await blocks.stop()
  }
}

type ReadLines = {
  readonly rows: readonly FileRow[]
  /** Findings of the file: nothing after them is read. */
  readonly findings: readonly FileFinding[]
  readonly usedBytes: number
  readonly lines: number
  readonly stops: boolean
}

const utf16Or32: ReadLines = {
  rows: [],
  findings: [fileFinding('ENCODING_WIDE')],
  usedBytes: 0,
  lines: 0,
  stops: true,
}

/** All full lines of the block from a byte on. */
function readLines(start: number, filed: Buffer, final: boolean, linesRead: number): ReadLines {
  const bytes = final ? withoutDosEndMarks(filed) : filed
  const zero = bytes.indexOf(0)
  const rows: FileRow[] = []
  let [at, lines] = [start, 0]
  while (at < bytes.length) {
    const feed = bytes.indexOf(10, at)
    const end = feed >= 0 ? feed : bytes.length
    const number = linesRead + lines + 1
    const isTorn = zero >= at && zero < end
    const fault = isTorn
      ? fileFinding('NULL_CHARACTERS', { row: number })
      : limitFault(end - at, number)
    if (fault !== undefined) return { rows, findings: [fault], usedBytes: at, lines, stops: true }
    if (feed < 0 && !final) break
    const row = readLine(bytes.subarray(at, end), number)
    if (row !== undefined) rows.push(row)
    lines += 1
    at = Math.min(end + 1, bytes.length)
  }
  return { rows, findings: [], usedBytes: final ? filed.length : at, lines, stops: false }
}

function limitFault(lineBytes: number, row: number): FileFinding | undefined {
  if (lineBytes > ndjsonLineBytesMax) {
    return fileFinding('LINE_TOO_LONG', { row }, { max: ndjsonLineBytesMax / 1024 / 1024 })
  }
  return row > fileRowsMax ? fileFinding('ROWS_TOO_MANY', { row }, { max: fileRowsMax }) : undefined
}

/** Undefined for a blank line; blank lines count. */
function readLine(line: Buffer, row: number): FileRow | undefined {
  const text = line.toString('utf8').trim()
  if (text === '') return undefined
  const body = isUtf8(line) ? bodyOf(text, row) : notUtf8(line, row)
  const common = { row, entry: row, position: undefined, cells: [text] }
  if ('code' in body) return { ...common, header: unknownHeader, line: undefined, findings: [body] }
  return { ...common, header: headerOf(body.declaration), line: body.declaration, findings: [] }
}

/** An errors file has the wrong bytes replaced, so the finding names their position. */
function notUtf8(line: Buffer, row: number): FileFinding {
  const { offset, column, encoding } = whereNotUtf8(line) ?? { offset: 0, column: 1 }
  return fileFinding(
    'RECORD_ENCODING',
    { row },
    { offset, at: column, looks: sayEncoding(encoding) },
  )
}

type Body = { readonly declaration: object }

/** A parser's message quotes the text, so the finding says only that it is not JSON. */
function bodyOf(text: string, row: number): Body | FileFinding {
  const excess = excessOf(text, limits)
  if (excess === 'depth') return fileFinding('RECORD_TOO_DEEP', { row }, { max: jsonDepthMax })
  if (excess === 'items')
    return fileFinding('RECORD_ITEMS_TOO_MANY', { row }, { max: jsonItemsMax })
  if (excess !== undefined)
    return fileFinding('RECORD_KEY_REPEATED', { row, pointer: excess.repeated })
  const value: unknown = safeParse(text)
  if (value === null && text !== 'null') return fileFinding('RECORD_KEY_FORBIDDEN', { row })
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return { declaration: value }
  return fileFinding('RECORD_NOT_JSON', { row })
}

const unknownHeader: RowHeader = { employer: undefined, region: undefined, period: undefined }

/** A value that is no text is left out here; the check reports it. */
function headerOf(body: object): RowHeader {
  const { employer, region, period } = body as Record<string, unknown>
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return { employer: text(employer), region: text(region), period: text(period) }
}
