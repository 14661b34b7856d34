/** The auditor finds nothing in an honest run, and each way of cheating by the right invariant. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { RecordingClient } from '../../bench/support/recording-client.ts'
import {
  type AuditDependencies,
  type AuditReport,
  auditHistory,
  auditSnapshot,
} from '../../src/audit/audit.ts'
import { HistoryFile, type HistoryLine } from '../../src/audit/history.ts'
import { loadHistory } from '../../src/audit/load.ts'
import { instantMicros } from '../../src/declaration/period.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import { type EnvelopeKey, openEnvelope, sealEnvelope } from '../../src/journal/envelope.ts'
import type { Filing } from '../../src/journal/filing.ts'
import { recordPacks } from '../../src/journal/policy-packs.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { openApp } from '../support/app.ts'
import { runCommand } from '../support/command.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { tokenFor } from '../support/engine.ts'
import { declare, filingOf, type Journal, openJournal, policies } from '../support/journal.ts'
import { policiesOf } from '../support/packs.ts'
import { reassess, wages, withFloor } from '../support/reassess.ts'

/** What a history has of it is known by this number and the next. */
const raceAttempts = 2_000_000

let folder: string
let history: string
let honest: TestDatabase
const planted = declare({ lines: 1 })
const { idNumber } = planted.lines?.[0]?.person ?? { idNumber: '' }

/** An honest run: filings, retries, corrections, a cancellation, a key used for other content. */
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'audit-'))
  history = path.join(folder, 'history.jsonl')
  const journal = await openJournal()
  await recordPacks(journal.pool, policies)
  honest = journal.database
  const opened = await openApp(journal, {
    policies,
    clock: { nowMicros: instantMicros('2024-11-23', '10:00') },
  })
  const address = await opened.app.listen({ host: '127.0.0.1', port: 0 })
  const written = new HistoryFile(history)
  written.add({ kind: 'planted', values: [idNumber] })
  const client = new RecordingClient({
    history: written,
    policies,
    addressOf: () => address,
    tokenFor: (employer) => tokenFor([employer]),
    timeoutMs: 10_000,
  })
  const post = async () => {
    for (const envelope of opened.envelopes.splice(0)) await journal.post(envelope)
  }
  await client.file(planted, 'planted')
  const reassessed = await client.file(wages(['3000.00', '9000.00'], '2024-10'), 'reassessed')
  expect(reassessed.id).toBeDefined()
  for (let i = 0; i < 12; i += 1) {
    const declaration = declare({ lines: 3 })
    const { employer } = declaration
    const { id } = await client.file(declaration, `key-${i}`)
    let replaces = id as string
    await client.look(employer, id)
    if (i % 3 === 0) await client.file(declaration, `key-${i}`)
    if (i % 4 === 0) await client.file({ ...declaration, industryClass: 5 }, `key-${i}`)
    if (i % 2 === 0) {
      const correction = { ...declare({ employer, lines: 2 }), kind: 'correction', replaces }
      const corrected = await client.file(correction as Declaration, `correction-${i}`)
      // Refused: another one stands by now.
      await client.file(correction as Declaration, `stale-${i}`)
      replaces = corrected.id as string
    }
    if (i % 5 === 0) {
      const { region, period } = declaration
      const cancellation = { employer, region, period, kind: 'cancellation', replaces } as const
      await client.file(cancellation, `cancellation-${i}`)
    }
    if (i % 5 === 0) {
      // Welcome after the cancellation; then refused.
      await client.file(declare({ employer, lines: 1 }), `anew-${i}`)
      await client.file(declare({ employer, lines: 1 }), `second-${i}`)
    }
    await post()
    await client.look(employer, id)
  }
  const later = policiesOf(withFloor('4400'))
  for (const now of [later, policies, later]) {
    const { changes } = await reassess(journal, now, { from: '2024-10', to: '2024-10' })
    expect(changes).toHaveLength(1)
  }
  const wuhu = { region: '340200' }
  const branches = declare({ lines: 2 })
  const second = await client.file({ ...branches, ...wuhu }, 'wuhu')
  await client.file(branches, 'hefei')
  const corrected = declare({ employer: branches.employer }, { ...wuhu, kind: 'correction' })
  await client.file({ ...corrected, replaces: second.id }, 'corrected')
  await post()
  await acceptRaces(journal, written)
  await replaceElsewhere(journal, written)
  await acceptUnknowingly(journal, written)
  written.close()
  await opened.close()
  await Promise.all([journal.pool.end(), journal.readPool.end()])
  await honest.owner.end()
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  const admin = new pg.Client({ connectionString: inject('postgresUrl') })
  await admin.connect()
  await admin.query(`drop database ${honest.name} with (force)`)
  await admin.end()
})

/** Two of one employer in one group, regular ones and then corrections: neither could meet the other. */
async function acceptRaces(journal: Journal, written: HistoryFile): Promise<void> {
  const write = journal.openWriter()
  const { employer } = declare()
  const acceptTogether = async (from: number, filings: readonly Filing[]) => {
    for (const [i, { id, period, digest }] of filings.entries()) {
      const sent = { id, employer, period, digest: digest.toString('hex'), fen: [] }
      written.add({ kind: 'try', n: from + i, ...sent })
    }
    const { acceptances, envelope } = await write(filings)
    for (const [i, { id }] of filings.entries()) {
      const receipt = acceptances.get(id)?.receipt as string
      written.add({ kind: 'answer', n: from + i, status: 202, receipt })
    }
    await journal.post(envelope as bigint)
  }
  const regular = (key: string) =>
    filingOf(declare({ employer, lines: 1 }), key, undefined, 'nothingStands')
  const regulars = [regular('race-0'), regular('race-1')]
  await acceptTogether(raceAttempts, regulars)
  const replaces = regulars[1]?.id as string
  const correction = (key: string) =>
    filingOf({ ...declare({ employer }), kind: 'correction', replaces }, key, undefined, {
      replaces,
    })
  await acceptTogether(raceAttempts + 2, [correction('race-2'), correction('race-3')])
}

/** The try of the second of a race comes after the answer to the first. */
const sentAfterAnswer =
  (first: number): ((lines: readonly HistoryLine[]) => HistoryLine[]) =>
  (lines) => {
    const isSecond = (line: HistoryLine) => line.kind === 'try' && line.n === first + 1
    const sent = lines.filter(isSecond)
    return lines
      .filter((line) => !isSecond(line))
      .flatMap((line) => (line.kind === 'answer' && line.n === first ? [line, ...sent] : [line]))
  }

/** What an earlier program let a correction of another region replace, which is posted first. */
async function replaceElsewhere(journal: Journal, written: HistoryFile): Promise<void> {
  const first = declare({ lines: 1 })
  const { employer, period } = first
  const replaces = filingOf(first, 'elsewhere').id
  const correction = declare({ employer, lines: 1 }, { region: '340200', kind: 'correction' })
  const filings = [
    filingOf(first, 'elsewhere'),
    filingOf({ ...correction, replaces }, 'correction elsewhere'),
    filingOf(declare({ employer, lines: 1 }), 'again', undefined, 'nothingStands'),
  ]
  const envelopes: bigint[] = []
  for (const [i, filing] of filings.entries()) {
    const { id, digest } = filing
    const n = raceAttempts + 10 + i
    written.add({ kind: 'try', n, id, employer, period, digest: digest.toString('hex'), fen: [] })
    const { acceptances, envelope } = await journal.openWriter()([filing])
    const receipt = acceptances.get(id)?.receipt as string
    written.add({ kind: 'answer', n, status: 202, receipt })
    envelopes.push(envelope as bigint)
    if (i === 0) {
      const forget = 'update journal.acceptance set region = null where id = $1'
      await journal.database.owner.query(forget, [id])
    }
    if (i > 0) for (const one of envelopes.splice(0).reverse()) await journal.post(one)
  }
}

/** A writer that doesn't learn what became of its second commit, and goes on. */
async function acceptUnknowingly(journal: Journal, written: HistoryFile): Promise<void> {
  let commits = 0
  const { pool } = journal
  const deaf = new Proxy(pool, {
    get: (target, name) =>
      name !== 'query'
        ? Reflect.get(target, name)
        : async (query: pg.QueryConfig) => {
            const result = await target.query(query)
            if (query.name !== 'accept-group') return result
            commits += 1
            if (commits === 2) throw new Error('the answer is lost')
            return result
          },
  })
  const accept = journal.openWriter(deaf)
  for (let i = 0; i < 4; i += 1) {
    const declaration = declare({ lines: 1 })
    const plain = filingOf(declaration, `deaf-${i}`)
    // One that came back with an attempt ticket: its receipt says so.
    const attempt = { attemptedAtMicros: plain.acceptedAtMicros - 5, ticket: Buffer.alloc(32, 1) }
    const filing = i === 3 ? { ...plain, ...attempt } : plain
    const { id, employer, period, digest } = filing
    const n = 1_000_000 + i
    written.add({ kind: 'try', n, id, employer, period, digest: digest.toString('hex'), fen: [] })
    await accept([filing]).then(
      ({ acceptances }) =>
        written.add({
          kind: 'answer',
          n,
          status: 202,
          receipt: acceptances.get(id)?.receipt as string,
        }),
      () => written.add({ kind: 'unknown', n, reason: 'lost' }),
    )
  }
  const { rows } = await pool.query<{ envelope: string }>('select envelope from journal.unposted')
  for (const { envelope } of rows) await journal.post(BigInt(envelope))
}

function broken({ verdicts }: AuditReport): string[] {
  return verdicts.filter(({ offenders }) => offenders > 0).map(({ code }) => code)
}

type Connected = Omit<AuditDependencies, 'historyFile'>

/** With a connection to the honest database, closed afterwards. */
async function connected<T>(work: (dependencies: Connected) => Promise<T>): Promise<T> {
  const { sealingKeys, receiptKeys, salts } = readKeyring(inject('keyringFile'))
  const client = new pg.Client({ connectionString: honest.ownerUrl })
  await client.connect()
  try {
    const publicKeys = receiptKeys.map(({ publicJwk }) => publicJwk)
    return await work({ client, sealingKeys, publicKeys, salts, onProgress: () => {} })
  } finally {
    await client.end()
  }
}

const audit = (historyFile: string) =>
  connected((dependencies) => auditHistory({ ...dependencies, historyFile }))

/** Audits the honest database after something was done to it, in a transaction that never ends well. */
function auditAfter(sql: string, change = (lines: HistoryLine[]) => lines): Promise<AuditReport> {
  const file = path.join(folder, 'changed.jsonl')
  const read = readFileSync(history, 'utf8').trim().split('\n')
  const lines = change(read.map((line) => JSON.parse(line)))
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  return connected(async (dependencies) => {
    const { client, salts } = dependencies
    await client.query('begin')
    await client.query(sql)
    return auditSnapshot(dependencies, await loadHistory(client, file, salts))
  })
}

test('an honest run holds, by every invariant', async () => {
  const report = await auditAfter('select 1')
  expect(broken(report), JSON.stringify(report.verdicts)).toEqual([])
  expect(report.verdicts.map(({ code }) => code)).toEqual(
    Array.from({ length: 18 }, (_, i) => `I${i + 1}`),
  )
  expect(report.holds).toBe(true)
  expect(report.history.tries).toBeGreaterThan(25)
  expect(report.acceptances).toBeGreaterThan(18)
})

const someone = `(select id from ledger.declaration where lines = 3 order by envelope limit 1)`

/** Posts a reassessment of the declaration `someone` at this place, as `order`. */
function reassessment(envelope: string, position: string): string {
  return `insert into ledger.reassessment
    select ${envelope}, ${position}, 'order', d.employer, d.period, d.region, d.envelope, d.position,
      d.policy_hash, d.policy_hash, false, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    from ledger.declaration d
    where d.id = ${someone}`
}

/** The envelope of the nth reassessment of the honest run, from 0. */
function ofOrder(nth: number): string {
  return `(select envelope from ledger.reassessment order by envelope offset ${nth} limit 1)`
}

/** The employer with branches in two regions. */
const ofBranches = `
  select employer from ledger.declaration group by employer, period
  having count(distinct region) = 2 and count(*) filter (where region = '340200') = 2`

/** The last but one declaration of an employer, and the last, which replaces it. */
const ofReplacing = (offset: number) => `
  select a.id from journal.acceptance a
  where a.kind in ('regular', 'correction') and a.employer = (
    select employer from journal.acceptance
    where kind in ('regular', 'correction') and lines is not null and part_of is null
    group by employer
    having count(distinct envelope) = 2 and bool_or(kind = 'correction')
    order by employer
    limit 1
  )
  order by a.envelope desc, a.position desc
  offset ${offset}
  limit 1`
const replaced = ofReplacing(1)

/** Has the last one be of a file that came so long after what it replaces was accepted. */
function ofFile(after: string): string {
  return `
    insert into batch.batch (id, subject, may_file_for, period, region, kind, mode, stage, received_at)
    select 'b', 's', array[employer], period, '340100', 'regular', 'accept-good', 'posting', accepted_at + ${after}
    from journal.acceptance
    where id = (${replaced});
    insert into batch.unit (
      batch, employer, period, region, entry, id, rows_good, rows_set_aside, lines, parts, parts_filed, key
    )
    select 'b', employer, period, '340100', 0, id, 1, 0, 1, 1, 1, 'file b'
    from journal.acceptance
    where id = (${ofReplacing(0)})`
}

test('an envelope that is sealed again with another filer is not what was signed', async () => {
  const { sealingKeys } = readKeyring(inject('keyringFile'))
  const [key] = sealingKeys as [EnvelopeKey]
  const changed = await connected(async ({ client }) => {
    const { rows } = await client.query<{ number: string; sealed: Buffer }>(
      'select number, sealed from journal.envelope order by number limit 1',
    )
    const [{ number, sealed }] = rows as [(typeof rows)[number]]
    const { head, canonical } = openEnvelope(sealingKeys, BigInt(number), sealed)
    const told = JSON.parse(String(head))
    expect(told.by).toEqual([0])
    const sealedWith = (more: object) =>
      sealEnvelope(
        key,
        BigInt(number),
        Buffer.from(JSON.stringify({ ...told, ...more })),
        canonical,
      )
    return [{ filedBy: [{ issuer: 'spillway', subject: 'another' }] }, { by: [7] }].map(
      (more) =>
        `update journal.envelope set sealed = '\\x${sealedWith(more).toString('hex')}' where number = ${number}`,
    )
  })
  for (const sql of changed) expect(broken(await auditAfter(sql))).toEqual(['I10'])
})

describe('what was done to the database is found by the right invariant', () => {
  test.each<[string, string, readonly string[]]>([
    [
      'an acknowledgement dropped',
      `with gone as (delete from ledger.declaration where id = ${someone} returning id, envelope, position, employer, period),
        lines as (delete from ledger.line l using gone g where l.envelope = g.envelope and l.position = g.position),
        held as (delete from ledger.in_force f using gone g where f.envelope = g.envelope and f.position = g.position)
       delete from journal.acceptance a using gone g where a.id = g.id`,
      ['I1'],
    ],
    [
      'a posting lost',
      `with gone as (delete from ledger.declaration where id = ${someone} returning envelope, position)
       delete from ledger.line l using gone g where l.envelope = g.envelope and l.position = g.position`,
      ['I1', 'I13'],
    ],
    [
      'a posting doubled',
      `create temp table twice as select * from ledger.declaration where id = ${someone};
       update twice set envelope = envelope + 1000000;
       insert into ledger.declaration select * from twice`,
      ['I2', 'I6'],
    ],
    [
      'a line lost',
      `delete from ledger.line where line = 1 and (envelope, position) = (select envelope, position from ledger.declaration where id = ${someone})`,
      ['I2', 'I5'],
    ],
    [
      'something posted that nobody sent',
      `create temp table made as select * from ledger.declaration where id = ${someone};
       update made set id = '202411-00000000000000000000000000', position = 900, employer = '91340100FORGED0000';
       insert into ledger.declaration select * from made;
       insert into ledger.line select l.envelope, 900, l.line, l.person, l.category, l.change, l.wage_fen,
         l.pension_base_fen, l.pension_employer_fen, l.pension_employee_fen,
         l.medical_base_fen, l.medical_employer_fen, l.medical_employee_fen,
         l.unemployment_base_fen, l.unemployment_employer_fen, l.unemployment_employee_fen,
         l.work_injury_base_fen, l.work_injury_employer_fen, l.work_injury_employee_fen
       from ledger.line l join made m on l.envelope = m.envelope
       where l.position = (select position from ledger.declaration where id = ${someone});
       insert into ledger.in_force (employer, period, region, envelope, position) select employer, period, region, envelope, position from made;
       insert into journal.acceptance select '202411-00000000000000000000000000', a.envelope, 900, '91340100FORGED0000', a.period, a.kind, coalesce(a.digest, a.salted_digest), a.accepted_at, a.deadline, a.on_time
       from journal.acceptance a where a.id = ${someone}`,
      ['I3', 'I10'],
    ],
    [
      'one fen added to a declaration',
      `update ledger.declaration set medical_employer_fen = medical_employer_fen + 1 where id = ${someone}`,
      ['I5'],
    ],
    [
      'one fen added to a line',
      `update ledger.line set pension_employee_fen = pension_employee_fen + 1
       where line = 0 and (envelope, position) = (select envelope, position from ledger.declaration where id = ${someone})`,
      ['I5'],
    ],
    [
      'two versions swapped',
      `update ledger.in_force f set envelope = d.envelope, position = d.position
       from (select distinct on (employer, period) * from ledger.declaration order by employer, period, envelope) d
       where d.employer = f.employer and d.period = f.period`,
      ['I6'],
    ],
    [
      'one byte of one envelope flipped',
      'update journal.envelope set sealed = set_byte(sealed, 60, get_byte(sealed, 60) # 1) where number = (select min(number) from journal.envelope)',
      ['I10'],
    ],
    [
      'a leaf changed',
      'update journal.envelope set leaves = set_byte(leaves, 3, get_byte(leaves, 3) # 1) where number = (select min(number) from journal.envelope)',
      ['I10'],
    ],
    [
      'a digest of other content',
      `update journal.acceptance set salted_digest = sha256(salted_digest) where id = ${someone}`,
      ['I3', 'I7', 'I8', 'I10'],
    ],
    [
      'a salted digest passed off as one of before',
      `update journal.acceptance set digest = salted_digest, salted_digest = null where id = ${someone}`,
      ['I3', 'I7', 'I8', 'I10'],
    ],
    [
      'an acceptance made earlier than it was',
      `update journal.acceptance set accepted_at = accepted_at - interval '1 microsecond' where id = ${someone}`,
      ['I7', 'I10'],
    ],
    [
      'an envelope taken out of its chain',
      `with gone as (
         delete from journal.envelope where number = (select number from journal.envelope order by number offset 2 limit 1) returning number
       ), accepted as (delete from journal.acceptance a using gone where a.envelope = gone.number returning a.id, a.envelope),
       posted as (delete from ledger.declaration d using gone where d.envelope = gone.number)
       delete from ledger.line l using gone where l.envelope = gone.number`,
      ['I1', 'I10'],
    ],
    [
      'a number in clear',
      `update ledger.dead_letter set reason = ''; insert into ledger.dead_letter (envelope, position, id, lane, code, reason)
       values (1, 999, 'x', 'filing', 'x', 'no such person ${idNumber}')`,
      ['I11'],
    ],
    [
      'a name’s bytes in a column',
      `insert into ledger.dead_letter (envelope, position, id, lane, code, reason)
       values (1, 999, 'x', 'filing', 'x', '${Buffer.from(idNumber).toString('hex')}')`,
      ['I11'],
    ],
    ['the journal emptied', 'delete from journal.envelope', ['I10', 'I15']],
    [
      'the last envelope of each writer gone',
      `delete from journal.envelope e where writer_position = (select max(writer_position) from journal.envelope o where o.writer = e.writer)`,
      ['I10'],
    ],
    [
      'a declaration posted for another employer',
      `with moved as (update ledger.declaration set employer = '91340100FORGED0000' where id = ${someone} returning *)
       update ledger.in_force f set employer = m.employer from moved m where f.envelope = m.envelope and f.position = m.position`,
      ['I2', 'I6'],
    ],
    [
      'a declaration posted for another period',
      `update ledger.declaration set period = '2024-10' where id = ${someone}`,
      ['I2', 'I6'],
    ],
    [
      'a declaration posted as another kind',
      `update ledger.declaration set kind = 'supplement' where id = ${someone}`,
      ['I2'],
    ],
    [
      'in force kept without the region',
      `delete from ledger.in_force f
       using ledger.in_force o
       where o.employer = f.employer and o.period = f.period and o.region <> f.region
         and (o.envelope, o.position) > (f.envelope, f.position)`,
      ['I6'],
    ],
    [
      'in force what another region’s declaration replaced',
      `update ledger.in_force f
       set envelope = o.envelope, position = o.position
       from ledger.declaration n
       join ledger.declaration o on o.id = n.replaces and o.region <> n.region
       where f.employer = o.employer and f.period = o.period and f.region = o.region`,
      ['I6'],
    ],
    [
      'what is in force taken off where another region’s declaration ended it',
      `delete from ledger.in_force f
       using ledger.declaration n
       join ledger.declaration o on o.id = n.replaces and o.region <> n.region
       where f.employer = o.employer and f.period = o.period and f.region = o.region`,
      ['I6'],
    ],
    [
      'in force written down for another region',
      `update ledger.in_force set region = '340300'
       where region = '340200' and employer = (${ofBranches})`,
      ['I6'],
    ],
    [
      'a declaration posted for another region',
      `with moved as (update ledger.declaration set region = '340300' where id = ${someone} returning *)
       update ledger.in_force f set region = m.region from moved m where f.envelope = m.envelope and f.position = m.position`,
      ['I2', 'I6'],
    ],
    [
      'an acceptance of another region than its declaration',
      `update journal.acceptance set region = '340300' where id = ${someone}`,
      ['I2', 'I10'],
    ],
    [
      'acceptances by an earlier program, which did not keep the region',
      'update journal.acceptance set region = null',
      [],
    ],
    ['cancellations forgotten', 'delete from ledger.last_cancellation', ['I6']],
    [
      'a cancellation raised',
      'update ledger.last_cancellation set envelope = envelope + 1000000',
      ['I6'],
    ],
    [
      'a cancellation made up',
      `insert into ledger.last_cancellation select * from ledger.in_force
       where (employer, period) not in (select employer, period from ledger.last_cancellation) limit 1`,
      ['I6'],
    ],
    [
      'a base changed in a declaration',
      `update ledger.declaration set pension_base_fen = pension_base_fen + 1 where id = ${someone}`,
      ['I5'],
    ],
    [
      'an employer’s amount changed in a line',
      `update ledger.line set work_injury_employer_fen = work_injury_employer_fen - 1
       where line = 0 and (envelope, position) = (select envelope, position from ledger.declaration where id = ${someone})`,
      ['I5'],
    ],
    [
      'an employer’s amount raised in a line, by a pack that is not recorded',
      `delete from journal.policy_pack;
       update ledger.line set work_injury_employer_fen = work_injury_employer_fen + 1
       where line = 0 and (envelope, position) = (select envelope, position from ledger.declaration where id = ${someone})`,
      ['I5', 'I15'],
    ],
    [
      'lines of no declaration',
      `create temp table made as select * from ledger.line limit 1;
       update made set position = 900;
       insert into ledger.line select * from made`,
      ['I2'],
    ],
    ['a reassessment that nobody ordered', reassessment('d.envelope', '900'), ['I2']],
    [
      'a reassessment posted twice',
      `insert into journal.acceptance select 'order', envelope, 900, employer, period, 'reassessment', coalesce(digest, salted_digest), accepted_at, deadline, on_time
       from journal.acceptance where id = ${someone};
       ${reassessment('d.envelope', '901')}`,
      ['I2', 'I10', 'I13'],
    ],
    ['a unit of a file that came before what it replaces', ofFile("interval '-1 second'"), ['I17']],
    ['a unit of a file that came after what it replaces', ofFile("interval '0'"), []],
    [
      'a unit that was merged with what came after its file',
      `${ofFile("interval '-1 second'")}; update batch.unit set keeps = (${replaced})`,
      [],
    ],
    [
      'a unit of a file that is of an employer beyond its senders’ mandate',
      `${ofFile("interval '0'")}; update batch.batch set may_file_for = '{91350100M000100Y43}'`,
      ['I18'],
    ],
    [
      'a unit of a file that is of a region beyond its senders’ mandate',
      `${ofFile("interval '0'")}; update batch.batch set may_file_in = '{3402%}'`,
      ['I18'],
    ],
    [
      'a unit of a file within its senders’ regions',
      `${ofFile("interval '0'")}; update batch.batch set may_file_in = '{3402%,34%}'`,
      [],
    ],
    [
      'a reassessment that follows what it is no difference to',
      `update ledger.reassessment
       set follows_envelope = declaration_envelope, follows_position = declaration_position
       where envelope = ${ofOrder(1)}`,
      ['I14', 'I15'],
    ],
    [
      'one of three reassessments lost',
      `with gone as (delete from ledger.reassessment where envelope = ${ofOrder(1)} returning envelope)
       delete from ledger.reassessment_line l using gone g where l.envelope = g.envelope`,
      ['I13', 'I14', 'I15'],
    ],
    [
      'two reassessments that follow the same and both count',
      `create or replace view ledger.reassessment_that_counts as select * from ledger.reassessment;
       update ledger.reassessment
       set follows_envelope = declaration_envelope, follows_position = declaration_position
       where envelope = ${ofOrder(2)}`,
      ['I14'],
    ],
    [
      'one fen added to a reassessment',
      `update ledger.reassessment set medical_employee_fen = medical_employee_fen + 1
       where envelope = ${ofOrder(2)}`,
      ['I14', 'I15'],
    ],
    [
      'one fen added to a reassessment and its line',
      `update ledger.reassessment set medical_employee_fen = medical_employee_fen + 1
       where envelope = ${ofOrder(2)};
       update ledger.reassessment_line set medical_employee_fen = medical_employee_fen + 1
       where envelope = ${ofOrder(2)}`,
      ['I15'],
    ],
    ['a reassessment without its marker', `${reassessment('1000000', '0')}`, ['I2']],
    [
      'a marker gone',
      `delete from ledger.posting where envelope = (select envelope from ledger.declaration where id = ${someone})`,
      ['I2'],
    ],
    [
      'an envelope left waiting',
      `insert into journal.unposted (envelope, lane, declarations, accepted_at)
       select number, lane, declarations, now() from journal.envelope limit 1`,
      ['I13'],
    ],
  ])('%s', async (_, sql, expected) => {
    const report = await auditAfter(sql)
    expect(broken(report), JSON.stringify(report.verdicts, null, 1)).toEqual(expected)
    for (const { offenders, named } of report.verdicts) expect(named.length > 0).toBe(offenders > 0)
  })
})

describe('what a client saw is found by the right invariant', () => {
  const isAck = (line: HistoryLine) => line.kind === 'answer' && line.status === 202
  test.each<[string, (lines: HistoryLine[]) => HistoryLine[], readonly string[]]>([
    [
      'a receipt with another byte',
      (lines) => {
        const at = lines.findIndex(isAck)
        return lines.map((line, i) =>
          i === at && line.kind === 'answer'
            ? { ...line, receipt: line.receipt?.replace('"onTime":true', '"onTime":false') ?? '' }
            : line,
        )
      },
      ['I7'],
    ],
    [
      'a retry that got another receipt',
      (lines) => {
        const tries = lines.filter((line) => line.kind === 'try')
        const again = tries.findIndex(({ id }, i) => tries.findIndex((one) => one.id === id) < i)
        const { n } = tries[again] ?? {}
        return lines.map((line) =>
          line.kind === 'answer' && line.n === n ? { ...line, receipt: `${line.receipt} ` } : line,
        )
      },
      ['I8'],
    ],
    [
      'other content acknowledged under a key',
      (lines): HistoryLine[] => {
        const conflict = lines.find((line) => line.kind === 'answer' && line.status === 422)
        const ack = lines.find(isAck)
        if (conflict?.kind !== 'answer' || ack?.kind !== 'answer') return lines
        const cheated = { ...conflict, status: 202, receipt: ack.receipt ?? '' }
        return lines.map((line) => (line === conflict ? cheated : line))
      },
      ['I8'],
    ],
    [
      'a status that went back',
      (lines) => {
        const seen = lines.find((line) => line.kind === 'status' && line.status === 'posted')
        return seen?.kind === 'status' ? [...lines, { ...seen, status: 'accepted' }] : lines
      },
      ['I9'],
    ],
    [
      'a 404 after a 202',
      (lines) => {
        const seen = lines.find((line) => line.kind === 'status')
        return seen?.kind === 'status' ? [...lines, { ...seen, status: 'missing' }] : lines
      },
      ['I9'],
    ],
    [
      'a cancelled one that is superseded',
      (lines) => {
        const seen = lines.find((line) => line.kind === 'status' && line.status === 'cancelled')
        return seen?.kind === 'status' ? [...lines, { ...seen, status: 'superseded' }] : lines
      },
      ['I9'],
    ],
    [
      'an acknowledgement without a receipt',
      (lines) => {
        const at = lines.findIndex(isAck)
        return lines.map((line, i) =>
          i === at && line.kind === 'answer' ? { kind: 'answer', n: line.n, status: 202 } : line,
        )
      },
      ['I8'],
    ],
    [
      'a second regular one that is sent after the receipt of the first',
      sentAfterAnswer(raceAttempts),
      ['I16'],
    ],
    [
      'a correction that is sent after the receipt of another one than it names',
      sentAfterAnswer(raceAttempts + 2),
      ['I16'],
    ],
    ['a 500', (lines) => [...lines, { kind: 'answer', n: 999_999, status: 500 }], ['I12']],
    [
      'a 503 that does not say when to come back',
      (lines) => [...lines, { kind: 'answer', n: 999_999, status: 503 }],
      ['I12'],
    ],
    [
      'an attempt kept from the auditor',
      (lines) => lines.filter((line) => !(line.kind === 'try' && line.id === firstId(lines))),
      ['I3'],
    ],
    [
      'a filing posted that was refused',
      (lines): HistoryLine[] => {
        const attempts = attemptsOf(lines, firstId(lines))
        return lines.map((line) =>
          line.kind === 'answer' && attempts.has(line.n)
            ? { kind: 'answer', n: line.n, status: 422 }
            : line,
        )
      },
      ['I3'],
    ],
  ])('%s', async (_, change, expected) => {
    const report = await auditAfter('select 1', change)
    expect(broken(report), JSON.stringify(report.verdicts, null, 1)).toEqual(expected)
  })
})

test('what had no answer may be posted, but not twice', async () => {
  const silence = (lines: HistoryLine[]): HistoryLine[] => {
    const attempts = attemptsOf(lines, firstId(lines))
    return lines.flatMap((line): HistoryLine[] => {
      const mine = line.kind === 'answer' && attempts.has(line.n)
      if (mine) return [{ kind: 'unknown', n: line.n, reason: 'TimeoutError' }]
      return [line]
    })
  }
  expect(broken(await auditAfter('select 1', silence))).toEqual([])
  const id = firstId(
    readFileSync(history, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  )
  const twice = `create temp table twice as select * from ledger.declaration where id = '${id}';
    update twice set envelope = envelope + 1000000;
    insert into ledger.declaration select * from twice`
  expect(broken(await auditAfter(twice, silence))).toEqual(['I2', 'I4', 'I6'])
})

test.each([408, 429])('what was answered with %i may have been posted', async (status) => {
  const impatient = (lines: HistoryLine[]): HistoryLine[] => {
    const attempts = attemptsOf(lines, firstId(lines))
    return lines.map((line) =>
      line.kind === 'answer' && attempts.has(line.n)
        ? { kind: 'answer', n: line.n, status, retryAfter: true }
        : line,
    )
  }
  expect(broken(await auditAfter('select 1', impatient))).toEqual([])
})

function attemptsOf(lines: readonly HistoryLine[], id: string | undefined): Set<number> {
  return new Set(lines.flatMap((line) => (line.kind === 'try' && line.id === id ? [line.n] : [])))
}

function firstId(lines: HistoryLine[]): string | undefined {
  const tries = lines.filter((line) => line.kind === 'try')
  return tries[0]?.id
}

test('the command prints a verdict for each invariant, and ends with 1 where one is broken', async () => {
  const copy = await createDatabase(honest.name)
  const run = async () => {
    const env = { DATABASE_URL: copy.ownerUrl, KEYRING_FILE: inject('keyringFile') }
    const command = runCommand('src/commands/audit.ts', env, ['--history', history])
    return { code: await command.done, output: command.output() }
  }
  try {
    expect(await run()).toMatchObject({
      code: 0,
      output: expect.stringMatching(/Everything holds\./),
    })
    await copy.owner.query('update ledger.line set medical_employee_fen = medical_employee_fen + 1')
    const cheated = await run()
    expect(cheated.code).toBe(1)
    expect(cheated.output).toMatch(/^I5 .*BROKEN by \d+$/m)
    expect(cheated.output).toMatch(/its lines do not add up to it/)
  } finally {
    await copy.drop()
  }
})

test('a history that is cut off in its last line is read, one that is none is refused', async () => {
  const cut = path.join(folder, 'cut.jsonl')
  writeFileSync(cut, `${readFileSync(history, 'utf8')}{"kind":"answer","n":`)
  expect(broken(await audit(cut))).toEqual([])
  const middle = path.join(folder, 'middle.jsonl')
  writeFileSync(middle, `{"kind":"answer","n":\n${readFileSync(history, 'utf8')}`)
  await expect(audit(middle)).rejects.toThrow('Line 1 is not a line of a history')
  const wrong = path.join(folder, 'wrong.jsonl')
  writeFileSync(wrong, '{"kind":"answr","n":1}\n')
  await expect(audit(wrong)).rejects.toThrow('Line 1 is not a line of a history')
})
