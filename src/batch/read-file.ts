/**
 * The first step with a file: its rows are read once, in its order, and written down by employer and
 * period; each declaration of NDJSON by itself. A file that amends a batch claims that before its first
 * row. Every so many rows, what was read and where reading goes on are written in one transaction: a
 * process that dies costs at most that many rows read again.
 */
import type pg from 'pg'
import { pieceBytesMax } from '../limits.ts'
import { type Claimed, claimAmended } from './claim-amended.ts'
import { type FileFinding, fileFinding } from './file-findings.ts'
import { type FileBatch, type FilePosition, isOfDeclarations, readRows } from './file-rows.ts'
import { Found } from './found.ts'
import { Gathered } from './gathered.ts'
import { columnsRead, type Header } from './header.ts'
import { keeper } from './keep-work.ts'
import { insertPieces, type PieceKeys } from './pieces.ts'
import type { FileSource } from './rows.ts'
import { openPiece, sealPiece } from './seal.ts'
import { type BatchWork, moveOn, type StepDependencies, writeStep } from './work.ts'

export type ReadDependencies = StepDependencies & {
  readonly keys: PieceKeys
  readonly sourceOf: (work: BatchWork) => FileSource
  /** Told of a reader that throws at a file's content; the file is refused. */
  readonly onError?: (error: unknown, batch: string) => void
}

/** Where reading goes on, and what was found about the file so far. */
type Progress = { readonly position?: FilePosition; readonly findings: readonly FileFinding[] }

/** Reads a file to its end, from where it was left. */
export async function readFile(
  dependencies: ReadDependencies,
  work: BatchWork,
): Promise<BatchWork> {
  const { keys } = dependencies
  const { batch } = work
  const before = openProgress(keys, work)
  const found = new Found(before.findings)
  const gathered = new Gathered(work)
  let position = before.position
  let claimed: Claimed | undefined
  const flush = () => {
    const { rows, pieces } = gathered.take()
    const { findings } = found
    return writeStep(dependencies, work, { rows_read: rows }, async (client) => {
      await insertPieces(client, keys, batch, pieces)
      await saveProgress(client, keys, batch, { ...(position && { position }), findings })
      await client.query('update batch.work set pieces = $2, rows_mended = $3 where batch = $1', [
        ...[batch, gathered.pieces, claimed?.mended?.bytes],
      ])
    })
  }
  const claim = async (header: Header | undefined) => {
    const outcome = await claimAmended(dependencies, work, header)
    if (outcome.finding !== undefined) found.reportOnce(outcome.finding)
    return outcome
  }
  // Its rows are whole declarations: there is nothing that could be added.
  const refuseAddition = (read: FileBatch) => {
    if (work.kind === 'addition' && read.header === undefined && hasLayout(read))
      found.reportOnce(fileFinding('ADDITION_OF_TABLES'))
  }
  const reading = found.ended ? [] : readKept(dependencies, work, position)
  for await (const read of reading) {
    refuseAddition(read)
    if (hasLayout(read) && !found.ended) claimed ??= await claim(read.header)
    if (found.ended) break
    for (const row of read.rows) gathered.add(claimed?.mended?.take(row) ?? row)
    position = read.next
    for (const finding of read.findings) found.report(finding)
    if (read.header !== undefined) found.reportOnce(columnsRead(read.header))
    if (gathered.isFull) await flush()
  }
  if (!found.ended) claimed ??= await claim(undefined)
  await flush()
  return moveOn(dependencies, work, found.ended ? 'give up' : 'read')
}

/** The rows of the file, which stays this worker's while they are read. */
export async function* readKept(
  dependencies: ReadDependencies,
  work: BatchWork,
  from: FilePosition | undefined,
): AsyncGenerator<FileBatch> {
  const keep = keeper(dependencies, work)
  const onDefect = (defect: unknown) => dependencies.onError?.(defect, work.batch)
  const source = { ...dependencies.sourceOf(work), keep }
  for await (const batch of readRows(source, work, from, onDefect)) {
    yield batch
    await keep()
  }
}

/** Whether it is known by now what a file says of a batch that it amends. */
function hasLayout({ header, next }: FileBatch): boolean {
  return header !== undefined || (next !== undefined && isOfDeclarations(next))
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
  const bytesRead = progress.position === undefined ? 0 : offsetOf(progress.position)
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
