/**
 * Reads the rows of a batch's file while the worker renews its lease.
 */

import type { FileSource } from '../../formats/rows.ts'
import type { LeasedBatch, StepDependencies } from '../lease/batch-lease.ts'
import { leaseHeartbeat } from '../lease/lease-heartbeat.ts'
import type { SealingKeys } from '../state/seal.ts'
import type { FileBatch, FilePosition } from './file-batch.ts'
import { readRows } from './file-rows.ts'

export type ReadDependencies = StepDependencies & {
  readonly keys: SealingKeys
  readonly sourceOf: (work: LeasedBatch) => FileSource
  /** Called if a reader throws on a file's content; the file is refused. */
  readonly onError?: (error: unknown, batch: string) => void
}

/** Reads the rows and renews the lease between batches of them, and whenever the reader asks for it. */
export async function* readLeasedRows(
  dependencies: ReadDependencies,
  work: LeasedBatch,
  from: FilePosition | undefined,
): AsyncGenerator<FileBatch> {
  const heartbeat = leaseHeartbeat(dependencies, work)
  const onDefect = (defect: unknown) => dependencies.onError?.(defect, work.batch)
  const source = { ...dependencies.sourceOf(work), heartbeat }
  for await (const batch of readRows(source, work, from, onDefect)) {
    yield batch
    await heartbeat()
  }
}
