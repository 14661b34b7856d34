/**
 * Which database a process or a command works on: the one that DATABASE_URL names, or one in the embedded
 * Postgres of DATA_DIR, running already or brought up for as long as a command needs it. A rehearsal has one
 * of its own there, beside the live one.
 */

import { createHash } from 'node:crypto'
import { runMigrations } from 'bullmq'
import pg from 'pg'
import { lanes } from '../../journal/lanes.ts'
import { queueName } from '../../queue/jobs.ts'
import { tellAside } from '../command/output.ts'
import { type Config, ConfigError } from '../config/config.ts'
import { readEmbeddedPostgresPassword } from '../config/key-store.ts'
import { assertPurpose, readPurpose } from '../config/rehearsal.ts'
import { type LoginKind, loginUrl, makeLogins } from '../postgres/embedded-logins.ts'
import { findEmbeddedPostgres, startEmbeddedPostgres } from '../postgres/embedded-postgres.ts'
import { migrate } from '../postgres/migrations.ts'
import { applicationRole } from '../postgres/postgres.ts'
import { acquireEngineLock } from '../process/engine-lock.ts'

/** Of a rehearsal in the embedded Postgres. */
const rehearsalDatabase = 'rehearsal'

/**
 * The URL of a database that runs, for a process of some kind.
 * @throws ConfigError, with the next step, when there is none
 */
export async function findDatabaseUrl(config: Config, kind: LoginKind): Promise<string> {
  const { databaseUrl } = config
  return databaseUrl ?? loginUrl(await findOwnerUrl(config), kind)
}

/**
 * The owner's URL of the database in the embedded Postgres, which must run.
 * @throws ConfigError, with the next step, when it does not
 */
export async function findOwnerUrl(config: Config): Promise<string> {
  const ownerUrl = await findRunningEmbedded(config)
  if (ownerUrl !== undefined) return ownDatabase(config, ownerUrl)
  throw new ConfigError(
    config.isRehearsal
      ? `No DATABASE_URL, and no engine runs on ${config.dataDir}: start the one to rehearse beside with "npm start", or set DATABASE_URL.`
      : `No DATABASE_URL, and no engine runs on ${config.dataDir}: start one with "npm start", or set DATABASE_URL.`,
  )
}

export type Urls = {
  readonly url: string
  /** For what makes schemas. */
  readonly ownerUrl: string
}

/**
 * Runs an operator's `work` on the database, and says beside its output which one that is: what a command finds of
 * one database must not be taken for another's. An embedded one that is not running is started for it.
 * @throws ConfigError where ENVIRONMENT and the database do not agree
 */
export function withDatabase<T>(config: Config, work: (urls: Urls) => Promise<T>): Promise<T> {
  return withServer(config, async (urls) => {
    await assertOwn(config, urls.url)
    tellAside(`Database: ${databaseText(urls.url)}\n`)
    return work(urls)
  })
}

/** @throws ConfigError where ENVIRONMENT and the database do not agree */
export async function assertOwn(config: Config, url: string): Promise<void> {
  const found = onDatabase(url, readPurpose)
  // A rehearsal that was never made has no database; what else is missing is told as ever.
  const purpose = await (config.isRehearsal ? found.catch(whereMissing) : found)
  assertPurpose(config, purpose ?? 'empty')
}

/** Runs `work` on the server of the database, whatever that holds, and even where it is missing. */
export async function withServer<T>(config: Config, work: (urls: Urls) => Promise<T>): Promise<T> {
  const { databaseUrl, migrateDatabaseUrl } = config
  if (databaseUrl !== undefined)
    return work({ url: databaseUrl, ownerUrl: migrateDatabaseUrl ?? databaseUrl })
  const onEmbedded = (ownerUrl: string) => {
    const own = ownDatabase(config, ownerUrl)
    return work({ url: loginUrl(own, 'operator'), ownerUrl: own })
  }
  const running = await findRunningEmbedded(config)
  if (running !== undefined) return onEmbedded(running)
  const ownerPassword = readEmbeddedPostgresPassword(config.postgresKeyringFile)
  const lock = acquireEngineLock(config.dataDir, { port: config.port })
  try {
    const { dataDir } = config
    const postgres = await startEmbeddedPostgres({ dataDir, ownerPassword, guarded: true })
    try {
      await makeLogins(postgres.ownerUrl)
      return await onEmbedded(postgres.ownerUrl)
    } finally {
      await postgres.stop()
    }
  } finally {
    lock.release()
  }
}

function findRunningEmbedded(config: Config): Promise<string | undefined> {
  const ownerPassword = readEmbeddedPostgresPassword(config.postgresKeyringFile)
  return findEmbeddedPostgres({ dataDir: config.dataDir, ownerPassword })
}

function ownDatabase({ isRehearsal }: Config, ownerUrl: string): string {
  return isRehearsal ? databaseBeside(ownerUrl, rehearsalDatabase) : ownerUrl
}

/** Its name and where it is, without the login. */
function databaseText(url: string): string {
  const { pathname, host, searchParams } = new URL(url)
  const name = decodeURIComponent(pathname.slice(1))
  return `${name} at ${host || searchParams.get('host') || 'this host'}`
}

/** The same server's other database. */
export function databaseBeside(url: string, database: string): string {
  const beside = new URL(url)
  beside.pathname = `/${database}`
  return beside.href
}

export async function onDatabase<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'spillway-command' })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Undefined where there is no database of this name. */
export function whereMissing(error: unknown): undefined {
  if ((error as { code?: unknown }).code === '3D000') return undefined
  throw error
}

/** Any fixed number serves. */
const queueRightsLock = 5_177_204_632

/**
 * Brings the schemas of the engine and of the queue's PostgreSQL backend up to date.
 * @returns the engine's migrations that were applied
 */
export async function migrateDatabase(ownerUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'spillway-migrate' })
  await client.connect()
  try {
    const applied = await migrate(client)
    // Nobody of before accepts into a database that was empty.
    if (applied.includes('0001_journal.sql')) await beginSalting(client)
    await runMigrations(client)
    await grantQueue(client)
    return applied
  } finally {
    await client.end()
  }
}

/**
 * From now on digests are salted (src/journal/salting.ts): for when no intake runs that does not know it.
 * Again, it does nothing.
 */
export async function beginSalting(client: pg.ClientBase): Promise<void> {
  await client.query('insert into journal.salting default values on conflict do nothing')
}

/**
 * What processes may with the queue's schema: to use it. What BullMQ makes when a queue is first used, a
 * sequence for its ids, is made here, as who may create there could have others, its owner too, run what
 * it made.
 */
async function grantQueue(client: pg.Client): Promise<void> {
  const sequences = lanes.map(
    (lane) => `create sequence if not exists bullmq.bullmq_jid_${md5(queueName(lane))};`,
  )
  await client.query(`
    begin;
    select pg_advisory_xact_lock(${queueRightsLock});
    ${sequences.join('\n')}
    revoke all on schema bullmq from ${applicationRole};
    revoke all on all tables in schema bullmq from ${applicationRole};
    revoke all on all sequences in schema bullmq from ${applicationRole};
    grant usage on schema bullmq to ${applicationRole};
    grant select, insert, update, delete on all tables in schema bullmq to ${applicationRole};
    grant usage on all sequences in schema bullmq to ${applicationRole};
    grant execute on all functions in schema bullmq to ${applicationRole};
    commit`)
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}
