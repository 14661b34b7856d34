/** A side of an installation: the live one, on the database that it finds; and the health of either. */

import type pg from 'pg'
import type { Config } from './config.ts'
import { findDatabaseUrl } from './database.ts'
import { type DurabilityWatch, namesOf } from './durability.ts'
import type { LoginKind } from './embedded-logins.ts'
import { readKeyring } from './keyring.ts'
import { assertMigrated } from './migrations.ts'
import { openPool } from './postgres.ts'
import type { QueueWatch } from './queue-watch.ts'
import { assertLive, type Side } from './rehearsal.ts'

const lookMsMax = 3_000

/** @throws ConfigError where the live database is one of rehearsals */
export async function openLive(config: Config, kind: LoginKind): Promise<Side> {
  const keyring = readKeyring(config.keyringFile)
  const url = await findDatabaseUrl(config, kind)
  const pool = openPool({
    url,
    name: 'spillway-look',
    connectionsMax: 1,
    statementMsMax: lookMsMax,
  })
  try {
    await assertLive(pool)
  } finally {
    await pool.end()
  }
  return { config, keyring, url, mark: undefined }
}

/** What readiness asks of a side's database, its settings and its queue. */
export function healthOf(pool: pg.Pool, durability: DurabilityWatch, queue: QueueWatch) {
  return {
    checkDatabase: () => assertMigrated(pool),
    durability: () => ({ refuses: durability.refuses, settings: namesOf(durability.faults) }),
    queueTrouble: () => queue.trouble,
  }
}
