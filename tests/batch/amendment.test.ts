/**
 * Rejected rows that are fixed and sent back: they are merged with the prior declaration and filed with
 * it.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { auditHistory } from '../../src/audit/audit.ts'
import { HistoryFile } from '../../src/audit/history.ts'
import { errorsFileRows, readErrorRows } from '../../src/batch/errors/error-rows.ts'
import { claimBatch, markPosted, RetryLaterError } from '../../src/batch/lease/batch-lease.ts'
import { writeErrorsFile } from '../../src/batch/table/errors-file.ts'
import { openFindings } from '../../src/batch/table/read-progress.ts'
import { findLayout } from '../../src/batch/uploads/find-batch.ts'
import { runSteps, startBatchWorker } from '../../src/batch/worker/batch-worker.ts'
import { deleteEnded, deleteOldErrors } from '../../src/batch/worker/retention.ts'
import { writeXlsx } from '../../src/formats/xlsx-writer.ts'
import { digestOf } from '../../src/journal/digest.ts'
import { openEnvelope } from '../../src/journal/envelope.ts'
import { findAcceptances } from '../../src/journal/reading/find.ts'
import { JournalReader } from '../../src/journal/reading/reader.ts'
import { findStanding } from '../../src/ledger/status.ts'
import { amendmentCountsMicros, partLinesMax } from '../../src/limits.ts'
import { inTransaction } from '../../src/platform/postgres/postgres.ts'
import { declare, filingOf, rulesOf } from '../support/journal.ts'
import { waitFor } from '../support/wait.ts'
import { csvOf, employersOf, plainTitles, type Row, readAll, rowsOf, sourceOf } from './support.ts'
import {
  claim,
  dependencies,
  journal,
  Killed,
  keptRowsOf,
  killedAt,
  onSlowMachine,
  postAll,
  type Received,
  receiveFile,
  refusedRowsOf,
  stateOf,
  useJournal,
} from './work-support.ts'

useJournal()

type Line = { person: { idNumber: string; name: string } }

const wrong = ([employer, idNumber, name, wage]: Row): Row => [
  ...([employer, idNumber, name, `wrong ${wage}`] as const),
]
const mend = (file: Buffer | string) => file.toString().replaceAll('wrong ', '')

const { deadlineMicros } = rulesOf('340100', '2024-11')
const instant = (micros: number) => new Date(micros / 1_000).toISOString()
/** Before the deadline, and after it. */
const [onTimeMicros, lateMicros] = [deadlineMicros - 3_600_000_000, deadlineMicros + 3_600_000_000]

async function send(file: Buffer | string, more: Partial<Received> & Pick<Received, 'mayFileFor'>) {
  const asked = { format: 'csv', receivedAt: instant(onTimeMicros), ...more } as const
  return receiveFile(Buffer.from(file as string), asked)
}

/** Processes all waiting batches. */
async function work(with_ = dependencies()): Promise<void> {
  await runSteps(with_, await claim())
}

/** The errors file of a batch, as its filer downloads it. */
async function errorsFileOf(batch: string, format: 'csv' | 'xlsx' = 'csv'): Promise<Buffer> {
  const all = journal.keyring.sealingKeys
  const layout = await findLayout(journal.pool, all, batch)
  if (layout?.kind !== 'table') throw new Error('no header')
  const { header } = layout
  const rows = errorsFileRows(readErrorRows(journal.pool, all, batch), header)
  const pieces: Buffer[] = []
  for await (const piece of writeErrorsFile({ format, batch, header, rows })) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** What is in force for an employer: persons, and the sums of its amounts. */
async function inForceOf(employer: string) {
  const { rows } = await journal.pool.query(
    `select p.lines, p.kind, p.pension_employer_fen, p.pension_employee_fen, p.medical_employer_fen
     from ledger.in_force_part p where employer = $1 and period = '2024-11'`,
    [employer],
  )
  const sum = (name: string) => rows.reduce((all, row) => all + Number(row[name]), 0)
  const persons = await journal.pool.query(
    `select count(*)::int as lines, count(distinct l.person)::int as persons
     from ledger.in_force_part p join ledger.line l using (envelope, position)
     where p.employer = $1 and p.period = '2024-11'`,
    [employer],
  )
  return {
    ...persons.rows[0],
    kind: rows[0]?.kind,
    fen: ['pension_employer_fen', 'pension_employee_fen', 'medical_employer_fen'].map(sum),
  }
}

/** The amounts of the same persons when another employer files them at once. */
async function wholeOf(rows: readonly Row[]) {
  const { employer } = declare({ lines: 1 })
  await send(csvOf(rows.map((row) => [employer, ...row.slice(1)])), { mayFileFor: [employer] })
  await work()
  await postAll()
  return (await inForceOf(employer)).fen
}

async function acceptancesOf(batch: string) {
  const { rows } = await journal.pool.query<{ id: string }>(
    `select a.id from batch.envelope e join journal.acceptance a on a.envelope = e.envelope
     where e.batch = $1 order by a.envelope, a.position`,
    [batch],
  )
  return findAcceptances(
    journal.pool,
    journal.keyring.salts,
    rows.map(({ id }) => id),
  )
}

/** The declaration accepted under an id, from its envelope. */
async function contentOf(id: string): Promise<Buffer> {
  const { rows } = await journal.pool.query<{ number: string; position: number; sealed: Buffer }>(
    `select e.number, a.position, e.sealed
     from journal.acceptance a join journal.envelope e on e.number = a.envelope
     where a.id = $1`,
    [id],
  )
  const { number, position, sealed } = rows[0] as (typeof rows)[number]
  const { canonical } = openEnvelope(journal.keyring.sealingKeys, BigInt(number), sealed)
  return canonical[position] as Buffer
}

async function findingsOf(batch: string): Promise<string[]> {
  const { rows } = await journal.pool.query('select findings from batch.work where batch = $1', [
    batch,
  ])
  const findings = openFindings({ all: journal.keyring.sealingKeys }, batch, rows[0]?.findings)
  const ofEveryFile = ['COLUMN_UNKNOWN', 'COLUMNS_READ']
  return findings.map(({ code }) => code).filter((code) => !ofEveryFile.includes(code))
}

const codesOf = async (batch: string) =>
  (await keptRowsOf(batch)).map(({ findings }) => findings.map(({ code }) => code))

describe('an errors file that is mended and sent back as it is', () => {
  test.each(['csv', 'xlsx'] as const)(
    'as %s is merged with what was filed: all lines are in force once, on time since the first',
    async (format) => {
      const rows = rowsOf(5, 2, 1)
      const mayFileFor = employersOf(rows)
      const filed = rows.map((row, i) => ([1, 3, 7].includes(i) ? wrong(row) : row))
      const first = await send(csvOf(filed), { mayFileFor })
      await work()
      const bytes = await errorsFileOf(first, format)
      const amending = await send(format === 'csv' ? mend(bytes) : await mendWorkbook(bytes), {
        ...{ mayFileFor, format },
        receivedAt: instant(lateMicros),
      })
      await work()
      expect(await stateOf(amending)).toEqual({
        stage: 'posting',
        ...{ read: 3, good: 3, aside: 0, filed: 3, declarations: 2 },
      })
      await postAll()
      await markPosted(journal.pool)
      const [many, untouched, alone] = mayFileFor as [string, string, string]
      const of = (employer: string) => rows.filter((row) => row[0] === employer)
      expect(await inForceOf(many)).toEqual({
        ...{ lines: 5, persons: 5, kind: 'correction', fen: await wholeOf(of(many)) },
      })
      expect(await inForceOf(untouched)).toMatchObject({ lines: 2, kind: 'regular' })
      // None of its rows was good, so there was nothing to correct.
      expect(await inForceOf(alone)).toMatchObject({ lines: 1, kind: 'regular' })
      const accepted = await acceptancesOf(amending)
      expect(accepted).toHaveLength(2)
      for (const { statement, receipt } of accepted) {
        expect(statement).toMatchObject({
          acceptedAtMicros: lateMicros,
          attemptedAtMicros: onTimeMicros,
          onTime: true,
        })
        expect(receipt).toContain('"attemptedAt":')
      }
      const { rows: links } = await journal.pool.query(
        `select u.replaces, o.id from batch.unit u
         join batch.unit o on o.batch = $2 and o.employer = u.employer
         where u.batch = $1 and u.employer = $3`,
        [amending, first, many],
      )
      expect(links[0].replaces).toBe(links[0].id)
    },
  )

  async function mendWorkbook(bytes: Buffer): Promise<Buffer> {
    const { header, rows } = await readAll(sourceOf(bytes), { format: 'xlsx' })
    const cells = rows.map((row) => row.cells.map(mend))
    const table = [header?.titles ?? [], ...cells]
    const pieces: Buffer[] = []
    const sheet = { name: 'a', widths: [], headerRows: 1, rows: table }
    for await (const piece of writeXlsx([sheet])) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  test('with more lines than a part has comes into force in one step, exact to the fen', async () => {
    const rows = rowsOf(2 * partLinesMax + 7)
    const mayFileFor = employersOf(rows)
    const at = [0, 4_999, 5_000, 10_006]
    const filed = rows.map((row, i) => (at.includes(i) ? wrong(row) : row))
    const first = await send(csvOf(filed), { mayFileFor })
    await work()
    await postAll()
    const [employer = ''] = mayFileFor
    expect(await inForceOf(employer)).toMatchObject({ lines: rows.length - 4 })
    const amending = await send(mend(await errorsFileOf(first)), { mayFileFor })
    await work()
    expect(await stateOf(amending)).toMatchObject({ good: 4, filed: 4, declarations: 1 })
    expect(await acceptancesOf(amending)).toHaveLength(3)
    await postAll()
    expect(await inForceOf(employer)).toEqual({
      ...{ lines: rows.length, persons: rows.length, kind: 'correction' },
      fen: await wholeOf(rows),
    })
    const { rows: noted } = await journal.pool.query(
      'select sum(rows)::int as rows from batch.envelope where batch = $1',
      [amending],
    )
    expect(noted).toEqual([{ rows: 4 }])
  })

  test('and is still partly wrong, gives an errors file again, which amends again', async () => {
    const rows = rowsOf(6)
    const mayFileFor = employersOf(rows)
    const filed = rows.map((row, i) => (i < 3 ? wrong(row) : row))
    const first = await send(csvOf(filed), { mayFileFor })
    await work()
    const errors = (await errorsFileOf(first)).toString()
    const half = await send(errors.replace('wrong ', ''), { mayFileFor })
    await work()
    expect(await stateOf(half)).toMatchObject({ good: 1, aside: 2, filed: 1 })
    const again = await errorsFileOf(half)
    const reading = await readAll(sourceOf(again), { format: 'csv' })
    expect(reading.rows.map(({ position }) => position)).toEqual([3, 4])
    const rest = await send(mend(again), { mayFileFor })
    await work()
    expect(await stateOf(rest)).toMatchObject({ good: 2, aside: 0, declarations: 1 })
    await postAll()
    const [employer = ''] = mayFileFor
    expect(await inForceOf(employer)).toMatchObject({ lines: 6, persons: 6, kind: 'correction' })
    const { rows: statuses } = await journal.pool.query(
      'select status from ledger.declaration_status where employer = $1 order by envelope, position',
      [employer],
    )
    expect(statuses.map(({ status }) => status)).toEqual(['superseded', 'superseded', 'posted'])
  })

  test('may be sent in two halves, of which each merges with the one before', async () => {
    const rows = rowsOf(4)
    const mayFileFor = employersOf(rows)
    const first = await send(csvOf([...rows.slice(0, 2), ...rows.slice(2).map(wrong)]), {
      mayFileFor,
    })
    await work()
    const [titles, one, other] = mend(await errorsFileOf(first)).split('\r\n')
    for (const row of [one, other]) {
      await send(`${titles}\r\n${row}\r\n`, { mayFileFor })
      await work()
    }
    await postAll()
    expect(await inForceOf(mayFileFor[0] as string)).toMatchObject({ lines: 4, persons: 4 })
  })

  test('days of a platform’s worker are added to those that were filed', async () => {
    const { employer, lines = [] } = declare({ lines: 2 })
    const more = {
      ...{ mayFileFor: [employer], period: '2025-08' },
      receivedAt: '2025-08-20T10:00:00+08:00',
    }
    const [one, other] = lines.map((line) => (line as Line).person)
    const day = (number: string | undefined, date: string, person = one) => [
      ...[employer, number ?? '', person?.name ?? '', '骑手', date, 'ride-hailing', '5'],
    ]
    const filed = [
      day(one?.idNumber, '2025-08-01'),
      day('1.1E+17', '2025-08-02'),
      day(other?.idNumber, '2025-08-01', other),
      day(one?.idNumber, '2025-08-03'), // the days of one worker are not consecutive
    ]
    const titles = '统一社会信用代码,证件号码,姓名,参保类别,接单日期,服务类型,接单数'
    const first = await send(csvOf(filed, titles), more)
    await work()
    expect(await codesOf(first)).toEqual([['NUMBER_LOST_DIGITS'], ['PERSON_DUPLICATE']])
    const errors = (await errorsFileOf(first)).toString()
    const amending = await send(errors.replace('1.1E+17', one?.idNumber ?? ''), more)
    await work()
    expect(await stateOf(amending)).toMatchObject({ good: 2, aside: 0, filed: 2 })
    await postAll()
    const [accepted] = await acceptancesOf(amending)
    const { id = '' } = accepted?.statement ?? {}
    expect((await findStanding(journal.pool, id))?.assessment?.lines).toBe(2)
    const reader = new JournalReader(journal.pool, journal.keyring.sealingKeys)
    const days = ((await reader.read(id)).lines ?? []).map((line) =>
      'days' in line ? line.days.map(({ date }) => date.slice(8)) : [],
    )
    expect(days).toEqual([['01', '02', '03'], ['01']])
  })
})

describe('a mended file', () => {
  /**
   * Files a file of one employer (unless its rows are given) with some wrong rows; returns it with its
   * errors file.
   */
  async function setAside(
    made: number | readonly Row[],
    wrongAt: readonly number[],
    more: Partial<Received> = {},
  ) {
    const rows = typeof made === 'number' ? rowsOf(made) : made
    const mayFileFor = employersOf(rows)
    const filed = rows.map((row, i) => (wrongAt.includes(i) ? wrong(row) : row))
    const first = await send(csvOf(filed), { mayFileFor, ...more })
    await work()
    return {
      ...{ rows, first, mayFileFor, employer: mayFileFor[0] as string },
      errors: (await errorsFileOf(first)).toString(),
    }
  }

  test('files a row once, also where it was changed and mended again', async () => {
    const { errors, rows, mayFileFor, employer } = await setAside(4, [1, 2])
    const [titles, one, other] = errors.split('\r\n') as [string, string, string]
    await send(mend(`${titles}\r\n${one}\r\n`), { mayFileFor })
    await work()
    const another = rowsOf(1)[0] as Row
    const changed = one.replace((rows[1] as Row)[1], another[1])
    const twice = await send(mend([titles, changed, other, other, ''].join('\r\n')), { mayFileFor })
    await work()
    expect(await stateOf(twice)).toMatchObject({ good: 1, aside: 2 })
    expect(await codesOf(twice)).toEqual([['ROW_NOT_SET_ASIDE'], ['ROW_NOT_SET_ASIDE']])
    await postAll()
    expect(await inForceOf(employer)).toMatchObject({ lines: 4, persons: 4 })
    // Rows that came twice, or did not belong to it, are never part of it.
    const again = await send(mend(await errorsFileOf(twice)), { mayFileFor })
    await work()
    expect(await stateOf(again)).toMatchObject({ stage: 'refused', good: 0, aside: 2 })
    expect(await codesOf(again)).toEqual([['ROW_NOT_SET_ASIDE'], ['ROW_NOT_SET_ASIDE']])
  })

  test('is told of persons that were added, and of those who were filed', async () => {
    const { errors, rows, mayFileFor, employer } = await setAside(4, [1, 2])
    const [titles, one, other] = errors.split('\r\n') as [string, string, string]
    const [, number, name, wage] = rowsOf(1)[0] as Row
    const added = [employer, number, name, wage].join(',')
    const filed = other.replace((rows[2] as Row)[1], (rows[3] as Row)[1])
    const unknown = one.replace(/,3,/, ',5,') // a row that was good
    const sent = mend([titles, one, added, filed, unknown, ''].join('\r\n'))
    const amending = await send(sent, { mayFileFor })
    await work()
    expect(await stateOf(amending)).toMatchObject({ good: 1, aside: 3 })
    const told = ['ROW_NOT_SET_ASIDE', 'PERSON_FILED', 'ROW_NOT_SET_ASIDE']
    expect((await codesOf(amending)).map(([code]) => code)).toEqual(told)
    const [, refused] = await refusedRowsOf(amending)
    expect(refused?.position).toBe('4')
    expect(refused?.faults[0]?.message.en).toContain((rows[3] as Row)[1].slice(0, 3))
    const text = (await errorsFileOf(amending)).toString()
    expect(text).toMatch(new RegExp(`${name},[^,]+,,`)) // has no original row number
  })

  test('does not replace what was filed otherwise since, and says so', async () => {
    const { errors, mayFileFor, employer } = await setAside(3, [0])
    const other = filingOf(declare({ lines: 1 }, { employer }), randomUUID())
    await journal.openWriter()([other])
    const amending = await send(mend(errors), { mayFileFor })
    await work()
    expect(await stateOf(amending)).toMatchObject({ stage: 'refused', good: 0, aside: 1 })
    const [row] = await refusedRowsOf(amending)
    expect(row?.faults[0]?.message.en).toContain(other.id)
    expect(row?.faults[0]?.fix.en).toContain('correction')
  })

  test('does not replace what is filed while it is being filed, and says that, too', async () => {
    const { errors, mayFileFor, employer } = await setAside(partLinesMax + 2, [0])
    const other = filingOf(declare({ lines: 1 }, { employer }), randomUUID())
    const amending = await send(mend(errors), { mayFileFor })
    const { acceptGroup } = dependencies()
    let groups = 0
    await work(
      dependencies({
        acceptGroup: async (group) => {
          const accepted = await acceptGroup(group)
          groups += 1 // after its first part
          if (groups === 1) await journal.openWriter()([other])
          return accepted
        },
      }),
    )
    expect(groups).toBe(2)
    expect(await stateOf(amending)).toMatchObject({ stage: 'refused', good: 0, aside: 1 })
    expect(await codesOf(amending)).toEqual([['FILED_SINCE']])
    await postAll()
    expect(await inForceOf(employer)).toMatchObject({ lines: 1, kind: 'regular' })
  })

  test('of an employer that had filed before, and had no good row, replaces that as a correction alone', async () => {
    for (const kind of ['regular', 'correction'] as const) {
      const rows = rowsOf(2)
      const mayFileFor = employersOf(rows)
      const [employer = ''] = mayFileFor
      const before = filingOf(declare({ lines: 1 }, { employer }), randomUUID())
      await journal.openWriter()([before])
      const first = await send(csvOf(rows.map(wrong)), { mayFileFor, kind })
      await work()
      expect(await stateOf(first)).toMatchObject({ stage: 'refused' })
      const amending = await send(mend(await errorsFileOf(first)), { mayFileFor })
      await work()
      const told = kind === 'regular' ? [['UNIT_STANDS'], ['UNIT_STANDS']] : []
      expect(await codesOf(amending)).toEqual(told)
      await postAll()
      expect(await inForceOf(employer)).toMatchObject({ lines: kind === 'regular' ? 1 : 2, kind })
    }
  })

  test('counts from the first file for seven days, and from its own time after them', async () => {
    const { errors, first, mayFileFor } = await setAside(4, [0, 1])
    const [titles, one, other] = mend(errors).split('\r\n')
    const until = onTimeMicros + amendmentCountsMicros
    const outcomes: unknown[] = []
    for (const [row, micros] of [
      [one, until - 1_000_000],
      [other, until],
    ] as const) {
      const receivedAt = instant(micros)
      const id = await send(`${titles}\r\n${row}\r\n`, { mayFileFor, receivedAt })
      await work()
      const [accepted] = await acceptancesOf(id)
      const { onTime, attemptedAtMicros } = accepted?.statement ?? {}
      outcomes.push({ onTime, attemptedAtMicros, findings: await findingsOf(id) })
    }
    expect(outcomes).toEqual([
      { onTime: true, attemptedAtMicros: onTimeMicros, findings: [] },
      { onTime: false, attemptedAtMicros: undefined, findings: ['AMENDED_LATE'] },
    ])
    expect((await acceptancesOf(first))[0]?.statement.onTime).toBe(true)
  })

  test('can not be merged where it says so itself, as a whole, and nothing of it is filed', async () => {
    const { errors, rows, first, mayFileFor } = await setAside(3, [0])
    const whole = await setAside(3, [0], { mode: 'all-or-nothing' })
    const otherFile = await setAside(2, [0])
    const declared = `${JSON.stringify({ ...declare({ employer: mayFileFor[0] as string }), period: '2024-10' })}\n{}`
    const lines = await send(declared, { mayFileFor, format: 'ndjson' })
    await work()
    const cases: [string, string, Partial<Received>][] = [
      ['AMENDED_UNKNOWN', mend(errors), { subject: 'somebody else' }],
      ['AMENDED_UNKNOWN', mend(errors).replaceAll(first, randomUUID()), {}],
      ['AMENDED_UNKNOWN', mend(errors), { amends: otherFile.first }],
      ['AMENDED_WHOLE', mend(whole.errors), { mayFileFor: whole.mayFileFor }],
      ['AMENDED_OTHERWISE', mend(errors), { period: '2024-10' }],
      ['AMENDED_OTHERWISE', mend(errors), { employer: mayFileFor[0] as string }],
      ['AMENDED_ROWS_UNKNOWN', csvOf([rows[0] as Row]).toString(), { amends: first }],
      ['AMENDED_ROWS_UNKNOWN', declared, { amends: lines, format: 'ndjson' }],
      ['AMENDED_ROWS_UNKNOWN', mend(errors).replaceAll(first, lines), {}],
    ]
    for (const [code, file, more] of cases) {
      const id = await send(file, { mayFileFor, ...more })
      await work()
      expect([code, await findingsOf(id)]).toEqual([code, [code]])
      expect(await stateOf(id)).toMatchObject({ stage: 'unreadable', read: 0, filed: 0 })
    }
    const told = await send(mend(errors).replace(/（批次[^）]*）/, ''), {
      mayFileFor,
      amends: first,
    })
    await work()
    expect(await stateOf(told)).toMatchObject({ stage: 'posting', good: 1, aside: 0 })
  })

  test('and another that name each other wait for nothing, and mend nothing', async () => {
    const { errors, first, mayFileFor } = await setAside(2, [0])
    const ids = [randomUUID(), randomUUID()] as const
    const works = []
    for (const [id, other] of [ids, ids.toReversed() as [string, string]]) {
      await send(mend(errors).replaceAll(first, other), { mayFileFor, id })
    }
    for (const _ of ids) works.push(await claim())
    for (const one of works) await runSteps(dependencies(), one)
    const [one, other] = ids
    expect(await findingsOf(one)).toEqual(['AMENDED_UNKNOWN'])
    expect(await stateOf(one)).toMatchObject({ stage: 'unreadable', filed: 0 })
    expect(await stateOf(other)).toMatchObject({ stage: 'refused', filed: 0 })
  })

  test('stays its worker’s while the rows of the first file are read, however long that takes', async () => {
    const steps: number[] = []
    for (const machine of [onSlowMachine, (work: () => Promise<void>) => work()]) {
      const { errors, mayFileFor } = await setAside(4, [0, 1, 2])
      const id = await send(errors, { mayFileFor })
      let count = 0
      const onStep = () => {
        count += 1
      }
      const claimed = await claim()
      await machine(() => runSteps(dependencies({ onStep }), claimed))
      expect(await stateOf(id)).toMatchObject({ stage: 'refused', aside: 3 })
      steps.push(count)
    }
    const [slow = 0, fast = 0] = steps
    // Its file has one piece, which is read twice: for its rows, and for the rejected rows.
    const [rowsOfFirst, ownPieces] = [3, 2]
    expect(slow - fast).toBe(rowsOfFirst + ownPieces)
  })

  test('is told so where the rows were deleted months later, unless some were mended before', async () => {
    const [late, begun] = [await setAside(3, [0]), await setAside(3, [0, 1])]
    const [titles, one, other] = mend(begun.errors).split('\r\n')
    await send(`${titles}\r\n${one}\r\n`, { mayFileFor: begun.mayFileFor })
    await work()
    await postAll()
    await markPosted(journal.pool)
    while (await deleteEnded(journal.pool, inTransaction));
    await journal.database.owner.query(
      `update batch.work set forgotten_at = now() - interval '91 days' where batch = any($1)`,
      [[late.first, begun.first]],
    )
    while (await deleteOldErrors(journal.pool, inTransaction));
    const id = await send(mend(late.errors), { mayFileFor: late.mayFileFor })
    await work()
    expect(await findingsOf(id)).toEqual(['AMENDED_FORGOTTEN'])
    expect(await stateOf(id)).toMatchObject({ stage: 'unreadable', read: 0, filed: 0 })
    const rest = await send(`${titles}\r\n${other}\r\n`, { mayFileFor: begun.mayFileFor })
    await work()
    expect(await stateOf(rest)).toMatchObject({ stage: 'posting', good: 1, aside: 0 })
    await postAll()
    expect(await inForceOf(begun.employer)).toMatchObject({ lines: 3, persons: 3 })
  })

  test('whose header names no batch any more is refused where something was filed', async () => {
    const { errors, mayFileFor } = await setAside(3, [0])
    const id = await send(mend(errors).replace(/（批次[^）]*）/, ''), { mayFileFor })
    await work()
    expect(await codesOf(id)).toEqual([['ROWS_ALONE']])
  })

  test('waits while another of the same first file is worked on', async () => {
    const { errors, mayFileFor, employer } = await setAside(4, [0, 1])
    const [titles, one, other] = mend(errors).split('\r\n')
    const ids = []
    for (const row of [one, other]) ids.push(await send(`${titles}\r\n${row}\r\n`, { mayFileFor }))
    const halted = killedAt(4, 'after')
    const [held, waiting] = [await claim(), await claim()]
    await expect(runSteps(halted, held)).rejects.toBeInstanceOf(Killed)
    expect((await stateOf(held.batch)).stage).toBe('checking')
    await expect(runSteps(dependencies(), waiting)).rejects.toBeInstanceOf(RetryLaterError)
    await takeUp(held.batch)
    await takeUp(waiting.batch)
    for (const id of ids) expect(await stateOf(id)).toMatchObject({ good: 1, filed: 1 })
    await postAll()
    expect(await inForceOf(employer)).toMatchObject({ lines: 4, persons: 4 })
  })

  test('that waits is taken again after a while, without a word of a failure', async () => {
    const { errors, first, mayFileFor, employer } = await setAside(2, [0])
    const holder = await send('', { mayFileFor })
    const { owner } = journal.database
    await owner.query("update batch.batch set stage = 'filing' where id = $1", [holder])
    await owner.query(
      `insert into batch.work (batch, leased_until) values ($1, now() + interval '1 hour')`,
      [holder],
    )
    await owner.query('insert into batch.amended (first, rows_open, holder) values ($1, $2, $3)', [
      ...[first, Buffer.from([0b100]), holder],
    ])
    const id = await send(mend(errors), { mayFileFor })
    const failures: unknown[] = []
    const worker = startBatchWorker({
      ...dependencies({ onError: (error) => failures.push(error) }),
      openFiling: () => dependencies(),
    })
    await waitFor('it to be given back', async () => {
      const { rows } = await owner.query(
        `select from batch.work where batch = $1 and leased_until < now() + interval '6 s'`,
        [id],
      )
      return rows.length > 0
    })
    expect(await stateOf(id)).toMatchObject({ stage: 'reading', read: 0 })
    await owner.query("update batch.batch set stage = 'cancelled' where id = $1", [holder])
    await owner.query('update batch.work set leased_until = now() where batch = $1', [id])
    await waitFor('it to be filed', async () => (await stateOf(id)).stage === 'posting')
    await worker.stop()
    expect(failures).toEqual([])
    await postAll()
    expect(await inForceOf(employer)).toMatchObject({ lines: 2, persons: 2 })
  })

  /** The worker that finds it after the previous lease. */
  async function takeUp(batch: string): Promise<void> {
    await journal.pool.query('update batch.work set leased_until = now() where batch = $1', [batch])
    const found = await claimBatch(journal.pool, randomUUID())
    if (found !== undefined) await runSteps(dependencies(), found)
  }

  test('is followed by another worker, and the same is filed, once, wherever the first one ended', async () => {
    const persons = rowsOf(partLinesMax + 1)
    let ends = 0
    for (const when of ['before', 'after'] as const) {
      for (let n = 1; ; n += 1) {
        const small = rowsOf(4)
        const { employer } = declare({ lines: 1 })
        const large = persons.map(([, ...person]): Row => [employer, ...person])
        const wrongAt = [0, 2, 4 + partLinesMax]
        const { errors, mayFileFor } = await setAside([...small, ...large], wrongAt)
        // The second row is wrong again.
        const again = errors.replace('wrong ', '').replace(/wrong (?!.*wrong )/s, '')
        const id = await send(again, { mayFileFor })
        const killed = await runSteps(killedAt(n, when), await claim()).then(
          () => false,
          (error) => {
            if (error instanceof Killed) return true
            throw error
          },
        )
        if (killed) {
          ends += 1
          await takeUp(id)
        }
        const done = { read: 3, good: 2, aside: 1, filed: 2, declarations: 2 }
        expect(await stateOf(id)).toEqual({ stage: 'posting', ...done })
        const { rows: filed } = await journal.pool.query(
          `select count(*)::int as acceptances, count(distinct a.id)::int as ids
           from batch.envelope e join journal.acceptance a on a.envelope = e.envelope
           where e.batch = $1`,
          [id],
        )
        expect(filed).toEqual([{ acceptances: 3, ids: 3 }])
        expect(await refusedRowsOf(id)).toMatchObject([{ position: '4' }])
        const last = await send(mend(await errorsFileOf(id)), { mayFileFor })
        await work()
        expect(await stateOf(last)).toMatchObject({ good: 1, aside: 0, filed: 1 })
        const copy = await send(`${mend(errors)}\r\n`, { mayFileFor })
        await work()
        expect(await codesOf(copy)).toEqual(wrongAt.map(() => ['ROW_NOT_SET_ASIDE']))
        await postAll()
        for (const rows of [small, large]) {
          const count = rows.length
          const standing = await inForceOf(rows[0]?.[0] as string)
          expect(standing).toMatchObject({ lines: count, persons: count, kind: 'correction' })
        }
        if (!killed) break
      }
    }
    expect(ends).toBeGreaterThan(14)
  }, 300_000)
})

test('rows of one employer with another header than its first are set aside, each of them', async () => {
  const rows = rowsOf(4)
  const classes = ['1', '1', '3', '3']
  const filed = rows.map((row, i) => [...row, classes[i] as string])
  const id = await send(csvOf(filed, `${plainTitles},行业类别`), { mayFileFor: employersOf(rows) })
  await work()
  expect(await keptRowsOf(id)).toMatchObject([{ row: 4 }, { row: 5 }])
  expect(await stateOf(id)).toMatchObject({ good: 2, aside: 2, filed: 2 })
})

test('the auditor finds every promise kept by all that was amended here', async () => {
  await postAll()
  const folder = mkdtempSync(path.join(tmpdir(), 'amended-'))
  const file = path.join(folder, 'history.jsonl')
  const history = new HistoryFile(file)
  const { sealingKeys, receiptKeys, salts } = journal.keyring
  const { rows } = await journal.pool.query<{ id: string }>('select id from journal.acceptance')
  const accepted = await findAcceptances(
    journal.pool,
    salts,
    rows.map(({ id }) => id),
  )
  // All attempts come before all answers: the history doesn't say which answer an attempt followed.
  for (const [n, { statement }] of accepted.entries()) {
    const { id, employer, period } = statement
    const digest = digestOf(await contentOf(id)).toString('hex')
    history.add({ kind: 'try', n, id, employer, period, digest, fen: [] })
  }
  for (const [n, { receipt }] of accepted.entries())
    history.add({ kind: 'answer', n, status: 202, receipt })
  history.close()
  const client = new pg.Client({ connectionString: journal.database.ownerUrl })
  await client.connect()
  try {
    const { verdicts } = await auditHistory({
      ...{ client, sealingKeys, salts },
      historyFile: file,
      publicKeys: receiptKeys.map(({ publicJwk }) => publicJwk),
      onProgress: () => {},
    })
    expect(verdicts.length).toBeGreaterThan(12)
    expect(verdicts.filter(({ offenders }) => offenders > 0)).toEqual([])
  } finally {
    await client.end()
    rmSync(folder, { recursive: true })
  }
})
