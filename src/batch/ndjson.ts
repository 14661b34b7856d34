/**
 * Declarations as systems send them in bulk: one JSON object on each line (NDJSON), read a line at a
 * time. What is in an object is for the check; here it only must be one.
 */
import { isUtf8 } from 'node:buffer'
import { fileRowsMax, ndjsonLineBytesMax } from '../limits.ts'
import { Blocks } from './blocks.ts'
import { hasByteOrderMark, isWide } from './encoding.ts'
import { type FileFinding, fileFinding } from './file-findings.ts'
import type { FileSource, NdjsonPosition } from './rows.ts'

export type FiledDeclaration = {
  /** Of the line, from 1; blank lines count. */
  readonly row: number
  /** For `checkDeclaration`. */
  readonly body: object
}

export type NdjsonBatch = {
  readonly declarations: readonly FiledDeclaration[]
  readonly findings: readonly FileFinding[]
  /** After these lines. */
  readonly next: NdjsonPosition
}

/** A batch of large declarations is no larger than one block of small ones, or one of them. */
export async function* readNdjson(
  source: FileSource,
  from?: NdjsonPosition,
): AsyncGenerator<NdjsonBatch> {
  const blocks = new Blocks(source(from?.offsetBytes ?? 0))
  let next: NdjsonPosition = from ?? { format: 'ndjson', offsetBytes: 0, rowsRead: 0 }
  try {
    for (;;) {
      const bytes = await blocks.next()
      const isFirst = next.offsetBytes === 0
      const read =
        isFirst && isWide(bytes)
          ? wide
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
        rowsRead: next.rowsRead + read.rows,
      }
      if (read.declarations.length > 0 || read.findings.length > 0 || blocks.ended) {
        yield { declarations: read.declarations, findings: read.findings, next }
      }
      if (read.stops || blocks.ended) return
    }
  } finally {
    await blocks.stop()
  }
}

type ReadLines = {
  readonly declarations: FiledDeclaration[]
  readonly findings: FileFinding[]
  readonly usedBytes: number
  readonly rows: number
  readonly stops: boolean
}

const wide: ReadLines = {
  declarations: [],
  findings: [fileFinding('ENCODING_WIDE')],
  usedBytes: 0,
  rows: 0,
  stops: true,
}

/** All whole lines from a byte of the block on. */
function readLines(start: number, bytes: Buffer, final: boolean, rowsRead: number): ReadLines {
  const declarations: FiledDeclaration[] = []
  const findings: FileFinding[] = []
  let [at, rows] = [start, 0]
  while (at < bytes.length) {
    const feed = bytes.indexOf(10, at)
    const end = feed >= 0 ? feed : bytes.length
    const row = rowsRead + rows + 1
    const fault = limitFault(end - at, row)
    if (fault !== undefined) {
      findings.push(fault)
      return { declarations, findings, usedBytes: at, rows, stops: true }
    }
    if (feed < 0 && !final) break
    readLine(bytes.subarray(at, end), row, declarations, findings)
    rows += 1
    at = Math.min(end + 1, bytes.length)
  }
  return { declarations, findings, usedBytes: at, rows, stops: false }
}

function limitFault(lineBytes: number, row: number): FileFinding | undefined {
  if (lineBytes > ndjsonLineBytesMax) {
    return fileFinding('RECORD_TOO_LONG', { row }, { max: ndjsonLineBytesMax / 1024 })
  }
  return row > fileRowsMax ? fileFinding('ROWS_TOO_MANY', { row }, { max: fileRowsMax }) : undefined
}

function readLine(
  line: Buffer,
  row: number,
  declarations: FiledDeclaration[],
  findings: FileFinding[],
): void {
  const text = isUtf8(line) ? line.toString('utf8') : undefined
  if (text?.trim() === '') return
  const body = text === undefined ? undefined : parsed(text)
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    declarations.push({ row, body })
  } else findings.push(fileFinding('RECORD_NOT_JSON', { row }))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
