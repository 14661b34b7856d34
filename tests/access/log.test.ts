/**
 * The access log: every change, removal or reordering is detected, and only staff ever wait for it.
 */
import type pg from 'pg'
import { afterAll, beforeEach, expect, inject, test } from 'vitest'
import { chainStart, headText } from '../../src/access/chain.ts'
import type { AccessEntry } from '../../src/access/entry.ts'
import { AccessNotLoggedError } from '../../src/access/log.ts'
import { accessEntriesHeldMax, accessGroupEntries } from '../../src/limits.ts'
import { openLog, readLog, verifyLog } from '../support/access.ts'
import { runCommand } from '../support/command.ts'
import { type Journal, openJournal } from '../support/journal.ts'
import { waitFor } from '../support/wait.ts'

const journal: Journal = await openJournal()
const { owner } = journal.database
afterAll(() => journal.close())
beforeEach(async () => {
  await owner.query('truncate access.log')
})

const employers = ['91350100M000100Y43', '91310000MA1FL0AA1X']
let clock = Date.UTC(2024, 10, 23)
function entry(subject = 'reader', more: Partial<AccessEntry> = {}): AccessEntry {
  clock += 1_000
  const who = { issuer: 'spillway', subject, tokenId: 'token-1', address: '203.0.113.9' }
  return { at: clock, who, read: '/v1/declarations/:id', status: 200, ...more }
}

/** Some groups of two entries each. */
async function writeGroups(groups: number) {
  const log = openLog(journal)
  for (let i = 0; i < groups; i += 1) {
    log.note(() => entry(`noted ${i}`))
    await log.write(entry(`written ${i}`, { employer: employers[i % 2] as string }))
  }
  return log
}

test('what was written is read again in its order, and sealed', async () => {
  await writeGroups(3)
  const subjects = (await readLog(journal)).map(
    (one) => 'read' in one && 'subject' in one.who && one.who.subject,
  )
  expect(subjects).toEqual([0, 1, 2].flatMap((i) => [`noted ${i}`, `written ${i}`]))
  expect(await verifyLog(journal)).toMatchObject({ groups: 3, entries: 6, faults: [] })
  const { rows } = await owner.query('select l::text as text, sealed from access.log l')
  for (const { text, sealed } of rows) {
    expect(text).not.toMatch(/written|token-1|203\.0/)
    expect(Buffer.from(sealed).includes('written')).toBe(false)
  }
})

/**
 * Forged by an attacker who has the database without the keyring; links are recomputed where that
 * helps.
 */
const relink = `
  update access.log l set link = sha256(
    l.previous_link || int8send(l.number)
      || int8send((extract(epoch from l.first_at) * 1000)::bigint)
      || int8send((extract(epoch from l.last_at) * 1000)::bigint)
      || int4send(l.entries) || l.sealed
  )`
const swap = (what: string) => `
  update access.log l set ${what} = o.${what}
  from access.log o
  where (l.number, o.number) in ((2, 3), (3, 2))`

test.each([
  [
    'a byte',
    'update access.log set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) where number = 3',
    3n,
  ],
  [
    'a byte, with its link',
    `update access.log set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) where number = 3; ${relink}`,
    3n,
  ],
  [
    'when it was, with its link',
    `update access.log set last_at = last_at + interval '1 day' where number = 4; ${relink}`,
    4n,
  ],
  ['how many there are', 'update access.log set entries = 1 where number = 2', 2n],
  ['one that is gone', 'delete from access.log where number = 2', 3n],
  ['the first, gone', 'delete from access.log where number = 1', 2n],
  [
    'one gone, and the others moved up',
    `
    create temp table kept as select * from access.log where number > 2 order by number;
    delete from access.log where number >= 2;
    insert into access.log select number - 1, sha256(previous_link), link, first_at, last_at, entries, sealed from kept;
    drop table kept;
    update access.log l set previous_link = p.link from access.log p where p.number = l.number - 1;
    ${relink}`,
    2n,
  ],
  ['two in another order', `${swap('sealed')}; ${relink}`, 2n],
  [
    'a copy put in',
    `insert into access.log select 6, sha256(sealed), sha256(link), first_at, last_at, entries, sealed from access.log where number = 2; ${relink}`,
    6n,
  ],
])('verify finds %s, changed by the owner of the database', async (_, sql, group) => {
  await writeGroups(5)
  expect((await verifyLog(journal)).faults).toEqual([])
  await owner.query(sql)
  const { faults } = await verifyLog(journal)
  expect(faults.length).toBeGreaterThan(0)
  expect(faults[0]?.group).toBe(group)
})

test('an end that is cut off is missed by a witness, and by the writer that wrote it', async () => {
  const troubles: unknown[] = []
  const log = openLog(journal, { onTrouble: (what) => troubles.push(what) })
  for (let i = 0; i < 4; i += 1) await log.write(entry())
  const { head } = await verifyLog(journal)
  expect((await verifyLog(journal, { head })).faults).toEqual([])
  await owner.query('delete from access.log where number > 2')
  expect((await verifyLog(journal)).faults).toEqual([])
  expect((await verifyLog(journal, { head })).faults).toEqual([
    { group: 4n, why: 'the head that a witness has is not in the log' },
  ])
  await log.write(entry('after'))
  expect(troubles).toEqual([{ cut: headText(head) }])
  expect(await readLog(journal)).toContainEqual({ at: expect.any(Number), cut: headText(head) })
  // The head tells what was archived from the beginning.
  const [first] = (await owner.query('select number, link from access.log order by 1')).rows
  await owner.query('delete from access.log where number = 1')
  expect((await verifyLog(journal)).faults).not.toEqual([])
  const after = { number: BigInt(first.number), link: first.link }
  expect((await verifyLog(journal, { after })).faults).toEqual([])
  expect((await verifyLog(journal, { after: chainStart })).faults).not.toEqual([])
})

test('many writers at once make one chain, and each entry is in it once', async () => {
  const logs = Array.from({ length: 4 }, () => openLog(journal))
  await Promise.all(
    logs.map(async (log, i) => {
      for (let k = 0; k < 8; k += 1) {
        log.note(() => entry(`noted ${i}.${k}`))
        await log.write(entry(`written ${i}.${k}`))
      }
    }),
  )
  const { faults, entries } = await verifyLog(journal)
  expect({ faults, entries }).toEqual({ faults: [], entries: 64 })
  const subjects = (await readLog(journal)).map(
    (one) => 'read' in one && 'subject' in one.who && one.who.subject,
  )
  expect(new Set(subjects).size).toBe(64)
})

/** The journal's pool; it fails as long as it is down. */
function openFailing() {
  const state = { down: false, loseAnswer: false }
  const pool = {
    query: async (query: pg.QueryConfig) => {
      if (state.down) throw Object.assign(new Error('gone'), { code: '08006' })
      const result = await journal.pool.query(query)
      if (state.loseAnswer) {
        state.loseAnswer = false
        throw Object.assign(new Error('gone'), { code: '08006' })
      }
      return result
    },
  } as unknown as Pick<pg.Pool, 'query'>
  return { state, pool }
}

test('while it can’t be written, filers go on within bounds, staff do not, and what is lost is told', async () => {
  const { state, pool } = openFailing()
  let lost = 0
  const log = openLog(journal, {
    pool,
    onLost: (entries) => {
      lost += entries
    },
  })
  state.down = true
  for (let i = 0; i < accessEntriesHeldMax + 7; i += 1) log.note(() => entry(`n ${i}`))
  expect(log.waiting).toBeLessThanOrEqual(accessEntriesHeldMax)
  await expect(log.write(entry('staff'))).rejects.toBeInstanceOf(AccessNotLoggedError)
  expect(lost).toBe(7)
  state.down = false
  await log.write(entry('staff again'))
  await waitFor('all that was held', () => log.waiting === 0)
  const found = await readLog(journal)
  expect(found.filter((one) => 'lost' in one)).toEqual([
    { at: expect.any(Number), until: expect.any(Number), lost: 7 },
  ])
  expect(found).toHaveLength(accessEntriesHeldMax + 3)
  const { groups, faults } = await verifyLog(journal)
  expect(faults).toEqual([])
  expect(groups).toBeLessThan(2 + accessEntriesHeldMax / (accessGroupEntries - 10))
})

test('a group whose answer was lost is told twice rather than not, as the same of its writer', async () => {
  const { state, pool } = openFailing()
  const log = openLog(journal, { pool })
  state.loseAnswer = true
  await log.write(entry('once'))
  expect(await readLog(journal)).toHaveLength(2)
  expect((await verifyLog(journal)).faults).toEqual([])
})

test('a process that ends writes what it has, and says what it could not', async () => {
  const log = openLog(journal)
  for (let i = 0; i < 3; i += 1) log.note(() => entry())
  await Promise.all([log.stop(), log.stop()])
  expect(await readLog(journal)).toHaveLength(3)
  await expect(log.write(entry())).rejects.toBeInstanceOf(AccessNotLoggedError)
  const { state, pool } = openFailing()
  let lost = 0
  const other = openLog(journal, {
    pool,
    onLost: (entries) => {
      lost += entries
    },
  })
  state.down = true
  for (let i = 0; i < 3; i += 1) other.note(() => entry())
  await other.stop()
  expect(lost).toBe(3)
})

async function run(...args: string[]) {
  const env = { DATABASE_URL: journal.database.url, KEYRING_FILE: inject('keyringFile') }
  const command = runCommand('src/commands/access-log.ts', env, args)
  return { code: await command.done, output: command.output() }
}

test('the command exports by day, employer and subject, escaped, and verifies; and is in the log itself', async () => {
  await writeGroups(2)
  const log = openLog(journal)
  await log.write(entry('evil\u001b[2J\u009b2J\u202eelif', { at: Date.UTC(2024, 11, 24) }))
  const all = await run('export')
  const lines = all.output.trim().split('\n')
  expect(all.code, all.output).toBe(0)
  expect(lines).toHaveLength(6)
  for (const steering of ['\u001b', '\u009b', '\u202e']) expect(all.output).not.toContain(steering)
  expect(JSON.parse(lines[4] ?? '').who.subject).toContain('\u202eelif')
  const own = JSON.parse(lines[5] ?? '')
  expect(own).toMatchObject({ read: 'access-log export', who: { login: 'spillway_operator' } })
  const some = await run(
    'export',
    '--from',
    '2024-11-23',
    '--to',
    '2024-11-23',
    '--employer',
    employers[0] as string,
  )
  expect(
    some.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).employer),
  ).toEqual([employers[0]])
  expect((await run('export', '--subject', 'noted 1')).output.trim().split('\n')).toHaveLength(1)
  const verified = await run('verify')
  expect(verified).toMatchObject({ code: 0, output: expect.stringMatching(/VALID: each follows/) })
  const [, head] = /ends with (\S+)/.exec(verified.output) ?? []
  expect((await run('head')).output.trim()).toBe(head)
  expect((await run('verify', '--head', head as string)).code).toBe(0)
  await owner.query('delete from access.log where number = 2')
  const broken = await run('verify')
  expect(broken).toMatchObject({
    ...{
      code: 1,
      output: expect.stringMatching(/group 3: 1 groups before it are missing[\s\S]*NOT VALID/),
    },
  })
  expect((await run('verify', '--head', 'nonsense')).output).toMatch(/^--head must be NUMBER:LINK/)
})
