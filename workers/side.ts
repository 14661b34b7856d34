/** What the sides of every kind of worker have in common: how they give way, and what they answer for. */
import type pg from 'pg'
import type { Readiness } from '../src/intake/health.ts'
import { readCommitMs } from '../src/journal/unposted.ts'
import type { Config } from '../src/platform/config.ts'
import type { DurabilityWatch } from '../src/platform/durability.ts'
import type { Logger } from '../src/platform/logger.ts'
import type { QueueWatch } from '../src/platform/queue-watch.ts'
import type { Side } from '../src/platform/rehearsal.ts'
import { healthOf } from '../src/platform/sides.ts'
import type { Stops } from '../src/platform/stops.ts'
import type { QueueBackend } from '../src/queue/backend.ts'
import { GiveWay, type GivingWay, startGivingWay } from '../src/queue/give-way.ts'

/** How long acceptance's commits take now; undefined: there are none. */
export type ReadCommitMs = () => Promise<number | undefined>

export type WorkerSideOptions = {
  readonly logger: Logger
  readonly onStuck: (reason: string) => void
  /** Of commits to which this side gives way besides its own. */
  readonly readOtherCommitMs?: ReadCommitMs
}

export type WorkerSide = Pick<Readiness, 'checkDatabase' | 'durability' | 'queueTrouble'> & {
  /** Where its queue is. */
  readonly queue: QueueBackend['kind']
  readonly readCommitMs: ReadCommitMs
  readMetrics(): Promise<string>
  /** Finishes what is under way, and ends what it holds. */
  stop(): Promise<void>
}

export type OpenSide = (side: Side, options: WorkerSideOptions) => Promise<WorkerSide>

/** Gives way to commits of its own database, and to those of another. */
export function giveWay(
  { acceptCommitMs }: Config,
  pool: pg.Pool,
  { readOtherCommitMs }: WorkerSideOptions,
  onChange: (share: number) => void,
  stops: Stops,
): GivingWay {
  const givingWay = startGivingWay(new GiveWay(acceptCommitMs), {
    readCommitMs: slowestOf(() => readCommitMs(pool), readOtherCommitMs),
    onChange,
  })
  stops.add(() => givingWay.stop())
  return givingWay
}

/** The slower of two kinds of commits; the other's are left out where they can't be read. */
function slowestOf(own: ReadCommitMs, other: ReadCommitMs | undefined): ReadCommitMs {
  return async () => {
    const read = await Promise.all([own(), other?.().catch(() => undefined)])
    const known = read.filter((ms) => ms !== undefined)
    return known.length === 0 ? undefined : Math.max(...known)
  }
}

type Opened = {
  readonly pool: pg.Pool
  readonly backend: QueueBackend
  readonly queue: QueueWatch
  readonly durability: DurabilityWatch
  readonly metrics: { readonly registry: { metrics(): Promise<string> } }
}

export function workerSideOf(
  { pool, backend, queue, durability, metrics }: Opened,
  stops: Stops,
): WorkerSide {
  return {
    ...healthOf(pool, durability, queue),
    queue: backend.kind,
    readCommitMs: () => readCommitMs(pool),
    readMetrics: () => metrics.registry.metrics(),
    stop: () => stops.run(),
  }
}
