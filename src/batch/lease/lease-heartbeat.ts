/**
 * Long reads that write nothing must still renew the lease: a unit whose first parts are already filed,
 * a million rejected rows, a workbook up to the row where the last worker stopped. Otherwise another
 * worker would claim the batch, and lose it in the same way.
 */
import { batchLeaseMs } from '../../limits.ts'
import { type LeasedBatch, type StepDependencies, writeStep } from './batch-lease.ts'

/** A third of the lease leaves room for a piece that takes as long again. */
const heartbeatEveryMs = batchLeaseMs / 3

/** Passes pieces on and renews the lease between them. @throws what `writeStep` throws */
export async function* withHeartbeat<T>(
  dependencies: StepDependencies,
  work: LeasedBatch,
  pieces: AsyncIterable<T>,
): AsyncGenerator<T> {
  const renew = leaseHeartbeat(dependencies, work)
  for await (const piece of pieces) {
    yield piece
    await renew()
  }
}

/**
 * Returns a function to call often: it renews the lease when due. It throws what `writeStep` throws.
 */
export function leaseHeartbeat(
  dependencies: StepDependencies,
  work: LeasedBatch,
): () => Promise<void> {
  let renewedAtMs = performance.now()
  return async () => {
    const nowMs = performance.now()
    if (nowMs - renewedAtMs < heartbeatEveryMs) return
    renewedAtMs = nowMs
    await writeStep(dependencies, work, {}, async () => {})
  }
}
