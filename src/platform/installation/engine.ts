/**
 * The whole engine on one machine: keys on first run, Postgres, migrations, and an intake, a
 * posting and a batch worker process under a supervisor. It starts in this order and stops in reverse. A
 * rehearsal has keys and a database that were made for it, in the Postgres of the engine beside it.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Config, readConfig } from '../config/config.ts'
import { readEmbeddedPostgresPassword } from '../config/key-store.ts'
import { completeKeyring, createKeyring } from '../config/keyring.ts'
import { KeyringError } from '../config/keyring-file.ts'
import { openOwnKeys } from '../config/rehearsal.ts'
import { type LoginKind, loginUrl, makeLogins } from '../postgres/embedded-logins.ts'
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '../postgres/embedded-postgres.ts'
import { acquireEngineLock } from '../process/engine-lock.ts'
import { freePort } from '../process/free-port.ts'
import type { Logger } from '../process/logger.ts'
import { intakeMemory, workerMemory } from '../process/process-memory.ts'
import { type Child, createSupervisor } from '../process/supervisor.ts'
import { assertOwn, beginSalting, findOwnerUrl, migrateDatabase, onDatabase } from './database.ts'

export type Engine = {
  /** Starts everything; resolves when a declaration can be filed, with nothing if stopped before. */
  start(): Promise<RunningEngine | undefined>
  /** Stops what was started; may be called twice, and while it starts. */
  stop(): Promise<void>
}

export type RunningEngine = {
  /** Where intake listens. */
  readonly address: string
  /** Where metrics of all processes are. */
  readonly operators: string
  /** For commands; the owner's is not given to anybody. */
  readonly databaseUrl: string
  readonly worker: Child
}

/** How soon a Postgres that was killed is missed. */
const postgresCheckMs = 500

type Stops = (() => Promise<void> | void)[]
/** The database's URL with the login of a kind of process. */
type DatabaseUrlFor = (kind: LoginKind) => string

/**
 * An engine for the configuration in `env`, which its processes get too.
 * @param guarded its Postgres ends with this process even if that is killed
 */
export function createEngine(
  env: NodeJS.ProcessEnv,
  logger: Logger,
  { guarded = false } = {},
): Engine {
  const config = readConfig(env)
  const stops: Stops = []
  let stopping = false
  let preparing: Promise<Prepared> | undefined
  return {
    start: async () => {
      preparing = prepare(config, guarded, stops, logger)
      const prepared = await preparing
      if (stopping) return undefined
      const running = await startProcesses(env, config, prepared, logger, stops)
      prepared.letPostgresOutlive()
      return running
    },
    stop: async () => {
      stopping = true
      await preparing?.catch(() => {}) // whoever started it hears of it
      for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop()
    },
  }
}

type Database = {
  readonly databaseUrlFor: DatabaseUrlFor
  /** To be called when the engine runs: killed before, it leaves no Postgres that nobody asked for. */
  readonly letPostgresOutlive: () => void
}

type Prepared = Database & {
  readonly workerPort: number
  readonly batchPort: number
}

async function prepare(
  config: Config,
  guarded: boolean,
  stops: Stops,
  logger: Logger,
): Promise<Prepared> {
  // A rehearsal has nothing in DATA_DIR but its keys.
  if (config.isRehearsal) openOwnKeys(config, [], 'npm start')
  else {
    const lock = acquireEngineLock(config.dataDir, { port: config.port })
    stops.push(() => lock.release())
    makeKeysOnFirstRun(config)
  }
  const database = await bringUpDatabase(config, guarded, stops, logger)
  const { host } = config.operators
  const [workerPort, batchPort] = await Promise.all([freePort(host), freePort(host)])
  return { ...database, workerPort, batchPort }
}

/** Keys come before data: new keys beside old data would leave its envelopes closed for ever. */
function makeKeysOnFirstRun({ keyringFile, dataDir }: Config): void {
  if (existsSync(keyringFile)) {
    completeKeyring(keyringFile, new Date())
    return
  }
  if (existsSync(path.join(dataDir, 'postgres'))) {
    throw new KeyringError(
      `There is data in ${dataDir} but no keyring at ${keyringFile}: restore the keyring from your backup, or set DATA_DIR to a new folder.`,
    )
  }
  createKeyring(keyringFile, new Date())
}

/** The database of DATABASE_URL, or the embedded one; migrated. */
async function bringUpDatabase(
  config: Config,
  guarded: boolean,
  stops: Stops,
  logger: Logger,
): Promise<Database> {
  const { databaseUrl, migrateDatabaseUrl } = config
  if (databaseUrl !== undefined) {
    await assertOwn(config, databaseUrl)
    await migrateDatabase(migrateDatabaseUrl ?? databaseUrl)
    return { databaseUrlFor: () => databaseUrl, letPostgresOutlive: () => {} }
  }
  const { ownerUrl, letPostgresOutlive } = config.isRehearsal
    ? { ownerUrl: await findOwnerUrl(config), letPostgresOutlive: () => {} }
    : await startPostgres(config, guarded, stops, logger)
  await assertOwn(config, ownerUrl)
  await migrateDatabase(ownerUrl)
  await onDatabase(ownerUrl, beginSalting) // all processes on it are this program's
  return { databaseUrlFor: (kind) => loginUrl(ownerUrl, kind), letPostgresOutlive }
}

async function startPostgres(
  config: Config,
  guarded: boolean,
  stops: Stops,
  logger: Logger,
): Promise<{ readonly ownerUrl: string } & Pick<Database, 'letPostgresOutlive'>> {
  const ownerPassword = readEmbeddedPostgresPassword(config.keyringFile)
  const options = { dataDir: config.dataDir, ownerPassword, guarded }
  const postgres = await startEmbeddedPostgres(options)
  const { stop, letOutlive } = keepRunning(options, postgres, logger)
  stops.push(stop)
  await makeLogins(postgres.ownerUrl)
  return { ownerUrl: postgres.ownerUrl, letPostgresOutlive: letOutlive }
}

/**
 * Starts Postgres again when it was killed, on its port, where the processes look for it.
 * @returns what stops it for good, and what lets it outlive this process
 */
function keepRunning(
  options: EmbeddedPostgresOptions,
  first: EmbeddedPostgres,
  logger: Logger,
): { readonly stop: () => Promise<void>; readonly letOutlive: () => void } {
  const stopping = new AbortController()
  const { signal } = stopping
  let postgres = first
  let mayOutlive = false
  const watch = async () => {
    while (!signal.aborted) {
      await pause(postgresCheckMs, undefined, { signal }).catch(() => {})
      if (signal.aborted || postgres.isRunning()) continue
      logger.warn('Postgres ended; starting it again')
      try {
        postgres = await startEmbeddedPostgres({ ...options, port: first.port })
        if (mayOutlive) postgres.outlive()
      } catch (err) {
        logger.error({ err }, 'Postgres did not start; it will be tried again')
      }
    }
  }
  const watching = watch()
  const stop = async () => {
    stopping.abort()
    await watching
    await postgres.stop()
  }
  const letOutlive = () => {
    mayOutlive = true
    postgres.outlive()
  }
  return { stop, letOutlive }
}

async function startProcesses(
  env: NodeJS.ProcessEnv,
  { operators: { host } }: Config,
  { databaseUrlFor, workerPort, batchPort }: Prepared,
  logger: Logger,
  stops: Stops,
): Promise<RunningEngine> {
  const supervisor = createSupervisor({ log: logger })
  stops.push(() => supervisor.stop())
  const envOf = (kind: LoginKind) => ({ ...env, DATABASE_URL: databaseUrlFor(kind) })
  const worker = supervisor.run({
    name: 'worker',
    file: fileOf('../../../workers/post.ts'),
    execArgv: workerMemory.execArgv,
    env: { ...workerMemory.env, ...envOf('worker'), WORKER_PORT: `${workerPort}` },
  })
  const batches = supervisor.run({
    name: 'batches',
    file: fileOf('../../../workers/batches.ts'),
    execArgv: workerMemory.execArgv,
    env: { ...workerMemory.env, ...envOf('batch-worker'), WORKER_PORT: `${batchPort}` },
  })
  const urls = [workerPort, batchPort].map((port) => `http://${urlHost(host)}:${port}/metrics`)
  const intake = supervisor.run({
    name: 'intake',
    file: fileOf('../../commands/intake.ts'),
    execArgv: intakeMemory.execArgv,
    env: { ...intakeMemory.env, ...envOf('intake'), WORKER_METRICS_URL: urls.join(',') },
  })
  const [ready] = await Promise.all([intake.ready, worker.ready, batches.ready])
  const [address, operators] = [String(ready.address), String(ready.operators)]
  return { address, operators, databaseUrl: databaseUrlFor('operator'), worker }
}

/** Where a process of this machine finds what listens on all addresses, or on one of IPv6. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

function fileOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url))
}
