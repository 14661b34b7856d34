/**
 * The first step with a file: its rows are read once, in its order, and written down by employer and
 * period. Every so many rows, what was read and where reading goes on are written in one transaction:
 * a process that dies costs at most that many rows read again.
 */
import type pg from 'pg'
import { periodPattern } from '../declaration/period.ts'
import { checkSocialCreditCode } from '../declaration/social-credit-code.ts'
import { gatheredRowsMax, pieceBytesMax } from '../limits.ts'
import { claimAmended, type MendedRows } from './claim-amended.ts'
import { endsReading, type FileFinding } from './file-findings.ts'
import type { Header } from './header.ts'
import { kindOfFile } from './kind.ts'
import { insertPieces, type Piece, type PieceKeys, type PieceRow } from './pieces.ts'
import type { FiledRow, RowHeader } from './row-line.ts'
import type { FileSource } from './rows.ts'
import { openPiece, sealPiece } from './seal.ts'
import { readTable, type TableOptions, type TablePosition } from './table.ts'
import { type BatchWork, moveOn, type StepDependencies, writeStep } from './work.ts'

export type ReadDependencies = StepDependencies & {
  readonly keys: PieceKeys
  /** The bytes of a batch's file. */
  readonly sourceOf: (batch: string) => FileSource
}

/** Where reading goes on, and what was found about the file so far. */
type Progress = { readonly position?: TablePosition; readonly findings: readonly FileFinding[] }

const periodFormat = new RegExp(periodPattern)

/** Findings of a file that are kept: the rest is as many again of the same. */
const findingsMax = 200

/** Reads a file to its end, from where it was left. */
export async function readFile(
  dependencies: ReadDependencies,
  work: BatchWork,
): Promise<BatchWork> {
  const { keys, sourceOf } = dependencies
  const { batch } = work
  const before = openProgress(keys, work)
  const findings = [...before.findings]
  const gathered = new Gathered(work.pieces)
  let position = before.position
  let mended: MendedRows | undefined
  const flush = () => {
    const { rows, pieces } = gathered.take()
    return writeStep(dependencies, work, { rows_read: rows }, async (client) => {
      await insertPieces(client, keys, batch, pieces)
      await saveProgress(client, keys, batch, { ...(position && { position }), findings })
      await client.query('update batch.work set pieces = $2, rows_mended = $3 where batch = $1', [
        ...[batch, gathered.pieces, mended?.bytes],
      ])
    })
  }
  const options = await tableOptionsOf(work, sourceOf(batch))
  let ended = findings.some(endsReading)
  const report = (finding: FileFinding) => {
    ended ||= endsReading(finding)
    if (findings.length < findingsMax || endsReading(finding)) findings.push(finding)
  }
  let claimed = false
  const claim = async (header: Header | undefined) => {
    claimed = true
    const { mended: rows, finding } = await claimAmended(dependencies, work, header)
    if (finding && !findings.some(({ code }) => code === finding.code)) report(finding)
    return rows
  }
  for await (const read of readTable(sourceOf(batch), { ...options, from: position })) {
    if (!claimed && read.header !== undefined) mended = await claim(read.header)
    if (ended) break
    for (const row of read.rows) gathered.add(mended?.take(row) ?? row)
    position = read.next
    for (const finding of read.findings) report(finding)
    if (gathered.rows >= gatheredRowsMax) await flush()
  }
  if (!claimed && !ended) mended = await claim(undefined)
  await flush()
  return moveOn(dependencies, work, ended ? 'give up' : 'read')
}

/** How to read a batch's file, every time it is read. */
export async function tableOptionsOf(
  { employer, period, region, format }: BatchWork,
  source: FileSource,
): Promise<Pick<TableOptions, 'format' | 'defaults'>> {
  const kind = format ?? (await seenFormat(source))
  return {
    format: kind === 'xlsx' ? 'xlsx' : 'csv',
    defaults: { employer, region, period },
  }
}

/** What is neither is read as text, and told to be no table. */
async function seenFormat(source: FileSource): Promise<string> {
  for await (const bytes of source(0)) {
    const kind = kindOfFile(bytes)
    return typeof kind === 'string' ? kind : 'csv'
  }
  return 'csv'
}

function openProgress(
  keys: Pick<PieceKeys, 'all'>,
  { batch, position }: Pick<BatchWork, 'batch' | 'position'>,
): Progress {
  if (position === undefined) return { findings: [] }
  const bytes = openPiece(keys.all, `position ${batch}`, position, pieceBytesMax)
  return JSON.parse(bytes.toString()) as Progress
}

async function saveProgress(
  client: pg.PoolClient,
  keys: PieceKeys,
  batch: string,
  progress: Progress,
): Promise<void> {
  const rows = progress.position?.rows
  const bytesRead = rows?.format === 'csv' ? rows.offsetBytes : 0
  await client.query('update batch.work set position = $2, bytes_read = $3 where batch = $1', [
    ...[batch, sealed(keys, `position ${batch}`, progress), bytesRead],
  ])
  await saveFindings(client, keys, batch, progress.findings)
}

export async function saveFindings(
  client: pg.PoolClient,
  keys: PieceKeys,
  batch: string,
  findings: readonly FileFinding[],
): Promise<void> {
  await client.query('update batch.work set findings = $2 where batch = $1', [
    ...[batch, sealed(keys, `findings ${batch}`, findings)],
  ])
}

function sealed(keys: PieceKeys, place: string, of: unknown): Buffer {
  return sealPiece(keys.sealing, place, Buffer.from(JSON.stringify(of)))
}

/** The header of a file, once it was found. */
export function openHeader(
  keys: Pick<PieceKeys, 'all'>,
  batch: string,
  position: Buffer | undefined,
): Header | undefined {
  return openProgress(keys, { batch, position }).position?.header
}

/** What is wrong with a file as a whole, as it was written down. */
export function openFindings(
  keys: Pick<PieceKeys, 'all'>,
  batch: string,
  sealed: Buffer | null,
): readonly FileFinding[] {
  if (sealed === null) return []
  const bytes = openPiece(keys.all, `findings ${batch}`, sealed, pieceBytesMax)
  return JSON.parse(bytes.toString()) as FileFinding[]
}

type Gathering = {
  readonly employer: string
  readonly period: string
  readonly header: RowHeader
  readonly rows: PieceRow[]
}

/** Rows by employer, period and what else a header has, until they are written down. */
class Gathered {
  rows = 0
  pieces: number
  readonly #units = new Map<string, Gathering>()
  #last: { readonly header: RowHeader; readonly unit: Gathering } | undefined

  constructor(pieces: number) {
    this.pieces = pieces
  }

  add({ row, header, line, findings }: FiledRow): void {
    const unit = this.#last?.header === header ? this.#last.unit : this.#unitOf(header)
    this.#last = { header, unit }
    unit.rows.push(line === undefined ? [row, null, findings] : [row, line])
    this.rows += 1
  }

  #unitOf(header: RowHeader): Gathering {
    const key = JSON.stringify(header)
    const { employer = '', period = '' } = header
    const unit = this.#units.get(key) ?? {
      // In clear, so nothing but a code: who mixes columns up may have a person's number here.
      employer: checkSocialCreditCode(employer) === undefined ? employer : '',
      period: periodFormat.test(period) ? period : '',
      header,
      rows: [],
    }
    this.#units.set(key, unit)
    return unit
  }

  take(): { rows: number; pieces: Piece[] } {
    const rows = this.rows
    const pieces = [...this.#units.values()].map((unit) => {
      this.pieces += 1
      return { ...unit, entry: 0, number: this.pieces }
    })
    this.rows = 0
    this.#units.clear()
    this.#last = undefined
    return { rows, pieces }
  }
}
