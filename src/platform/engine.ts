/**
 * The whole engine on one machine: keys on first run, Postgres, migrations, and an intake and a
 * worker process under a supervisor. It starts in this order and stops in reverse.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Config, readConfig } from './config.ts'
import { migrateDatabase } from './database.ts'
import { startEmbeddedPostgres } from './embedded-postgres.ts'
import { acquireEngineLock } from './engine-lock.ts'
import { freePort } from './free-port.ts'
import { createKeyring, KeyringError, readEmbeddedPostgresPassword } from './keyring.ts'
import type { Logger } from './logger.ts'
import { type Child, createSupervisor } from './supervisor.ts'

export type Engine = {
  /** Starts everything; resolves when a declaration can be filed, with nothing if stopped before. */
  start(): Promise<RunningEngine | undefined>
  /** Stops what was started; may be called twice, and while it starts. */
  stop(): Promise<void>
}

export type RunningEngine = {
  /** Where intake listens. */
  readonly address: string
  readonly databaseUrl: string
  readonly worker: Child
}

type Stops = (() => Promise<void> | void)[]

/** An engine for the configuration in `env`, which its processes get too. */
export function createEngine(env: NodeJS.ProcessEnv, logger: Logger): Engine {
  const config = readConfig(env)
  const stops: Stops = []
  let stopping = false
  let preparing: Promise<Prepared> | undefined
  return {
    start: async () => {
      preparing = prepare(config, stops)
      const prepared = await preparing
      return stopping ? undefined : startProcesses(env, config, prepared, logger, stops)
    },
    stop: async () => {
      stopping = true
      await preparing?.catch(() => {}) // whoever started it hears of it
      for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop()
    },
  }
}

type Prepared = { readonly databaseUrl: string; readonly workerPort: number }

async function prepare(config: Config, stops: Stops): Promise<Prepared> {
  const lock = acquireEngineLock(config.dataDir, { port: config.port })
  stops.push(() => lock.release())
  makeKeysOnFirstRun(config)
  const databaseUrl = await bringUpDatabase(config, stops)
  return { databaseUrl, workerPort: await freePort(config.host) }
}

/** Keys come before data: new keys beside old data would leave its envelopes closed for ever. */
function makeKeysOnFirstRun({ keyringFile, dataDir }: Config): void {
  if (existsSync(keyringFile)) return
  if (existsSync(path.join(dataDir, 'postgres'))) {
    throw new KeyringError(
      `There is data in ${dataDir} but no keyring at ${keyringFile}: restore the keyring from your backup, or set DATA_DIR to a new folder.`,
    )
  }
  createKeyring(keyringFile, new Date())
}

/** The database of DATABASE_URL, or the embedded one; migrated. */
async function bringUpDatabase(config: Config, stops: Stops): Promise<string> {
  if (config.databaseUrl !== undefined) {
    await migrateDatabase(config.migrateDatabaseUrl ?? config.databaseUrl)
    return config.databaseUrl
  }
  const ownerPassword = readEmbeddedPostgresPassword(config.keyringFile)
  const postgres = await startEmbeddedPostgres({ dataDir: config.dataDir, ownerPassword })
  stops.push(() => postgres.stop())
  await migrateDatabase(postgres.ownerUrl)
  return postgres.ownerUrl
}

async function startProcesses(
  env: NodeJS.ProcessEnv,
  { host }: Config,
  { databaseUrl, workerPort }: Prepared,
  logger: Logger,
  stops: Stops,
): Promise<RunningEngine> {
  const supervisor = createSupervisor({ log: logger })
  stops.push(() => supervisor.stop())
  const childEnv = { ...env, DATABASE_URL: databaseUrl, WORKER_PORT: `${workerPort}` }
  const worker = supervisor.run({
    name: 'worker',
    file: fileOf('../../workers/post.ts'),
    env: childEnv,
  })
  const intake = supervisor.run({
    name: 'intake',
    file: fileOf('../intake.ts'),
    env: { ...childEnv, WORKER_METRICS_URL: `http://${host}:${workerPort}/metrics` },
  })
  const [ready] = await Promise.all([intake.ready, worker.ready])
  return { address: String(ready.address), databaseUrl, worker }
}

function fileOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url))
}
