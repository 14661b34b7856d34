/**
 * The database of rehearsals, made and removed by its owner. It has the mark before anything else, and
 * loses it with everything else: dead after any line, it is a rehearsal's or empty, and the same command
 * goes on.
 */
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { isSalting } from '../journal/salting.ts'
import { rehearsalLeaveMsMax, rehearsalLockMs, rehearsalLockTriesMax } from '../limits.ts'
import { type Config, ConfigError } from './config.ts'
import { beginSalting, migrateDatabase } from './database.ts'
import { applicationRole } from './postgres.ts'
import { assertForRehearsals, databaseBeside, readPurpose } from './rehearsal.ts'

const lookMs = 200

/**
 * Makes what is missing of it: the database, its mark, its schemas.
 * @param ownerUrl of the live database, whose owner may make another, or is the other's owner too
 * @returns the migrations that were applied
 */
export async function createRehearsalDatabase(
  ownerUrl: string,
  database: string,
): Promise<string[]> {
  await onDatabase(ownerUrl, (client) => makeDatabase(client, database))
  const url = databaseBeside(ownerUrl, database)
  await onDatabase(url, markWhereEmpty)
  return migrateMarked(url)
}

/**
 * Brings the schema up to date, and that of the rehearsal's database, where there is one.
 * @returns the migrations that were applied to either
 */
export async function migrateSides({ rehearsal }: Config, ownerUrl: string): Promise<string[]> {
  const applied = await migrateDatabase(ownerUrl)
  const rehearsed =
    rehearsal === undefined ? [] : await migrateRehearsal(ownerUrl, rehearsal.database)
  return [...applied, ...rehearsed.map((name) => `${name} (rehearsal)`)]
}

/** For when no process of an earlier version runs. Again, it does nothing. */
export async function finishSides(config: Config, ownerUrl: string): Promise<void> {
  for (const url of await migratedSides(config, ownerUrl)) await onDatabase(url, beginSalting)
}

/** Whether there is nothing left to finish. */
export async function isFinished(config: Config, ownerUrl: string): Promise<boolean> {
  for (const url of await migratedSides(config, ownerUrl))
    if (!(await onDatabase(url, isSalting))) return false
  return true
}

async function migratedSides({ rehearsal }: Config, ownerUrl: string): Promise<readonly string[]> {
  if (rehearsal === undefined) return [ownerUrl]
  const url = databaseBeside(ownerUrl, rehearsal.database)
  const purpose = await onDatabase(url, readPurpose).catch(whereMissing)
  return purpose?.kind === 'rehearsal' ? [ownerUrl, url] : [ownerUrl]
}

async function migrateRehearsal(ownerUrl: string, database: string): Promise<string[]> {
  const url = databaseBeside(ownerUrl, database)
  const purpose = await onDatabase(url, readPurpose).catch(whereMissing)
  if (purpose === undefined) return []
  assertForRehearsals(purpose)
  return purpose.kind === 'rehearsal' ? migrateMarked(url) : []
}

/**
 * Takes everything out of it, once the processes that rehearse have left.
 * @returns false where nothing was in it
 */
export async function removeRehearsal(ownerUrl: string, database: string): Promise<boolean> {
  const url = databaseBeside(ownerUrl, database)
  const removed = await onDatabase(url, async (client) => {
    const purpose = await readPurpose(client)
    assertForRehearsals(purpose)
    if (purpose.kind === 'empty') return false
    await client.query('update public.spillway_rehearsal set ending_at = now()')
    await waitUntilLeft(client)
    await dropAll(client)
    return true
  }).catch(whereMissing)
  return removed ?? false
}

async function makeDatabase(client: pg.Client, database: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [database])
  if (rowCount === 1) return
  try {
    await client.query(`create database ${pg.escapeIdentifier(database)}`)
  } catch (error) {
    if ((error as { code?: unknown }).code !== '42501') throw error
    throw new ConfigError(
      `The schema's owner may not create databases. As an administrator: create database ${database} owner ${pg.escapeIdentifier(client.user ?? '')}; then run this again.`,
    )
  }
}

/** Empty still when it is marked: two that do so wait for each other. */
async function markWhereEmpty(client: pg.Client): Promise<void> {
  await client.query('begin')
  await client.query('select pg_advisory_xact_lock(5177204633)')
  const purpose = await readPurpose(client)
  assertForRehearsals(purpose)
  if (purpose.kind === 'ending') {
    throw new ConfigError(
      'The last rehearsal is not removed to its end: run "npm run rehearsal -- remove" again first.',
    )
  }
  if (purpose.kind === 'empty') {
    await client.query(`
      create table public.spillway_rehearsal (
        id uuid primary key default gen_random_uuid(),
        made_at timestamptz not null default now(),
        -- Since when it is being removed: nobody connects any more.
        ending_at timestamptz
      );
      insert into public.spillway_rehearsal default values`)
  }
  await client.query('commit')
}

/** What migrations forbid in a journal, a rehearsal's must have: see migrations/0017. */
async function migrateMarked(url: string): Promise<string[]> {
  const applied = await migrateDatabase(url)
  await onDatabase(url, (client) =>
    client.query(`
      begin;
      alter table journal.envelope
        drop constraint if exists envelope_is_live,
        drop constraint if exists envelope_is_rehearsed,
        add constraint envelope_is_rehearsed check (environment like 'rehearsal%');
      grant select on public.spillway_rehearsal to ${applicationRole};
      commit`),
  )
  return applied
}

/**
 * Processes see that it ends, and leave, those of their pools last; who stays all the same is not waited
 * for longer, and who looks at it with another program not at all.
 */
async function waitUntilLeft(client: pg.Client): Promise<void> {
  const until = performance.now() + rehearsalLeaveMsMax
  for (;;) {
    const { rowCount } = await client.query(
      `select from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()
         and application_name like 'spillway-%'
       limit 1`,
    )
    if (rowCount === 0 || performance.now() > until) return
    await pause(lookMs)
  }
}

async function dropAll(client: pg.Client): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await client.query(`
        begin;
        set local lock_timeout = ${rehearsalLockMs};
        drop schema if exists bullmq, access, ledger, batch, journal cascade;
        drop table if exists public.spillway_migration;
        drop table public.spillway_rehearsal;
        commit`)
      return
    } catch (error) {
      await client.query('rollback')
      // Locks that others hold, or wait for in another order.
      const { code } = error as { code?: string }
      if ((code !== '55P03' && code !== '40P01') || tries === rehearsalLockTriesMax) throw error
    }
  }
}

async function onDatabase<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'spillway-rehearsal' })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** There is no database of this name: nothing is to be done with it. */
function whereMissing(error: unknown): undefined {
  if ((error as { code?: unknown }).code === '3D000') return undefined
  throw error
}
