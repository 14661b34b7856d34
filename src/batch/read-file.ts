/**
 * The first step with a file: its rows are read once, in its order, and written down by employer and
 * period; each declaration of NDJSON by itself. Every so many rows, what was read and where reading goes on are written in one transaction:
 * a process that dies costs at most that many rows read again.
 */
import type pg from 'pg'
import { periodPattern } from '../declaration/period.ts'
import { checkSocialCreditCode } from '../declaration/social-credit-code.ts'
import { gatheredCharactersMax, gatheredRowsMax, pieceBytesMax } from '../limits.ts'
import { endsReading, type FileFinding } from './file-findings.ts'
import { type FilePosition, type FileRow, isOfDeclarations, readRows } from './file-rows.ts'
import type { Header } from './header.ts'
import { insertPieces, type Piece, type PieceKeys, type PieceRow, type UnitKey } from './pieces.ts'
import type { RowHeader } from './row-line.ts'
import type { FileSource } from './rows.ts'
import { openPiece, sealPiece } from './seal.ts'
import { type BatchWork, moveOn, type StepDependencies, writeStep } from './work.ts'

export type ReadDependencies = StepDependencies & {
  readonly keys: PieceKeys
  /** The bytes of a batch's file. */
  readonly sourceOf: (batch: string) => FileSource
}

/** Where reading goes on, and what was found about the file so far. */
type Progress = { readonly position?: FilePosition; readonly findings: readonly FileFinding[] }

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
  const flush = () => {
    const { rows, pieces } = gathered.take()
    return writeStep(dependencies, work, { rows_read: rows }, async (client) => {
      await insertPieces(client, keys, batch, pieces)
      await saveProgress(client, keys, batch, { ...(position && { position }), findings })
      await client.query('update batch.work set pieces = $2 where batch = $1', [
        batch,
        gathered.pieces,
      ])
    })
  }
  let ended = findings.some(endsReading)
  const reading = ended ? [] : readRows(sourceOf(batch), work, position)
  for await (const read of reading) {
    for (const row of read.rows) gathered.add(row)
    position = read.next
    for (const finding of read.findings) {
      ended ||= endsReading(finding)
      if (findings.length < findingsMax || endsReading(finding)) findings.push(finding)
    }
    if (gathered.isFull) await flush()
  }
  await flush()
  return moveOn(dependencies, work, ended ? 'give up' : 'read')
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
  const sealed = (place: string, of: unknown) =>
    sealPiece(keys.sealing, `${place} ${batch}`, Buffer.from(JSON.stringify(of)))
  const bytesRead = progress.position === undefined ? 0 : offsetOf(progress.position)
  await client.query(
    'update batch.work set position = $2, findings = $3, bytes_read = $4 where batch = $1',
    [batch, sealed('position', progress), sealed('findings', progress.findings), bytesRead],
  )
}

/** Bytes before a position; 0 where the format doesn't tell. */
function offsetOf(position: FilePosition): number {
  const at = isOfDeclarations(position) ? position : position.rows
  return at.format === 'xlsx' ? 0 : at.offsetBytes
}

/** The columns of a file, once its header was found; or that its rows are declarations. */
export type Layout =
  | { readonly kind: 'table'; readonly header: Header }
  | { readonly kind: 'declarations' }

export function openLayout(
  keys: Pick<PieceKeys, 'all'>,
  batch: string,
  sealed: Buffer | undefined,
): Layout | undefined {
  const { position } = openProgress(keys, { batch, position: sealed })
  if (position === undefined) return undefined
  if (isOfDeclarations(position)) return { kind: 'declarations' }
  return position.header && { kind: 'table', header: position.header }
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

type Gathering = UnitKey & {
  readonly header: RowHeader
  readonly rows: PieceRow[]
}

/** Rows by employer, period and what else a header has, until they are written down. */
class Gathered {
  rows = 0
  pieces: number
  #characters = 0
  readonly #units = new Map<string, Gathering>()
  #last: { readonly header: RowHeader; readonly unit: Gathering } | undefined

  constructor(pieces: number) {
    this.pieces = pieces
  }

  get isFull(): boolean {
    return this.rows >= gatheredRowsMax || this.#characters >= gatheredCharactersMax
  }

  add({ row, header, entry = 0, cells, line, findings }: FileRow): void {
    const isAsBefore = entry === 0 && this.#last?.header === header
    const unit = isAsBefore && this.#last ? this.#last.unit : this.#unitOf(header, entry)
    this.#last = { header, unit }
    unit.rows.push(line === undefined ? [row, null, findings] : [row, line])
    this.rows += 1
    for (const cell of cells) this.#characters += cell.length
  }

  #unitOf(header: RowHeader, entry: number): Gathering {
    const key = `${entry} ${JSON.stringify(header)}`
    const { employer = '', period = '' } = header
    const unit = this.#units.get(key) ?? {
      // In clear, so nothing but a code: who mixes columns up may have a person's number here.
      employer: checkSocialCreditCode(employer) === undefined ? employer : '',
      period: periodFormat.test(period) ? period : '',
      entry,
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
      return { ...unit, number: this.pieces }
    })
    this.rows = 0
    this.#characters = 0
    this.#units.clear()
    this.#last = undefined
    return { rows, pieces }
  }
}
