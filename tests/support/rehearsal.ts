/** An installation that can be rehearsed: its live database, another for rehearsals, keys of their own. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import { scopes } from '../../src/intake/authentication.ts'
import { issueToken } from '../../src/intake/issue-token.ts'
import { type Config, readConfig } from '../../src/platform/config.ts'
import { createKeyring, readKeyring } from '../../src/platform/keyring.ts'
import {
  databaseBeside,
  rehearsalConfig,
  rehearsalKidPrefix,
} from '../../src/platform/rehearsal.ts'
import { createRehearsalDatabase } from '../../src/platform/rehearsal-database.ts'
import { emptyRedisQueue } from '../../src/queue/empty.ts'
import { runCommand } from './command.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { type EngineProcess, file } from './engine.ts'
import { declare } from './journal.ts'
import { waitFor } from './wait.ts'

export type Installation = {
  readonly live: TestDatabase
  /** The name of the rehearsal's database. */
  readonly rehearsal: string
  readonly keyringFile: string
  /** For its processes and commands. */
  readonly env: Record<string, string>
  /** The owner's connections to the rehearsal's database. */
  readonly owner: pg.Pool
  /** Does what `npm run rehearsal -- create` does, where that is not what is tested. */
  create(): Promise<void>
  /** Runs `npm run rehearsal`; resolves with its exit code and what it says. */
  command(verb: 'create' | 'remove', more?: Record<string, string>): Promise<Ran>
  drop(): Promise<void>
}

type Ran = { readonly code: number | null; readonly text: string }

/** @param redis where the queue is; in Postgres if absent */
export async function openInstallation(redis?: string): Promise<Installation> {
  const live = await createDatabase()
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-rehearsed-'))
  const rehearsal = `rehearsal_${randomBytes(6).toString('hex')}`
  const keyringFile = path.join(folder, 'rehearsal-keyring.json')
  const env = {
    DATABASE_URL: live.url,
    MIGRATE_DATABASE_URL: live.ownerUrl,
    KEYRING_FILE: inject('keyringFile'),
    REHEARSAL_DATABASE: rehearsal,
    REHEARSAL_KEYRING_FILE: keyringFile,
    ...(redis !== undefined && { REDIS_URL: redis, ENVIRONMENT: `test-${rehearsal.slice(10)}` }),
  }
  const owner = new pg.Pool({ connectionString: databaseBeside(live.ownerUrl, rehearsal), max: 2 })
  owner.on('error', () => {})
  return {
    live,
    rehearsal,
    keyringFile,
    env,
    owner,
    create: async () => {
      createKeyring(keyringFile, new Date(), rehearsalKidPrefix)
      await createRehearsalDatabase(live.ownerUrl, rehearsal)
    },
    command: async (verb, more = {}) => {
      const command = runCommand('src/rehearsal.ts', { ...env, ...more }, [verb])
      return { code: await command.done, text: command.output() }
    },
    drop: async () => {
      await owner.end()
      const { queueNamespace: namespace } = rehearsalConfig(readConfig(env)) as Config
      if (redis !== undefined) await emptyRedisQueue({ url: redis, namespace })
      await live.owner.query(`drop database if exists ${rehearsal} with (force)`)
      await live.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A token for rehearsals. */
export function rehearsalToken(
  { keyringFile }: Installation,
  employers: readonly string[],
): Promise<string> {
  const [key] = readKeyring(keyringFile).tokenKeys
  if (key === undefined) throw new Error('no token key')
  const issuer = { key, issuer: 'spillway', audience: 'spillway' }
  return issueToken(issuer, { subject: employers[0] ?? '', employers, scopes, ttlSeconds: 3_600 })
}

/** Resolves when an intake process takes what is rehearsed. */
export async function untilRehearsed(
  installation: Installation,
  { address }: EngineProcess,
): Promise<void> {
  const declaration = declare({ lines: 1 })
  const token = await rehearsalToken(installation, [declaration.employer])
  await waitFor('an intake that rehearses', async () => {
    const answer = await file(address, token, 'is-it-open', declaration)
    return answer.status === 202
  })
}

/**
 * How many rows of each table name one of these employers. What work for others changes meanwhile is not
 * among them, so it is the same whenever it is asked.
 */
export async function countRowsNaming(
  owner: pg.Pool,
  employers: readonly string[],
): Promise<Record<string, number>> {
  const { rows: tables } = await owner.query<{ name: string }>(`
    select n.nspname || '.' || c.relname as name
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname in ('journal', 'ledger', 'batch')
    order by 1`)
  const counts = tables.map(async ({ name }) => {
    const { rows } = await owner.query<{ count: number }>(
      `select count(*)::int as count from ${name} as t where t::text ~ any ($1::text[])`,
      [employers],
    )
    return [name, rows[0]?.count ?? 0] as const
  })
  return Object.fromEntries((await Promise.all(counts)).filter(([, count]) => count > 0))
}

/** Rows of tables that only grow, as text: what was there once is there for ever. */
export async function readGrowing(owner: pg.Pool): Promise<string[]> {
  const tables = ['journal.envelope', 'journal.acceptance', 'ledger.posting', 'ledger.declaration']
  const read = tables.map(async (name) => {
    const { rows } = await owner.query<{ row: string }>(`select t::text as row from ${name} as t`)
    return rows.map(({ row }) => `${name} ${row}`)
  })
  return (await Promise.all(read)).flat()
}
