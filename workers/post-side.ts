/**
 * One side of a posting worker, the live one or its rehearsal's: takes envelopes from all lanes, posts
 * them, sweeps, and keeps the books.
 */
import type pg from 'pg'
import { EnvelopeError } from '../src/journal/envelope.ts'
import { type Lane, lanes } from '../src/journal/lanes.ts'
import { readCommitMs } from '../src/journal/unposted.ts'
import { startBookkeeper } from '../src/ledger/bookkeeper.ts'
import { createPersonIndex } from '../src/ledger/person.ts'
import { createPosting } from '../src/ledger/post.ts'
import { booksStatementMsMax, envelopesAtATime, postStatementMsMax } from '../src/limits.ts'
import type { Config } from '../src/platform/config.ts'
import { passes } from '../src/platform/crash-point.ts'
import {
  checkPostgres,
  DurabilityError,
  type DurabilityFault,
  namesOf,
  sentencesOf,
  watchDurability,
} from '../src/platform/durability.ts'
import { activeKeys, type Keyring } from '../src/platform/keyring.ts'
import type { Logger } from '../src/platform/logger.ts'
import {
  createWorkerMetrics,
  livePrefix,
  rehearsalPrefix,
  type WorkerMetrics,
} from '../src/platform/metrics.ts'
import { assertMigrated, assertSchema } from '../src/platform/migrations.ts'
import { readPolicies } from '../src/platform/packs.ts'
import { inTransaction, openPool } from '../src/platform/postgres.ts'
import { openQueueBackend } from '../src/platform/queue.ts'
import { isLive, type Side } from '../src/platform/rehearsal.ts'
import { databaseFault } from '../src/platform/sqlstate.ts'
import { type Stops, startOrStop } from '../src/platform/stops.ts'
import { mendedByTime, type QueueBackend } from '../src/queue/backend.ts'
import { GiveWay, type GivingWay, startGivingWay } from '../src/queue/give-way.ts'
import { type Sweeper, type SweeperDependencies, startSweeper } from '../src/queue/sweep.ts'
import { LaneProgress, startWatchdog } from '../src/queue/watchdog.ts'
import { slowestOf, type WorkerSide, type WorkerSideOptions } from './worker.ts'

/** Opens all that a side needs, or nothing. */
export function openPostSide(side: Side, options: WorkerSideOptions): Promise<WorkerSide> {
  return startOrStop((stops) => open(side, options, stops))
}

async function open(side: Side, options: WorkerSideOptions, stops: Stops): Promise<WorkerSide> {
  const { config, keyring } = side
  const { logger, onStuck } = options
  const { pool, booksPool } = openPools(side, stops)
  await assertSchema(pool)
  const metrics = createWorkerMetrics(isLive(side) ? livePrefix : rehearsalPrefix)
  const backend = openQueueBackend(config, side.url, logger)
  stops.add(() => backend.close())
  if (backend.kind === 'postgres') await refuseWrongClock(pool)
  const queues = new Map(lanes.map((lane) => [lane, backend.openQueue(lane)]))
  stops.add(() => Promise.all([...queues.values()].map((queue) => queue.close())))
  const progress = new Map(lanes.map((lane) => [lane, new LaneProgress()]))
  const readOwnCommitMs = () => readCommitMs(pool)
  const givingWay = startGivingWay(new GiveWay(config.acceptCommitMs), {
    readCommitMs: slowestOf(readOwnCommitMs, options.readOtherCommitMs),
    onChange: (share) => metrics.postingShare.set(share),
  })
  stops.add(() => givingWay.stop())
  startWorkers(side, { pool, backend, progress, givingWay, logger, metrics }, stops)
  const checks = [...queues].flatMap(([lane, queue]) => progress.get(lane)?.check(queue) ?? [])
  const watchdog = startWatchdog(checks, onStuck)
  stops.add(() => watchdog.stop())
  const sweeper = sweep(config, { pool, queues, logger, metrics })
  stops.add(() => sweeper.stop())
  const bookkeeper = keepBooks(booksPool, keyring, logger)
  stops.add(() => bookkeeper.stop())
  const durability = await watch(config, pool, backend, logger, onStuck)
  stops.add(() => durability.stop())
  return {
    queue: backend.kind,
    readCommitMs: readOwnCommitMs,
    readMetrics: () => metrics.registry.metrics(),
    checkDatabase: () => assertMigrated(pool),
    durability: () => ({ refuses: false, settings: namesOf(durability.faults) }),
    stop: () => stops.run(),
  }
}

function openPools({ url, mark }: Side, stops: Stops) {
  const pool = openPool({
    url,
    mark,
    name: 'spillway-post',
    // Each lane's envelopes, the sweeper, and one for readiness and giving way.
    connectionsMax: envelopesAtATime * lanes.length + 2,
    statementMsMax: postStatementMsMax,
    searchPath: 'ledger,journal',
  })
  const booksPool = openPool({
    url,
    mark,
    name: 'spillway-books',
    connectionsMax: 1,
    statementMsMax: booksStatementMsMax,
  })
  stops.add(() => Promise.all([pool.end(), booksPool.end()]))
  return { pool, booksPool }
}

type Working = {
  readonly pool: pg.Pool
  readonly backend: QueueBackend
  readonly progress: ReadonlyMap<Lane, LaneProgress>
  readonly givingWay: GivingWay
  readonly logger: Logger
  readonly metrics: WorkerMetrics
}

function startWorkers({ config, keyring }: Side, working: Working, stops: Stops): void {
  const { pool, backend, progress, givingWay, logger, metrics } = working
  const postEnvelope = openPosting(config, keyring, pool)
  const onPosted = () => passes(config.crashAt, 'after-posting')
  const workers = [...progress].map(([lane, moves]) => {
    const post = observedPosting({ lane, postEnvelope, logger, metrics, onPosted })
    return backend.openWorker(lane, async (envelope) => {
      const finished = moves.take()
      await givingWay.run(() => post(envelope)).finally(finished)
    })
  })
  stops.add(() => Promise.all(workers.map((worker) => worker.close()))) // finishes what is under way
}

type Swept = Pick<Working, 'pool' | 'logger' | 'metrics'> & Pick<SweeperDependencies, 'queues'>

function sweep({ crashAt }: Config, { pool, queues, logger, metrics }: Swept): Sweeper {
  return startSweeper({
    pool,
    queues,
    onSwept: (envelopes) => {
      passes(crashAt, 'mid-sweep')
      metrics.swept.inc(envelopes)
      logger.info({ envelopes }, 'put unposted envelopes on the queue')
    },
    onError: (err) => logger.warn({ err }, 'a sweep failed; the next one will try again'),
  })
}

/**
 * The queue in Postgres goes by its workers' clocks: one that is a minute ahead keeps the others from
 * taking over what a dead worker held, for a minute.
 */
async function refuseWrongClock(pool: pg.Pool): Promise<void> {
  const clock = (await checkPostgres(pool, 0)).filter((fault) => hasWrongClock([fault]))
  if (clock.length > 0) throw new DurabilityError(sentencesOf(clock))
}

/** What it posts can be posted again from the journal: it goes on, and says so. */
function watch(
  { standbys }: Config,
  pool: pg.Pool,
  backend: QueueBackend,
  logger: Logger,
  onStuck: (reason: string) => void,
) {
  return watchDurability({
    pools: [pool],
    backend,
    mode: 'warn',
    standbys,
    onAdvice: (advice) => logger.warn(advice),
    onChange: (faults) => {
      logger.error({ faults }, 'what was posted could be lost')
      if (backend.kind === 'postgres' && hasWrongClock(faults)) onStuck('its clock is wrong')
    },
    onQueueEmptied: () => logger.warn('the queue was emptied; the sweeper fills it again'),
  })
}

function hasWrongClock(faults: readonly DurabilityFault[]): boolean {
  return faults.some(({ setting }) => setting === 'clock')
}

function openPosting({ policyDir, crashAt }: Config, keyring: Keyring, pool: pg.Pool) {
  return createPosting({
    pool,
    inTransaction,
    sealingKeys: keyring.sealingKeys,
    personIndex: createPersonIndex(keyring.blindIndexSecret),
    policies: readPolicies(policyDir),
    isDataFault: (error) => databaseFault(error) === 'data',
    onUnderWay: () => passes(crashAt, 'mid-posting'),
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

type ObservedPosting = {
  readonly lane: Lane
  readonly postEnvelope: ReturnType<typeof createPosting>
  readonly logger: Logger
  readonly metrics: WorkerMetrics
  /** The envelope is posted; its job is not completed yet. */
  readonly onPosted: () => void
}

/** Posts and reports: what it throws goes back on the queue and is tried again. */
function observedPosting({ lane, postEnvelope, logger, metrics, onPosted }: ObservedPosting) {
  return async function post(envelope: bigint): Promise<void> {
    const timing = metrics.posting.startTimer()
    try {
      const outcome = await postEnvelope(envelope)
      onPosted()
      if (outcome.kind === 'unknown') {
        logger.warn(
          { lane, envelope: `${envelope}` },
          'no such envelope; another engine in this queue?',
        )
      } else if (outcome.kind === 'alreadyPosted') {
        metrics.repeats.inc({ lane })
      } else {
        metrics.posted.inc({ lane }, outcome.declarations)
        metrics.envelopes.inc({ lane })
        for (const { id, code, reason } of outcome.deadLetters) {
          metrics.isolated.inc({ lane })
          logger.error({ lane, id, code, reason }, 'a declaration could not be posted')
        }
      }
    } catch (err) {
      metrics.failures.inc({ lane, code: codeOf(err) })
      logger.warn({ lane, envelope: `${envelope}`, err }, 'posting failed; it will be tried again')
      // The queue keeps what it is told: a code, and never a message that may quote data.
      throw new PostingError(codeOf(err))
    } finally {
      timing()
    }
  }
}

class PostingError extends Error {
  override name = 'PostingError'
}

function codeOf(error: unknown): string {
  if (error instanceof EnvelopeError) return error.code
  const fault = databaseFault(error)
  return fault === 'transient' ? mendedByTime : (fault ?? 'other')
}
