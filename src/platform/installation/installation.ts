/** An installation as a process of it finds it: configuration, keys and database, which belong together. */
import type { Config } from '../config/config.ts'
import type { Keyring } from '../config/keyring.ts'
import { assertPurpose, readOwnKeys, readPurpose } from '../config/rehearsal.ts'
import type { LoginKind } from '../postgres/embedded-logins.ts'
import { openPool } from '../postgres/postgres.ts'
import { findDatabaseUrl, whereMissing } from './database.ts'

export type Installation = {
  readonly config: Config
  readonly keyring: Keyring
  readonly url: string
}

const lookMsMax = 3_000

/** @throws ConfigError, with the next step, where they are missing or do not belong together */
export async function openInstallation(config: Config, kind: LoginKind): Promise<Installation> {
  const keyring = readOwnKeys(config)
  const url = await findDatabaseUrl(config, kind)
  const pool = openPool({
    url,
    name: 'spillway-look',
    connectionsMax: 1,
    statementMsMax: lookMsMax,
  })
  try {
    const found = readPurpose(pool)
    // A rehearsal that was never made has no database; what else is missing is told as ever.
    const purpose = await (config.isRehearsal ? found.catch(whereMissing) : found)
    assertPurpose(config, purpose ?? 'empty')
  } finally {
    await pool.end()
  }
  return { config, keyring, url }
}
