/** What code sees that reads for somebody, and forgets to check whose the rows are. */
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findAcceptances } from '../../src/journal/reading/find.ts'
import type { Reach } from '../../src/journal/reading/reach.ts'
import { readEnvelope } from '../../src/journal/reading/read.ts'
import { type Queryable, ReadPool } from '../../src/journal/reading/read-pool.ts'
import { findPersons } from '../../src/ledger/previous.ts'
import { findStanding } from '../../src/ledger/status.ts'
import { openPool, readingRole } from '../../src/platform/postgres/postgres.ts'
import { declare, filingOf, type Journal, openJournal } from '../support/journal.ts'

let journal: Journal
/** Of one connection: what is left of one statement would be met by the next. */
let pool: pg.Pool
let reads: ReadPool
const own = declare({}, { region: '340100' })
const theirs = declare({}, { region: '340200' })
/** Of an employer that is asked for by nobody, in the same envelope as the first. */
const beside = declare({}, { region: '340100' })
const sender = { issuer: 'one', subject: 'sender' }
const ids = {} as Record<'own' | 'theirs' | 'beside', string>

beforeAll(async () => {
  journal = await openJournal()
  const filings = {
    own: filingOf(own, 'k'),
    theirs: filingOf(theirs, 'k'),
    beside: filingOf(beside, 'k'),
  }
  for (const group of [[filings.own, filings.beside], [filings.theirs]]) {
    const { envelope } = await journal.openWriter()(group)
    await journal.post(envelope as bigint)
  }
  for (const name of ['own', 'theirs', 'beside'] as const) ids[name] = filings[name].id
  await reassessAll()
  await fileBatches()
  const { url } = journal.database
  pool = openPool({
    url,
    name: 'one',
    connectionsMax: 1,
    statementMsMax: 20_000,
    role: readingRole,
  })
  reads = new ReadPool(pool)
})
afterAll(async () => {
  await pool.end()
  await journal.close()
})

/** A difference of each declaration, as if there were a later pack. */
async function reassessAll(): Promise<void> {
  const insurances = ['pension', 'medical', 'unemployment', 'work_injury']
  const amounts = insurances.flatMap((one) =>
    ['base', 'employer', 'employee'].map((part) => `${one}_${part}_fen`),
  )
  amounts.push('occupational_injury_employer_fen')
  await journal.database.owner.query(`
    insert into ledger.reassessment
      (envelope, position, id, employer, period, region, declaration_envelope, declaration_position,
       policy_hash, policy_hash_before, provisional, lines_changed, ${amounts.join()})
    select envelope + 100, position, 'r' || id, employer, period, region, envelope, position,
      'later', policy_hash, false, 1, ${amounts.join()}
    from ledger.declaration`)
}

/** A file of each of two who send, with something of it in each table that lookups read. */
async function fileBatches(): Promise<void> {
  for (const subject of [sender.subject, 'another'])
    await journal.database.owner.query(`
      with batch as (
        insert into batch.batch (id, issuer, subject, may_file_for, named, period, region, kind, mode, stage)
        values ('${randomUUID()}', 'one', '${subject}', '{}', '{}', '2024-11', '340100', 'regular', 'accept-good', 'filing')
        returning id
      ), work as (
        insert into batch.work (batch) select id from batch
      ), unit as (
        insert into batch.unit (batch, employer, period, region, entry, id, rows_good, rows_set_aside, lines, parts)
        select id, '${own.employer}', '2024-11', '340100', 0, 'd', 1, 0, 1, 1 from batch
      ), piece as (
        insert into batch.piece (batch, employer, period, region, entry, number, rows, sealed)
        select id, '${own.employer}', '2024-11', '340100', 0, 0, 1, '' from batch
      ), error_row as (
        insert into batch.error_row (batch, number, rows, sealed) select id, 0, 1, '' from batch
      ), amended as (
        insert into batch.amended (first, rows_open) select id, '' from batch
      )
      insert into batch.slot
        (id, issuer, subject, period, region, rows, bytes, starts_at, ends_at, quarters, batch, created_at)
      select id, 'one', '${subject}', '2024-11', '340100', 1, 1, now(), now() + interval '1 hour', 1, id, now()
      from batch`)
}

/** Packs are public, and which migrations were applied is no secret. */
const forAll = ['journal.policy_pack', 'public.spillway_migration']

/** Everything that the role may read. */
async function readable(): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f')
      and n.nspname not in ('pg_catalog', 'information_schema')
      and (has_table_privilege(c.oid, 'select') or has_any_column_privilege(c.oid, 'select'))
    order by 1`)
  return rows.map(({ name }) => name)
}

async function rowsOf(queryable: Queryable, tables: readonly string[]) {
  const counts: Record<string, number> = {}
  for (const table of tables) {
    const { rows } = await queryable.query({ text: `select count(*)::int as n from ${table}` })
    if (rows[0].n > 0) counts[table] = rows[0].n
  }
  return counts
}

const within = (employers: string[], regions: string[] = []): Reach => ({ employers, regions })

describe('a statement that asks for everything', () => {
  test('finds nothing in any table where it does not say for whom it reads', async () => {
    const tables = await readable()
    expect(tables).toEqual(
      expect.arrayContaining(['journal.acceptance', 'seen.line', 'batch.unit']),
    )
    const some = tables.filter((table) => !forAll.includes(table))
    expect(await rowsOf(pool, some)).toEqual({})
    const nobody = [
      within([]),
      within([''], []),
      within([declare().employer]),
      within([], ['110000%']),
    ]
    for (const reach of nobody) expect(await rowsOf(reads.within(reach), some)).toEqual({})
    for (const subject of ['', 'sende', 'sender '])
      expect(await rowsOf(reads.of({ issuer: 'one', subject }), some)).toEqual({})
    expect(await rowsOf(reads.of({ ...sender, issuer: 'two' }), some)).toEqual({})
  })

  test('finds what is of the employers that it reads for, and nothing of others', async () => {
    const tables = (await readable()).filter((one) => /^(journal|ledger|seen)\./.test(one))
    const found = await rowsOf(reads.within(within([own.employer])), tables)
    const all = await rowsOf(journal.pool, tables)
    const empty = tables.filter((table) => all[table] === undefined)
    expect(empty).toEqual(['journal.policy_pack', 'seen.replaced_elsewhere'])
    const missing = tables.filter((one) => all[one] !== undefined && found[one] === undefined)
    expect(missing).toEqual(['seen.progress']) // a file is its sender's
    for (const table of ['journal.acceptance', 'seen.declaration', 'seen.reassessment'])
      expect([found[table], all[table]], table).toEqual([1, 3])
    for (const table of tables.filter((one) => !forAll.includes(one)))
      expect(all[table] === undefined || (found[table] ?? 0) < all[table], table).toBe(true)
    expect([found['journal.envelope'], all['journal.envelope']]).toEqual([1, 2])
    const { rows } = await reads
      .within(within([own.employer, theirs.employer]))
      .query<{ employer: string }>({ text: 'select employer from journal.acceptance' })
    expect(rows.map(({ employer }) => employer).sort()).toEqual(
      [own.employer, theirs.employer].sort(),
    )
  })

  test('finds what is in regions, of whatever employer', async () => {
    const ofRegions = async (...regions: string[]) => {
      const { rows } = await reads
        .within(within([], regions))
        .query<{ id: string }>({ text: 'select id from seen.declaration_status order by id' })
      return rows.map(({ id }) => id)
    }
    expect(await ofRegions('3401%')).toEqual([ids.own, ids.beside].sort())
    expect(await ofRegions('3402%', '11%')).toEqual([ids.theirs])
    expect(await ofRegions('%')).toHaveLength(3)
  })

  test('finds the files and slots of who sent them', async () => {
    const tables = (await readable()).filter((one) => one.startsWith('batch.'))
    const found = await rowsOf(reads.of(sender), [...tables, 'seen.progress'])
    expect(new Set(Object.values(found))).toEqual(new Set([1]))
    expect(Object.keys(found)).toHaveLength(tables.length + 1)
  })
})

test('the functions of lookups find nothing of others, with no check of their own', async () => {
  const reader = reads.within(within([own.employer]))
  const { keyring } = journal
  expect((await findStanding(reader, ids.own))?.assessment?.amounts.length).toBeGreaterThan(0)
  expect(await findAcceptances(reader, keyring.salts, [ids.own])).toHaveLength(1)
  expect(await readEnvelope(reader, keyring.sealingKeys, 1n)).toMatchObject({
    accepted: [{ id: ids.own }],
  })
  expect((await findPersons(reader, own))?.size).toBeGreaterThan(0)
  for (const other of [theirs, beside]) {
    const id = other === theirs ? ids.theirs : ids.beside
    expect(await findStanding(reader, id)).toBeUndefined()
    expect(await findAcceptances(reader, keyring.salts, [id])).toEqual([])
    expect(await findPersons(reader, other)).toBeUndefined()
  }
  expect(await readEnvelope(reader, keyring.sealingKeys, 2n)).toBeUndefined()
})

test('nothing of one statement is left to the next, whether it succeeds or fails', async () => {
  const reader = reads.within(within([own.employer]))
  const all = { name: 'all', text: 'select id from journal.acceptance' }
  const one = {
    name: 'fails',
    text: 'select 1 / (length(id) - length(id)) from journal.acceptance',
  }
  for (let turn = 0; turn < 3; turn += 1) {
    expect((await reader.query(all)).rows).toEqual([{ id: ids.own }])
    expect((await pool.query(all)).rows).toEqual([])
    await expect(reader.query(one)).rejects.toMatchObject({ code: '22012' })
    expect((await pool.query(all)).rows).toEqual([])
    await expect(reader.query({ text: 'select from nowhere' })).rejects.toMatchObject({
      code: '42P01',
    })
    expect((await reads.within(within([theirs.employer])).query(all)).rows).toEqual([
      { id: ids.theirs },
    ])
  }
  const many = await Promise.all(
    [own, theirs, beside].map(
      async ({ employer }) => (await reads.within(within([employer])).query(all)).rowCount,
    ),
  )
  expect(many).toEqual([1, 1, 1])
})

test('a code that has another one in it, or a comma, sees nothing of that one', async () => {
  const all = { name: 'all', text: 'select id from journal.acceptance' }
  for (const code of [`${own.employer}1`, `x,${own.employer}`, own.employer.slice(1)])
    expect((await reads.within(within([code])).query(all)).rows).toEqual([])
})

test('the role reads alone, and no login of who writes the ledger needs it', async () => {
  const { rows } = await pool.query(`
    select c.oid::regclass::text as table, may
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    cross join unnest(array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) as may
    where n.nspname in ('journal', 'ledger', 'batch', 'access', 'seen', 'public') and c.relkind in ('r', 'p', 'v')
      and has_table_privilege(c.oid, may)`)
  expect(rows).toEqual([])
  await expect(pool.query('select * from journal.denial')).rejects.toMatchObject({ code: '42501' })
  await expect(pool.query('select * from ledger.line')).rejects.toMatchObject({ code: '42501' })
})
