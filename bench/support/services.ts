/** A Postgres and a Redis of a benchmark's own, with keys, in a temporary folder. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readEmbeddedPostgresPassword } from '../../src/platform/config/key-store.ts'
import { createKeyring } from '../../src/platform/config/keyring.ts'
import { migrateDatabase } from '../../src/platform/installation/database.ts'
import { loginUrl, makeLogins } from '../../src/platform/postgres/embedded-logins.ts'
import { startEmbeddedPostgres } from '../../src/platform/postgres/embedded-postgres.ts'
import { removeWithThisProcess } from '../../src/platform/process/guard.ts'
import { startRedis } from '../../tests/support/redis.ts'

export type Services = {
  /** For the engine's processes: a login that may do what they may. */
  readonly databaseUrl: string
  /** Sees and may do everything. */
  readonly ownerUrl: string
  readonly redisUrl: string
  readonly keyringFile: string
  readonly postgresPid: number
  readonly redisPid: number
  stop(): Promise<void>
}

export async function startServices(): Promise<Services> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'spillway-bench-'))
  removeWithThisProcess(dataDir)
  const keyringFile = path.join(dataDir, 'keyring.json')
  createKeyring(keyringFile, new Date())
  const redis = await startRedis()
  const ownerPassword = readEmbeddedPostgresPassword(keyringFile)
  const postgres = await startEmbeddedPostgres({ dataDir, ownerPassword, guarded: true })
  await makeLogins(postgres.ownerUrl)
  await migrateDatabase(postgres.ownerUrl)
  return {
    databaseUrl: loginUrl(postgres.ownerUrl, 'operator'),
    ownerUrl: postgres.ownerUrl,
    redisUrl: redis.url,
    keyringFile,
    postgresPid: postgres.pid,
    redisPid: redis.pid,
    stop: async () => {
      await redis.stop()
      await postgres.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
