/** The books balance, say so when they don't, and can't be changed once they are signed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { addDays, dayOf } from '../../src/declaration/period.ts'
import { closeDays } from '../../src/ledger/books/bookkeeper.ts'
import { closeDay, readBooks, signBooks, verifyBooks } from '../../src/ledger/books/books.ts'
import { activeKeys } from '../../src/platform/config/key-store.ts'
import { runCommand } from '../support/command.ts'
import { declare, filingOf, type Journal, openJournal } from '../support/journal.ts'

let journal: Journal
let folder: string
beforeAll(async () => {
  journal = await openJournal()
  folder = mkdtempSync(path.join(tmpdir(), 'books-'))
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await journal.close()
})

/** Filings of tests are accepted on the day before the deadline of 2024-11. */
const day = '2024-11-30'

async function accept(count: number, key: string, post: boolean): Promise<string[]> {
  const filings = Array.from({ length: count }, (_, i) =>
    filingOf(declare({ lines: 2 }), `${key}-${i}`),
  )
  const { envelope } = await journal.openWriter()(filings)
  if (post) await journal.post(envelope as bigint)
  return filings.map(({ id }) => id)
}

async function run(...args: string[]) {
  const env = { DATABASE_URL: journal.database.ownerUrl, KEYRING_FILE: inject('keyringFile') }
  const command = runCommand('src/commands/reconcile.ts', env, args)
  return { code: await command.done, output: command.output() }
}

test('accepted is posted, dead letters and what is under way, in declarations and in fen', async () => {
  const { owner } = journal.database
  const [bad] = await accept(7, 'posted', false)
  await owner.query(`alter table ledger.declaration add constraint planted check (id <> '${bad}')`)
  const { rows } = await owner.query<{ envelope: string }>('select envelope from journal.unposted')
  await journal.post(BigInt(rows[0]?.envelope ?? 0))
  await owner.query('alter table ledger.declaration drop constraint planted')
  await accept(3, 'waiting', false)
  const books = await readBooks(owner, day, undefined)
  expect(books).toMatchObject({
    balanced: true,
    lanes: [
      {
        lane: 'filing',
        accepted: 10,
        posted: 6,
        deadLetters: 1,
        underWay: 3,
        missing: 0,
        doubled: 0,
      },
    ],
  })
  expect(books.oldestSeconds).toBeGreaterThan(0)
  const sum = await owner.query(
    'select sum(pension_employer_fen)::int as fen from ledger.declaration',
  )
  expect(books.amounts.find(({ insurance }) => insurance === 'pension')?.employerFen).toBe(
    sum.rows[0]?.fen,
  )
  const { rows: some } = await owner.query<{ employer: string }>(
    'select employer from ledger.declaration limit 1',
  )
  const own = await readBooks(owner, day, some[0]?.employer)
  expect(own.lanes).toMatchObject([{ accepted: 1, posted: 1 }])
  expect((await readBooks(owner, addDays(day, 1), undefined)).lanes).toEqual([])
})

test('a day is divided by employer or envelope, and the parts add up to it', async () => {
  const { owner } = journal.database
  const sums = await owner.query(
    `select count(*)::int as declarations, count(distinct envelope)::int as envelopes,
       sum(pension_employer_fen + medical_employer_fen + unemployment_employer_fen
         + work_injury_employer_fen + occupational_injury_employer_fen)::int as fen
     from ledger.declaration`,
  )
  for (const [by, rows] of [
    ['employer', 10],
    ['envelope', 2],
  ] as const) {
    const { code, output } = await run('--day', day, '--by', by)
    expect(code).toBe(0)
    const [head, ...lines] = output.trim().split('\n')
    expect(head).toBe(
      `${by},accepted,posted,deadLetters,underWay,missing,doubled,employerYuan,employeeYuan`,
    )
    expect(lines).toHaveLength(rows)
    const column = (at: number) => lines.reduce((sum, line) => sum + Number(line.split(',')[at]), 0)
    expect([1, 2, 3, 4, 5, 6].map(column)).toEqual([10, 6, 1, 3, 0, 0])
    expect(Math.round(100 * column(7))).toBe(sums.rows[0].fen)
  }
  expect((await run('--by', 'wage')).output).toMatch(/^--by must be employer or envelope\.\nUsage/)
})

test('a month of signed books is exported, and verifies offline; any change is found', async () => {
  const { database, keyring } = journal
  const { signer } = activeKeys(keyring)
  const client = await database.owner.connect()
  for (const one of [day, addDays(day, 1)]) await signBooks(client, signer, one)
  client.release()
  expect((await run('--sign', '--day', day)).code).toBe(0)
  const file = path.join(folder, 'books.txt')
  await run('--export', file, '--from', '2024-11-01', '--to', '2024-12-31')
  expect(await run('--verify', file)).toMatchObject({
    code: 0,
    output: expect.stringMatching(/VALID: 3 books, each follows the one before/),
  })
  // Of one day, which was signed twice: with what was signed in between, or it would not verify.
  const again = path.join(folder, 'again.txt')
  await run('--export', again, '--from', day, '--to', day)
  expect((await run('--verify', again)).output).toMatch(
    /VALID: 3 books.*\n.*first is of 2024-11-30/,
  )
  const [first = '', second = '', third = ''] = readFileSync(file, 'utf8').trim().split('\n')
  const cheats = {
    'line 2. It does not follow': [first, third],
    'line 1. The signature does not verify': [first.replace(/.{6}$/, 'AAAAAA'), second, third],
    'line 2. It does not follow the one': [second, first, third],
  }
  const publicKeys = keyring.receiptKeys.map(({ publicJwk }) => publicJwk)
  for (const [sentence, lines] of Object.entries(cheats)) {
    const verdict = verifyBooks(lines, publicKeys)
    expect(verdict.valid ? '' : `line ${verdict.line}. ${verdict.reason}`).toContain(sentence)
  }
  writeFileSync(file, `${second}\n${first}\n${third}\n`)
  expect(await run('--verify', file)).toMatchObject({
    code: 1,
    output: expect.stringContaining('NOT VALID: line 2. It does not follow the one'),
  })
})

test('a day is closed once, when nothing of it is under way, whoever closes it', async () => {
  const { owner } = journal.database
  const [signer] = journal.keyring.receiptKeys
  if (signer === undefined) throw new Error('no keys')
  const clients = await Promise.all([owner.connect(), owner.connect()])
  const close = (on: string) => Promise.all(clients.map((client) => closeDay(client, signer, on)))
  const open = addDays(day, -1)
  const { rows } = await owner.query<{ envelope: string }>('select envelope from journal.unposted')
  expect(rows.length).toBeGreaterThan(0)
  await owner.query("update journal.acceptance set accepted_at = accepted_at - interval '1 day'")
  expect(await close(open)).toEqual([undefined, undefined])
  for (const { envelope } of rows) await journal.post(BigInt(envelope))
  const closed = await close(open)
  expect(closed.filter(Boolean)).toMatchObject([{ day: open, balanced: true }])
  expect(await close(open)).toEqual([undefined, undefined])
  await owner.query("update journal.acceptance set accepted_at = accepted_at + interval '1 day'")
  for (const client of clients) client.release()
})

test('a day stays open while a file that was received in it is not filed, and no other day does', async () => {
  const { owner } = journal.database
  const { signer } = activeKeys(journal.keyring)
  const on = '2024-10-05'
  await owner.query(
    `insert into batch.batch (id, subject, may_file_for, period, region, kind, format, mode, stage,
       received_at)
     values ('late-file', 'bureau', '{}', '2024-10', '340100', 'regular', 'csv', 'accept-good',
       'filing', '2024-10-05T23:59:00+08:00'),
       ('check', 'bureau', '{}', '2024-10', '340100', 'regular', 'csv', 'check', 'checking',
       '2024-10-05T23:58:00+08:00')`,
  )
  const client = await owner.connect()
  expect(await closeDay(client, signer, on)).toBeUndefined()
  for (const other of [-1, 1, 2])
    expect(await closeDay(client, signer, addDays(on, other))).toMatchObject({ balanced: true })
  await owner.query("update batch.batch set stage = 'posting' where id = 'late-file'")
  // What is only checked holds no day's books.
  expect(await closeDay(client, signer, on)).toMatchObject({ day: on })
  client.release()
})

test('a day stays open while a commit of it waits for its standbys', async () => {
  const { owner } = journal.database
  const { signer } = activeKeys(journal.keyring)
  const client = await owner.connect()
  const accepting = await owner.connect()
  await accepting.query('begin')
  // Nobody sees it before its commit, which no time-out ends.
  await accepting.query('update journal.acceptance set period = period where false')
  expect(await closeDay(client, signer, '2024-10-03')).toBeUndefined()
  await accepting.query('commit')
  expect(await closeDay(client, signer, '2024-10-03')).toMatchObject({ day: '2024-10-03' })
  accepting.release()
  client.release()
})

test('a day is closed minutes after its end by the clock of the database, whatever befalls another', async () => {
  const { owner } = journal.database
  const [signer] = journal.keyring.receiptKeys
  if (signer === undefined) throw new Error('no keys')
  const client = await owner.connect()
  await client.query(`
    create schema clock;
    create function clock.now() returns timestamptz language sql
    return timestamptz '2024-10-11 00:04:59+08';
    set search_path = clock, pg_catalog`)
  expect(await closeDay(client, signer, '2024-10-10')).toBeUndefined()
  expect(await closeDay(client, signer, '2024-10-09')).toMatchObject({ day: '2024-10-09' })
  client.release(true)
  await owner.query(
    `alter table ledger.books add constraint planted check (day <> '2024-10-12') not valid`,
  )
  const closed: string[] = []
  const failed: string[] = []
  await closeDays({
    pool: owner,
    signer,
    nowMs: () => Date.parse('2024-10-15T12:00:00+08:00'),
    onClosed: (books) => closed.push(books.day),
    onError: (_, on) => failed.push(on),
  })
  await owner.query('alter table ledger.books drop constraint planted')
  expect(failed).toEqual(['2024-10-12'])
  expect(closed.slice(-3)).toEqual(['2024-10-11', '2024-10-13', '2024-10-14'])
})

test('what is lost or doubled is told, and ends with 1', async () => {
  const { owner } = journal.database
  await accept(3, 'lost', false)
  await owner.query('delete from journal.unposted')
  const lost = await run('--day', day)
  expect(lost.code).toBe(1)
  expect(lost.output).toMatch(/NOT BALANCED/)
  await owner.query(
    `create temp table twice as select * from ledger.declaration limit 1;
     update twice set position = 900;
     insert into ledger.declaration select * from twice`,
  )
  expect((await readBooks(owner, day, undefined)).lanes).toMatchObject([{ missing: 3, doubled: 1 }])
})

test('what the journal lost stays in the books, as missing', async () => {
  const { owner } = journal.database
  const [before] = (await readBooks(owner, day, undefined)).lanes
  await accept(4, 'gone', true)
  await owner.query(
    'delete from journal.envelope where number = (select max(number) from journal.envelope)',
  )
  const { lanes } = await readBooks(owner, day, undefined)
  expect(lanes).toMatchObject([
    { lane: '?', accepted: 4, posted: 0, missing: 4 },
    { lane: 'filing', accepted: before?.accepted },
  ])
})

test('differences of reassessments are in the parts as in the day', async () => {
  const { owner } = journal.database
  await owner.query(
    `create temp table first as select * from ledger.declaration order by envelope limit 1;
     insert into journal.acceptance
     select 'order', a.envelope, 950, a.employer, a.period, 'reassessment', coalesce(a.digest, a.salted_digest), a.accepted_at, a.deadline, a.on_time
     from journal.acceptance a
     join first f on f.id = a.id;
     insert into ledger.reassessment
     select envelope, 950, 'order', employer, period, region, envelope, position,
       policy_hash, policy_hash, false, 0, 0, 100, 7, 0, 200, 20, 0, 0, 0, 0, 0, 0, 1000
     from first`,
  )
  const { amounts } = await readBooks(owner, day, undefined)
  const { output } = await run('--day', day, '--by', 'employer')
  const lines = output.trim().split('\n').slice(1)
  for (const [column, side] of [
    [7, 'employerFen'],
    [8, 'employeeFen'],
  ] as const) {
    const parts = lines.reduce((sum, line) => sum + Number(line.split(',')[column]), 0)
    const whole = amounts.reduce((sum, amount) => sum + amount[side], 0)
    expect(Math.round(100 * parts)).toBe(whole)
  }
})

test('the command tells how it is used, and takes today when no day is named', async () => {
  expect((await run('--day', 'today')).output).toMatch(/^Usage: npm run reconcile/m)
  expect((await run()).output).toContain(dayOf(Date.now() * 1_000))
})

test('what is posted while books are read is in their counts and their amounts, or in neither', async () => {
  const { owner } = journal.database
  const [filing] = [filingOf(declare({ lines: 1 }), 'meanwhile')]
  const day = '2031-05-06'
  const { envelope } = await journal.openWriter()([filing])
  await owner.query('update journal.acceptance set accepted_at = $1 where id = $2', [
    `${day} 10:00+08`,
    filing.id,
  ])
  const between: Pick<typeof owner, 'query'> = {
    query: (async (...asked: [string]) => {
      const result = await owner.query(...asked)
      if (asked[0].includes('ledger.fate')) await journal.post(envelope as bigint)
      return result
    }) as typeof owner.query,
  }
  const books = await readBooks(between, day, undefined)
  expect(books).toMatchObject({ lanes: [{ accepted: 1, posted: 0, underWay: 1 }], amounts: [] })
  expect((await readBooks(between, day, undefined)).lanes).toMatchObject([{ posted: 1 }])
})

test('a history that owner and keyring together wrote anew is found by books that lie elsewhere', async () => {
  const { database, keyring } = journal
  const { owner } = database
  const { signer } = activeKeys(keyring)
  const declaration = declare({ lines: 1 })
  const file = async () => {
    const { envelope } = await journal.openWriter()([filingOf(declaration, 'rewritten')])
    return envelope as bigint
  }
  const before = await file()
  const sign = async () => {
    const client = await owner.connect()
    await signBooks(client, signer, day)
    client.release()
  }
  await sign()
  const witness = path.join(folder, 'witness.txt')
  await run('--export', witness, '--from', day, '--to', day)
  const lines = readFileSync(witness, 'utf8').trim().split('\n')
  writeFileSync(witness, `${lines.at(-1)}\n`)
  expect(await run('--witness', witness)).toEqual({
    code: 0,
    output: '1 of 1 books are of this journal.\n',
  })
  // The same place, employer, period and id, and as many rows: another content, signed by the same key.
  await owner.query(`delete from journal.envelope where number = ${before}`)
  await owner.query(`delete from journal.acceptance where envelope = ${before}`)
  await owner.query(`delete from journal.unposted where envelope = ${before}`)
  const [line] = declaration.lines ?? []
  Object.assign(line ?? {}, { wage: '7777.00' })
  const after = await file()
  for (const [table, column] of [
    ['envelope', 'number'],
    ['acceptance', 'envelope'],
    ['unposted', 'envelope'],
  ])
    await owner.query(
      `update journal.${table} set ${column} = ${before} where ${column} = ${after}`,
    )
  await owner.query('delete from ledger.books')
  await sign()
  // Whoever has what lies here alone finds nothing.
  const own = path.join(folder, 'own.txt')
  await run('--export', own, '--from', day, '--to', day)
  expect(await run('--verify', own)).toMatchObject({ output: expect.stringContaining('VALID: 1') })
  expect((await run('--witness', own)).code).toBe(0)
  const found = await run('--witness', witness)
  expect(found.code).toBe(1)
  expect(found.output).toMatch(
    /^2024-11-30: ANOTHER JOURNAL: (\d+) envelopes were signed, \1 are there\.\n0 of 1 books/,
  )
  writeFileSync(witness, `${lines.at(-1)?.replace(/.{6}$/, 'AAAAAA')}\n`)
  expect((await run('--witness', witness)).output).toMatch(/^NOT VALID: line 1/)
})
