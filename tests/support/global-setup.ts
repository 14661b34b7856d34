/**
 * What every test file shares: one real Postgres with a migrated template database, and one real
 * Redis. A file makes databases of its own from the template and uses a namespace of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { migrateDatabase } from '../../src/platform/database.ts'
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'
import { createKeyring, readEmbeddedPostgresPassword } from '../../src/platform/keyring.ts'
import { startRedis } from './redis.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The owner's URL of the shared cluster, without a database. */
    postgresUrl: string
    redisUrl: string
    keyringFile: string
    postgresDataDir: string
  }
}

export const templateDatabase = 'spillway_template'

export default async function setup(project: TestProject) {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'spillway-test-'))
  const keyringFile = path.join(dataDir, 'keyring.json')
  createKeyring(keyringFile, new Date())
  const redis = await startRedis()
  const postgres = await startEmbeddedPostgres({
    dataDir,
    ownerPassword: readEmbeddedPostgresPassword(keyringFile),
  })
  await makeTemplate(postgres.ownerUrl)
  project.provide('postgresUrl', postgres.ownerUrl)
  project.provide('redisUrl', redis.url)
  project.provide('keyringFile', keyringFile)
  project.provide('postgresDataDir', dataDir)
  return async () => {
    await postgres.stop()
    await redis.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function makeTemplate(ownerUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl })
  await client.connect()
  await client.query(`create database ${templateDatabase}`)
  await client.end()
  const url = new URL(ownerUrl)
  url.pathname = `/${templateDatabase}`
  await migrateDatabase(url.href)
}
