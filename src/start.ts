/**
 * `npm start`: everything on one machine. Makes keys on first run, starts Postgres, migrates, and
 * keeps an intake and a worker process running until Ctrl-C.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { scopes } from './intake/authentication.ts'
import { issueToken } from './intake/issue-token.ts'
import { type Config, readConfig } from './platform/config.ts'
import { migrateDatabase } from './platform/database.ts'
import { startEmbeddedPostgres } from './platform/embedded-postgres.ts'
import { acquireEngineLock } from './platform/engine-lock.ts'
import { reportFailure } from './platform/failure.ts'
import { freePort } from './platform/free-port.ts'
import {
  createKeyring,
  KeyringError,
  readEmbeddedPostgresPassword,
  readKeyring,
} from './platform/keyring.ts'
import { createLogger, type Logger } from './platform/logger.ts'
import { stopOnSignal } from './platform/stop.ts'
import { createSupervisor } from './platform/supervisor.ts'

/** GB 32100's published example; stands for a synthetic employer. */
const exampleEmployer = '91350100M000100Y43'

main().catch(reportFailure)

async function main(): Promise<void> {
  const config = readConfig(process.env)
  const logger = createLogger(config.logLevel, 'start')
  const lock = acquireEngineLock(config.dataDir, { port: config.port })
  const stops: (() => Promise<void>)[] = [async () => lock.release()]
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  stopOnSignal(logger, stop)
  try {
    const databaseUrl = await bringUpDatabase(config, stops)
    const address = await startProcesses(config, databaseUrl, logger, stops)
    process.stdout.write(await welcome(config, address))
  } catch (error) {
    await stop()
    throw error
  }
}

/** The database of DATABASE_URL, or the embedded one; migrated. */
async function bringUpDatabase(config: Config, stops: (() => Promise<void>)[]): Promise<string> {
  makeKeysOnFirstRun(config)
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

async function startProcesses(
  config: Config,
  databaseUrl: string,
  logger: Logger,
  stops: (() => Promise<void>)[],
): Promise<string> {
  const workerPort = await freePort(config.host)
  const supervisor = createSupervisor({ log: logger })
  stops.push(() => supervisor.stop())
  const env = { ...process.env, DATABASE_URL: databaseUrl, WORKER_PORT: `${workerPort}` }
  const worker = supervisor.run({
    name: 'worker',
    file: fileOf('../workers/post.ts'),
    env,
  })
  const intake = supervisor.run({
    name: 'intake',
    file: fileOf('./intake.ts'),
    env: { ...env, WORKER_METRICS_URL: `http://${config.host}:${workerPort}/metrics` },
  })
  const [ready] = await Promise.all([intake.ready, worker.ready])
  return (ready as unknown as { address: string }).address
}

function fileOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url))
}

async function welcome(config: Config, address: string): Promise<string> {
  const [key] = readKeyring(config.keyringFile).tokenKeys
  const period = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 7)
  const request = {
    employer: exampleEmployer,
    region: '340100',
    period,
    kind: 'regular',
    lines: [
      {
        person: { idType: 'resident-id', idNumber: '11010519491231002X', name: '张三' },
        category: 'employee',
        wage: '6500.00',
        change: 'none',
      },
    ],
  }
  const lines = [
    '',
    `Spillway takes declarations at ${address}`,
    `  documentation  ${address}/documentation`,
    `  metrics        ${address}/metrics`,
    `  data and keys  ${config.dataDir}`,
    '',
  ]
  if (key !== undefined && config.token.jwksUrl === undefined) {
    const token = await issueToken(
      { key, ...config.token },
      { employers: [exampleEmployer], scopes, ttlSeconds: 12 * 3_600 },
    )
    lines.push(
      'File a declaration (the token is good for 12 hours and for this employer):',
      '',
      `curl -i ${address}/v1/declarations \\`,
      `  -H 'Authorization: Bearer ${token}' \\`,
      `  -H 'Idempotency-Key: first-try' \\`,
      `  -H 'Content-Type: application/json' \\`,
      `  -d '${JSON.stringify(request)}'`,
      '',
    )
  }
  lines.push('Ctrl-C stops everything.', '')
  return lines.join('\n')
}
