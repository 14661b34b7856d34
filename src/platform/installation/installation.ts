/** An installation as a process of it finds it: configuration, keys and database, which belong together. */
import { statSync } from 'node:fs'
import { tokenKeysLookMs } from '../../limits.ts'
import type { Config } from '../config/config.ts'
import { type KeyHolder, type Keyring, type KeyUse, usesOf } from '../config/key-store.ts'
import { assertPurpose, openOwnKeys, readPurpose } from '../config/rehearsal.ts'
import { openPool } from '../postgres/postgres.ts'
import { findDatabaseUrl, whereMissing } from './database.ts'

const whoOf = (kind: KeyHolder) => `A process of kind ${kind}`

export type Installation = {
  readonly config: Config
  readonly keyring: Keyring
  readonly url: string
}

/** Intake signs tokens where it signs people in by itself, which it does in development alone. */
function usesIn({ portal }: Config, kind: KeyHolder): readonly KeyUse[] {
  const issuesTokens = kind === 'intake' && portal.signIn?.kind === 'development'
  return issuesTokens ? [...usesOf.intake, 'tokens'] : usesOf[kind]
}

const lookMsMax = 3_000

/** @throws ConfigError, with the next step, where they are missing or do not belong together */
export async function openInstallation(config: Config, kind: KeyHolder): Promise<Installation> {
  const keyring = openOwnKeys(config, usesIn(config, kind), whoOf(kind))
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
  if (keyring.opens('sealing')) learnKeys(config, keyring)
  return { config, keyring, url }
}

/** As long as the process runs. A file that is being replaced is read again the next time. */
function learnKeys({ keyringFile }: Config, keyring: Keyring): void {
  const changedAt = () => statSync(keyringFile, { throwIfNoEntry: false })?.mtimeMs
  let seen = changedAt()
  const look = () => {
    const now = changedAt()
    if (now === undefined || now === seen) return
    try {
      keyring.learnSealingKeys()
      seen = now
    } catch {
      // As it was; what can't be opened meanwhile says which key is missing.
    }
  }
  setInterval(look, tokenKeysLookMs).unref()
}
