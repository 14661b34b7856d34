/** Migrations run on a filled database while the intake of an earlier version accepts. */
import { cpSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { databaseFault } from '../../src/platform/command/sqlstate.ts'
import { type Migration, migrate, readFolder } from '../../src/platform/postgres/migrations.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait.ts'

const current = readFolder(new URL('../../migrations/', import.meta.url))
const formerFolder = new URL('former-migrations/', import.meta.url)
const upTo = (number: string) => current.filter(({ name }) => name.slice(0, 4) <= number)

const opened: TestDatabase[] = []
let migrating: pg.PoolClient
let accepting: pg.PoolClient
let holding: pg.PoolClient

/** An empty database with three connections of its owner. */
async function openDatabase(): Promise<void> {
  const database = await createDatabase('template0')
  opened.push(database)
  ;[migrating, accepting, holding] = await Promise.all([
    database.owner.connect(),
    database.owner.connect(),
    database.owner.connect(),
  ])
}
beforeEach(openDatabase)
afterEach(async () => {
  for (const client of [migrating, accepting, holding]) client.release(true)
  for (const database of opened.splice(0)) await database.drop()
})

let accepted = 0

/** What an intake of the first version sends, here with what else it wrote in that statement. */
async function accept(): Promise<void> {
  accepted += 1
  await accepting.query(
    `with drawn as (select nextval('journal.envelope_number') as number),
     envelope as (
       insert into journal.envelope (number, lane, environment, declarations, sealed, leaves,
         signed_root, writer, writer_position, previous_link, link)
       select number, 'filing', 'test', 1, '', sha256(''), '', gen_random_uuid(), 1, sha256(''),
         sha256('')
       from drawn
     ), unposted as (
       insert into journal.unposted (envelope, lane, declarations, accepted_at)
       select number, 'filing', 1, now() from drawn
     )
     insert into journal.acceptance (id, envelope, position, employer, period, kind, digest,
       accepted_at, deadline, on_time)
     select '202301-' || $1, number, 0, 'employer ' || $1, '2023-01', 'regular', sha256(''), now(),
       now(), true
     from drawn
     on conflict (id) do nothing`,
    [accepted],
  )
}

/** How often each table that is there was read from end to end, by anybody. */
async function scans(): Promise<Map<string, number>> {
  for (const client of [migrating, accepting])
    await client.query('select pg_stat_force_next_flush()')
  const { rows } = await migrating.query<{ name: string; scans: number }>(`
    select schemaname || '.' || relname as name, seq_scan::int as scans
    from pg_stat_user_tables
    where schemaname in ('journal', 'ledger', 'batch')`)
  return new Map(rows.map(({ name, scans }) => [name, scans]))
}

/** Tables that were there before `one` and that it read from end to end. */
async function tablesRead(one: Migration, before: readonly Migration[]): Promise<string[]> {
  const earlier = await scans()
  await migrate(migrating, [...before, one])
  const later = await scans()
  return [...earlier].flatMap(([name, count]) => ((later.get(name) ?? 0) > count ? [name] : []))
}

test('no migration reads a table under a lock, and the first version accepts through them all', async () => {
  const before: Migration[] = []
  for (const one of current) {
    const read = await tablesRead(one, before)
    if (one.inTransaction) expect({ [one.name]: read }).toEqual({ [one.name]: [] })
    before.push(one)
    await accept()
  }
  const { rows } = await migrating.query('select count(*)::int as count from journal.acceptance')
  expect(rows).toEqual([{ count: before.length }])
})

/** The keys of what is in force and of cancellations, as a worker of an earlier program raises them. */
const raiseFormerly = (table: string, envelope: number) => `
  insert into ledger.${table} as held (employer, period, envelope, position)
  select distinct on (employer, period) employer, period, envelope, position
  from (select employer, period, envelope, position from ledger.declaration where envelope = ${envelope}) as places
  order by employer, period, envelope desc, position desc
  on conflict (employer, period) do update
  set envelope = excluded.envelope, position = excluded.position
  where (excluded.envelope, excluded.position) > (held.envelope, held.position)`

/** Accepts and posts as such a program does: declarations of an employer, one in each envelope. */
async function postFormerly(employer: string, envelope: number, region: string, more: object = {}) {
  const row = { kind: 'regular', lines: 1, parts: 1, part_of: null, replaces: null, ...more }
  await accepting.query(
    `insert into journal.acceptance (id, envelope, position, employer, period, kind, digest,
       accepted_at, deadline, on_time)
     values ('id ' || $1::bigint, $1::bigint, 0, $2, '2023-01', $3, sha256(''), now(), now(), true)`,
    [envelope, employer, row.kind],
  )
  const sums = ['pension', 'medical', 'unemployment', 'work_injury'].flatMap((insurance) =>
    ['base', 'employer', 'employee'].map((side) => `${insurance}_${side}_fen`),
  )
  await accepting.query(
    `insert into ledger.declaration (envelope, position, id, employer, period, region, kind, lines,
       parts, part_of, replaces, policy_hash, provisional, ${sums.join(', ')})
     values ($1::bigint, 0, 'id ' || $1::bigint, $2, '2023-01', $3, $4, $5, $6, $7, $8, '', false${', 0'.repeat(sums.length)})`,
    [envelope, employer, region, row.kind, row.lines, row.parts, row.part_of, row.replaces],
  )
  if (row.parts === 1) await accepting.query(raiseFormerly('in_force', envelope))
  if (row.kind === 'cancellation')
    await accepting.query(raiseFormerly('last_cancellation', envelope))
}

/** Rows of one of these tables, in their order. */
async function held(table: 'in_force' | 'last_cancellation'): Promise<string[]> {
  const { rows } = await migrating.query<{ held: string }>(
    `select concat_ws(' ', employer, region, envelope) as held from ledger.${table} order by 1`,
  )
  return rows.map((row) => row.held)
}

test('what another region’s declaration had replaced is in force in its own, in any state of the upgrade', async () => {
  await migrate(migrating, upTo('0059'))
  await postFormerly('one', 1, '340100')
  await postFormerly('one', 2, '340100')
  await postFormerly('two', 3, '340200')
  await postFormerly('two', 4, '340100', { kind: 'cancellation', lines: 0 })
  await postFormerly('two', 5, '340200', { kind: 'cancellation', lines: 0 })
  await postFormerly('parts', 6, '340200', { parts: 2 })
  await accepting.query("insert into ledger.whole values ('id 6', 'parts', '2023-01', 2, 2, 6, 0)")
  await postFormerly('parts', 7, '340100')
  const before = current.filter(({ name }) => name < '0063')
  await migrate(migrating, before)
  // A worker of an earlier program, until the keys are other ones; then it fails, and posts nothing.
  await postFormerly('while', 8, '340100')
  await migrate(migrating, [...before, ...current.filter(({ name }) => name.startsWith('0063'))])
  const late = postFormerly('late', 9, '340100').catch((error: unknown) => error)
  expect(databaseFault(await late)).toBe('schema')
  await accepting.query("delete from ledger.declaration where employer = 'late'")
  await migrate(migrating, current)
  const fill = current.filter(({ name }) => /^(0064|0111)/.test(name))
  // Run again, as where its end was not recorded, it changes nothing.
  for (const { sql } of fill.filter(({ inTransaction }) => !inTransaction))
    await migrating.query(sql)
  expect(await held('in_force')).toEqual([
    ...['one 340100 2', 'parts 340100 7', 'parts 340200 6', 'two 340100 4', 'two 340200 5'],
    'while 340100 8',
  ])
  expect(await held('last_cancellation')).toEqual(['two 340100 4', 'two 340200 5'])
  await accept()
})

test('what another region’s declaration names as replaced is in force no more, also where it came back by an upgrade', async () => {
  await migrate(migrating, upTo('0059'))
  await postFormerly('named', 1, '340100')
  await postFormerly('named', 2, '340200', { kind: 'correction', replaces: 'id 1' })
  await postFormerly('cancelled', 3, '340100')
  const cancels = { kind: 'cancellation', replaces: 'id 3', lines: 0 }
  await postFormerly('cancelled', 4, '340200', cancels)
  await postFormerly('later', 5, '340100')
  await postFormerly('later', 6, '340200', { kind: 'correction', replaces: 'id 5' })
  await postFormerly('later', 7, '340100')
  await migrate(migrating, upTo('0109'))
  expect(await held('in_force')).toEqual([
    ...['cancelled 340100 3', 'cancelled 340200 4', 'later 340100 7', 'later 340200 6'],
    ...['named 340100 1', 'named 340200 2'],
  ])
  await migrate(migrating, current)
  expect(await held('in_force')).toEqual([
    ...['cancelled 340100 4', 'cancelled 340200 4', 'later 340100 7', 'later 340200 6'],
    ...['named 340100 2', 'named 340200 2'],
  ])
  expect(await held('last_cancellation')).toEqual(['cancelled 340100 4', 'cancelled 340200 4'])
})

test('the former text of a migration is caught reading a table under a lock', async () => {
  await migrate(migrating, upTo('0003'))
  await accept()
  const [former] = readFolder(formerFolder).filter(({ name }) => name.startsWith('0004'))
  expect(await tablesRead(former as Migration, upTo('0003'))).toEqual(['journal.acceptance'])
})

test('others accept while an index is made', async () => {
  await migrate(migrating, upTo('0003'))
  await accept()
  // An index that is made concurrently waits for whoever sees what was there before, a dump for example.
  await holding.query('begin isolation level repeatable read; select pg_current_snapshot()')
  const migrated = migrate(migrating, current)
  await waitFor('a migration that waits', async () => {
    const { rowCount } = await accepting.query(
      `select from pg_stat_activity
       where datname = current_database() and query ~ 'index concurrently'
         and wait_event = 'virtualxid'`,
    )
    return rowCount === 1
  })
  await accepting.query("set lock_timeout = '1s'")
  await accept()
  await holding.query('rollback')
  await migrated
})

test('who accepts waits but a moment where a migration waits for a table', async () => {
  await migrate(migrating, upTo('0006'))
  await accept()
  await holding.query("begin; update journal.acceptance set kind = 'correction'")
  const migrated = migrate(migrating, current)
  const waits = async () => {
    const { rowCount } = await accepting.query(
      "select from pg_locks where relation = 'journal.acceptance'::regclass and not granted",
    )
    return rowCount === 1
  }
  // It gives up and asks again; who comes behind it waits no longer than that.
  await accepting.query("set lock_timeout = '10s'")
  for (let i = 0; i < 3; i += 1) {
    await waitFor('it to ask for the table', waits)
    await accept()
  }
  await holding.query('rollback')
  await migrated
})

/** What there is, as the catalogue tells it. */
async function describeSchema(client: pg.PoolClient): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(`
    select format('%s.%s column %s %s %s', table_schema, table_name, column_name, data_type,
      coalesce(column_default, '')) as line
    from information_schema.columns
    where table_schema in ('journal', 'ledger', 'batch')
    union all
    select format('%s %s %s valid %s', i.indexrelid::regclass, indrelid::regclass,
      pg_get_indexdef(i.indexrelid), i.indisvalid)
    from pg_index i
    join pg_class c on c.oid = i.indrelid
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('journal', 'ledger', 'batch')
    union all
    select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    from pg_constraint
    where connamespace::regnamespace::text in ('journal', 'ledger', 'batch')
    order by 1`)
  return rows.map(({ line }) => line)
}

test('a database to which the former texts were applied comes to the same', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-former-'))
  for (const { name } of upTo('0019'))
    cpSync(new URL(`../../migrations/${name}`, import.meta.url), path.join(folder, name))
  cpSync(formerFolder, folder, { recursive: true })
  const former = readFolder(pathToFileURL(`${folder}/`))
  await migrate(migrating, former)
  const applied = await migrate(migrating, current)
  expect(applied).toEqual(current.slice(former.length).map(({ name }) => name))
  const upgraded = await describeSchema(migrating)
  for (const client of [migrating, accepting, holding]) client.release(true)
  await openDatabase()
  await migrate(migrating, current)
  expect(upgraded).toEqual(await describeSchema(migrating))
})

test('an index that was left half made is made again', async () => {
  await migrate(migrating, current)
  const index = 'journal.acceptance_by_instant'
  await migrating.query(
    `update pg_index set indisvalid = false where indexrelid = '${index}'::regclass`,
  )
  await migrating.query(
    "delete from public.spillway_migration where name = '0035_acceptance_by_instant.sql'",
  )
  expect(await migrate(migrating, current)).toEqual(['0035_acceptance_by_instant.sql'])
  const { rows } = await migrating.query(
    `select indisvalid from pg_index where indexrelid = '${index}'::regclass`,
  )
  expect(rows).toEqual([{ indisvalid: true }])
})

test('who did not make the roles of the server migrates once they are granted, as the documents say', async () => {
  const owner = `test_owner_${process.pid}`
  await migrating.query(`create role ${owner} login createrole password 'p'`)
  const { database } = migrating as unknown as { database: string }
  await migrating.query(`alter database ${database} owner to ${owner}`)
  const url = new URL(opened[0]?.ownerUrl ?? '')
  url.username = owner
  url.password = 'p'
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  try {
    await expect(migrate(client, current)).rejects.toMatchObject({ code: '42501' })
    const roles = 'spillway_app, spillway_posting, spillway_reading, spillway_operating'
    await migrating.query(`grant ${roles} to ${owner} with admin option`)
    const applied = await migrate(client, current)
    expect(applied).toHaveLength(current.length)
  } finally {
    await client.end()
    await migrating.query(`drop owned by ${owner} cascade`)
    await migrating.query(`alter database ${database} owner to current_user`)
    await migrating.query(`drop role ${owner}`)
  }
})

test('a login that may look up through another role is not left out', async () => {
  const login = `test_posting_${process.pid}`
  const reads = async () =>
    (await migrating.query(`select pg_has_role('${login}', 'spillway_reading', 'member')`)).rows[0]
  await migrating.query(`create role ${login} login in role spillway_posting`)
  try {
    expect(await reads()).toEqual({ pg_has_role: false })
    const { sql = '' } = current.find(({ name }) => name.startsWith('0167')) ?? {}
    await migrating.query(sql)
    await migrating.query(sql)
    expect(await reads()).toEqual({ pg_has_role: true })
  } finally {
    await migrating.query(`drop role ${login}`)
  }
})
