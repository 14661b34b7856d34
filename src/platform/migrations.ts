/**
 * Brings the schema up to date: the numbered files of `migrations/`, forward only, each in its own
 * transaction and recorded with its checksum, under one lock so that any number of processes may
 * start at once. An old program refuses a newer schema.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'

const folder = new URL('../../migrations/', import.meta.url)
/** Any fixed number serves; it must only differ from other users of the database. */
const lockKey = 5_177_204_631

export class SchemaError extends Error {
  override name = 'SchemaError'
}

type Migration = { readonly name: string; readonly sql: string; readonly checksum: string }

/** Read once: a program is what it was when it started, whatever becomes of its folder. */
let read: readonly Migration[] | undefined

function readMigrations(): readonly Migration[] {
  read ??= readFolder()
  return read
}

function readFolder(): Migration[] {
  const names = readdirSync(folder).filter((name) => /^\d{4}_.*\.sql$/.test(name))
  return names.sort().map((name) => {
    const sql = readFileSync(new URL(name, folder), 'utf8')
    return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
  })
}

/**
 * Applies what is missing, on one connection of the schema's owner.
 * @returns the names of the migrations applied
 * @throws SchemaError when an applied migration was edited or the schema is newer than the program
 */
export async function migrate(client: pg.Client): Promise<string[]> {
  await client.query('select pg_advisory_lock($1)', [lockKey])
  try {
    await client.query(`
      create table if not exists public.spillway_migration (
        name text primary key,
        checksum text not null,
        applied_at timestamptz not null default now()
      )`)
    const missing = missingOf(await appliedOf(client))
    for (const migration of missing) await apply(client, migration)
    await client.query('grant select on public.spillway_migration to spillway_app')
    return missing.map(({ name }) => name)
  } finally {
    await client.query('select pg_advisory_unlock($1)', [lockKey])
  }
}

/** Whatever waits behind a lock that a migration waits for, waits too: it asks, and asks again. */
const lockMs = 1_000
const lockTriesMax = 60

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await applyOnce(client, migration)
      return
    } catch (error) {
      if ((error as { code?: unknown }).code !== '55P03' || tries === lockTriesMax) throw error
      await pause(lockMs)
    }
  }
}

async function applyOnce(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  await client.query('begin')
  try {
    await client.query(`set local lock_timeout = ${lockMs}`)
    await client.query(sql)
    await client.query('insert into public.spillway_migration (name, checksum) values ($1, $2)', [
      name,
      checksum,
    ])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
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

async function appliedOf(client: pg.Client | pg.Pool): Promise<Applied[]> {
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

function missingOf(applied: readonly Applied[]): Migration[] {
  const known = new Map(readMigrations().map((migration) => [migration.name, migration]))
  for (const { name, checksum } of applied) {
    const migration = known.get(name)
    if (migration === undefined) {
      throw new SchemaError(
        `The database is newer than this program (${name}): update the program.`,
      )
    }
    if (migration.checksum !== checksum) {
      throw new SchemaError(
        `${name} was edited after it was applied: restore it and add a new one.`,
      )
    }
    known.delete(name)
  }
  return [...known.values()]
}
