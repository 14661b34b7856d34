/**
 * The reading position of a file, its layout and its findings so far: sealed in the batch's row of
 * `batch.work`, so that another process can continue.
 */
import type pg from 'pg'
import { pieceBytesMax } from '../../limits.ts'
import type { FileFinding } from '../findings/file-findings.ts'
import type { LeasedBatch } from '../lease/batch-lease.ts'
import { openBytes, type SealingKeys, sealBytes } from '../state/seal.ts'
import type { FilePosition } from './file-batch.ts'
import { isNdjsonPosition } from './file-rows.ts'
import type { Header } from './header.ts'

/** The reading position, and the findings about the file so far. */
type Progress = { readonly position?: FilePosition; readonly findings: readonly FileFinding[] }

export function openProgress(
  keys: Pick<SealingKeys, 'all'>,
  { batch, position }: Pick<LeasedBatch, 'batch' | 'position'>,
): Progress {
  if (position === undefined) return { findings: [] }
  const bytes = openBytes(keys.all, `position ${batch}`, position, pieceBytesMax)
  return JSON.parse(bytes.toString()) as Progress
}

export async function saveProgress(
  client: pg.PoolClient,
  keys: SealingKeys,
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
  keys: SealingKeys,
  batch: string,
  findings: readonly FileFinding[],
): Promise<void> {
  await client.query('update batch.work set findings = $2 where batch = $1', [
    ...[batch, sealed(keys, `findings ${batch}`, findings)],
  ])
}

function sealed(keys: SealingKeys, binding: string, value: unknown): Buffer {
  return sealBytes(keys.sealing, binding, Buffer.from(JSON.stringify(value)))
}

/** Bytes before a position; 0 if the format doesn't tell. */
function offsetOf(position: FilePosition): number {
  const at = isNdjsonPosition(position) ? position : position.rows
  return at.format === 'xlsx' ? 0 : at.offsetBytes
}

/** The columns of a table, once its header is found, or that the rows are declarations. */
export type FileLayout =
  | { readonly kind: 'table'; readonly header: Header }
  | { readonly kind: 'declarations' }

export function openLayout(
  keys: Pick<SealingKeys, 'all'>,
  batch: string,
  sealed: Buffer | undefined,
): FileLayout | undefined {
  const { position } = openProgress(keys, { batch, position: sealed })
  if (position === undefined) return undefined
  if (isNdjsonPosition(position)) return { kind: 'declarations' }
  return position.header && { kind: 'table', header: position.header }
}

/** The stored findings about the file as a whole. */
export function openFindings(
  keys: Pick<SealingKeys, 'all'>,
  batch: string,
  sealed: Buffer | null,
): readonly FileFinding[] {
  if (sealed === null) return []
  const bytes = openBytes(keys.all, `findings ${batch}`, sealed, pieceBytesMax)
  return JSON.parse(bytes.toString()) as FileFinding[]
}
