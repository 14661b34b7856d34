/**
 * What an intake process opens, puts together and stops: pools, queue, acceptance, files, overload, and the
 * app in front of them.
 */

import type { FastifyInstance } from 'fastify'
import type pg from 'pg'
import { buildApp } from '../intake/app.ts'
import { type AccessSource, type AccessWatch, watchAccess } from '../intake/auth/access-watch.ts'
import { type Authenticator, createAuthenticator } from '../intake/auth/authentication.ts'
import type { Filer } from '../intake/auth/claims.ts'
import { type TokenKeys, tokenKeys } from '../intake/auth/token-keys.ts'
import type { Signals } from '../intake/overload/admission.ts'
import { readPortal } from '../intake/portal/portal-files.ts'
import type { Readiness } from '../intake/routes/health.ts'
import type { Seals } from '../intake/sessions/seals.ts'
import { Denials } from '../journal/denials.ts'
import { createConfirm, createTestCommit } from '../journal/durable.ts'
import { recordPacks } from '../journal/policy-packs.ts'
import { ReadPool } from '../journal/reading/read-pool.ts'
import { createPersonIndex } from '../ledger/person.ts'
import {
  acceptStatementMsMax,
  batchStatementMsMax,
  readStatementMsMax,
  statusWaitersMax,
} from '../limits.ts'
import { databaseFault } from '../platform/command/sqlstate.ts'
import { readTokenPublicKeys } from '../platform/config/key-store.ts'
import { watchCommits } from '../platform/installation/commit-watch.ts'
import { healthOf } from '../platform/installation/health.ts'
import type { Installation } from '../platform/installation/installation.ts'
import { openQueues } from '../platform/installation/queue.ts'
import {
  DurabilityError,
  type DurabilityWatch,
  environmentText,
  watchDurability,
} from '../platform/postgres/durability.ts'
import { assertSchema } from '../platform/postgres/migrations.ts'
import { openPool, readingRole } from '../platform/postgres/postgres.ts'
import type { Logger } from '../platform/process/logger.ts'
import { createIntakeMetrics, type IntakeMetrics } from '../platform/process/metrics.ts'
import { type Stops, startOrStop } from '../platform/process/stops.ts'
import type { Policies } from '../policy/rules.ts'
import type { QueueBackend } from '../queue/backend.ts'
import { startWatchdog } from '../queue/watchdog.ts'
import { commitCheck, lane, openAcceptance } from './acceptance.ts'
import { openAccessLog } from './access.ts'
import { countEdge, readCounted } from './counted.ts'
import { openFiles } from './files.ts'
import { KeptOutages } from './kept-outages.ts'
import { exchangeOver, type Overload, type OverloadDependencies, openOverload } from './overload.ts'
import { openPortal } from './portal.ts'

export type IntakeOptions = {
  readonly logger: Logger
  readonly policies: Policies
  readonly signals: Signals
  readonly isDraining: () => boolean
  readonly onStuck: (reason: string) => void
  readonly stuck: () => string | undefined
}

export type Intake = {
  readonly app: FastifyInstance
  /** Where its queue is. */
  readonly queue: QueueBackend['kind']
  readonly readiness: Readiness
  readMetrics(): Promise<string>
  /** Answers what comes over open connections, and ends these; then all that it holds. */
  stop(): Promise<void>
}

/** Opens all that it needs, or nothing. */
export function openIntake(installation: Installation, options: IntakeOptions): Promise<Intake> {
  return startOrStop((stops) => open(installation, options, stops))
}

async function open(
  installation: Installation,
  options: IntakeOptions,
  stops: Stops,
): Promise<Intake> {
  const { config } = installation
  const { logger, policies, isDraining, stuck } = options
  const pools = openPools(installation, stops)
  const { acceptPool, readPool, watchPool, batchPool, confirmPool } = pools
  await assertSchema(watchPool)
  const metrics = createIntakeMetrics()
  const onTroubles = (count: number) => metrics.queueTroubles.set(count)
  const { backend, queues, watch } = openQueues(installation, [lane], logger, onTroubles, stops)
  const durability = await watchSettings(installation, pools, logger, metrics)
  stops.add(() => durability.stop())
  const environment = () => environmentText(config, durability.faults)
  const { judge } = durability
  const confirm = createConfirm(confirmPool, judge)
  const commits = watchCommits({
    ...{ commit: createTestCommit(confirmPool, judge), pool: watchPool, logger },
    onStandbys: (connected) => metrics.standbys.set(connected),
  })
  stops.add(() => commits.stop())
  await recordPacks(watchPool, policies) // before the first acceptance names one
  const exchange = exchangeOver(backend.exchange)
  const { session, signIn } = openPortal(installation)
  const access = await openAccess(installation, session.seals, watchPool, logger, stops)
  const keysTrouble = () => (access.keys.usable ? '' : 'the keys of JWKS_URL can not be read')
  const overload = overloadOf(installation, options.signals, metrics, {
    ...{ pool: watchPool, exchange },
    kept: keptOutages(installation, logger),
    unable: () => (commits.trouble !== '' ? 'commit' : keysTrouble() !== '' ? 'keys' : undefined),
  })
  stops.add(() => overload.stop())
  const accepting = {
    ...{ pool: acceptPool, judge, environment, queues },
    ...{ limit: overload.limit, commits },
  }
  const committer = openAcceptance(installation, { ...accepting, metrics, logger })
  stops.add(() => committer.stop())
  const onReceived = (bytes: number) => metrics.uploadBytes.inc(bytes)
  const receiving = { pool: batchPool, confirm, policies, environment, onReceived, logger }
  const files = await openFiles(installation, receiving, stops)
  const accessLog = openAccessLog(installation, metrics, logger, stops)
  const readiness = {
    ...healthOf(watchPool, durability, watch, commits),
    ...{ keysTrouble, isDraining, stuck },
  }
  const app = await buildApp({
    ...files,
    ...overload.dependencies,
    ...keysOf(installation),
    authenticator: access.authenticator,
    ...{ session, signIn, portal: readPortal(config.portal.dir), environment: config.environment },
    ...countEdge(config, metrics),
    logger,
    accessLog,
    policies,
    submit: (filing) => committer.submit(filing),
    nowMicros: () => Date.now() * 1_000,
    readPool: new ReadPool(readPool),
    watchPool,
    confirm,
    isTransient: (error) =>
      databaseFault(error) === 'transient' || error instanceof DurabilityError,
    refuses: () => durability.refuses,
    readiness,
    http: config.http,
    hstsSeconds: config.hstsSeconds,
    trustedProxies: config.trustedProxies,
    statusWaitersMax: Math.min(statusWaitersMax, config.http.connectionsMax / 2),
  })
  stops.add(() => app.close()) // who waits for a status is answered
  await app.ready()
  const watchdog = startWatchdog([commitCheck(committer)], options.onStuck)
  stops.add(() => watchdog.stop())
  const readMetrics = () => readCounted(metrics, overload, access.watch, watchPool)
  return { app, readiness, queue: backend.kind, readMetrics, stop: () => stops.run() }
}

/** Acceptance has connections of its own: lookups never take one that it needs. */
function openPools({ url }: Installation, stops: Stops) {
  const acceptPool = openPool({
    url,
    name: 'spillway-accept',
    connectionsMax: 2,
    statementMsMax: acceptStatementMsMax,
    pipeline: true,
  })
  const readPool = openPool({
    url,
    name: 'spillway-read',
    connectionsMax: 5,
    statementMsMax: readStatementMsMax,
    role: readingRole,
  })
  // What is told to many at once, and what the process itself looks at.
  const watchPool = openPool({
    url,
    name: 'spillway-watch',
    connectionsMax: 2,
    statementMsMax: readStatementMsMax,
  })
  // Bytes of files wait for each other, and for nobody else.
  const batchPool = openPool({
    url,
    name: 'spillway-batch',
    connectionsMax: 4,
    statementMsMax: batchStatementMsMax,
  })
  // Who confirms waits for standbys as a commit does, while others read; one is for the watch over commits.
  const confirmPool = openPool({
    url,
    name: 'spillway-confirm',
    connectionsMax: 2,
    statementMsMax: readStatementMsMax,
    pipeline: true,
  })
  const pools = { acceptPool, readPool, watchPool, batchPool, confirmPool }
  stops.add(() => Promise.all(Object.values(pools).map((pool) => pool.end())))
  return pools
}

function watchSettings(
  { config: { durability: mode, standbys } }: Installation,
  { acceptPool, watchPool, batchPool }: ReturnType<typeof openPools>,
  logger: Logger,
  { notDurable }: IntakeMetrics,
): Promise<DurabilityWatch> {
  return watchDurability({
    pools: [acceptPool, watchPool, batchPool],
    mode,
    standbys,
    onChange: (faults) => {
      notDurable.set(faults.length)
      logger.error({ faults }, 'what a 202 promises could be lost')
    },
  })
}

function keptOutages({ config: { dataDir }, url }: Installation, logger: Logger) {
  const onError = (err: unknown) =>
    logger.warn({ err }, 'outages can not be kept in DATA_DIR while the database is away')
  return (process: string) => new KeptOutages({ dataDir, url, process }, onError)
}

function overloadOf(
  { config, keyring }: Installation,
  signals: Signals,
  { shed }: IntakeMetrics,
  more: Pick<OverloadDependencies, 'pool' | 'exchange' | 'kept' | 'unable'>,
): Overload {
  const { shedAt, backlogSecondsMax, http } = config
  return openOverload({
    ...more,
    signals,
    shedAt,
    backlogSecondsMax,
    bodiesHeldBytesMax: http.bodiesHeldBytesMax,
    secret: keyring.blindIndexSecret,
    nowMicros: () => Date.now() * 1_000,
    onShed: ({ class: of, reason }) => shed.inc({ class: of, reason }),
  })
}

type OpenedAccess = {
  readonly authenticator: Authenticator
  readonly watch: AccessWatch
  readonly keys: TokenKeys
}

/** Who is let in: by keys and denials that are looked at as long as the process runs. */
async function openAccess(
  { config: { token, keyringFile } }: Installation,
  seals: Seals,
  pool: pg.Pool,
  logger: Logger,
  stops: Stops,
): Promise<OpenedAccess> {
  const { jwksUrl, ...rules } = token
  const readPublicJwk = () => readTokenPublicKeys(keyringFile)
  const keys = tokenKeys(jwksUrl === undefined ? { readPublicJwk } : { jwksUrl })
  const denials = new Denials(pool)
  await denials.refresh()
  const denies = (filer: Filer) => denials.denies(filer)
  const authenticator = createAuthenticator({ ...rules, keys, denies, now: Date.now })
  const onError = (source: AccessSource, err: unknown) =>
    logger.error({ source, err }, 'who may come in can not be read; what was read last counts')
  const watch = watchAccess({ authenticator, keys, denials, seals, onError })
  stops.add(() => watch.stop())
  return { authenticator, watch, keys }
}

/** With which keys what is kept is opened, and what is given out verified. */
function keysOf({ keyring }: Installation) {
  return {
    sealingKeys: keyring.sealingKeys,
    salts: keyring.salts,
    personIndex: createPersonIndex(keyring.blindIndexSecret),
    receiptKeys: keyring.receiptPublicKeys,
  }
}
