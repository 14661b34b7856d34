/**
 * What keeps a rehearsal apart from what counts: a database of its own on the same Postgres, which has a
 * mark since it was empty; keys of its own, whose ids say so; a namespace of its own in the queue. A
 * database with the mark is never taken for the live one, and one without it never for a rehearsal's.
 */
import { existsSync } from 'node:fs'
import type pg from 'pg'
import { type Config, ConfigError } from './config.ts'
import { type Keyring, readKeyring } from './keyring.ts'

/** What the ids of a rehearsal's keys begin with, of tokens and receipts too. */
export const rehearsalKidPrefix = 'rehearsal-'
/** What a rehearsal's receipts have as their environment. */
export const rehearsalEnvironment = 'rehearsal'

/** One side of an installation: the live one, or its rehearsal's. */
export type Side = {
  readonly config: Config
  readonly keyring: Keyring
  readonly url: string
  /** Which every connection must find in the rehearsal's database; undefined: this is the live side. */
  readonly mark: string | undefined
}

export function isLive({ mark }: Side): boolean {
  return mark === undefined
}

export type Rehearsal = Pick<Side, 'config' | 'keyring' | 'url'>

/** The configuration of an installation's rehearsals, where it has any. */
export function rehearsalConfig(config: Config): Config | undefined {
  const { rehearsal, environment, token } = config
  if (rehearsal === undefined) return undefined
  return {
    ...config,
    keyringFile: rehearsal.keyringFile,
    environment: rehearsalEnvironment,
    queueNamespace: `${environment}:rehearsal`,
    token: { ...token, jwksUrl: undefined },
    crashAt: undefined,
  }
}

/**
 * What signs in an installation's rehearsals.
 * @throws ConfigError where it has none, or their keys are not here
 */
export function readRehearsalKeys(live: Config): Pick<Side, 'config' | 'keyring'> {
  const config = rehearsalConfig(live)
  if (config === undefined)
    throw new ConfigError('There are no rehearsals: set REHEARSAL_DATABASE.')
  const { keyringFile } = config
  if (existsSync(keyringFile)) return { config, keyring: readKeyring(keyringFile) }
  throw new ConfigError(
    `There are no keys of rehearsals at ${keyringFile}: "npm run rehearsal -- create" makes them. Where it ran on another host, copy its file, or name it in REHEARSAL_KEYRING_FILE.`,
  )
}

/** The same server's other database. */
export function databaseBeside(url: string, database: string): string {
  const beside = new URL(url)
  beside.pathname = `/${database}`
  return beside.href
}

/**
 * @returns undefined where the configuration names no database for rehearsals
 * @throws ConfigError where its keys are missing, none of a rehearsal, or the live ones
 */
export function readRehearsal(
  live: Pick<Side, 'config' | 'keyring' | 'url'>,
): Rehearsal | undefined {
  const { rehearsal } = live.config
  if (rehearsal === undefined) return undefined
  const { config, keyring } = readRehearsalKeys(live.config)
  if (!isApart(keyring, live.keyring)) {
    throw new ConfigError(
      `${config.keyringFile} has keys that are not a rehearsal's own: set REHEARSAL_KEYRING_FILE to a new file, and make its keys with "npm run rehearsal -- create".`,
    )
  }
  return { config, keyring, url: databaseBeside(live.url, rehearsal.database) }
}

/** Whether no key of the one is one of the other, and all ids say what they are for. */
function isApart(rehearsal: Keyring, live: Keyring): boolean {
  const signing = (of: Keyring) => [...of.receiptKeys, ...of.tokenKeys]
  const secrets = (of: Keyring) => [of.blindIndexSecret, ...of.sealingKeys.map((key) => key.secret)]
  const known = new Set(signing(live).map(({ publicJwk }) => publicJwk.x))
  return (
    signing(rehearsal).every(
      ({ kid, publicJwk }) => kid.startsWith(rehearsalKidPrefix) && !known.has(publicJwk.x),
    ) &&
    signing(live).every(({ kid }) => !kid.startsWith(rehearsalKidPrefix)) &&
    !secrets(rehearsal).some((one) => secrets(live).some((other) => one.equals(other)))
  )
}

/** What a database is for. `used`: by anything but a rehearsal, as the live one is. */
export type Purpose =
  | { readonly kind: 'rehearsal'; readonly mark: string }
  | { readonly kind: 'ending' | 'empty' | 'used' }

export async function readPurpose(client: Pick<pg.ClientBase, 'query'>): Promise<Purpose> {
  const { rows } = await client.query<{ marked: boolean; used: boolean }>(`
    select
      to_regclass('public.spillway_rehearsal') is not null as marked,
      exists (
        select
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      ) as used`)
  const [{ marked, used } = { marked: false, used: true }] = rows
  if (!marked) return { kind: used ? 'used' : 'empty' }
  const { rows: marks } = await client.query<{ id: string; ending: boolean }>(
    'select id, ending_at is not null as ending from public.spillway_rehearsal',
  )
  const [mark] = marks
  return mark === undefined || mark.ending
    ? { kind: 'ending' }
    : { kind: 'rehearsal', mark: mark.id }
}

/** @throws ConfigError where a database is a rehearsal's, which is emptied after it */
export async function assertLive(pool: pg.Pool): Promise<void> {
  const { kind } = await readPurpose(pool)
  if (kind === 'rehearsal' || kind === 'ending') {
    throw new ConfigError(
      'DATABASE_URL names a database of rehearsals, which is emptied after them: nothing that counts may be filed there. Name the live one.',
    )
  }
}

/** @throws ConfigError where what REHEARSAL_DATABASE names was not made for rehearsals */
export function assertForRehearsals({ kind }: Purpose): void {
  if (kind !== 'used') return
  throw new ConfigError(
    'REHEARSAL_DATABASE names a database that holds something else, as the live one does: nothing is rehearsed there. Name one that "npm run rehearsal -- create" may make.',
  )
}
