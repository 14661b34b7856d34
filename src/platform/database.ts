/**
 * Which Postgres a command works on: the one that DATABASE_URL names, or the embedded one of
 * DATA_DIR, running already or brought up for as long as the command needs it.
 */

import { createHash } from 'node:crypto'
import { runMigrations } from 'bullmq'
import pg from 'pg'
import { lanes } from '../journal/lanes.ts'
import { queueName } from '../queue/jobs.ts'
import { type Config, ConfigError } from './config.ts'
import { type LoginKind, loginUrl, makeLogins } from './embedded-logins.ts'
import { findEmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts'
import { acquireEngineLock } from './engine-lock.ts'
import { readEmbeddedPostgresPassword } from './keyring.ts'
import { migrate } from './migrations.ts'
import { applicationRole } from './postgres.ts'

/**
 * The URL of a database that runs, for a process of some kind.
 * @throws ConfigError, with the next step, when there is none
 */
export async function findDatabaseUrl(config: Config, kind: LoginKind): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl
  const ownerUrl = await findRunningEmbedded(config)
  if (ownerUrl !== undefined) return loginUrl(ownerUrl, kind)
  throw new ConfigError(
    `No DATABASE_URL, and no engine runs on ${config.dataDir}: start one with "npm start", or set DATABASE_URL.`,
  )
}

/**
 * Runs an operator's `work` on the database; an embedded one that is not running is started for it. The
 * owner's URL is for what makes schemas.
 */
export async function withDatabase<T>(
  config: Config,
  work: (urls: { url: string; ownerUrl: string }) => Promise<T>,
): Promise<T> {
  const { databaseUrl, migrateDatabaseUrl } = config
  if (databaseUrl !== undefined)
    return work({ url: databaseUrl, ownerUrl: migrateDatabaseUrl ?? databaseUrl })
  const running = await findRunningEmbedded(config)
  if (running !== undefined) return work({ url: loginUrl(running, 'operator'), ownerUrl: running })
  const ownerPassword = readEmbeddedPostgresPassword(config.keyringFile)
  const lock = acquireEngineLock(config.dataDir, { port: config.port })
  try {
    const { dataDir } = config
    const postgres = await startEmbeddedPostgres({ dataDir, ownerPassword, guarded: true })
    try {
      const { ownerUrl } = postgres
      await makeLogins(ownerUrl)
      return await work({ url: loginUrl(ownerUrl, 'operator'), ownerUrl })
    } finally {
      await postgres.stop()
    }
  } finally {
    lock.release()
  }
}

function findRunningEmbedded(config: Config): Promise<string | undefined> {
  const ownerPassword = readEmbeddedPostgresPassword(config.keyringFile)
  return findEmbeddedPostgres({ dataDir: config.dataDir, ownerPassword })
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
