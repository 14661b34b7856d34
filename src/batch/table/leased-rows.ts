/** The rows of a batch's file, read while its worker renews the lease on it. */

import type { FileSource } from '../../formats/rows.ts'
import type { LeasedBatch, StepDependencies } from '../lease/batch-lease.ts'
import { leaseHeartbeat } from '../lease/lease-heartbeat.ts'
import type { SealingKeys } from '../state/seal.ts'
import type { FileBatch, FilePosition } from './file-batch.ts'
import { readRows } from './file-rows.ts'

export type ReadDependencies = StepDependencies & {
  readonly keys: SealingKeys
  readonly sourceOf: (work: LeasedBatch) => FileSource
  /** Told of a reader that throws at a file's content; the file is refused. */
  readonly onError?: (error: unknown, batch: string) => void
}

/** The rows of the file, which stays this worker's while they are read. */
export async function* readLeased(
  dependencies: ReadDependencies,
  work: LeasedBatch,
  from: FilePosition | undefined,
): AsyncGenerator<FileBatch> {
  const keep = leaseHeartbeat(dependencies, work)
  const onDefect = (defect: unknown) => dependencies.onError?.(defect, work.batch)
  const source = { ...dependencies.sourceOf(work), keep }
  for await (const batch of readRows(source, work, from, onDefect)) {
    yield batch
    await keep()
  }
}
