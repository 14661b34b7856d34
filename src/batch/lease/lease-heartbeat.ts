/**
 * Reading on for long without a word to write: a unit whose first parts are filed already, a million
 * rows that were set aside, a workbook up to the row where another left it. The batch is kept this
 * worker's meanwhile; else another would take it, and lose it in the same way.
 */
import { batchLeaseMs } from '../../limits.ts'
import { type BatchWork, type StepDependencies, writeStep } from './batch-lease.ts'

/** Often enough for a piece that takes as long again. */
const keepEveryMs = batchLeaseMs / 3

/** @throws what `writeStep` throws */
export async function* keepingWork<T>(
  dependencies: StepDependencies,
  work: BatchWork,
  pieces: AsyncIterable<T>,
): AsyncGenerator<T> {
  const keep = keeper(dependencies, work)
  for await (const piece of pieces) {
    yield piece
    await keep()
  }
}

/** Keeps the batch where it is called often; it throws what `writeStep` throws. */
export function keeper(dependencies: StepDependencies, work: BatchWork): () => Promise<void> {
  let keptAtMs = performance.now()
  return async () => {
    const nowMs = performance.now()
    if (nowMs - keptAtMs < keepEveryMs) return
    keptAtMs = nowMs
    await writeStep(dependencies, work, {}, async () => {})
  }
}
