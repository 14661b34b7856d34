/**
 * What every kind of worker process does: opens its live side, and its rehearsal's while there is a
 * rehearsal; answers for its health and its metrics; stops both. What befalls the rehearsal ends nothing
 * of the other.
 */
import { serveOperators } from '../src/intake/operators-port.ts'
import { tellParent } from '../src/platform/child.ts'
import type { Config } from '../src/platform/config.ts'
import type { Logger } from '../src/platform/logger.ts'
import { watchLoop } from '../src/platform/loop-watch.ts'
import { type Rehearsal, readRehearsal } from '../src/platform/rehearsal.ts'
import { RehearsalKeeper, stopBoth } from '../src/platform/rehearsal-keeper.ts'
import { openLive } from '../src/platform/sides.ts'
import { endWhenStuck, stopOnSignal } from '../src/platform/stop.ts'
import type { OpenSide, ReadCommitMs, WorkerSide } from './side.ts'

export type WorkerKind = {
  readonly kind: 'worker' | 'batch-worker'
  /** What it says once it works. */
  readonly takes: string
}

/** Runs until the process is told to end. */
export async function runWorker(
  config: Config,
  logger: Logger,
  { kind, takes }: WorkerKind,
  open: OpenSide,
): Promise<void> {
  const live = await openLive(config, kind)
  watchLoop()
  const stuck = endWhenStuck(logger)
  const rehearsal = readRehearsal(live)
  const side = await open(live, { logger, onStuck: stuck.onStuck })
  const keeper = rehearsal && keeperOf(rehearsal, side.readCommitMs, logger, open)
  let draining = false
  const { checkDatabase, durability, queueTrouble } = side
  const readiness = {
    checkDatabase,
    durability,
    queueTrouble,
    stuck: stuck.reason,
    isDraining: () => draining,
  }
  const metrics = async () => {
    const rehearsed = await keeper?.side?.readMetrics()
    return [await side.readMetrics(), ...(rehearsed === undefined ? [] : [rehearsed])].join('\n')
  }
  const http = await serveOperators(config.workerOperators, readiness, metrics)
  stopOnSignal(logger, async () => {
    draining = true
    await stopBoth(side, keeper)
    await http?.close()
  })
  keeper?.start()
  logger.info({ queue: side.queue }, takes)
  const operators = http?.listeningOrigin
  tellParent({ ready: true, address: operators, operators })
}

function keeperOf(
  rehearsal: Rehearsal,
  readOtherCommitMs: ReadCommitMs,
  parent: Logger,
  open: OpenSide,
): RehearsalKeeper<WorkerSide> {
  const logger = parent.child({ rehearsal: true })
  return new RehearsalKeeper<WorkerSide>({
    rehearsal,
    logger,
    // Filers of what counts wait for its commits, and nobody waits for a rehearsal's posting.
    open: (side, onStuck) => open(side, { logger, onStuck, readOtherCommitMs }),
  })
}
