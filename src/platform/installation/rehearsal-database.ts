/**
 * The database of a rehearsal, made and removed by its owner. It has the mark before anything else, and
 * loses it with everything else: dead after any line, it is a rehearsal's or empty, and the same command
 * goes on.
 */
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { rehearsalLeaveMsMax, rehearsalLockMs, rehearsalLockTriesMax } from '../../limits.ts'
import { ConfigError } from '../config/config.ts'
import { assertNotUsed, readPurpose } from '../config/rehearsal.ts'
import { databaseBeside, migrateDatabase, onDatabase, whereMissing } from './database.ts'

const lookMs = 100

/**
 * Makes what is missing of it: the database, its mark, its schemas.
 * @param ownerUrl of the database, whether it is there or not; its owner may make one, or it is there
 * @returns the migrations that were applied
 */
export async function createRehearsalDatabase(ownerUrl: string): Promise<string[]> {
  const isThere = await onDatabase(ownerUrl, async () => true).catch(whereMissing)
  if (isThere === undefined) await makeDatabase(ownerUrl)
  await onDatabase(ownerUrl, markWhereEmpty)
  const applied = await migrateDatabase(ownerUrl)
  await onDatabase(ownerUrl, refuseLiveEnvelopes)
  return applied
}

/**
 * Takes everything out of it.
 * @returns false where nothing was in it
 * @throws ConfigError where it is no rehearsal's, or processes still rehearse
 */
export async function removeRehearsal(ownerUrl: string): Promise<boolean> {
  const removed = await onDatabase(ownerUrl, async (client) => {
    const purpose = await readPurpose(client)
    assertNotUsed(purpose)
    if (purpose === 'empty') return false
    await waitUntilLeft(client)
    await dropAll(client)
    return true
  }).catch(whereMissing)
  return removed ?? false
}

async function makeDatabase(ownerUrl: string): Promise<void> {
  const database = pg.escapeIdentifier(decodeURIComponent(new URL(ownerUrl).pathname.slice(1)))
  await onDatabase(databaseBeside(ownerUrl, 'postgres'), async (client) => {
    try {
      await client.query(`create database ${database}`)
    } catch (error) {
      if ((error as { code?: unknown }).code !== '42501') throw error
      throw new ConfigError(
        `The schema's owner may not create databases. As an administrator: create database ${database} owner ${pg.escapeIdentifier(client.user ?? '')}; then run this again.`,
      )
    }
  })
}

/** Empty still when it is marked: two that do so wait for each other. */
async function markWhereEmpty(client: pg.Client): Promise<void> {
  await client.query('begin')
  await client.query('select pg_advisory_xact_lock(5177204633)')
  const purpose = await readPurpose(client)
  assertNotUsed(purpose)
  if (purpose === 'empty') {
    await client.query(
      'create table public.spillway_rehearsal (made_at timestamptz not null default now())',
    )
  }
  await client.query('commit')
}

/** What migrations forbid in a journal, a rehearsal's must have: see migrations/0017. */
async function refuseLiveEnvelopes(client: pg.Client): Promise<void> {
  await client.query(`
    begin;
    alter table journal.envelope
      drop constraint if exists envelope_is_live,
      drop constraint if exists envelope_is_rehearsed,
      add constraint envelope_is_rehearsed check (environment like 'rehearsal%');
    commit`)
}

/** A process that ends takes a moment to leave; who looks with another program is not waited for. */
async function waitUntilLeft(client: pg.Client): Promise<void> {
  const until = performance.now() + rehearsalLeaveMsMax
  for (;;) {
    const { rows } = await client.query<{ name: string }>(
      `select distinct application_name as name from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()
         and application_name like 'spillway-%'`,
    )
    if (rows.length === 0) return
    if (performance.now() > until) {
      throw new ConfigError(
        `Processes of the rehearsal still run (${rows.map(({ name }) => name).join(', ')}): stop them, then run this again. Nothing was removed.`,
      )
    }
    await pause(lookMs)
  }
}

async function dropAll(client: pg.Client): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await client.query(`
        begin;
        set local lock_timeout = ${rehearsalLockMs};
        drop schema if exists bullmq, seen, access, ledger, batch, journal cascade;
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
