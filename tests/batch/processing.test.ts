/**
 * A file from its last byte to declarations in force, in steps that any worker can continue.
 */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { claimBatch, markPosted } from '../../src/batch/lease/batch-lease.ts'
import { runSteps } from '../../src/batch/worker/batch-worker.ts'
import { deleteEnded, deleteOldErrors } from '../../src/batch/worker/retention.ts'
import { formatFen } from '../../src/declaration/money.ts'
import { recordPacks } from '../../src/journal/policy-packs.ts'
import { findStanding } from '../../src/ledger/status.ts'
import {
  deletedAtATime,
  errorPieceRows,
  partLinesMax,
  rejectedStretchRows,
} from '../../src/limits.ts'
import { inTransaction } from '../../src/platform/postgres/postgres.ts'
import { hefei, madeUp, policiesOf } from '../support/packs.ts'
import { csvOf, employersOf, plainTitles, type Row, rowsOf } from './support.ts'
import {
  claim,
  dependencies,
  refusedRowsOf as errorRowsOf,
  journal,
  Killed,
  keptRowsOf,
  onSlowMachine,
  postAll,
  receive,
  receiveFile,
  stateOf,
  useJournal,
  wrongNumber,
} from './work-support.ts'

useJournal()

describe('a bureau’s file', () => {
  test('what is good is filed at the time of its receipt, by employer, and posted like any other', async () => {
    const rows = rowsOf(3, 1, 2)
    const batch = await receive(rows)
    await runSteps(dependencies(), await claim())
    expect(await stateOf(batch)).toEqual({
      stage: 'posting',
      read: 6,
      good: 6,
      aside: 0,
      filed: 6,
      declarations: 3,
    })
    expect(await markPosted(journal.pool)).toBe(0)
    await postAll()
    expect(await markPosted(journal.pool)).toBe(1)
    const { rows: units } = await journal.pool.query('select * from batch.unit where batch = $1', [
      batch,
    ])
    expect(units).toHaveLength(3)
    for (const { id, employer, lines } of units) {
      const standing = await findStanding(journal.pool, id)
      expect(standing).toMatchObject({
        status: 'posted',
        employer,
        onTime: true,
        assessment: { lines },
      })
      expect(standing?.acceptedAtMicros).toBe(Date.parse('2024-11-20T10:00:00+08:00') * 1_000)
    }
    const lanes = await journal.pool.query(
      'select distinct lane from journal.envelope join batch.envelope on envelope = number where batch = $1',
      [batch],
    )
    expect(lanes.rows).toEqual([{ lane: 'bulk' }])
  })

  test('wrong rows are set aside and the others filed, where that was asked for', async () => {
    const rows = rowsOf(4, 2)
    rows[1] = wrongNumber(rows[1] as Row)
    const batch = await receive([...rows, rows[0] as Row]) // and a person twice
    await runSteps(dependencies(), await claim())
    expect(await stateOf(batch)).toMatchObject({ stage: 'posting', good: 5, aside: 2, filed: 5 })
    const [wrong, again] = await errorRowsOf(batch)
    expect(wrong).toMatchObject({ row: 3, cells: rows[1] })
    expect(wrong?.faults[0]?.column).toBe('B（证件号码）')
    expect(again).toMatchObject({ row: 8, cells: rows[0] })
    expect(again?.faults[0]?.message.en).toMatch(/rows? 2\b|8\b/)
  })

  test('rows that are wrong all over a large file are kept in its order, whoever they are of', async () => {
    const employers = [rowsOf(6_000), rowsOf(6_000)] as const
    // Rows of the two employers alternate, so that each is in every stretch.
    const rows = employers[0].flatMap((row, i) => [row, employers[1][i] as Row])
    const wrong = rows.map((row, i) => (i % 3 === 0 ? wrongNumber(row) : row))
    const batch = await receive(wrong)
    await runSteps(dependencies(), await claim())
    const kept = await errorRowsOf(batch)
    const expected = wrong.flatMap((cells, i) => (i % 3 === 0 ? [{ row: i + 2, cells }] : []))
    expect(kept.map(({ row, cells }) => ({ row, cells }))).toEqual(expected)
    expect(kept.length).toBeGreaterThan(errorPieceRows)
    expect(kept.at(-1)?.row).toBeGreaterThan(rejectedStretchRows)
    expect(kept.every(({ faults }) => faults.length > 0)).toBe(true)
  })

  test('its bytes and rows are forgotten once it is posted, and what was set aside is kept', async () => {
    const rows = rowsOf(3, 2)
    rows[1] = wrongNumber(rows[1] as Row)
    const batch = await receive(rows)
    const { owner } = journal.database
    await owner.query(
      `insert into batch.chunk (batch, number, start, bytes, sealed) values ($1, 1, 0, 1, '')`,
      [batch],
    )
    await runSteps(dependencies(), await claim())
    const left = async () => {
      const counts: Record<string, number> = {}
      for (const table of ['chunk', 'piece', 'set_aside', 'error_row', 'unit']) {
        const found = await owner.query(`select from batch.${table} where batch = $1`, [batch])
        counts[table] = found.rowCount ?? 0
      }
      return counts
    }
    const forgetAll = async () => {
      while (await deleteEnded(journal.pool, inTransaction));
    }
    const before = await left()
    await forgetAll()
    expect(await left()).toEqual(before) // it is not posted yet
    await postAll()
    await markPosted(journal.pool)
    await forgetAll()
    expect(before).toMatchObject({ chunk: 1, piece: 2, set_aside: 1 })
    expect(await left()).toEqual({ ...before, chunk: 0, piece: 0, set_aside: 0 })
  })

  test('and of a large one so many bytes and rows at a time, with nothing left over', async () => {
    const batch = await receive(rowsOf(1))
    const { owner } = journal.database
    await owner.query(
      `insert into batch.chunk (batch, number, start, bytes, sealed)
       select $1, n, n, 1, '' from generate_series(1, $2::integer) n`,
      [batch, 2 * deletedAtATime],
    )
    await runSteps(dependencies(), await claim())
    await postAll()
    await markPosted(journal.pool)
    const left: [chunks: number, forgotten: boolean, more: boolean][] = []
    for (let more = true; more; ) {
      more = await deleteEnded(journal.pool, inTransaction)
      const { rows } = await owner.query(
        `select (select count(*)::int from batch.chunk where batch = $1) as chunks,
           forgotten_at is not null as forgotten
         from batch.work where batch = $1`,
        [batch],
      )
      left.push([rows[0].chunks, rows[0].forgotten, more])
    }
    expect(left).toEqual([
      [deletedAtATime, false, true],
      [0, false, true],
      [0, true, true],
      [0, true, false],
    ])
  })

  test('what was set aside is deleted months later, with all that told of its rows', async () => {
    const batches: string[] = []
    for (const part of [rowsOf(3), rowsOf(2, 2)]) {
      part[1] = wrongNumber(part[1] as Row)
      batches.push(await receive(part))
      await runSteps(dependencies(), await claim())
    }
    const [old, recent] = batches as [string, string]
    const { owner } = journal.database
    const forgetOld = async () => {
      while (await deleteOldErrors(journal.pool, inTransaction));
    }
    const age = (batch: string, by: string) =>
      owner.query(`update batch.work set forgotten_at = now() - $2::interval where batch = $1`, [
        batch,
        by,
      ])
    await forgetOld()
    expect(await errorRowsOf(old)).toHaveLength(1) // they have not ended yet
    await postAll()
    await markPosted(journal.pool)
    while (await deleteEnded(journal.pool, inTransaction));
    await age(old, '90 days 1 minute')
    await age(recent, '89 days 23 hours')
    await forgetOld()
    const { rows: left } = await owner.query(
      `select w.batch, position is null as no_position, errors_position is null as no_errors,
         (select count(*)::int from batch.error_row e where e.batch = w.batch) as pieces
       from batch.work w where batch = any($1)`,
      [batches],
    )
    expect(left).toContainEqual({ batch: old, no_position: true, no_errors: true, pieces: 0 })
    expect(left).toContainEqual({ batch: recent, no_position: false, no_errors: false, pieces: 1 })
    expect(await errorRowsOf(recent)).toHaveLength(1)
    expect((await stateOf(old)).stage).toBe('posted')
  })

  test('a wrong row refuses all of it, where that was asked for', async () => {
    const rows = rowsOf(4, 2)
    rows[1] = wrongNumber(rows[1] as Row)
    const batch = await receive(rows, { mode: 'all-or-nothing' })
    await runSteps(dependencies(), await claim())
    expect(await stateOf(batch)).toMatchObject({ stage: 'refused', good: 5, aside: 1, filed: 0 })
    const { rowCount } = await journal.pool.query('select from batch.envelope where batch = $1', [
      batch,
    ])
    expect(rowCount).toBe(0)
  })

  test('rows of an employer without authority are set aside, only these', async () => {
    const rows = rowsOf(2, 3)
    const batch = await receive(rows, { mayFileFor: [rows[0]?.[0] as string] })
    await runSteps(dependencies(), await claim())
    expect(await stateOf(batch)).toMatchObject({
      stage: 'posting',
      good: 2,
      aside: 3,
      declarations: 1,
    })
  })

  test('a correction replaces what its employer filed last; with nothing to replace it is set aside', async () => {
    const rows = rowsOf(2, 1)
    await receive(rows.slice(0, 2))
    await runSteps(dependencies(), await claim())
    const batch = await receive(rows, { kind: 'correction' })
    await runSteps(dependencies(), await claim())
    expect(await stateOf(batch)).toMatchObject({ good: 2, aside: 1, declarations: 1 })
    await postAll()
    const { rows: statuses } = await journal.pool.query(
      'select status from ledger.declaration_status where employer = $1 order by envelope, position',
      [rows[0]?.[0]],
    )
    expect(statuses).toEqual([{ status: 'superseded' }, { status: 'posted' }])
  })
})

describe('a file with more lines than a part has', () => {
  const policies = policiesOf(hefei, madeUp)
  test('comes into force in one step, and a person who is there twice is found across parts', async () => {
    const rows = rowsOf(2 * partLinesMax + 10)
    rows.push(rows[0] as Row)
    const batch = await receive(rows)
    await runSteps(dependencies(), await claim())
    expect(await stateOf(batch)).toMatchObject({
      stage: 'posting',
      good: rows.length - 1,
      aside: 1,
      declarations: 1,
    })
    const { rows: envelopes } = await journal.pool.query(
      'select envelope from batch.envelope where batch = $1 order by envelope desc',
      [batch],
    )
    expect(envelopes).toHaveLength(3)
    const [{ id }] = (
      await journal.pool.query('select id from batch.unit where batch = $1', [batch])
    ).rows
    const statuses: unknown[] = []
    for (const { envelope } of envelopes) {
      await journal.post(BigInt(envelope))
      statuses.push((await findStanding(journal.pool, id))?.status)
    }
    expect(statuses).toEqual(['accepted', 'accepted', 'posted'])
    expect((await findStanding(journal.pool, id))?.assessment?.lines).toBe(rows.length - 1)
  })

  test('stays its worker’s while the parts that are filed already are read again, however long that takes', async () => {
    const batch = await receive(rowsOf(2 * partLinesMax + 10))
    const { acceptGroup } = dependencies()
    let accepted = 0
    const endsAtThird: typeof acceptGroup = (filings) => {
      accepted += 1
      if (accepted === 3) throw new Killed()
      return acceptGroup(filings)
    }
    await expect(
      runSteps(dependencies({ acceptGroup: endsAtThird }), await claim()),
    ).rejects.toBeInstanceOf(Killed)
    const endLease = () =>
      journal.pool.query('update batch.work set leased_until = now() where batch = $1', [batch])
    await endLease()
    const work = await claim()
    await endLease()
    const takenByAnother: unknown[] = []
    const looks: typeof acceptGroup = async (filings) => {
      takenByAnother.push(await claimBatch(journal.pool, randomUUID()))
      return acceptGroup(filings)
    }
    await onSlowMachine(() => runSteps(dependencies({ acceptGroup: looks }), work))
    expect(takenByAnother).toEqual([undefined])
    expect(await stateOf(batch)).toMatchObject({ stage: 'posting', declarations: 1 })
  })

  /** In a region whose units declare a base of their own. */
  const receiveUnit = (rows: readonly Row[], unitBase: string) => {
    const titles = `${plainTitles},单位缴费基数`
    const file = csvOf(
      rows.map((row) => [...row, unitBase]),
      titles,
    )
    const region = madeUp.region.code
    return receiveFile(file, { format: 'csv', mayFileFor: employersOf(rows), region })
  }

  test('pays for its unit once, on the base that it declares, as in one piece', async () => {
    const rows = rowsOf(2 * partLinesMax + 10)
    await recordPacks(journal.pool, policies)
    const batch = await receiveUnit(rows, '300000000.00')
    await runSteps(dependencies({ policies }), await claim())
    await postAll()
    const [{ id, parts }] = (
      await journal.pool.query('select id, parts from batch.unit where batch = $1', [batch])
    ).rows
    const standing = await findStanding(journal.pool, id)
    expect([parts, standing?.status, standing?.assessment?.lines]).toEqual([
      3,
      'posted',
      rows.length,
    ])
    const pension = standing?.assessment?.amounts.find(({ insurance }) => insurance === 'pension')
    expect(pension?.employerFen).toBe(30_000_000_000 * 0.16)
  })

  test('is refused as a whole where that base is below the sum of its persons’, and of no part’s', async () => {
    const rows = rowsOf(partLinesMax + 10).map(
      ([employer, number, name]): Row => [employer, number, name, '6000.00'],
    )
    const sum = rows.length * 600_000
    const below = await receiveUnit(rows, formatFen(sum - 1))
    await runSteps(dependencies({ policies }), await claim())
    expect(await stateOf(below)).toMatchObject({ stage: 'refused', good: 0, aside: rows.length })
    const [first] = await keptRowsOf(below)
    expect(first?.findings).toMatchObject([
      { code: 'UNIT_BASE_BELOW_SUM', params: { sum: formatFen(sum) } },
    ])
    const enough = await receiveUnit(rows, formatFen(sum))
    await runSteps(dependencies({ policies }), await claim())
    expect(await stateOf(enough)).toMatchObject({ stage: 'posting', good: rows.length, aside: 0 })
  })
})
