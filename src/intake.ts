/**
 * Entry point of an intake process: configuration → resources → app → listen → stop. Any number of
 * them may run, on any number of hosts.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { readBatchCounts } from './batch/counts.ts'
import { createReceiptOf, type ReceiptDependencies } from './batch/receipt.ts'
import { openRunningDigest } from './batch/running-digest.ts'
import { createSlotStore, type SlotStore } from './batch/slot-store.ts'
import { createUploadStore, type UploadStore } from './batch/upload-store.ts'
import { type AppDependencies, buildApp } from './intake/app.ts'
import { createAuthenticator, tokenKeys } from './intake/authentication.ts'
import { cutReasons } from './intake/connections.ts'
import type { FilingLimit } from './intake/filing-limit.ts'
import {
  exchangeOver,
  type Overload,
  type OverloadDependencies,
  openOverload,
} from './intake/overload.ts'
import { type AcceptDependencies, createAcceptGroup } from './journal/accept.ts'
import { GroupCommit } from './journal/group-commit.ts'
import type { Lane } from './journal/lanes.ts'
import { recordPacks } from './journal/policy-packs.ts'
import { readBacklog } from './journal/unposted.ts'
import { countDeadLetters } from './ledger/dead-letter.ts'
import { createPersonIndex } from './ledger/person.ts'
import {
  acceptStatementMsMax,
  batchStatementMsMax,
  connectionsWaitingMax,
  readStatementMsMax,
  statusWaitersMax,
  stuckUnderWayMs,
  uploadExpiryEveryMs,
} from './limits.ts'
import { tellParent } from './platform/child.ts'
import { type Config, readConfig } from './platform/config.ts'
import { passes } from './platform/crash-point.ts'
import { findDatabaseUrl } from './platform/database.ts'
import {
  type DurabilityDependencies,
  type DurabilityFault,
  environmentText,
  namesOf,
  watchDurability,
} from './platform/durability.ts'
import { reportFailure } from './platform/failure.ts'
import { activeKeys, type Keyring, readKeyring } from './platform/keyring.ts'
import { createLogger, type Logger } from './platform/logger.ts'
import {
  createIntakeMetrics,
  type IntakeMetrics,
  showBacklog,
  showBatches,
  showDeadLetters,
} from './platform/metrics.ts'
import { assertMigrated, assertSchema } from './platform/migrations.ts'
import { readPolicies } from './platform/packs.ts'
import { inTransaction, openPool } from './platform/postgres.ts'
import { openQueueBackend } from './platform/queue.ts'
import { type MachineSignals, watchSignals } from './platform/signals.ts'
import { databaseFault } from './platform/sqlstate.ts'
import { endWhenStuck, stopOnSignal } from './platform/stop.ts'
import type { LaneQueue } from './queue/backend.ts'
import { createEnqueue, type Enqueue } from './queue/enqueue.ts'
import { type ProgressCheck, startWatchdog } from './queue/watchdog.ts'

/** Of what intake accepts. */
const lane: Lane = 'filing'

main().catch(reportFailure)

async function main(): Promise<void> {
  const config = readConfig(process.env)
  const keyring = readKeyring(config.keyringFile)
  const logger = createLogger(config.logLevel, 'intake')
  const url = await findDatabaseUrl(config)
  const { acceptPool, readPool, batchPool, warnings } = openPools(url)
  await assertSchema(readPool)
  const policies = readPolicies(config.policyDir)
  const backend = openQueueBackend(config, url, logger)
  const metrics = createIntakeMetrics()
  const durability = await watchDurability({
    ...telling(logger, metrics),
    pools: [acceptPool, readPool, batchPool],
    backend,
    mode: config.durability,
    standbys: config.standbys,
  })
  const environment = () => environmentText(config, durability.faults)
  await recordPacks(readPool, policies) // before the first acceptance names one
  const queue = backend.openQueue(lane)
  const enqueue = openEnqueue(config, new Map([[lane, queue]]), metrics, logger)
  const signals = watchSignals(folderOfPostgres(config))
  const exchange = exchangeOver(backend.exchange)
  const overload = overloadOf(config, keyring, signals, metrics, { pool: readPool, exchange })
  const committer = openCommitter({
    config,
    lane,
    metrics,
    enqueue,
    limit: overload.limit,
    accepting: { ...acceptDependencies(keyring, acceptPool, lane), warnings, environment },
  })
  const stuck = endWhenStuck(logger)
  const watchdog = startWatchdog([commitCheck(committer)], stuck.onStuck)
  const signing = { policies, environment }
  const { expiry, ...stores } = await openStores(keyring, batchPool, signing, metrics, logger)
  let draining = false
  const app = await buildApp({
    logger,
    authenticator: createAuthenticator({ ...authenticationOf(config, keyring), now: Date.now }),
    policies,
    sealingKeys: keyring.sealingKeys,
    personIndex: createPersonIndex(keyring.blindIndexSecret),
    submit: (filing) => committer.submit(filing),
    ...overload.dependencies,
    nowMicros: () => Date.now() * 1_000,
    readPool,
    ...stores,
    receiptKeys: keyring.receiptKeys.map(({ publicJwk }) => publicJwk),
    isTransient: (error) => databaseFault(error) === 'transient',
    refuses: () => durability.refuses,
    readiness: {
      ...readinessOf(readPool, durability),
      isDraining: () => draining,
      stuck: stuck.reason,
    },
    readMetrics: () => readMetrics(metrics, overload, readPool, config.workerMetricsUrls),
    ...edgeOf(config, metrics),
  })
  stopOnSignal(logger, async () => {
    draining = true
    durability.stop()
    watchdog.stop()
    signals.stop()
    clearInterval(expiry)
    await app.close() // answers what comes over open connections, and ends these
    await committer.stop()
    await overload.stop()
    await queue.close()
    await backend.close()
    await Promise.all([acceptPool.end(), readPool.end(), batchPool.end()])
  })
  const address = await listen(app, config)
  logger.info({ address, queue: backend.kind }, 'intake takes declarations')
  tellParent({ ready: true, address })
}

function listen(app: Awaited<ReturnType<typeof buildApp>>, { host, port }: Config) {
  return app.listen({ host, port, backlog: connectionsWaitingMax })
}

function readinessOf(
  pool: AcceptDependencies['pool'],
  durability: { readonly refuses: boolean; readonly faults: readonly DurabilityFault[] },
): Pick<AppDependencies['readiness'], 'checkDatabase' | 'durability'> {
  return {
    checkDatabase: () => assertMigrated(pool),
    durability: () => ({ refuses: durability.refuses, settings: namesOf(durability.faults) }),
  }
}

/** The limits at the edge, and what is counted of requests and connections. */
function edgeOf(
  { crashAt, http }: Config,
  metrics: IntakeMetrics,
): Pick<AppDependencies, 'http' | 'statusWaitersMax' | 'onAnswered' | 'onCut'> {
  for (const reason of cutReasons) metrics.cut.inc({ reason }, 0) // a rate needs a first value
  return {
    http,
    statusWaitersMax: Math.min(statusWaitersMax, http.connectionsMax / 2),
    onAnswered: (route, status, seconds) => {
      metrics.requests.observe({ route, status }, seconds)
      if (status === 202) passes(crashAt, 'after-reply')
    },
    onCut: (reason) => metrics.cut.inc({ reason }),
  }
}

/** Who is told what changes about durability. */
function telling(
  logger: Logger,
  { notDurable }: IntakeMetrics,
): Pick<DurabilityDependencies, 'onChange' | 'onAdvice' | 'onQueueEmptied'> {
  return {
    onChange: (faults) => {
      notDurable.set(faults.length)
      logger.error({ faults }, 'what a 202 promises could be lost')
    },
    onAdvice: (advice) => logger.warn(advice),
    onQueueEmptied: () => logger.warn('the queue was emptied; the sweeper fills it again'),
  }
}

/** Acceptance has connections of its own: lookups never take one that it needs. */
function openPools(url: string) {
  let warnings = 0
  const acceptPool = openPool({
    url,
    name: 'spillway-accept',
    connectionsMax: 2,
    statementMsMax: acceptStatementMsMax,
    onWarning: () => {
      warnings += 1
    },
  })
  const readPool = openPool({
    url,
    name: 'spillway-read',
    connectionsMax: 6,
    statementMsMax: readStatementMsMax,
  })
  // Bytes of files wait for each other, and for nobody else.
  const batchPool = openPool({
    url,
    name: 'spillway-batch',
    connectionsMax: 4,
    statementMsMax: batchStatementMsMax,
  })
  return { acceptPool, readPool, batchPool, warnings: () => warnings }
}

async function openStores(
  keyring: Keyring,
  pool: AcceptDependencies['pool'],
  signing: Omit<ReceiptDependencies, 'signer'>,
  { uploadBytes }: IntakeMetrics,
  logger: Logger,
) {
  const uploads = createUploadStore({
    pool,
    inTransaction,
    sealingKeys: keyring.sealingKeys,
    runningDigest: await openRunningDigest(),
    nowMicros: () => Date.now() * 1_000,
    onReceived: (bytes) => uploadBytes.inc(bytes),
    receiptOf: createReceiptOf({ ...signing, signer: activeKeys(keyring).signer }),
  })
  const slots = createSlotStore({ pool, inTransaction })
  return { uploads, slots, expiry: startExpiry(uploads, slots, logger) }
}

/** Any number of processes may do it at once; what one could not do now, it does next time. */
function startExpiry(uploads: UploadStore, slots: SlotStore, logger: Logger): NodeJS.Timeout {
  const expire = async () => {
    try {
      const expired = await uploads.expire()
      if (expired > 0) logger.info({ expired }, 'uploads were given up')
      await slots.forget()
    } catch (err) {
      logger.warn({ err }, 'uploads could not be given up, or slots forgotten')
    }
  }
  return setInterval(expire, uploadExpiryEveryMs).unref()
}

function openEnqueue(
  { crashAt }: Config,
  queues: ReadonlyMap<Lane, LaneQueue>,
  { leftToSweeper }: IntakeMetrics,
  logger: Logger,
): Enqueue {
  const onSkipped = (lane: Lane, error: unknown) => {
    leftToSweeper.inc({ lane })
    logger.warn({ lane, err: error }, 'an envelope was left to the sweeper')
  }
  return createEnqueue(queues, onSkipped, () => passes(crashAt, 'after-enqueue'))
}

type Committing = {
  readonly config: Config
  readonly lane: Lane
  readonly metrics: IntakeMetrics
  readonly enqueue: Enqueue
  readonly limit: FilingLimit
  readonly accepting: AcceptDependencies
}

function openCommitter({ config, lane, metrics, enqueue, limit, accepting }: Committing) {
  return new GroupCommit({
    targetMs: () => limit.targetMs,
    acceptGroup: createAcceptGroup(accepting),
    isTransient: (error) => databaseFault(error) === 'transient',
    onCommitted: ({ envelope, declarations, fresh, commitMs }) => {
      metrics.accepted.inc({ lane }, fresh)
      metrics.groupSize.observe(declarations)
      metrics.commit.observe(commitMs / 1_000)
      if (envelope === undefined) return
      limit.observeCommit(declarations, commitMs, performance.now())
      passes(config.crashAt, 'after-commit')
      enqueue(lane, envelope)
    },
  })
}

function overloadOf(
  { shedAt, backlogSecondsMax, http: { bodiesHeldBytesMax } }: Config,
  { blindIndexSecret }: Keyring,
  { read: signals }: MachineSignals,
  { shed }: IntakeMetrics,
  more: Pick<OverloadDependencies, 'pool' | 'exchange'>,
) {
  return openOverload({
    ...more,
    signals,
    bodiesHeldBytesMax,
    backlogSecondsMax,
    shedAt,
    secret: blindIndexSecret,
    nowMicros: () => Date.now() * 1_000,
    onShed: ({ class: of, reason }) => shed.inc({ class: of, reason }),
  })
}

/** The disk that a Postgres of the engine's own writes to. */
function folderOfPostgres({ dataDir }: Config): string | undefined {
  const folder = path.join(dataDir, 'postgres')
  return existsSync(folder) ? folder : undefined
}

/** A commit gives up long before it counts as stuck. */
function commitCheck(committer: GroupCommit): ProgressCheck {
  return async () => {
    const { committingSince: since } = committer
    const ms = since === undefined ? 0 : performance.now() - since
    return ms > stuckUnderWayMs
      ? `a commit is under way for ${Math.round(ms / 1_000)} s`
      : undefined
  }
}

function acceptDependencies(
  keyring: Keyring,
  pool: AcceptDependencies['pool'],
  lane: Lane,
): Omit<AcceptDependencies, 'environment'> {
  return { ...activeKeys(keyring), pool, lane }
}

function authenticationOf({ token }: Config, keyring: Keyring) {
  const { issuer, audience, jwksUrl } = token
  const publicJwk = keyring.tokenKeys.map((key) => key.publicJwk)
  return { issuer, audience, keys: tokenKeys(jwksUrl === undefined ? { publicJwk } : { jwksUrl }) }
}

/** This process's metrics, what waits, and the metrics of workers beside it that are named. */
async function readMetrics(
  metrics: IntakeMetrics,
  { limit, shares, bodies }: Pick<Overload, 'limit' | 'shares' | 'bodies'>,
  pool: AcceptDependencies['pool'],
  workerMetricsUrls: readonly string[],
): Promise<string> {
  metrics.filingsMax.set(limit.limit)
  metrics.filingsUnderWay.set(limit.underWay)
  metrics.sharesHeard.set(shares.heard)
  metrics.bodiesHeld.set(bodies.bytes)
  showBacklog(metrics, await readBacklog(pool))
  showDeadLetters(metrics, await countDeadLetters(pool))
  showBatches(metrics, await readBatchCounts(pool))
  const own = await metrics.registry.metrics()
  const others = workerMetricsUrls.map((url) =>
    fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
      (answer) => answer.text(),
      () => '# a worker does not answer\n',
    ),
  )
  return [own, ...(await Promise.all(others))].join('\n')
}
