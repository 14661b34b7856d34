/** What a process's login may not do with the database, whoever has taken the process over. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { readConfig } from '../../src/platform/config/config.ts'
import { type KeyHolder, keyUses, usesOf } from '../../src/platform/config/key-store.ts'
import { openInstallation } from '../../src/platform/installation/installation.ts'
import {
  type LoginKind,
  loginKinds,
  loginUrl,
} from '../../src/platform/postgres/embedded-logins.ts'
import { postingRole } from '../../src/platform/postgres/postgres.ts'
import { runCommand } from '../support/command.ts'
import { declareInTurn, filingOf, type Journal, openJournal } from '../support/journal.ts'

const employer = '91350100M000100Y43'
let journal: Journal
let posted: bigint
let unposted: bigint
const clients = {} as Record<LoginKind, pg.Client>

beforeAll(async () => {
  journal = await openJournal()
  const declareNext = declareInTurn(employer)
  const accept = async (key: string) => {
    const { envelope } = await journal.openWriter()([filingOf(declareNext(), key)])
    return envelope as bigint
  }
  posted = await accept('posted')
  unposted = await accept('unposted')
  await journal.post(posted)
  for (const kind of loginKinds) {
    const connectionString = loginUrl(journal.database.ownerUrl, kind)
    clients[kind] = new pg.Client({ connectionString })
    await clients[kind].connect()
  }
})
afterAll(async () => {
  for (const client of Object.values(clients)) await client.end()
  await journal.close()
})

/** Each would harm what was filed, or give its login more than its kind needs. */
const attacks = [
  'update journal.envelope set sealed = sealed',
  'delete from journal.envelope',
  'truncate journal.envelope',
  "update journal.acceptance set kind = 'cancellation'",
  'delete from journal.acceptance',
  'truncate journal.acceptance, journal.unposted',
  'delete from journal.unposted',
  "update journal.unposted set accepted_at = now() + interval '1 year'",
  "update journal.outage set cause = 'disk', began_at = now()",
  'update access.log set sealed = sealed',
  'delete from access.log',
  'truncate access.log',
  'insert into access.log select number + 1, link, previous_link, now(), now(), 1, sealed from access.log',
  'alter table access.log disable trigger all',
  'drop function access.append',
  "create function access.attack() returns int language sql as 'select 1'",
  "update batch.act set act = 'cancel'",
  'delete from batch.act',
  "insert into batch.intervention (batch, act, operator, reason, login) values ('b', 'cancel', 'o', 'r', 'another')",
  "select setval('journal.envelope_number', 1)",
  "update journal.denial set act = 'lift'",
  'delete from journal.denial',
  'update ledger.in_force set position = position + 1',
  'delete from ledger.in_force',
  "insert into ledger.in_force values ('91350100M000100Y43', '2024-12', 1, 0)",
  'delete from ledger.last_cancellation',
  'update ledger.whole set posted = parts',
  'update ledger.line set wage_fen = 1',
  'delete from ledger.declaration',
  'delete from ledger.books',
  "copy journal.acceptance to program 'cat > /dev/null'",
  "copy (select 1) to program 'id'",
  "copy (select 1) to '/tmp/spillway-attack'",
  "create temp table read (line text); copy read from '/etc/passwd'",
  'select * from pg_authid',
  'select * from pg_shadow',
  "select pg_read_file('postgresql.conf')",
  'select pg_reload_conf()',
  "create function public.attack() returns int language sql as 'select 1'",
  "create function journal.attack() returns int language sql as 'select 1'",
  "create function ledger.attack() returns int language sql as 'select 1'",
  "create function batch.attack() returns int language sql as 'select 1'",
  "create function bullmq.attack() returns int language sql as 'select 1'",
  "create or replace procedure ledger.take_off_unposted(of_envelope bigint) language sql as ''",
  'create trigger attack before insert on bullmq.job execute function suppress_redundant_updates_trigger()',
  'create table public.attack (one int)',
  'create schema attack',
  'create database attack',
  'create role attack superuser',
  'create extension file_fdw',
  'alter table journal.envelope disable trigger all',
  'alter system set fsync = off',
  "alter role spillway_owner password 'x'",
  'set role spillway_owner',
  'set session authorization spillway_owner',
  'grant spillway_owner to current_user',
  'grant pg_execute_server_program to current_user',
  "delete from public.spillway_migration where name like '0080%'",
] as const

test.each(loginKinds)(
  'the login of %s is refused whatever its process has no need of',
  async (kind) => {
    const client = clients[kind]
    const done: string[] = []
    for (const attack of attacks) {
      const code = await client.query(attack).then(
        () => 'done',
        (error) => String(error.code),
      )
      if (code !== '42501') done.push(`${attack}: ${code}`)
    }
    expect(done).toEqual([])
    // Back from the role that it acts as, a login has no more rights.
    await client.query('reset role')
    await expect(client.query('delete from journal.acceptance')).rejects.toMatchObject({
      code: '42501',
    })
  },
)

test('no login is a superuser, or a member of what is more than a role of processes', async () => {
  const { rows } = await journal.database.owner.query<{ login: string; of: string[] }>(`
    select r.rolname as login, array_agg(m.rolname::text order by m.rolname) as of
    from pg_roles r
    join pg_roles m on pg_has_role(r.oid, m.oid, 'member') and m.oid <> r.oid
    where r.rolname ~ '^spillway_(intake|worker|batch_worker|operator)$'
      and not (r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls)
    group by r.rolname
    order by r.rolname`)
  expect(rows).toEqual([
    { login: 'spillway_batch_worker', of: ['spillway_app'] },
    { login: 'spillway_intake', of: ['spillway_app', 'spillway_reading'] },
    {
      login: 'spillway_operator',
      of: ['spillway_app', 'spillway_operating', 'spillway_posting', 'spillway_reading'],
    },
    { login: 'spillway_worker', of: ['spillway_app', 'spillway_posting'] },
  ])
})

type Right = { kind: LoginKind; may: string; table: string }

/** What a login may besides reading, of tables of the journal and the ledger that are there now. */
async function rightsOf(kind: LoginKind): Promise<Right[]> {
  const { rows } = await clients[kind].query<Right>(`
    select c.oid::regclass::text as table, may
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    cross join unnest(array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) as may
    where n.nspname in ('journal', 'ledger') and c.relkind in ('r', 'p', 'v')
      and has_table_privilege(c.oid, may)
    order by 1, 2`)
  return rows
}

test('the journal can only grow, and only posting workers write the ledger', async () => {
  const passing = ['journal.put_off'] // what is tried again when: nothing that was filed
  for (const kind of loginKinds) {
    const rights = (await rightsOf(kind)).filter(({ table }) => !passing.includes(table))
    expect(new Set(rights.map(({ may }) => may))).toEqual(new Set(['INSERT']))
    const inLedger = rights.filter(({ table }) => table.startsWith('ledger.'))
    if (kind === 'intake' || kind === 'batch-worker') expect(inLedger).toEqual([])
  }
})

test('no process can lift a denial, whichever of them was taken over; operators can', async () => {
  const add = (act: string) => `insert into journal.denial (act, claim, value, operator, reason)
    values ('${act}', 'sub', 'one', 'o', 'r')`
  const may: Record<string, string[]> = {}
  for (const kind of loginKinds) {
    may[kind] = []
    const client = clients[kind]
    const { rows } = await client.query<{ role: string }>(
      `select rolname as role from pg_roles
       where starts_with(rolname, 'spillway_') and pg_has_role(oid, 'set') order by 1`,
    )
    for (const { role } of rows)
      for (const act of ['deny', 'lift']) {
        await client.query('begin')
        const done = await client.query(`set local role ${role}; ${add(act)}`).then(
          () => true,
          (error) => error.code !== '42501' && error.code,
        )
        if (done !== false) may[kind].push(`${act} as ${role}: ${done}`)
        await client.query('rollback')
      }
  }
  const operators = ['spillway_operating', 'spillway_operator']
  expect(may).toEqual({
    ...{ intake: [], 'batch-worker': [] },
    worker: ['deny as spillway_posting: true', 'deny as spillway_worker: true'],
    operator: [
      ...operators.flatMap((role) => [`deny as ${role}: true`, `lift as ${role}: true`]),
      'deny as spillway_posting: true',
    ],
  })
})

test('a login of workers denies by the command, and is told what lifts', async () => {
  const told = ['--sub', 'one', '--operator', 'o', '--reason', 'r']
  const run = async (act: string, kind: LoginKind = 'worker') => {
    const env = { DATABASE_URL: loginUrl(journal.database.ownerUrl, kind) }
    const command = runCommand('src/commands/denials.ts', env, [act, ...told])
    return [await command.done, command.output()]
  }
  expect(await run('deny')).toEqual([0, expect.stringContaining('sub one: refused')])
  expect(await run('lift')).toEqual([1, expect.stringContaining('grant spillway_operating to')])
  expect(await run('lift', 'operator')).toEqual([0, expect.stringContaining('taken again')])
})

test('no login marks as posted what is not, even where it writes the ledger', async () => {
  for (const kind of ['worker', 'operator'] as const) {
    const client = clients[kind]
    const takeOff = `call ledger.take_off_unposted(${unposted})`
    await expect(client.query(takeOff)).rejects.toMatchObject({ code: '42501' })
    await client.query('begin')
    await client.query(
      `insert into ledger.posting (envelope, lane, declarations) values (${unposted}, 'filing', 1)`,
    )
    await expect(client.query(takeOff)).rejects.toMatchObject({ code: '42501' })
    await client.query('rollback')
  }
  for (const kind of ['intake', 'batch-worker'] as const) {
    for (const procedure of [`take_off_unposted(${posted})`, `raise_in_force(${posted}, '{}')`]) {
      const called = clients[kind].query(`call ledger.${procedure}`)
      await expect(called).rejects.toMatchObject({ code: '42501' })
    }
  }
})

test('what is in force is only raised, to what was accepted for that employer, period and region', async () => {
  const { owner } = journal.database
  const inForce = async () => (await owner.query('select * from ledger.in_force order by 2')).rows
  const before = await inForce()
  const { worker } = clients
  // A row for another employer's period, at a place where that was not accepted, and one at no place.
  for (const position of [0, 7]) {
    await worker.query('begin')
    await worker.query(
      `create temp table made on commit drop as
       select * from ledger.declaration where envelope = ${posted};
       update made set envelope = ${unposted}, position = ${position}, kind = 'cancellation';
       insert into ledger.declaration select * from made`,
    )
    await worker.query(`call ledger.raise_in_force(${unposted}, '{}')`)
    await worker.query(`call ledger.raise_in_force(${posted}, '{}')`)
    await worker.query('commit')
    expect(await inForce()).toEqual(before)
    expect((await owner.query('select from ledger.last_cancellation')).rowCount).toBe(0)
    await owner.query(`delete from ledger.declaration where envelope = ${unposted}`)
  }
  // Nor of the region of another than its own place.
  await worker.query('begin')
  await worker.query(
    `create temp table moved on commit drop as
     select d.* from ledger.declaration d where d.envelope = ${posted};
     update moved m set envelope = a.envelope, position = a.position, id = a.id,
       employer = a.employer, period = a.period, region = '340300'
     from journal.acceptance a
     where a.envelope = ${unposted} and a.position = 0;
     insert into ledger.declaration select * from moved`,
  )
  await worker.query(`call ledger.raise_in_force(${unposted}, '{}')`)
  expect((await worker.query('select from ledger.in_force')).rowCount).toBe(before.length)
  await worker.query('rollback')
  // And by its own work it is raised.
  expect(await journal.post(unposted)).toMatchObject({ kind: 'posted' })
  expect(await inForce()).toHaveLength(before.length + 1)
  const { rowCount } = await owner.query('select from journal.unposted')
  expect(rowCount).toBe(0)
  expect(journal.pool.options.options).toContain(`role=${postingRole}`)
})

/** Commands of an operator that connect by DATABASE_URL, and what each says; replay works as the schema's owner. */
const commands: readonly (readonly [file: string, args: readonly string[], says: RegExp])[] = [
  ['src/commands/audit.ts', ['--history', 'HISTORY'], /^I18 /m],
  ['src/commands/outages.ts', ['--filers'], /windows from/],
  ['src/commands/reconcile.ts', [], /Nothing was accepted on this day/],
  ['src/commands/reconcile.ts', ['--by', 'envelope'], /^envelope,accepted/m],
  ['src/commands/reconcile.ts', ['--sign', '--day', '2024-11-01'], /Signed as the latest books/],
  ['src/commands/reconcile.ts', ['--export', 'BOOKS', '--from', '2024-11-01'], /1 signed books/],
  ['src/commands/dead-letters.ts', ['list'], /0 open dead letters/],
  ['src/commands/batches.ts', ['list'], /0 files/],
  ['src/commands/denials.ts', ['list'], /0 denied/],
  [
    'src/commands/reassess.ts',
    ['--region', '340100', '--from', '2024-11', '--to', '2024-11', '--dry-run'],
    /./,
  ],
  ['src/commands/replay.ts', [], /what the journal says/],
  ['src/commands/access-log.ts', ['verify'], /^VALID/m],
]

test('every command works with a login that inherits no right of its roles', async () => {
  const { owner, ownerUrl, name } = journal.database
  const login = `noinherit_${name}`
  const folder = mkdtempSync(path.join(tmpdir(), 'rights-'))
  const url = new URL(ownerUrl)
  url.username = login
  url.password = 'p'
  const files = { HISTORY: path.join(folder, 'history.jsonl'), BOOKS: path.join(folder, 'books') }
  writeFileSync(files.HISTORY, '')
  await owner.query(`create role ${login} login noinherit password 'p'`)
  try {
    await owner.query(`grant ${postingRole} to ${login}`)
    const env = {
      ...{ DATABASE_URL: url.href, MIGRATE_DATABASE_URL: ownerUrl },
      KEYRING_FILE: inject('keyringFile'),
    }
    for (const [file, args, says] of commands) {
      const given = args.map((one) => files[one as keyof typeof files] ?? one)
      const command = runCommand(file, env, given)
      await command.done
      expect(command.output(), `${file} ${args.join(' ')}`).toMatch(says)
      expect(command.output()).not.toContain('42501')
    }
  } finally {
    await owner.query(`drop role ${login}`)
    rmSync(folder, { recursive: true })
  }
})

test('no command connects but as a role: one that does it by itself acts as its login', () => {
  const folder = new URL('../../src/commands/', import.meta.url)
  const alone = readdirSync(folder).filter(
    (name) => name.endsWith('.ts') && /new pg\./.test(readFileSync(new URL(name, folder), 'utf8')),
  )
  // As the schema's owner, who makes its scratch schema.
  expect(alone).toEqual(['replay.ts'])
})

test('a retry and an intervention are noted with the login that the database knows', async () => {
  const { operator } = clients
  const noted = async (sql: string) => (await operator.query(`${sql} returning login`)).rows
  await operator.query('begin')
  const retries = 'ledger.dead_letter_retry (envelope, position, operator, posted)'
  const acts = 'batch.intervention (batch, act, operator, reason)'
  const found = [
    ...(await noted(`insert into ${retries} values (${posted}, 0, 'o', true)`)),
    ...(await noted(`insert into ${acts} values ('b', 'cancel', 'o', 'r')`)),
  ]
  await operator.query('rollback')
  expect(found).toEqual([{ login: 'spillway_operator' }, { login: 'spillway_operator' }])
  const forged = `insert into ledger.dead_letter_retry (envelope, position, operator, posted, login)
    values (${posted}, 0, 'o', true, 'another')`
  await expect(operator.query(forged)).rejects.toMatchObject({ code: '42501' })
})

test.each(Object.keys(usesOf) as KeyHolder[])(
  'an installation opens the keys that a process of kind %s uses, and no others',
  async (kind) => {
    const settings = { DATABASE_URL: loginUrl(journal.database.ownerUrl, kind) }
    const files = { KEYRING_FILE: inject('keyringFile') }
    // As where tokens come from a provider: in development intake signs those of its own sign-in.
    const jwks = {
      JWKS_URL: 'https://keys.example/jwks.json',
      TOKEN_ISSUER: 'https://keys.example',
    }
    const config = readConfig({ ...settings, ...files, ...jwks })
    const { keyring } = await openInstallation(config, kind)
    expect(keyUses.filter((use) => keyring.opens(use)).sort()).toEqual([...usesOf[kind]].sort())
  },
)

test('intake and batch workers write the access log, and none of them reads it', async () => {
  for (const kind of loginKinds) {
    const read = clients[kind].query('select from access.log')
    if (kind === 'intake' || kind === 'batch-worker')
      await expect(read).rejects.toMatchObject({ code: '42501' })
    else await read
    const { rows } = await clients[kind].query(
      `select number from access.append(0, '', '', now(), now(), 1, '')`,
    )
    // Told where it ends: commands above were noted.
    expect(Number(rows[0]?.number)).toBeGreaterThan(0)
  }
})
