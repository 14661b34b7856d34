/** The live side of an installation, and the database that it is on. */

import type { Config } from './config.ts'
import { findDatabaseUrl } from './database.ts'
import { readKeyring } from './keyring.ts'
import { openPool } from './postgres.ts'
import { assertLive, type Side } from './rehearsal.ts'

const lookMsMax = 3_000

/** @throws ConfigError where the live database is one of rehearsals */
export async function openLive(config: Config): Promise<Side> {
  const keyring = readKeyring(config.keyringFile)
  const url = await findDatabaseUrl(config)
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
