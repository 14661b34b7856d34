/**
 * Entry point of a posting worker: takes envelopes from all lanes, posts them, sweeps, and keeps the books.
 * Any number of them may run, on any number of hosts.
 */
import type pg from 'pg'
import { lanes } from '../src/journal/lanes.ts'
import { startBookkeeper } from '../src/ledger/books/bookkeeper.ts'
import { booksStatementMsMax, envelopesAtATime, postStatementMsMax } from '../src/limits.ts'
import { expectNoArguments, helpText } from '../src/platform/command/arguments.ts'
import { reportFailedStart } from '../src/platform/command/failure.ts'
import { type Config, readConfig } from '../src/platform/config/config.ts'
import { type Keyring, signerOf } from '../src/platform/config/key-store.ts'
import type { Installation } from '../src/platform/installation/installation.ts'
import { openQueues } from '../src/platform/installation/queue.ts'
import { assertSchema } from '../src/platform/postgres/migrations.ts'
import { openPool, postingRole } from '../src/platform/postgres/postgres.ts'
import { passes } from '../src/platform/process/crash-point.ts'
import { createLogger, type Logger } from '../src/platform/process/logger.ts'
import { createWorkerMetrics, type WorkerMetrics } from '../src/platform/process/metrics.ts'
import type { Stops } from '../src/platform/process/stops.ts'
import { type Sweeper, type SweeperDependencies, startSweeper } from '../src/queue/sweep.ts'
import { LaneProgress, startWatchdog } from '../src/queue/watchdog.ts'
import { refuseWrongClock, watchPosting } from './post-durability.ts'
import { openPosting } from './posting.ts'
import { giveWay, type Opened, runWorker, type WorkerOptions } from './worker.ts'

main().catch(reportFailedStart)

async function main(): Promise<void> {
  const usage = 'Usage: npm run worker (settings are in the environment)'
  expectNoArguments(process.argv.slice(2), helpText(usage, {}, 'npm run worker'))
  const config = readConfig(process.env)
  const logger = createLogger(config.logLevel, 'worker')
  await runWorker(config, logger, { kind: 'worker', takes: 'worker posts envelopes', open })
}

async function open(
  installation: Installation,
  options: WorkerOptions,
  stops: Stops,
): Promise<Opened> {
  const { config, keyring } = installation
  const { logger, onStuck } = options
  const { pool, booksPool } = openPools(installation, stops)
  await assertSchema(pool)
  const metrics = createWorkerMetrics()
  const onTroubles = (count: number) => metrics.queueTroubles.set(count)
  const { backend, queues, watch } = openQueues(installation, lanes, logger, onTroubles, stops)
  await refuseWrongClock(backend, pool)
  const onChange = (share: number) => metrics.postingShare.set(share)
  const givingWay = giveWay(config, pool, onChange, stops)
  const post = openPosting(installation, pool, logger, metrics)
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
  return { pool, backend, queue: watch, durability, metrics }
}

function openPools({ url }: Installation, stops: Stops) {
  const pool = openPool({
    url,
    name: 'spillway-post',
    // Each lane's envelopes, the sweeper, and one for readiness and giving way.
    connectionsMax: envelopesAtATime * lanes.length + 2,
    statementMsMax: postStatementMsMax,
    role: postingRole,
    searchPath: 'ledger,journal',
  })
  const booksPool = openPool({
    url,
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
  crashAt: Config['crashAt'],
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
    signer: signerOf(keyring),
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
