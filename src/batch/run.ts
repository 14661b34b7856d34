/**
 * Takes batches and works on them, from step to step. Two at a time: one of any size, and one that is
 * small, so that a file of two thousand rows never waits for one of two and a half million.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { batchLookMs, batchRetryMs, smallBatchBytesMax } from '../limits.ts'
import { type CheckDependencies, checkUnits } from './check-units.ts'
import { type FileDependencies, fileUnits } from './file-units.ts'
import { forgetEnded } from './forget.ts'
import { type ReadDependencies, readFile } from './read-file.ts'
import {
  type BatchWork,
  claimWork,
  finishPosted,
  moveOn,
  NotYetError,
  releaseWork,
  type StepDependencies,
  WorkLostError,
} from './work.ts'

export type BatchDependencies = StepDependencies &
  ReadDependencies &
  CheckDependencies &
  FileDependencies & {
    readonly onFinished: (work: BatchWork) => void
    /** What a later try may mend. */
    readonly onError: (error: unknown, batch: string | undefined) => void
  }

export type BatchWorker = { stop(): Promise<void> }

/** Starts working; `stop` ends it after the step under way, which another worker goes on from. */
export function startBatchWorker(dependencies: BatchDependencies): BatchWorker {
  const stopping = new AbortController()
  const { signal } = stopping
  const running = [Number.MAX_SAFE_INTEGER, smallBatchBytesMax].map((bytesMax) =>
    takeBatches({ ...dependencies, stopping: signal }, bytesMax, signal),
  )
  const finishing = repeat(signal, () =>
    finish(dependencies).catch((error) => {
      dependencies.onError(error, undefined)
      return false
    }),
  )
  return {
    stop: async () => {
      stopping.abort()
      await Promise.all([...running, finishing])
    },
  }
}

/** What is posted is told so, and what has ended is forgotten; returns whether there may be more. */
async function finish({ pool, inTransaction }: BatchDependencies): Promise<boolean> {
  await finishPosted(pool)
  return await forgetEnded(pool, inTransaction)
}

/** Calls again and again, with a pause where there was nothing to do. */
async function repeat(signal: AbortSignal, look: () => Promise<boolean>): Promise<void> {
  while (!signal.aborted) {
    if (!(await look())) await pause(batchLookMs, undefined, { signal }).catch(() => {})
  }
}

function takeBatches(
  dependencies: BatchDependencies,
  bytesMax: number,
  signal: AbortSignal,
): Promise<void> {
  const worker = randomUUID()
  return repeat(signal, async () => {
    let work: BatchWork | undefined
    try {
      work = await claimWork(dependencies.pool, worker, bytesMax)
      if (work === undefined) return false
      await workOn(dependencies, work)
    } catch (error) {
      const told = error instanceof WorkLostError || error instanceof NotYetError
      if (!told && !signal.aborted) dependencies.onError(error, work?.batch)
      if (work === undefined) return false
      const pauseMs = signal.aborted ? 0 : batchRetryMs
      await releaseWork(dependencies.pool, work, pauseMs).catch(() => {})
    }
    return true
  })
}

/** Goes on with a batch until others post it, or it has ended. */
export async function workOn(dependencies: BatchDependencies, claimed: BatchWork): Promise<void> {
  let work = claimed
  for (;;) {
    if (work.stage === 'received') work = await moveOn(dependencies, work, 'begin')
    else if (work.stage === 'reading') work = await readFile(dependencies, work)
    else if (work.stage === 'checking') work = await checkUnits(dependencies, work)
    else if (work.stage === 'filing') work = await fileUnits(dependencies, work)
    else return dependencies.onFinished(work)
  }
}
