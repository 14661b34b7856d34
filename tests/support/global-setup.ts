/**
 * What every test file shares: one real Postgres with a migrated template database, and one real
 * Redis. A file makes databases of its own from the template and uses a namespace of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { readEmbeddedPostgresPassword } from '../../src/platform/config/key-store.ts'
import { createKeyring } from '../../src/platform/config/keyring.ts'
import { migrateDatabase } from '../../src/platform/installation/database.ts'
import { makeLogins } from '../../src/platform/postgres/embedded-logins.ts'
import { startEmbeddedPostgres } from '../../src/platform/postgres/embedded-postgres.ts'
import { removeWithThisProcess } from '../../src/platform/process/guard.ts'
import { bundlePrograms } from './bundles.ts'
import { answers, startRedis } from './redis.ts'
import { templateDatabase } from './template.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The owner's URL of the shared cluster, without a database. */
    postgresUrl: string
    redisUrl: string
    keyringFile: string
    postgresDataDir: string
    /** The folder of the programs' bundles. */
    bundles: string
  }
}

export default async function setup(project: TestProject) {
  if (project.vitest.projects.every(({ name }) => name === 'unit')) return
  const dataDir = mkdtempSync(path.join(tmpdir(), 'spillway-test-'))
  const stops: (() => Promise<void> | void)[] = [
    () => rmSync(dataDir, { recursive: true, force: true }),
  ]
  const stop = async () => {
    for (const stopOne of stops.splice(0).reverse()) await stopOne()
  }
  try {
    removeWithThisProcess(dataDir)
    const keyringFile = path.join(dataDir, 'keyring.json')
    createKeyring(keyringFile, new Date())
    project.provide('keyringFile', keyringFile)
    project.provide('postgresDataDir', dataDir)
    project.provide('bundles', await bundlePrograms())
    project.provide('redisUrl', await findRedis(stops))
    const postgres = await startEmbeddedPostgres({
      dataDir,
      ownerPassword: readEmbeddedPostgresPassword(keyringFile),
      guarded: true,
    })
    stops.push(() => postgres.stop())
    await makeTemplate(postgres.ownerUrl)
    project.provide('postgresUrl', postgres.ownerUrl)
    return stop
  } catch (error) {
    await stop()
    throw error
  }
}

/** TEST_REDIS_URL, where tests add and remove keys of their own; or a server of the run's own. */
async function findRedis(stops: (() => Promise<void> | void)[]): Promise<string> {
  const given = process.env.TEST_REDIS_URL
  if (given !== undefined && given !== '') {
    await answers(given)
    return given
  }
  const redis = await startRedis()
  stops.push(() => redis.stop())
  return redis.url
}

async function makeTemplate(ownerUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl })
  await client.connect()
  await makeLogins(ownerUrl)
  await client.query(`create database ${templateDatabase}`)
  const url = new URL(ownerUrl)
  url.pathname = `/${templateDatabase}`
  await migrateDatabase(url.href)
  await client.end()
}
