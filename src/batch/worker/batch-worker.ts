/**
 * Claims batches and takes each through its steps: one at a time in each size lane.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Lane } from '../../journal/lanes.ts'
import {
  batchLeaseMs,
  batchLookMs,
  batchRetryMs,
  batchTriesMax,
  rateReportEveryMs,
  stuckIdleMs,
} from '../../limits.ts'
import { LaneProgress, type ProgressCheck } from '../../queue/watchdog.ts'
import {
  advanceStage,
  claimBatch,
  countWaiting,
  type LeasedBatch,
  LeaseLostError,
  markPosted,
  RetryLaterError,
  releaseBatch,
  type StepDependencies,
} from '../lease/batch-lease.ts'
import {
  claimsBySlot,
  isSmallFile,
  postingLane,
  type SizeLane,
  sizeLanes,
} from '../lease/size-lanes.ts'
import { reportThroughput, ThroughputMeter } from '../lease/throughput.ts'
import { type CheckDependencies, checkUnits } from '../steps/check-units.ts'
import { type FileDependencies, fileUnits } from '../steps/file-units.ts'
import { readFile } from '../steps/read-file.ts'
import type { ReadDependencies } from '../table/leased-rows.ts'
import { deleteEnded, deleteOldErrors } from './retention.ts'

export type BatchDependencies = StepDependencies &
  ReadDependencies &
  CheckDependencies &
  FileDependencies & {
    readonly onFinished: (work: LeasedBatch) => void
    /** Called for a batch on which so many workers died that it has to wait. */
    readonly onTriedOften: (work: LeasedBatch) => void
    /** Called with errors that a later try may resolve. */
    readonly onError: (error: unknown, batch: string | undefined) => void
  }

type Filing = Pick<FileDependencies, 'acceptGroup' | 'enqueue'>

export type BatchWorkerDependencies = Omit<BatchDependencies, keyof Filing> & {
  /** Each lane that files has a writer of its own, which accepts one group after another. */
  readonly openFiling: (lane: Lane) => Filing
}

export type BatchWorker = {
  /** Whether each lane takes what waits for it, and writes what it works on. */
  readonly checks: readonly ProgressCheck[]
  stop(): Promise<void>
}

/** A step that takes longer lost its lease to another worker long ago. */
const patience = { idleMs: stuckIdleMs, underWayMs: 2 * batchLeaseMs }

/** Starts working. `stop` waits for the current step; another worker continues after it. */
export function startBatchWorker(
  dependencies: BatchWorkerDependencies,
  limits = patience,
): BatchWorker {
  const stopping = new AbortController()
  const { signal } = stopping
  const { pool } = dependencies
  const throughput = new ThroughputMeter()
  const process = randomUUID()
  const working = sizeLanes.map((sizeLane) => {
    const progress = new LaneProgress(['a step of a file', 'files'])
    return {
      running: takeBatches(dependencies, { sizeLane, progress, throughput, signal }),
      check: progress.check({ waiting: () => countWaiting(pool, sizeLane) }, limits),
    }
  })
  const ending = new LaneProgress(['a look for what is posted', 'files'])
  const others = [
    repeat(dependencies, signal, batchLookMs, async () => {
      const finished = ending.take()
      return await cleanUp(dependencies).finally(finished)
    }),
    repeat(dependencies, signal, rateReportEveryMs, async () => {
      await reportThroughput(pool, process, throughput.perSecond)
      return false
    }),
  ]
  return {
    checks: [
      ...working.map(({ check }) => check),
      ending.check({ waiting: async () => 0 }, limits),
    ],
    stop: async () => {
      stopping.abort()
      await Promise.all([...working.map(({ running }) => running), ...others])
    },
  }
}

/**
 * Marks posted batches and deletes what ended batches no longer need. @returns whether there may be
 * more
 */
async function cleanUp({ pool, inTransaction }: BatchWorkerDependencies): Promise<boolean> {
  await markPosted(pool)
  return (await deleteEnded(pool, inTransaction)) || (await deleteOldErrors(pool, inTransaction))
}

/** Repeats `look`, with a pause whenever there was nothing to do or it failed. */
async function repeat(
  { onError }: Pick<BatchWorkerDependencies, 'onError'>,
  signal: AbortSignal,
  pauseMs: number,
  look: () => Promise<boolean>,
): Promise<void> {
  while (!signal.aborted) {
    const more = await look().catch((error) => {
      onError(error, undefined)
      return false
    })
    if (!more) await pause(pauseMs, undefined, { signal }).catch(() => {})
  }
}

type LaneWorker = {
  readonly sizeLane: SizeLane
  readonly progress: LaneProgress
  readonly throughput: ThroughputMeter
  readonly signal: AbortSignal
}

function takeBatches(dependencies: BatchWorkerDependencies, working: LaneWorker): Promise<void> {
  const { sizeLane, progress, throughput, signal } = working
  const worker = randomUUID()
  const filings = new Map<Lane, Filing>()
  const filingIn = (lane: Lane): Filing => {
    const filing = filings.get(lane) ?? dependencies.openFiling(lane)
    filings.set(lane, filing)
    return filing
  }
  let nth = 1
  return repeat(dependencies, signal, batchLookMs, async () => {
    const work = await claimBatch(dependencies.pool, worker, sizeLane, claimsBySlot(nth))
    if (work === undefined) return false
    nth += 1
    if (work.tries > batchTriesMax) dependencies.onTriedOften(work)
    let written = progress.take()
    const left = isSmallFile(work.bytes) ? () => {} : throughput.begin()
    const onStep: StepDependencies['onStep'] = (counts) => {
      written()
      written = progress.take()
      if (!isSmallFile(work.bytes)) throughput.count(counts)
      dependencies.onStep?.(counts)
    }
    try {
      const filing = filingIn(postingLane(work))
      await runSteps({ ...dependencies, ...filing, stopping: signal, onStep }, work)
    } catch (error) {
      const expected = error instanceof LeaseLostError || error instanceof RetryLaterError
      if (!expected && !signal.aborted) dependencies.onError(error, work.batch)
      const pauseMs = signal.aborted ? 0 : batchRetryMs
      await releaseBatch(dependencies.pool, work, pauseMs).catch(() => {})
    } finally {
      left()
      written()
    }
    return true
  })
}

/** Runs the steps of a batch until it waits for posting or has ended. */
export async function runSteps(
  dependencies: BatchDependencies,
  claimed: LeasedBatch,
): Promise<void> {
  let work = claimed
  for (;;) {
    if (work.stage === 'received') work = await advanceStage(dependencies, work, 'begin')
    else if (work.stage === 'reading') work = await readFile(dependencies, work)
    else if (work.stage === 'checking') work = await checkUnits(dependencies, work)
    else if (work.stage === 'filing') work = await fileUnits(dependencies, work)
    else return dependencies.onFinished(work)
  }
}
