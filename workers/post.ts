/**
 * Entry point of a posting worker: takes envelopes from both lanes, posts them, and sweeps. Any
 * number of them may run, on any number of hosts.
 */
import type pg from 'pg'
import { serveWorker } from '../src/intake/worker-http.ts'
import { EnvelopeError } from '../src/journal/envelope.ts'
import { type Lane, lanes } from '../src/journal/lanes.ts'
import { readCommitMs } from '../src/journal/unposted.ts'
import { startBookkeeper } from '../src/ledger/bookkeeper.ts'
import { createPersonIndex } from '../src/ledger/person.ts'
import { createPosting } from '../src/ledger/post.ts'
import { booksStatementMsMax, envelopesAtATime, postStatementMsMax } from '../src/limits.ts'
import { tellParent } from '../src/platform/child.ts'
import { type Config, readConfig } from '../src/platform/config.ts'
import { passes } from '../src/platform/crash-point.ts'
import { findDatabaseUrl } from '../src/platform/database.ts'
import {
  checkPostgres,
  DurabilityError,
  type DurabilityFault,
  namesOf,
  sentencesOf,
  watchDurability,
} from '../src/platform/durability.ts'
import { reportFailure } from '../src/platform/failure.ts'
import { activeKeys, type Keyring, readKeyring } from '../src/platform/keyring.ts'
import { createLogger, type Logger } from '../src/platform/logger.ts'
import { createWorkerMetrics, type WorkerMetrics } from '../src/platform/metrics.ts'
import { assertMigrated, assertSchema } from '../src/platform/migrations.ts'
import { readPolicies } from '../src/platform/packs.ts'
import { inTransaction, openPool } from '../src/platform/postgres.ts'
import { openQueueBackend } from '../src/platform/queue.ts'
import { databaseFault } from '../src/platform/sqlstate.ts'
import { endWhenStuck, stopOnSignal } from '../src/platform/stop.ts'
import { mendedByTime, type QueueBackend } from '../src/queue/backend.ts'
import { GiveWay, startGivingWay } from '../src/queue/give-way.ts'
import { startSweeper } from '../src/queue/sweep.ts'
import { LaneProgress, startWatchdog } from '../src/queue/watchdog.ts'

main().catch(reportFailure)

async function main(): Promise<void> {
  const config = readConfig(process.env)
  const keyring = readKeyring(config.keyringFile)
  const logger = createLogger(config.logLevel, 'worker')
  const url = await findDatabaseUrl(config)
  const pool = openPool({
    url,
    name: 'spillway-post',
    // Each lane's envelopes, the sweeper, and one for readiness and giving way.
    connectionsMax: envelopesAtATime * lanes.length + 2,
    statementMsMax: postStatementMsMax,
    searchPath: 'ledger,journal',
  })
  await assertSchema(pool)
  const metrics = createWorkerMetrics()
  const backend = openQueueBackend(config, url, logger)
  if (backend.kind === 'postgres') await refuseWrongClock(pool)
  const postEnvelope = openPosting(config, keyring, pool)
  const onPosted = () => passes(config.crashAt, 'after-posting')
  const queues = new Map(lanes.map((lane) => [lane, backend.openQueue(lane)]))
  const progress = new Map(lanes.map((lane) => [lane, new LaneProgress()]))
  const givingWay = startGivingWay(new GiveWay(config.acceptCommitMs), {
    readCommitMs: () => readCommitMs(pool),
    onChange: (share) => metrics.postingShare.set(share),
  })
  const workers = [...progress].map(([lane, moves]) => {
    const post = observedPosting({ lane, postEnvelope, logger, metrics, onPosted })
    return backend.openWorker(lane, async (envelope) => {
      const finished = moves.take()
      await givingWay.run(() => post(envelope)).finally(finished)
    })
  })
  const stuck = endWhenStuck(logger)
  const checks = [...queues].flatMap(([lane, queue]) => progress.get(lane)?.check(queue) ?? [])
  const watchdog = startWatchdog(checks, stuck.onStuck)
  const sweeper = startSweeper({
    pool,
    queues,
    onSwept: (envelopes) => {
      passes(config.crashAt, 'mid-sweep')
      metrics.swept.inc(envelopes)
      logger.info({ envelopes }, 'put unposted envelopes on the queue')
    },
    onError: (err) => logger.warn({ err }, 'a sweep failed; the next one will try again'),
  })
  const booksPool = openPool({
    url,
    name: 'spillway-books',
    connectionsMax: 1,
    statementMsMax: booksStatementMsMax,
  })
  const bookkeeper = keepBooks(booksPool, keyring, logger)
  const durability = await watch(config, pool, backend, logger, stuck.onStuck)
  const readiness = {
    checkDatabase: () => assertMigrated(pool),
    isDraining: () => draining,
    stuck: stuck.reason,
    durability: () => ({ refuses: false, settings: namesOf(durability.faults) }),
  }
  let draining = false
  const http = await serveWorker(config.host, config.workerPort, readiness, metrics.registry)
  stopOnSignal(logger, async () => {
    draining = true
    durability.stop()
    watchdog.stop()
    await Promise.all([sweeper.stop(), bookkeeper.stop()])
    givingWay.stop()
    await Promise.all(workers.map((worker) => worker.close())) // finishes the envelopes under way
    await Promise.all([...queues.values()].map((queue) => queue.close()))
    await backend.close()
    await http?.close()
    await Promise.all([pool.end(), booksPool.end()])
  })
  logger.info({ queue: backend.kind }, 'worker posts envelopes')
  tellParent({ ready: true })
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
