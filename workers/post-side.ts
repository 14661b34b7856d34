/**
 * One side of a posting worker, the live one or its rehearsal's: takes envelopes from all lanes, posts
 * them, sweeps, and keeps the books.
 */
import type pg from 'pg'
import { lanes } from '../src/journal/lanes.ts'
import { startBookkeeper } from '../src/ledger/bookkeeper.ts'
import { booksStatementMsMax, envelopesAtATime, postStatementMsMax } from '../src/limits.ts'
import { passes } from '../src/platform/crash-point.ts'
import { activeKeys, type Keyring } from '../src/platform/keyring.ts'
import type { Logger } from '../src/platform/logger.ts'
import { createWorkerMetrics, prefixOf, type WorkerMetrics } from '../src/platform/metrics.ts'
import { assertSchema } from '../src/platform/migrations.ts'
import { openPool, postingRole } from '../src/platform/postgres.ts'
import { openQueues } from '../src/platform/queue.ts'
import type { Side } from '../src/platform/rehearsal.ts'
import { type Stops, startOrStop } from '../src/platform/stops.ts'
import { type Sweeper, type SweeperDependencies, startSweeper } from '../src/queue/sweep.ts'
import { LaneProgress, startWatchdog } from '../src/queue/watchdog.ts'
import { refuseWrongClock, watchPosting } from './post-durability.ts'
import { openPosting } from './posting.ts'
import { giveWay, type WorkerSide, type WorkerSideOptions, workerSideOf } from './side.ts'

/** Opens all that a side needs, or nothing. */
export function openPostSide(side: Side, options: WorkerSideOptions): Promise<WorkerSide> {
  return startOrStop((stops) => open(side, options, stops))
}

async function open(side: Side, options: WorkerSideOptions, stops: Stops): Promise<WorkerSide> {
  const { config, keyring } = side
  const { logger, onStuck } = options
  const { pool, booksPool } = openPools(side, stops)
  await assertSchema(pool)
  const metrics = createWorkerMetrics(prefixOf(side))
  const onTroubles = (count: number) => metrics.queueTroubles.set(count)
  const { backend, queues, watch } = openQueues(side, lanes, logger, onTroubles, stops)
  await refuseWrongClock(backend, pool)
  const onChange = (share: number) => metrics.postingShare.set(share)
  const givingWay = giveWay(config, pool, options, onChange, stops)
  const post = openPosting(side, pool, logger, metrics)
  const working = [...queues].map(([lane, queue]) => {
    const progress = new LaneProgress()
    const worker = backend.openWorker(lane, async (envelope) => {
      const finished = progress.take()
      await givingWay.run(() => post(lane, envelope)).finally(finished)
    })
    return { worker, check: progress.check(queue) }
  })
  stops.add(() => Promise.all(working.map(({ worker }) => worker.close()))) // ends what is under way
  const checks = working.map(({ check }) => check)
  const watchdog = startWatchdog(checks, onStuck)
  stops.add(() => watchdog.stop())
  const sweeper = sweep({ pool, queues }, config.crashAt, logger, metrics)
  stops.add(() => sweeper.stop())
  const bookkeeper = keepBooks(booksPool, keyring, logger)
  stops.add(() => bookkeeper.stop())
  const durability = await watchPosting(backend, pool, config.standbys, options)
  stops.add(() => durability.stop())
  return workerSideOf({ pool, backend, queue: watch, durability, metrics }, stops)
}

function openPools({ url, mark }: Side, stops: Stops) {
  const pool = openPool({
    url,
    mark,
    name: 'spillway-post',
    // Each lane's envelopes, the sweeper, and one for readiness and giving way.
    connectionsMax: envelopesAtATime * lanes.length + 2,
    statementMsMax: postStatementMsMax,
    role: postingRole,
    searchPath: 'ledger,journal',
  })
  const booksPool = openPool({
    url,
    mark,
    name: 'spillway-books',
    connectionsMax: 1,
    statementMsMax: booksStatementMsMax,
    role: postingRole,
  })
  stops.add(() => Promise.all([pool.end(), booksPool.end()]))
  return { pool, booksPool }
}

function sweep(
  swept: Pick<SweeperDependencies, 'pool' | 'queues'>,
  crashAt: Side['config']['crashAt'],
  logger: Logger,
  metrics: WorkerMetrics,
): Sweeper {
  return startSweeper({
    ...swept,
    onSwept: (envelopes) => {
      passes(crashAt, 'mid-sweep')
      metrics.swept.inc(envelopes)
      logger.info({ envelopes }, 'put unposted envelopes on the queue')
    },
    onError: (err) => logger.warn({ err }, 'a sweep failed; the next one will try again'),
  })
}

function keepBooks(pool: pg.Pool, keyring: Keyring, logger: Logger) {
  return startBookkeeper({
    pool,
    signer: activeKeys(keyring).signer,
    nowMs: Date.now,
    onClosed: ({ day, balanced, lanes }) =>
      balanced
        ? logger[lanes.length === 0 ? 'debug' : 'info'](
            { day, lanes },
            'the books of a day are signed',
          )
        : logger.error({ day, lanes }, 'the books of a day do NOT balance'),
    onError: (err, day) =>
      logger.warn({ err, day }, 'a day could not be closed; the next turn will try again'),
  })
}
