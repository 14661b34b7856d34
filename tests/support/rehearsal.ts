/** A rehearsal beside a live database: another database on the same Postgres, keys and a queue of its own. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import { scopes } from '../../src/intake/auth/authentication.ts'
import { issueToken } from '../../src/intake/auth/issue-token.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { databaseBeside } from '../../src/platform/installation/database.ts'
import { emptyRedisQueue } from '../../src/queue/empty-redis.ts'
import { type Command, runCommand } from './command.ts'
import { createDatabase, type TestDatabase } from './database.ts'

export type Rehearsal = {
  readonly live: TestDatabase
  /** Of the rehearsal's processes and commands. */
  readonly env: {
    readonly ENVIRONMENT: string
    readonly DATABASE_URL: string
    readonly MIGRATE_DATABASE_URL: string
    readonly KEYRING_FILE: string
  }
  /** The owner's connections to the rehearsal's database. */
  readonly owner: pg.Pool
  /** Runs `npm run rehearsal`; resolves with its exit code and what it says. */
  command(verb: 'create' | 'remove', more?: Record<string, string>): Promise<Ran>
  /** Ends what the test has made of it. */
  drop(): Promise<void>
}

export type Ran = { readonly code: number | null; readonly text: string }

/** Names a database that is not there yet, and a keyring that nobody has made. */
export async function openRehearsal(): Promise<Rehearsal> {
  const live = await createDatabase()
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-rehearsed-'))
  const name = randomBytes(6).toString('hex')
  const database = `rehearsal_${name}`
  const env = {
    ENVIRONMENT: `rehearsal-${name}`,
    DATABASE_URL: databaseBeside(live.url, database),
    MIGRATE_DATABASE_URL: databaseBeside(live.ownerUrl, database),
    KEYRING_FILE: path.join(folder, 'keyring.json'),
  }
  const owner = new pg.Pool({ connectionString: env.MIGRATE_DATABASE_URL, max: 2 })
  owner.on('error', () => {})
  return {
    live,
    env,
    owner,
    command: (verb, more = {}) =>
      ranOf(runCommand('src/commands/rehearsal.ts', { ...env, ...more }, [verb])),
    drop: async () => {
      await owner.end()
      await emptyRedisQueue({ url: inject('redisUrl'), namespace: env.ENVIRONMENT })
      await live.owner.query(`drop database if exists ${database} with (force)`)
      await live.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function ranOf(command: Command): Promise<Ran> {
  return { code: await command.done, text: command.output() }
}

/** A token of a keyring: of a rehearsal's, with which nothing counts. */
export function tokenOf(keyringFile: string, employers: readonly string[]): Promise<string> {
  const [key] = readKeyring(keyringFile).tokenKeys
  if (key === undefined) throw new Error('no token key')
  const issuer = { key, issuer: 'spillway', audience: 'spillway' }
  return issueToken(issuer, { subject: employers[0] ?? '', employers, scopes, ttlSeconds: 3_600 })
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
