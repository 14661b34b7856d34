/**
 * One side of an intake process, the live one or its rehearsal's: database, queue, keys and app of its
 * own. What a process has only once, as turns of its loop and memory for bodies, its sides share.
 */
import type { FastifyInstance } from 'fastify'
import type { ShedAt, Signals } from '../intake/admission.ts'
import { type AppDependencies, buildApp } from '../intake/app.ts'
import { createAuthenticator, tokenKeys } from '../intake/authentication.ts'
import type { InnerServer } from '../intake/dispatch.ts'
import {
  exchangeOver,
  type Overload,
  type OverloadDependencies,
  openOverload,
  type Room,
} from '../intake/overload.ts'
import { createConfirm } from '../journal/durable.ts'
import { recordPacks } from '../journal/policy-packs.ts'
import { createPersonIndex } from '../ledger/person.ts'
import {
  acceptStatementMsMax,
  batchStatementMsMax,
  readStatementMsMax,
  rehearsalAnswerMsMax,
  rehearsalRoom,
  statusWaitersMax,
} from '../limits.ts'
import {
  DurabilityError,
  type DurabilityWatch,
  environmentText,
  watchDurability,
} from '../platform/durability.ts'
import type { Logger } from '../platform/logger.ts'
import { createIntakeMetrics, type IntakeMetrics, prefixOf } from '../platform/metrics.ts'
import { assertSchema } from '../platform/migrations.ts'
import { openPool } from '../platform/postgres.ts'
import { openQueues } from '../platform/queue.ts'
import { isLive, type Side } from '../platform/rehearsal.ts'
import { healthOf } from '../platform/sides.ts'
import { databaseFault } from '../platform/sqlstate.ts'
import { type Stops, startOrStop } from '../platform/stops.ts'
import type { Policies } from '../policy/rules.ts'
import type { QueueBackend } from '../queue/backend.ts'
import { startWatchdog } from '../queue/watchdog.ts'
import { commitCheck, lane, openAcceptance } from './acceptance.ts'
import { countEdge, readCounted } from './counted.ts'
import { openFiles } from './files.ts'

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
  const { config } = side
  const { policies, isDraining } = process
  const { logger, inner, stuck } = options
  const pools = openPools(side, stops)
  const { acceptPool, readPool, batchPool, confirmPool } = pools
  await assertSchema(readPool)
  const metrics = createIntakeMetrics(prefixOf(side))
  const onTroubles = (count: number) => metrics.queueTroubles.set(count)
  const { backend, queues, watch } = openQueues(side, [lane], logger, onTroubles, stops)
  const durability = await watchSettings(side, pools, logger, metrics)
  stops.add(() => durability.stop())
  const environment = () => environmentText(config, durability.faults)
  const { judge } = durability
  const confirm = createConfirm(confirmPool, judge)
  await recordPacks(readPool, policies) // before the first acceptance names one
  const exchange = exchangeOver(backend.exchange)
  const overload = overloadOf(side, process, metrics, { pool: readPool, exchange })
  stops.add(() => overload.stop())
  const accepting = { pool: acceptPool, judge, environment, queues, limit: overload.limit }
  const committer = openAcceptance(side, { ...accepting, metrics, logger })
  stops.add(() => committer.stop())
  const onReceived = (bytes: number) => metrics.uploadBytes.inc(bytes)
  const receiving = { pool: batchPool, confirm, policies, environment, onReceived, logger }
  const files = await openFiles(side, receiving, stops)
  const readOwn = () => readCounted(metrics, process.room, overload, readPool)
  const app = await buildApp({
    ...options,
    ...files,
    ...overload.dependencies,
    ...accessOf(side),
    ...countEdge(config, metrics),
    createServer: inner?.create,
    policies,
    submit: (filing) => committer.submit(filing),
    nowMicros: () => Date.now() * 1_000,
    readPool,
    confirm,
    isTransient: (error) =>
      databaseFault(error) === 'transient' || error instanceof DurabilityError,
    refuses: () => durability.refuses,
    readiness: { ...healthOf(readPool, durability, watch), isDraining, stuck },
    readMetrics: async () => [await readOwn(), ...(await options.readOthers())].join('\n'),
    http: config.http,
    statusWaitersMax: Math.min(statusWaitersMax, config.http.connectionsMax / 2),
  })
  stops.add(() => inner?.answered(rehearsalAnswerMsMax))
  stops.add(() => app.close()) // who waits for a status is answered
  await app.ready()
  const watchdog = startWatchdog([commitCheck(committer)], options.onStuck)
  stops.add(() => watchdog.stop())
  return { app, queue: backend.kind, readMetrics: readOwn, stop: () => stops.run() }
}

/** Acceptance has connections of its own: lookups never take one that it needs. */
function openPools({ url, mark }: Side, stops: Stops) {
  const acceptPool = openPool({
    url,
    mark,
    name: 'spillway-accept',
    connectionsMax: 2,
    statementMsMax: acceptStatementMsMax,
    pipeline: true,
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
  // Who confirms waits for standbys as a commit does, while others read.
  const confirmPool = openPool({
    url,
    mark,
    name: 'spillway-confirm',
    connectionsMax: 1,
    statementMsMax: readStatementMsMax,
    pipeline: true,
  })
  const pools = { acceptPool, readPool, batchPool, confirmPool }
  stops.add(() => Promise.all(Object.values(pools).map((pool) => pool.end())))
  return pools
}

function watchSettings(
  { config: { durability: mode, standbys } }: Side,
  { acceptPool, readPool, batchPool }: ReturnType<typeof openPools>,
  logger: Logger,
  { notDurable }: IntakeMetrics,
): Promise<DurabilityWatch> {
  return watchDurability({
    pools: [acceptPool, readPool, batchPool],
    mode,
    standbys,
    onChange: (faults) => {
      notDurable.set(faults.length)
      logger.error({ faults }, 'what a 202 promises could be lost')
    },
  })
}

function overloadOf(
  side: Side,
  { room, signals }: IntakeProcess,
  { shed }: IntakeMetrics,
  more: Pick<OverloadDependencies, 'pool' | 'exchange'>,
): Overload {
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

/** Who is let in, and with which keys what is kept is opened and what is given out verified. */
function accessOf({ config: { token }, keyring }: Side) {
  const { issuer, audience, claims, jwksUrl } = token
  const publicJwk = keyring.tokenKeys.map((key) => key.publicJwk)
  const keys = tokenKeys(jwksUrl === undefined ? { publicJwk } : { jwksUrl })
  return {
    authenticator: createAuthenticator({ issuer, audience, keys, claims, now: Date.now }),
    sealingKeys: keyring.sealingKeys,
    salts: keyring.salts,
    personIndex: createPersonIndex(keyring.blindIndexSecret),
    receiptKeys: keyring.receiptKeys.map((key) => key.publicJwk),
  }
}
