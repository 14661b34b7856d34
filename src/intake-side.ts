/**
 * One side of an intake process, the live one or its rehearsal's: database, queue, keys and app of its
 * own. What a process has only once, as turns of its loop and memory for bodies, its sides share.
 */
import type { FastifyInstance } from 'fastify'
import { readBatchCounts } from './batch/counts.ts'
import { createReceiptOf, type ReceiptDependencies } from './batch/receipt.ts'
import { openRunningDigest } from './batch/running-digest.ts'
import { createSlotStore, type SlotStore } from './batch/slot-store.ts'
import { createUploadStore, type UploadStore } from './batch/upload-store.ts'
import type { ShedAt, Signals } from './intake/admission.ts'
import { type AppDependencies, buildApp } from './intake/app.ts'
import { createAuthenticator, tokenKeys } from './intake/authentication.ts'
import { cutReasons } from './intake/connections.ts'
import type { InnerServer } from './intake/dispatch.ts'
import type { FilingLimit } from './intake/filing-limit.ts'
import {
  exchangeOver,
  type Overload,
  type OverloadDependencies,
  openOverload,
  type Room,
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
  readStatementMsMax,
  rehearsalAnswerMsMax,
  rehearsalRoom,
  statusWaitersMax,
  stuckUnderWayMs,
  uploadExpiryEveryMs,
} from './limits.ts'
import type { Config } from './platform/config.ts'
import { passes } from './platform/crash-point.ts'
import {
  type DurabilityDependencies,
  type DurabilityFault,
  environmentText,
  namesOf,
  watchDurability,
} from './platform/durability.ts'
import { activeKeys, type Keyring } from './platform/keyring.ts'
import type { Logger } from './platform/logger.ts'
import {
  createIntakeMetrics,
  type IntakeMetrics,
  livePrefix,
  rehearsalPrefix,
  showBacklog,
  showBatches,
  showDeadLetters,
} from './platform/metrics.ts'
import { assertMigrated, assertSchema } from './platform/migrations.ts'
import { inTransaction, openPool } from './platform/postgres.ts'
import { openQueueBackend } from './platform/queue.ts'
import { isLive, type Side } from './platform/rehearsal.ts'
import { databaseFault } from './platform/sqlstate.ts'
import { type Stops, startOrStop } from './platform/stops.ts'
import type { Policies } from './policy/rules.ts'
import type { LaneQueue, QueueBackend } from './queue/backend.ts'
import { createEnqueue, type Enqueue } from './queue/enqueue.ts'
import { type ProgressCheck, startWatchdog } from './queue/watchdog.ts'

/** Of what intake accepts. */
const lane: Lane = 'filing'

/** What the sides of a process share. */
export type IntakeProcess = {
  readonly policies: Policies
  readonly room: Room
  readonly signals: Signals
  readonly isDraining: () => boolean
}

export type IntakeSideOptions = Pick<AppDependencies, 'rehearsalKeys'> & {
  readonly logger: Logger
  /** Where a rehearsal's requests come from; what counts has a server of its own. */
  readonly inner?: InnerServer
  /** Metrics that are shown after its own. */
  readonly readOthers: () => Promise<readonly string[]>
  readonly onStuck: (reason: string) => void
  readonly stuck: () => string | undefined
}

export type IntakeSide = {
  readonly app: FastifyInstance
  /** Where its queue is. */
  readonly queue: QueueBackend['kind']
  readMetrics(): Promise<string>
  /** Answers what comes over open connections, and ends these; then all that it holds. */
  stop(): Promise<void>
}

/** Opens all that a side needs, or nothing. */
export function openIntakeSide(
  side: Side,
  process: IntakeProcess,
  options: IntakeSideOptions,
): Promise<IntakeSide> {
  return startOrStop((stops) => open(side, process, options, stops))
}

async function open(
  side: Side,
  process: IntakeProcess,
  options: IntakeSideOptions,
  stops: Stops,
): Promise<IntakeSide> {
  const { config, keyring } = side
  const { policies } = process
  const { logger, stuck, onStuck } = options
  const pools = openPools(side, stops)
  const { acceptPool, readPool, batchPool, warnings } = pools
  await assertSchema(readPool)
  const metrics = createIntakeMetrics(isLive(side) ? livePrefix : rehearsalPrefix)
  const backend = openQueueBackend(config, side.url, logger)
  stops.add(() => backend.close())
  const durability = await watch(config, pools, backend, logger, metrics)
  stops.add(() => durability.stop())
  const environment = () => environmentText(config, durability.faults)
  await recordPacks(readPool, policies) // before the first acceptance names one
  const queue = backend.openQueue(lane)
  stops.add(() => queue.close())
  const enqueue = openEnqueue(config, new Map([[lane, queue]]), metrics, logger)
  const exchange = exchangeOver(backend.exchange)
  const overload = overloadOf(side, process, metrics, { pool: readPool, exchange })
  stops.add(() => overload.stop())
  const committer = openCommitter({
    config,
    lane,
    metrics,
    enqueue,
    limit: overload.limit,
    accepting: { ...acceptDependencies(keyring, acceptPool, lane), warnings, environment },
  })
  stops.add(() => committer.stop())
  const signing = { policies, environment }
  const readOwn = () => readMetrics(metrics, process.room, overload, readPool)
  const app = await buildApp({
    ...options,
    createServer: options.inner?.create,
    authenticator: createAuthenticator({ ...authenticationOf(config, keyring), now: Date.now }),
    policies,
    sealingKeys: keyring.sealingKeys,
    personIndex: createPersonIndex(keyring.blindIndexSecret),
    submit: (filing) => committer.submit(filing),
    ...overload.dependencies,
    nowMicros: () => Date.now() * 1_000,
    readPool,
    ...(await openStores(keyring, batchPool, stops, signing, metrics, logger)),
    receiptKeys: keyring.receiptKeys.map(({ publicJwk }) => publicJwk),
    isTransient: (error) => databaseFault(error) === 'transient',
    refuses: () => durability.refuses,
    readiness: { ...readinessOf(readPool, durability), isDraining: process.isDraining, stuck },
    readMetrics: async () => [await readOwn(), ...(await options.readOthers())].join('\n'),
    ...edgeOf(config, metrics),
  })
  stops.add(() => options.inner?.answered(rehearsalAnswerMsMax))
  stops.add(() => app.close()) // who waits for a status is answered
  await app.ready()
  const watchdog = startWatchdog([commitCheck(committer)], onStuck)
  stops.add(() => watchdog.stop())
  return { app, queue: backend.kind, readMetrics: readOwn, stop: () => stops.run() }
}

function watch(
  { durability: mode, standbys }: Config,
  { acceptPool, readPool, batchPool }: ReturnType<typeof openPools>,
  backend: QueueBackend,
  logger: Logger,
  metrics: IntakeMetrics,
) {
  const pools = [acceptPool, readPool, batchPool] as const
  return watchDurability({ ...telling(logger, metrics), pools, backend, mode, standbys })
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
function openPools({ url, mark }: Side, stops: Stops) {
  let warnings = 0
  const acceptPool = openPool({
    url,
    mark,
    name: 'spillway-accept',
    connectionsMax: 2,
    statementMsMax: acceptStatementMsMax,
    onWarning: () => {
      warnings += 1
    },
  })
  const readPool = openPool({
    url,
    mark,
    name: 'spillway-read',
    connectionsMax: 6,
    statementMsMax: readStatementMsMax,
  })
  // Bytes of files wait for each other, and for nobody else.
  const batchPool = openPool({
    url,
    mark,
    name: 'spillway-batch',
    connectionsMax: 4,
    statementMsMax: batchStatementMsMax,
  })
  stops.add(() => Promise.all([acceptPool.end(), readPool.end(), batchPool.end()]))
  return { acceptPool, readPool, batchPool, warnings: () => warnings }
}

async function openStores(
  keyring: Keyring,
  pool: AcceptDependencies['pool'],
  stops: Stops,
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
  const expiry = startExpiry(uploads, slots, logger)
  stops.add(() => clearInterval(expiry))
  return { uploads, slots }
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
  side: Side,
  { room, signals }: IntakeProcess,
  { shed }: IntakeMetrics,
  more: Pick<OverloadDependencies, 'pool' | 'exchange'>,
) {
  return openOverload({
    ...more,
    ...roomOf(side),
    signals,
    room,
    backlogSecondsMax: side.config.backlogSecondsMax,
    secret: side.keyring.blindIndexSecret,
    nowMicros: () => Date.now() * 1_000,
    onShed: ({ class: of, reason }) => shed.inc({ class: of, reason }),
  })
}

/** A rehearsal is given up before what counts, and none of its filers finds more room than another. */
function roomOf(side: Side): Pick<OverloadDependencies, 'shedAt' | 'modestRoom'> {
  const { shedAt } = side.config
  if (isLive(side)) return { shedAt }
  const less = Object.entries(shedAt).map(([of, share]) => [of, rehearsalRoom * share])
  return { shedAt: Object.fromEntries(less) as ShedAt, modestRoom: 1 }
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

/** What this side counted, and what waits. */
async function readMetrics(
  metrics: IntakeMetrics,
  { bodies }: Room,
  { limit, shares }: Pick<Overload, 'limit' | 'shares'>,
  pool: AcceptDependencies['pool'],
): Promise<string> {
  metrics.filingsMax.set(limit.limit)
  metrics.filingsUnderWay.set(limit.underWay)
  metrics.sharesHeard.set(shares.heard)
  metrics.bodiesHeld.set(bodies.bytes)
  showBacklog(metrics, await readBacklog(pool))
  showDeadLetters(metrics, await countDeadLetters(pool))
  showBatches(metrics, await readBatchCounts(pool))
  return metrics.registry.metrics()
}
