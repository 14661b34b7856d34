/**
 * What all worker processes share: they open their resources, serve health and metrics, and stop.
 */
import type pg from 'pg'
import type { Readiness } from '../src/intake/routes/health.ts'
import { serveOperators } from '../src/intake/routes/operators-port.ts'
import { readCommitMs } from '../src/journal/reading/unposted.ts'
import { rehearsalNice } from '../src/limits.ts'
import type { Config } from '../src/platform/config/config.ts'
import { healthOf } from '../src/platform/installation/health.ts'
import { type Installation, openInstallation } from '../src/platform/installation/installation.ts'
import type { QueueWatch } from '../src/platform/installation/queue-watch.ts'
import type { DurabilityWatch } from '../src/platform/postgres/durability.ts'
import { tellParent } from '../src/platform/process/child.ts'
import type { Logger } from '../src/platform/process/logger.ts'
import { watchLoop } from '../src/platform/process/loop-watch.ts'
import { goAfterOthers } from '../src/platform/process/nice.ts'
import { endWhenStuck, stopOnSignal } from '../src/platform/process/stop.ts'
import { type Stops, startOrStop } from '../src/platform/process/stops.ts'
import type { QueueBackend } from '../src/queue/backend.ts'
import {
  PostingThrottle,
  type RunningThrottle,
  startPostingThrottle,
} from '../src/queue/posting-throttle.ts'

export type WorkerOptions = {
  readonly logger: Logger
  readonly onStuck: (reason: string) => void
}

/** The resources of a worker that the shared code uses. */
export type Opened = {
  readonly pool: pg.Pool
  readonly backend: QueueBackend
  readonly queue: QueueWatch
  readonly durability: DurabilityWatch
  readonly metrics: { readonly registry: { metrics(): Promise<string> } }
}

export type WorkerKind = {
  readonly kind: 'worker' | 'batch-worker'
  /** Its log line once it works. */
  readonly takes: string
  /** Opens all that it needs; what is added to `stops` is stopped in reverse, or where this fails. */
  readonly open: (
    installation: Installation,
    options: WorkerOptions,
    stops: Stops,
  ) => Promise<Opened>
}

/** Runs until the process gets a signal to end. */
export async function runWorker(
  config: Config,
  logger: Logger,
  { kind, takes, open }: WorkerKind,
): Promise<void> {
  if (config.isRehearsal) goAfterOthers(rehearsalNice)
  const installation = await openInstallation(config, kind)
  watchLoop()
  const stuck = endWhenStuck(logger)
  const { onStuck } = stuck
  const worker = await startOrStop(async (stops) => {
    const opened = await open(installation, { logger, onStuck }, stops)
    return { ...opened, stop: () => stops.run() }
  })
  const { pool, durability, queue, backend, metrics } = worker
  let draining = false
  const readiness: Readiness = {
    ...healthOf(pool, durability, queue),
    keysTrouble: () => '', // it lets nobody in
    stuck: stuck.reason,
    isDraining: () => draining,
  }
  const readMetrics = () => metrics.registry.metrics()
  const http = await serveOperators(config.workerOperators, readiness, readMetrics)
  stopOnSignal(logger, async () => {
    draining = true
    await worker.stop()
    await http?.close()
  })
  logger.info({ queue: backend.kind }, takes)
  const operators = http?.listeningOrigin
  tellParent({ ready: true, address: operators, operators })
}

/** Throttles work while acceptance's commits are slow. */
export function giveWay(
  { acceptCommitMs }: Config,
  pool: pg.Pool,
  onChange: (share: number) => void,
  stops: Stops,
): RunningThrottle {
  const givingWay = startPostingThrottle(new PostingThrottle(acceptCommitMs), {
    readCommitMs: () => readCommitMs(pool),
    onChange,
  })
  stops.add(() => givingWay.stop())
  return givingWay
}
