/**
 * Reading on for long without a word to write: a unit whose first parts are filed already, a million
 * rows that were set aside, a workbook up to the row where another left it. The batch is kept this
 * worker's meanwhile; else another would take it, and lose it in the same way.
 */
import { batchLeaseMs } from '../../limits.ts'
import { type LeasedBatch, type StepDependencies, writeStep } from './batch-lease.ts'

/** Often enough for a piece that takes as long again. */
const heartbeatEveryMs = batchLeaseMs / 3

/** @throws what `writeStep` throws */
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

/** Keeps the batch where it is called often; it throws what `writeStep` throws. */
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
