/**
 * Files that meet a declaration in force: nothing is replaced without being named, nothing newer by
 * something older.
 */
import { createHash, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { advanceStage, claimBatch } from '../../src/batch/lease/batch-lease.ts'
import { listUnits } from '../../src/batch/staging/list-units.ts'
import { finalizeUpload } from '../../src/batch/uploads/finalize-upload.ts'
import { runSteps } from '../../src/batch/worker/batch-worker.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import type { AcceptGroup } from '../../src/journal/accept.ts'
import type { Filing } from '../../src/journal/filing.ts'
import { fileDeclaration } from '../../src/journal/filing.ts'
import { JournalReader } from '../../src/journal/reading/reader.ts'
import { lateRowsAtATime, partLinesMax } from '../../src/limits.ts'
import { inTransaction } from '../../src/platform/postgres/postgres.ts'
import { declare, rulesOf } from '../support/journal.ts'
import { csvOf, employersOf, plainTitles, type Row, rowsOf } from './support.ts'
import {
  claim,
  dependencies,
  journal,
  Killed,
  keptRowsOf,
  killedAt,
  postAll,
  receiveFile,
  receive as receiveRows,
  stateOf,
  useJournal,
  wrongNumber,
} from './work-support.ts'

useJournal()

const at = (time: string) => `2024-11-20T${time}:00+08:00`

/** Filed alone, at this time. */
function alone(employer: string, time: string, more: Partial<Declaration> = {}, lines = 1): Filing {
  const declaration = declare({ lines }, { employer, ...more })
  const rules = rulesOf(declaration.region, declaration.period)
  const acceptedAtMicros = Date.parse(at(time)) * 1_000
  const key = randomUUID()
  return fileDeclaration({ declaration, rules, key, acceptedAtMicros, expects: 'anything' })
}

async function accept(filing: Filing): Promise<string> {
  await journal.openWriter()([filing])
  return filing.id
}

/** Works on a file to its end. */
async function file(rows: readonly Row[], kind = 'regular', more: object = {}): Promise<string> {
  const asked = { format: 'csv', mayFileFor: employersOf(rows), receivedAt: at('10:00') } as const
  const batch = await receiveFile(csvOf(rows), { ...asked, kind, ...more })
  await runSteps(dependencies(), await claim())
  return batch
}

const codesOf = async (batch: string) =>
  (await keptRowsOf(batch)).map(({ row, findings }) => [row, ...findings.map(({ code }) => code)])

const paramsOf = async (batch: string) => (await keptRowsOf(batch))[0]?.findings[0]?.params

/** Persons of the declaration in force. */
async function inForce(employer: string): Promise<{ kind: string; persons: string[] } | undefined> {
  await postAll()
  const { rows } = await journal.pool.query<{ id: string; kind: string }>(
    `select d.id, d.kind
     from ledger.in_force_part d
     where d.employer = $1
     order by d.envelope, d.position`,
    [employer],
  )
  const reader = new JournalReader(journal.pool, journal.keyring.sealingKeys)
  const persons: string[] = []
  for (const { id } of rows)
    for (const line of (await reader.read(id)).lines ?? []) persons.push(line.person.idNumber)
  return rows[0] && { kind: rows[0].kind, persons: persons.sort() }
}

const numbersOf = (rows: readonly Row[]) => [...new Set(rows.map(([, number]) => number))].sort()

/** A second department of the same employer. */
const otherRows = (count: number, employer: string): Row[] =>
  rowsOf(count).map(([, ...person]) => [employer, ...person])

describe('a second file of one employer and period', () => {
  test('is set aside as regular, and as an addition all persons of both are in force', async () => {
    const one = rowsOf(3)
    const employer = one[0]?.[0] as string
    const other = otherRows(2, employer)
    await file(one)
    const { rows } = await journal.pool.query(
      'select id from journal.acceptance where employer = $1',
      [employer],
    )
    const refused = await file(other)
    expect(await stateOf(refused)).toMatchObject({ stage: 'refused', good: 0, aside: 2, filed: 0 })
    expect(await codesOf(refused)).toEqual([
      [2, 'UNIT_STANDS'],
      [3, 'UNIT_STANDS'],
    ])
    expect(await paramsOf(refused)).toEqual({
      id: rows[0].id,
      at: '2024-11-20T10:00:00.000000+08:00',
      persons: 3,
    })
    expect((await inForce(employer))?.persons).toEqual(numbersOf(one))
    const added = await file(other, 'addition')
    expect(await stateOf(added)).toMatchObject({ stage: 'posting', good: 2, aside: 0, filed: 2 })
    expect(await inForce(employer)).toEqual({
      kind: 'correction',
      persons: numbersOf([...one, ...other]),
    })
  })

  test('is told that the same content was filed already, with its id', async () => {
    const rows = rowsOf(2)
    await file(rows)
    const again = await file(rows)
    expect((await codesOf(again)).map(([, code]) => code)).toEqual(['UNIT_FILED', 'UNIT_FILED'])
    // In another order it is other content.
    const turned = await file([...rows].reverse())
    expect((await codesOf(turned)).map(([, code]) => code)).toEqual(['UNIT_STANDS', 'UNIT_STANDS'])
  })

  test('is filed as regular where what stood was cancelled', async () => {
    const rows = rowsOf(2)
    const employer = rows[0]?.[0] as string
    const replaces = await accept(alone(employer, '09:00'))
    const { lines: _, ...cancelled } = declare({}, { employer })
    const cancellation = { ...cancelled, kind: 'cancellation', replaces, lines: undefined }
    await accept(alone(employer, '09:30', cancellation as unknown as Partial<Declaration>))
    expect(await stateOf(await file(rows, 'addition'))).toMatchObject({
      stage: 'posting',
      filed: 2,
    })
    expect(await inForce(employer)).toEqual({ kind: 'regular', persons: numbersOf(rows) })
  })

  test('of NDJSON has each line told what stands, or that it was filed', async () => {
    const [one, other, third] = [declare(), declare(), declare()]
    const send = (all: readonly Declaration[], kind = 'regular') =>
      receiveFile(Buffer.from(all.map((each) => JSON.stringify(each)).join('\n')), {
        ...{ format: 'ndjson', mayFileFor: all.map(({ employer }) => employer), kind },
        receivedAt: at('10:00'),
      })
    await send([one, other])
    await runSteps(dependencies(), await claim())
    const again = await send([one, { ...other, lines: third.lines ?? [] }, third])
    await runSteps(dependencies(), await claim())
    expect(await codesOf(again)).toEqual([
      [1, 'UNIT_FILED'],
      [2, 'UNIT_STANDS'],
    ])
    expect(await stateOf(again)).toMatchObject({ good: 1, filed: 1 })
    const addition = await send([declare()], 'addition')
    await runSteps(dependencies(), await claim())
    expect(await stateOf(addition)).toMatchObject({ stage: 'unreadable', filed: 0 })
  })
})

describe('an addition', () => {
  test('adds to what was filed alone, and in parts; a person on both sides is told', async () => {
    const employer = declare().employer
    const first = declare({ lines: 2 }, { employer })
    await accept(alone(employer, '09:00', first))
    const large = otherRows(partLinesMax + 3, employer)
    const [person] = first.lines ?? []
    const twice: Row = [
      employer,
      person?.person.idNumber as string,
      person?.person.name as string,
      '6000.00',
    ]
    const added = await file([...large, twice], 'addition')
    expect(await codesOf(added)).toEqual([[large.length + 2, 'PERSON_FILED']])
    const before = (first.lines ?? []).map((line) => line.person.idNumber)
    const all = [...before, ...numbersOf(large)].sort()
    expect((await inForce(employer))?.persons).toEqual(all)
    const more = otherRows(1, employer)
    await file(more, 'addition', { receivedAt: at('10:05') })
    expect((await inForce(employer))?.persons).toEqual([...all, ...numbersOf(more)].sort())
  })

  test('has an errors file, whose mended rows are added, too', async () => {
    const one = rowsOf(2)
    const employer = one[0]?.[0] as string
    await file(one)
    const [good, wrong] = otherRows(2, employer) as [Row, Row]
    const first = await file([good, wrongNumber(wrong)], 'addition')
    expect(await stateOf(first)).toMatchObject({ good: 1, aside: 1 })
    await amend(first, [[...wrong, '3']])
    expect((await inForce(employer))?.persons).toEqual(numbersOf([...one, good, wrong]))
  })

  test('is what an errors file may be sent as, of rows that met something that stands', async () => {
    const one = rowsOf(2)
    const employer = one[0]?.[0] as string
    await file(one)
    const other = otherRows(2, employer)
    const first = await file(other)
    const mended = other.map((row, i) => [...row, String(i + 2)])
    expect(await codesOf(await amend(first, mended))).toEqual([
      [2, 'UNIT_STANDS'],
      [3, 'UNIT_STANDS'],
    ])
    await amend(first, mended, 'addition')
    expect((await inForce(employer))?.persons).toEqual(numbersOf([...one, ...other]))
  })
})

/** Sends rows with their row numbers in the first file, as its errors file has them. */
async function amend(first: string, rows: readonly (readonly string[])[], kind = 'regular') {
  const batch = await receiveFile(csvOf(rows, `${plainTitles},原行号（批次 ${first}）`), {
    ...{ format: 'csv', mayFileFor: employersOf(rows), kind, receivedAt: at('10:00') },
  })
  await runSteps(dependencies(), await claim())
  return batch
}

describe('what was accepted after a file came', () => {
  test.each(['regular', 'correction', 'addition'])(
    'is not replaced by it, though it is worked on later: %s',
    async (kind) => {
      const rows = rowsOf(2, 1)
      const employer = rows[0]?.[0] as string
      if (kind !== 'regular') for (const one of employersOf(rows)) await accept(alone(one, '09:00'))
      const receivedAt = at('10:00')
      const batch = await receiveFile(csvOf(rows), {
        ...{ format: 'csv', mayFileFor: employersOf(rows), kind, receivedAt },
      })
      const newer = await accept(alone(employer, '10:30', {}, 3))
      await runSteps(dependencies(), await claim())
      expect(await codesOf(batch)).toEqual([
        [2, 'FILED_SINCE'],
        [3, 'FILED_SINCE'],
      ])
      expect(await paramsOf(batch)).toEqual({ id: newer, at: '2024-11-20T10:30:00.000000+08:00' })
      expect(await stateOf(batch)).toMatchObject({ stage: 'posting', good: 1, filed: 1 })
      expect((await inForce(employer))?.persons).toHaveLength(3)
    },
  )

  test('stands also where a smaller file was worked on before a larger one that came first', async () => {
    const rows = rowsOf(2)
    const employer = rows[0]?.[0] as string
    const large = await receiveRows(rows)
    await journal.database.owner.query('update batch.batch set received = 40000000 where id = $1', [
      large,
    ])
    const small = otherRows(1, employer)
    const place = { aboveBytes: 0, bytesMax: 1_000_000 }
    await receiveFile(csvOf(small), {
      format: 'csv',
      mayFileFor: [employer],
      receivedAt: at('10:20'),
    })
    const first = await claimBatch(journal.pool, randomUUID(), place)
    if (first === undefined) throw new Error('nothing to work on')
    await runSteps(dependencies(), first)
    await runSteps(dependencies(), await claim())
    expect((await codesOf(large)).map(([, code]) => code)).toEqual(['FILED_SINCE', 'FILED_SINCE'])
    expect((await inForce(employer))?.persons).toEqual(numbersOf(small))
  })
})

describe('what is accepted between the check of a file and its filing', () => {
  /** Files it before the n-th group that another one accepts. */
  const meeting = (filing: Filing, n = 1): AcceptGroup => {
    const { acceptGroup } = dependencies()
    let groups = 0
    return async (group) => {
      groups += 1
      if (groups === n) await accept(filing)
      return acceptGroup(group)
    }
  }

  /** Ends where the first late rows are to be written. */
  const killedAtLateRows: typeof inTransaction = (pool, write) =>
    inTransaction(pool, (client) => {
      const ending = new Proxy(client, {
        get: (target, name) => {
          if (name !== 'query') return Reflect.get(target, name)
          return (query: { name?: string }, ...rest: []) => {
            if (query.name === 'insert-rejected-rows') throw new Killed()
            return target.query(query as unknown as string, ...rest)
          }
        },
      })
      return write(ending)
    })

  test('sets its rows aside in counts, status and the errors file, in the order of the file', async () => {
    const rows = [...rowsOf(3, 2), ...rowsOf(1)]
    rows[1] = wrongNumber(rows[1] as Row)
    const employer = rows[0]?.[0] as string
    const batch = await receiveRows(rows)
    const newer = alone(employer, '10:30')
    await runSteps(dependencies({ acceptGroup: meeting(newer) }), await claim())
    expect(await stateOf(batch)).toEqual({
      ...{ stage: 'posting', read: 6, good: 3, aside: 3, filed: 3, declarations: 2 },
    })
    const [, wrong, ...late] = await codesOf(batch)
    expect([wrong?.[0], late.map(([, code]) => code)]).toEqual([3, ['FILED_SINCE']])
    expect((await keptRowsOf(batch)).map(({ row, cells }) => [row, cells])).toEqual(
      rows.slice(0, 3).map((cells, i) => [i + 2, cells]),
    )
    const { rows: units } = await journal.pool.query(
      `select rows_good, rows_set_aside, parts from batch.unit where batch = $1 and employer = $2`,
      [batch, employer],
    )
    expect(units).toEqual([{ rows_good: 0, rows_set_aside: 3, parts: 0 }])
    expect((await inForce(employer))?.persons).toHaveLength(1)
  })

  test('refuses a file of which nothing is filed by then', async () => {
    const rows = rowsOf(2)
    const batch = await receiveRows(rows)
    const stands = alone(rows[0]?.[0] as string, '09:59')
    await runSteps(dependencies({ acceptGroup: meeting(stands) }), await claim())
    expect(await stateOf(batch)).toMatchObject({ stage: 'refused', good: 0, aside: 2, filed: 0 })
    expect((await codesOf(batch)).map(([, code]) => code)).toEqual(['UNIT_STANDS', 'UNIT_STANDS'])
  })

  test('leaves the first parts of a unit as parts of nothing, and no row counts as filed', async () => {
    // Employers are filed in the order of their codes.
    const [employer, other] = employersOf(rowsOf(1, 1)).sort() as [string, string]
    const rows = [...otherRows(partLinesMax + 2, employer), ...otherRows(1, other)]
    const batch = await receiveRows(rows)
    await runSteps(
      dependencies({ acceptGroup: meeting(alone(employer, '10:30'), 2) }),
      await claim(),
    )
    expect(await stateOf(batch)).toMatchObject({ good: 1, aside: rows.length - 1, filed: 1 })
    const { rows: noted } = await journal.pool.query(
      'select sum(rows)::int as rows from batch.envelope where batch = $1',
      [batch],
    )
    expect(noted).toEqual([{ rows: 1 }])
    expect((await inForce(employer))?.persons).toHaveLength(1)
  })

  test('sets the same rows aside, once, wherever a worker ends', async () => {
    let ends = 0
    for (const when of ['before', 'after'] as const) {
      for (let n = 1; ; n += 1) {
        const rows = rowsOf(2, 2)
        rows[2] = wrongNumber(rows[2] as Row)
        const employer = rows[0]?.[0] as string
        const batch = await receiveRows(rows)
        const met = meeting(alone(employer, '10:30'))
        const killed = await runSteps(
          { ...killedAt(n, when), acceptGroup: met },
          await claim(),
        ).then(
          () => false,
          (error) => {
            if (error instanceof Killed) return true
            throw error
          },
        )
        if (killed) {
          ends += 1
          await journal.pool.query('update batch.work set leased_until = now() where batch = $1', [
            batch,
          ])
          const rest = await claimBatch(journal.pool, randomUUID())
          if (rest !== undefined) await runSteps(dependencies({ acceptGroup: met }), rest)
        }
        expect(await stateOf(batch)).toEqual({
          ...{ stage: 'posting', read: 4, good: 1, aside: 3, filed: 1, declarations: 1 },
        })
        expect((await codesOf(batch)).map(([row, code]) => [row, code === 'FILED_SINCE'])).toEqual([
          [2, true],
          [3, true],
          [4, false],
        ])
        if (!killed) break
      }
    }
    expect(ends).toBeGreaterThan(12)
  })

  test('sets the rows of a large unit aside in steps; the next worker goes on where one ended', async () => {
    const [employer, other] = employersOf(rowsOf(1, 1)).sort() as [string, string]
    const count = 2 * lateRowsAtATime + 300
    const rows = [...otherRows(count, employer), ...otherRows(1, other)]
    const batch = await receiveRows(rows)
    const acceptGroup = meeting(alone(employer, '10:30'))
    /** Rows rejected by FILED_SINCE, transaction by transaction. */
    const steps: number[] = []
    const counting = (endsAt: number) =>
      dependencies({
        acceptGroup,
        inTransaction: (pool, work) =>
          inTransaction(pool, async (client) => {
            let written = 0
            const counted = new Proxy(client, {
              get: (target, name) => {
                if (name !== 'query') return Reflect.get(target, name)
                return (query: { name?: string; values?: unknown[][] }, ...rest: []) => {
                  const sums = (query.values?.[6] ?? []) as number[]
                  if (query.name === 'insert-rejected-rows')
                    written += sums.reduce((sum, n) => sum + n, 0)
                  return target.query(query as unknown as string, ...rest)
                }
              },
            })
            const result = await work(counted)
            if (written > 0 && steps.length === endsAt) throw new Killed()
            if (written > 0) steps.push(written)
            return result
          }),
      })
    await expect(runSteps(counting(1), await claim())).rejects.toThrow(Killed)
    await journal.pool.query('update batch.work set leased_until = now() where batch = $1', [batch])
    await runSteps(counting(-1), await claim())
    expect(Math.max(...steps)).toBeLessThanOrEqual(lateRowsAtATime)
    expect(steps.reduce((sum, n) => sum + n, 0)).toBe(count)
    expect(await stateOf(batch)).toMatchObject({ good: 1, aside: count, filed: 1 })
    const { rows: kept } = await journal.pool.query(
      `select sum(rows)::int as rows, (select count(late)::int from batch.unit where batch = $1) as late
       from batch.set_aside where batch = $1`,
      [batch],
    )
    expect(kept).toEqual([{ rows: count, late: 0 }])
  })

  test('has its rows in the errors file also where a worker of an older program takes it over', async () => {
    const rows = rowsOf(3, 1)
    const employer = rows[0]?.[0] as string
    const batch = await receiveRows([...rows, ...rowsOf(1)])
    const acceptGroup = meeting(alone(employer, '10:30'))
    const endsBeforeRows = dependencies({ acceptGroup, inTransaction: killedAtLateRows })
    const work = await claim()
    await expect(runSteps(endsBeforeRows, work)).rejects.toThrow(Killed)
    // The older program knows no late units: for it, all is filed.
    const older = advanceStage(dependencies(), { ...work, stage: 'filing' }, 'file')
    await expect(older).rejects.toMatchObject({ code: '55000' })
    await journal.pool.query('update batch.work set leased_until = now() where batch = $1', [batch])
    await runSteps(dependencies(), await claim())
    expect(await stateOf(batch)).toMatchObject({ stage: 'posting', good: 2, aside: 3, filed: 2 })
    expect(await codesOf(batch)).toEqual([2, 3, 4].map((row) => [row, 'FILED_SINCE']))
  })

  test('has the mended rows of an errors file wait to be mended again', async () => {
    const one = rowsOf(3)
    const employer = one[0]?.[0] as string
    const wrong = wrongNumber(one[2] as Row)
    const first = await file([...one.slice(0, 2), wrong])
    const stands = alone(employer, '09:59', {
      kind: 'correction',
      replaces: await latestOf(employer),
    })
    const asked = { format: 'csv', mayFileFor: [employer], receivedAt: at('10:00') } as const
    const mended = csvOf([[...(one[2] as Row), '4']], `${plainTitles},原行号（批次 ${first}）`)
    const amending = await receiveFile(mended, asked)
    await runSteps(dependencies({ acceptGroup: meeting(stands) }), await claim())
    expect(await stateOf(amending)).toMatchObject({ stage: 'refused', good: 0, aside: 1 })
    expect(await codesOf(amending)).toEqual([[2, 'FILED_SINCE']])
    const added = await amend(first, [[...(one[2] as Row), '4']], 'addition')
    expect(await stateOf(added)).toMatchObject({ stage: 'posting', good: 1 })
    expect((await inForce(employer))?.persons).toHaveLength(2)
  })
})

async function latestOf(employer: string): Promise<string> {
  const { rows } = await journal.pool.query(
    'select id from journal.acceptance where employer = $1 order by envelope desc limit 1',
    [employer],
  )
  return rows[0].id
}

describe('an employer with branches in two regions', () => {
  const inWuhu = { region: '340200' }
  /** Persons of the declarations in force, by region. */
  async function byRegion(employer: string) {
    await postAll()
    const { rows } = await journal.pool.query<{ region: string; kind: string; lines: number }>(
      `select d.region, d.kind, d.lines
       from ledger.in_force_part d
       where d.employer = $1
       order by d.region`,
      [employer],
    )
    return rows.map(({ region, kind, lines }) => [region, kind, lines])
  }

  const inRegions = (rows: readonly (readonly [Row, string])[]) =>
    csvOf(
      rows.map(([row, region]) => [...row, region]),
      `${plainTitles},统筹区`,
    )

  test('files for each; an addition and a correction are of their own region', async () => {
    const rows = rowsOf(3)
    const employer = rows[0]?.[0] as string
    const [two, more] = [otherRows(2, employer), otherRows(1, employer)]
    await file(rows)
    expect(await stateOf(await file(two, 'regular', inWuhu))).toMatchObject({ filed: 2 })
    expect((await codesOf(await file(more, 'regular', inWuhu)))[0]).toContain('UNIT_STANDS')
    expect(await stateOf(await file(more, 'addition', inWuhu))).toMatchObject({ filed: 1 })
    expect(await byRegion(employer)).toEqual([
      ['340100', 'regular', 3],
      ['340200', 'correction', 3],
    ])
    expect(await stateOf(await file(more, 'correction'))).toMatchObject({ filed: 1 })
    expect(await byRegion(employer)).toEqual([
      ['340100', 'correction', 1],
      ['340200', 'correction', 3],
    ])
  })

  test('has both in one table: a declaration of each, whose rows are set aside by themselves', async () => {
    const rows = rowsOf(4)
    const employer = rows[0]?.[0] as string
    const wrong = wrongNumber(rows[3] as Row)
    const all = [...rows.slice(0, 3), wrong]
    const written = inRegions(all.map((row, i) => [row, i % 2 === 0 ? '340100' : '340200']))
    const asked = { format: 'csv', mayFileFor: [employer], receivedAt: at('10:00') } as const
    const batch = await receiveFile(written, asked)
    await runSteps(dependencies(), await claim())
    expect(await stateOf(batch)).toMatchObject({ good: 3, aside: 1, filed: 3, declarations: 2 })
    expect((await keptRowsOf(batch)).map(({ row }) => row)).toEqual([5])
    expect(await byRegion(employer)).toEqual([
      ['340100', 'regular', 2],
      ['340200', 'regular', 1],
    ])
    const units = await listUnits(journal.pool, batch, { limit: 1 })
    const [next] = await listUnits(journal.pool, batch, { after: units[0], limit: 1 })
    expect(
      [...units, next].map((unit) => [unit?.region, unit?.rowsGood, unit?.rowsSetAside]),
    ).toEqual([
      ['340100', 2, 0],
      ['340200', 1, 1],
    ])
  })

  test('of a file that was begun before regions were told apart, rows of both are no two declarations', async () => {
    const [one, other] = rowsOf(2) as [Row, Row]
    const employer = one[0]
    const written = inRegions([
      [one, '340100'],
      [other, '340200'],
    ])
    const asked = { format: 'csv', mayFileFor: [employer], receivedAt: at('10:00') } as const
    const batch = await receiveFile(written, asked)
    const work = await claim()
    await runSteps(dependencies(), { ...work, byRegion: false })
    expect(await stateOf(batch)).toMatchObject({ good: 1, aside: 1, filed: 1 })
    expect((await codesOf(batch))[0]).toContain('HEADER_DIFFERS')
  })
})

describe('the same file sent again', () => {
  /** The same sender sends its last byte again. */
  async function complete(rows: readonly Row[], kind: string, region = '340100'): Promise<string> {
    const bytes = csvOf(rows)
    const receivedAt = at('10:00')
    const asked = {
      format: 'csv',
      mayFileFor: employersOf(rows),
      kind,
      region,
      receivedAt,
    } as const
    const id = await receiveFile(bytes, asked)
    const completed = await inTransaction(journal.pool, (client) =>
      finalizeUpload(
        {
          ...journal.keyring,
          nowMicros: () => Date.parse(receivedAt) * 1_000,
          receiptOf: () => '',
        },
        client,
        id,
        { digest: createHash('sha256').update(bytes).digest() },
      ),
    )
    if (completed.stage === 'received') await runSteps(dependencies(), await claim())
    return completed.stage === 'duplicate' ? `same as ${completed.sameAs}` : id
  }

  test('is a duplicate only while what the first one filed stands', async () => {
    const a = rowsOf(2)
    const employer = a[0]?.[0] as string
    const b = a.map(([of, number, name]): Row => [of, number, name, '9999.00'])
    const regular = await complete(a, 'regular')
    expect(await complete(a, 'regular')).toBe(`same as ${regular}`)
    const first = await complete(b, 'correction')
    expect(await complete(b, 'correction')).toBe(`same as ${first}`)
    // Now the declaration in force is named.
    expect((await codesOf(await complete(a, 'regular'))).map(([, code]) => code)).toEqual([
      'UNIT_STANDS',
      'UNIT_STANDS',
    ])
    const second = await complete(a, 'correction')
    expect(await stateOf(second)).toMatchObject({ stage: 'posting', filed: 2 })
    const third = await complete(b, 'correction')
    expect(await stateOf(third)).toMatchObject({ stage: 'posting', filed: 2 })
    expect(await complete(b, 'correction')).toBe(`same as ${third}`)
    const { lines: _, ...rest } = declare({}, { employer })
    const replaces = await latestOf(employer)
    const cancellation = { ...rest, kind: 'cancellation', replaces, lines: undefined }
    await accept(alone(employer, '09:59', cancellation as unknown as Partial<Declaration>))
    expect(await stateOf(await complete(a, 'regular'))).toMatchObject({
      stage: 'posting',
      filed: 2,
    })
    expect(await inForce(employer)).toEqual({ kind: 'regular', persons: numbersOf(a) })
  })

  test('is no duplicate where a declaration of another region replaced what was filed', async () => {
    const rows = rowsOf(1)
    const employer = rows[0]?.[0] as string
    await complete(rows, 'regular')
    await postAll()
    // As an earlier program accepted it: without its region, and naming one of another region.
    const replaces = await latestOf(employer)
    const more = { region: '340200', kind: 'correction', replaces } as const
    const correction = await accept(alone(employer, '10:10', more))
    const formerly = 'update journal.acceptance set region = null where id = any($1)'
    await journal.database.owner.query(formerly, [[replaces, correction]])
    await postAll()
    const again = await complete(rows, 'regular')
    expect(again).not.toContain('same as')
  })

  test('for another region is another file', async () => {
    const rows = rowsOf(1)
    await complete(rows, 'regular')
    expect(await complete(rows, 'regular', '310000')).not.toContain('same as')
  })
})
