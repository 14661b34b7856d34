/**
 * Brings the schema up to date: the numbered files of `migrations/`, forward only, each recorded with its
 * checksum, under one lock so that any number of processes may start at once. An old program refuses a
 * newer schema.
 *
 * Intake accepts meanwhile. A file runs in a transaction, and none of its statements reads a table that
 * was there before: it would hold a lock on it for as long. A file with the line `--! no-transaction` is
 * one statement that reads a table and stops nobody: `create index concurrently if not exists`, or
 * `validate constraint` of one that was added `not valid`. A file that was edited once names with
 * `--! formerly` the checksum it had; what all files together make has stayed the same.
 *
 * If the process dies
 *  - in a transaction: nothing of that file is stored, and the next run applies it;
 *  - in a statement without one: an index may be left that is not valid; the next run drops it and
 *    makes it again;
 *  - after such a statement, before it is recorded: the next run finds that nothing is left to do.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'

const ownFolder = new URL('../../../migrations/', import.meta.url)
/** Any fixed number serves; it must only differ from other users of the database. */
const lockKey = 5_177_204_631

export class SchemaError extends Error {
  override name = 'SchemaError'
}

export type Migration = {
  readonly name: string
  readonly sql: string
  readonly checksum: string
  /** Checksums that it had before it was edited. */
  readonly formerly: readonly string[]
  readonly inTransaction: boolean
}

/** Read once: a program is what it was when it started, whatever becomes of its folder. */
let read: readonly Migration[] | undefined

function readMigrations(): readonly Migration[] {
  read ??= readFolder(ownFolder)
  return read
}

/** The migrations of a folder, a URL that ends with a slash, in the order in which they apply. */
export function readFolder(folder: URL): Migration[] {
  const names = readdirSync(folder).filter((name) => /^\d{4}_.*\.sql$/.test(name))
  return names.sort().map((name) => {
    const sql = readFileSync(new URL(name, folder), 'utf8')
    return {
      name,
      sql,
      checksum: createHash('sha256').update(sql).digest('hex'),
      formerly: [...sql.matchAll(/^--! formerly ([0-9a-f]{64})$/gm)].map(
        ([, sum]) => sum as string,
      ),
      inTransaction: !/^--! no-transaction$/m.test(sql),
    }
  })
}

/**
 * Applies what is missing, on one connection of the schema's owner.
 * @param migrations all that this program knows, in their order
 * @returns the names of the migrations applied
 * @throws SchemaError when an applied migration was edited or the schema is newer than the program
 */
export async function migrate(
  client: pg.ClientBase,
  migrations: readonly Migration[] = readMigrations(),
): Promise<string[]> {
  await lockMigrations(client)
  try {
    await client.query('set statement_timeout = 0')
    await client.query(`
      create table if not exists public.spillway_migration (
        name text primary key,
        checksum text not null,
        applied_at timestamptz not null default now()
      )`)
    const missing = missingOf(await appliedOf(client), migrations)
    for (const migration of missing) await apply(client, migration)
    await client.query('grant select on public.spillway_migration to spillway_app')
    return missing.map(({ name }) => name)
  } finally {
    await client.query('select pg_advisory_unlock($1)', [lockKey])
  }
}

const lockAgainMs = 200

/**
 * Asks again and again instead of waiting: an index that is made concurrently waits for every statement
 * that runs, that of another process which waits for this lock too.
 */
async function lockMigrations(client: pg.ClientBase): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ locked: boolean }>(
      'select pg_try_advisory_lock($1) as locked',
      [lockKey],
    )
    if (rows[0]?.locked === true) return
    await pause(lockAgainMs)
  }
}

function apply(client: pg.ClientBase, migration: Migration): Promise<void> {
  return migration.inTransaction
    ? applyInTransaction(client, migration)
    : applyAlone(client, migration)
}

/**
 * Whatever comes after a migration that waits for a table's lock waits behind it: a migration gives up
 * soon, leaves the others some time, and asks again.
 */
const lockWaitMs = 300
/** An automatic vacuum ends for who has waited for longer than `deadlock_timeout`, a second by default. */
const lockWaitMsOfTenth = 1_500
const lockPauseMs = 1_000
const lockTriesMax = 120

async function applyInTransaction(client: pg.ClientBase, migration: Migration): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await applyOnce(client, migration, tries % 10 === 0 ? lockWaitMsOfTenth : lockWaitMs)
      return
    } catch (error) {
      if ((error as { code?: unknown }).code !== '55P03' || tries === lockTriesMax) throw error
      await pause(lockPauseMs)
    }
  }
}

async function applyOnce(
  client: pg.ClientBase,
  migration: Migration,
  waitMs: number,
): Promise<void> {
  await client.query('begin')
  try {
    await client.query(`set local lock_timeout = ${waitMs}`)
    await client.query(migration.sql)
    await record(client, migration)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** Nobody waits behind such a statement, so it waits for its locks as long as it takes. */
async function applyAlone(client: pg.ClientBase, migration: Migration): Promise<void> {
  await client.query('set lock_timeout = 0')
  await dropInvalidIndexes(client)
  await client.query(migration.sql)
  await record(client, migration)
}

/** What a migration left that was ended while it made an index. */
async function dropInvalidIndexes(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string }>(`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    join pg_namespace n on n.oid = c.relnamespace
    where not i.indisvalid and n.nspname in ('journal', 'ledger', 'batch', 'access')`)
  for (const { name } of rows) await client.query(`drop index concurrently if exists ${name}`)
}

async function record(client: pg.ClientBase, { name, checksum }: Migration): Promise<void> {
  await client.query('insert into public.spillway_migration (name, checksum) values ($1, $2)', [
    name,
    checksum,
  ])
}

/**
 * For a process that runs: a newer schema is no reason to send it no more requests, as migrations add
 * and the new programs start after them; all at once would leave nobody.
 * @throws SchemaError when the database lacks what this program needs
 */
export async function assertMigrated(pool: pg.Pool): Promise<void> {
  const applied = new Set((await appliedOf(pool)).map(({ name }) => name))
  const missing = readMigrations().find(({ name }) => !applied.has(name))
  if (missing !== undefined) throw new SchemaError(`The database lacks ${missing.name}.`)
}

/** For a start. Throws SchemaError unless the database has exactly this program's schema. */
export async function assertSchema(pool: pg.Pool): Promise<void> {
  const missing = missingOf(await appliedOf(pool))
  if (missing.length > 0) {
    throw new SchemaError(
      `The database lacks ${missing.map(({ name }) => name).join(', ')}: run "npm run migrate".`,
    )
  }
}

type Applied = { readonly name: string; readonly checksum: string }

async function appliedOf(client: pg.ClientBase | pg.Pool): Promise<Applied[]> {
  try {
    const { rows } = await client.query<Applied>(
      'select name, checksum from public.spillway_migration order by name',
    )
    return rows
  } catch (error) {
    if ((error as { code?: unknown }).code === '42P01') return []
    throw error
  }
}

function missingOf(
  applied: readonly Applied[],
  migrations: readonly Migration[] = readMigrations(),
): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration]))
  for (const { name, checksum } of applied) {
    const migration = known.get(name)
    if (migration === undefined) {
      throw new SchemaError(
        `The database is newer than this program (${name}): update the program.`,
      )
    }
    if (migration.checksum !== checksum && !migration.formerly.includes(checksum)) {
      throw new SchemaError(
        `${name} was edited after it was applied: restore it and add a new one.`,
      )
    }
    known.delete(name)
  }
  return [...known.values()]
}
