/**
 * What keeps a rehearsal apart from what counts. A rehearsal is an installation like any other, with its own
 * processes, keys, queue and database. Its database bears a mark since it was empty, and the ids of its keys
 * say what they are. A process starts only where its ENVIRONMENT, the mark and the keys agree.
 */
import { existsSync } from 'node:fs'
import type pg from 'pg'
import { isOfRehearsal } from '../../journal/rehearsal-keys.ts'
import { type Config, ConfigError, readConfig } from './config.ts'
import { type Keyring, type KeyUse, openKeys } from './key-store.ts'

/**
 * For commands that are of rehearsals alone, so that ENVIRONMENT need not say it.
 * @throws ConfigError where it says something else
 */
export function readRehearsalConfig(env: NodeJS.ProcessEnv): Config {
  const config = readConfig({ ...env, ENVIRONMENT: env.ENVIRONMENT?.trim() || 'rehearsal' })
  if (config.isRehearsal) return config
  throw new ConfigError(
    `ENVIRONMENT is "${config.environment}", and this is about rehearsals: run it with ENVIRONMENT=rehearsal, and with the DATABASE_URL and KEYRING_FILE of the rehearsal.`,
  )
}

/** `used`: by anything but a rehearsal, as a live database is. */
export type Purpose = 'rehearsal' | 'empty' | 'used'

export async function readPurpose(client: Pick<pg.ClientBase, 'query'>): Promise<Purpose> {
  const { rows } = await client.query<{ purpose: Purpose }>(`
    select case
      when to_regclass('public.spillway_rehearsal') is not null then 'rehearsal'
      when exists (
        select
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      ) then 'used'
      else 'empty'
    end as purpose`)
  return rows[0]?.purpose ?? 'used'
}

/** @throws ConfigError where ENVIRONMENT and the mark of the database do not agree */
export function assertPurpose({ isRehearsal }: Config, purpose: Purpose): void {
  if (isRehearsal) assertRehearsal(purpose)
  else if (purpose === 'rehearsal') {
    throw new ConfigError(
      'DATABASE_URL names the database of a rehearsal, which is emptied after it: nothing that counts may be filed there. Name the live database, or set ENVIRONMENT=rehearsal.',
    )
  }
}

function assertRehearsal(purpose: Purpose): void {
  assertNotUsed(purpose)
  if (purpose === 'empty') {
    throw new ConfigError(
      'There is no rehearsal in the database: "npm run rehearsal -- create" makes one.',
    )
  }
}

/** @throws ConfigError where a database holds anything but a rehearsal */
export function assertNotUsed(purpose: Purpose): void {
  if (purpose !== 'used') return
  throw new ConfigError(
    'ENVIRONMENT says rehearsal, but the database holds something else, as the live one does: nothing is rehearsed there. Set DATABASE_URL to one that "npm run rehearsal -- create" may make.',
  )
}

/**
 * The keys of an installation.
 * @throws ConfigError where they are missing, or not of its ENVIRONMENT
 */
export function openOwnKeys(
  { keyringFile, isRehearsal }: Config,
  uses: readonly KeyUse[],
  who: string,
): Keyring {
  if (isRehearsal && !existsSync(keyringFile)) {
    throw new ConfigError(
      `There are no keys of rehearsals at ${keyringFile}: "npm run rehearsal -- create" makes them. Where it ran on another host, copy its file, or name it in KEYRING_FILE.`,
    )
  }
  const keyring = openKeys(keyringFile, uses, who)
  if (keyring.kids.every((kid) => isOfRehearsal(kid) === isRehearsal)) return keyring
  throw new ConfigError(
    isRehearsal
      ? `${keyringFile} has keys that are not a rehearsal's own: set KEYRING_FILE to a new file, and make its keys with "npm run rehearsal -- create".`
      : `${keyringFile} has the keys of a rehearsal, with which nothing may count: set KEYRING_FILE to the live keys, or ENVIRONMENT=rehearsal.`,
  )
}
