/**
 * Which Postgres a command works on: the one that DATABASE_URL names, or the embedded one of
 * DATA_DIR, running already or brought up for as long as the command needs it.
 */

import { runMigrations } from 'bullmq'
import pg from 'pg'
import { type Config, ConfigError } from './config.ts'
import { findEmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts'
import { acquireEngineLock } from './engine-lock.ts'
import { readEmbeddedPostgresPassword } from './keyring.ts'
import { migrate } from './migrations.ts'
import { applicationRole } from './postgres.ts'

/** The URL of a database that runs. Throws ConfigError, with the next step, when there is none. */
export async function findDatabaseUrl(config: Config): Promise<string> {
  const url = config.databaseUrl ?? (await findRunningEmbedded(config))
  if (url !== undefined) return url
  throw new ConfigError(
    `No DATABASE_URL, and no engine runs on ${config.dataDir}: start one with "npm start", or set DATABASE_URL.`,
  )
}

/** Runs `work` on the database; an embedded one that is not running is started for it. */
export async function withDatabase<T>(
  config: Config,
  work: (urls: { url: string; ownerUrl: string }) => Promise<T>,
): Promise<T> {
  const url = config.databaseUrl ?? (await findRunningEmbedded(config))
  if (url !== undefined) return work({ url, ownerUrl: config.migrateDatabaseUrl ?? url })
  const ownerPassword = readEmbeddedPostgresPassword(config.keyringFile)
  const lock = acquireEngineLock(config.dataDir, { port: config.port })
  try {
    const { dataDir } = config
    const postgres = await startEmbeddedPostgres({ dataDir, ownerPassword, guarded: true })
    try {
      return await work({ url: postgres.ownerUrl, ownerUrl: postgres.ownerUrl })
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

/**
 * Brings the schemas of the engine and of the queue's PostgreSQL backend up to date.
 * @returns the engine's migrations that were applied
 */
export async function migrateDatabase(ownerUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'spillway-migrate' })
  await client.connect()
  try {
    const applied = await migrate(client)
    await runMigrations(client)
    // Create: BullMQ makes a sequence for each queue when it is first used.
    await client.query(`grant usage, create on schema bullmq to ${applicationRole}`)
    for (const kind of ['tables', 'sequences', 'functions']) {
      await client.query(`grant all on all ${kind} in schema bullmq to ${applicationRole}`)
    }
    return applied
  } finally {
    await client.end()
  }
}
