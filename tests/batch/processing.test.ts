/** A file's way from its last byte to everything in force, as steps that can be left and gone on with. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readErrorRows, readRefusedRows } from '../../src/batch/error-rows.ts'
import { forgetEnded } from '../../src/batch/forget.ts'
import { openHeader } from '../../src/batch/read-file.ts'
import type { FileSource } from '../../src/batch/rows.ts'
import { type BatchDependencies, workOn } from '../../src/batch/run.ts'
import { type BatchWork, claimWork, finishPosted, WorkLostError } from '../../src/batch/work.ts'
import { createAcceptGroup } from '../../src/journal/accept.ts'
import { findStanding } from '../../src/ledger/status.ts'
import { errorPieceRows, partLinesMax, setAsideStretchRows } from '../../src/limits.ts'
import { inTransaction } from '../../src/platform/postgres.ts'
import { declare, type Journal, openJournal, policies } from '../support/journal.ts'

let journal: Journal
const files = new Map<string, Buffer>()
beforeAll(async () => {
  journal = await openJournal()
})
afterAll(() => journal.close())

const sourceOf = (batch: string): FileSource =>
  async function* (offset) {
    const bytes = files.get(batch) as Buffer
    for (let at = offset; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
  }

type Row = readonly [employer: string, idNumber: string, name: string, wage: string]

/** Rows of some employers, each with so many persons; among thousands, some would be drawn twice. */
function rowsOf(...persons: readonly number[]): Row[] {
  return persons.flatMap((count) => {
    const { employer } = declare({ lines: 1 })
    const rows = new Map<string, Row>()
    while (rows.size < count) {
      for (const line of declare({ lines: count - rows.size }).lines ?? []) {
        const { person, wage } = line as Line
        rows.set(person.idNumber, [employer, person.idNumber, person.name, wage])
      }
    }
    return [...rows.values()]
  })
}

type Line = { person: { idNumber: string; name: string }; wage: string }

function csvOf(rows: readonly Row[]): Buffer {
  const text = rows.map((row) => row.join(',')).join('\r\n')
  return Buffer.from(`统一社会信用代码,证件号码,姓名,缴费工资\r\n${text}\r\n`)
}

async function receive(
  rows: readonly Row[],
  more: { mode?: BatchWork['mode']; kind?: string; mayFileFor?: string[] } = {},
): Promise<string> {
  const id = `batch-${randomUUID()}`
  const bytes = csvOf(rows)
  files.set(id, bytes)
  const employers = [...new Set(rows.map(([employer]) => employer))]
  await journal.database.owner.query(
    `insert into batch.batch (id, subject, may_file_for, period, region, kind, format, mode, stage,
       received, received_at)
     values ($1, 'bureau', $2, '2024-11', '340100', $3, 'csv', $4, 'received', $5,
       '2024-11-20T10:00:00+08:00')`,
    [
      id,
      more.mayFileFor ?? employers,
      more.kind ?? 'regular',
      more.mode ?? 'accept-good',
      bytes.length,
    ],
  )
  return id
}

function dependencies(more: Partial<BatchDependencies> = {}): BatchDependencies {
  const { pool, keyring } = journal
  const [sealing] = keyring.sealingKeys
  const [signer] = keyring.receiptKeys
  if (sealing === undefined || signer === undefined) throw new Error('no keys')
  const environment = () => 'test'
  return {
    pool,
    inTransaction,
    keys: { sealing, all: keyring.sealingKeys },
    policies,
    sourceOf,
    acceptGroup: createAcceptGroup({
      pool,
      signer,
      sealingKey: sealing,
      environment,
      lane: 'bulk',
    }),
    enqueue: () => {},
    onFinished: () => {},
    onError: (error) => {
      throw error
    },
    ...more,
  }
}

async function claim(): Promise<BatchWork> {
  const work = await claimWork(journal.pool, randomUUID(), Number.MAX_SAFE_INTEGER)
  if (work === undefined) throw new Error('nothing to work on')
  return work
}

async function postAll(): Promise<void> {
  const { rows } = await journal.pool.query('select envelope from journal.unposted')
  for (const { envelope } of rows) await journal.post(BigInt(envelope))
}

async function stateOf(batch: string) {
  const { rows } = await journal.pool.query(
    `select b.stage, w.rows_read::int as read, w.rows_good::int as good,
       w.rows_set_aside::int as aside, w.rows_filed::int as filed, w.declarations
     from batch.batch b join batch.work w on w.batch = b.id where b.id = $1`,
    [batch],
  )
  return rows[0]
}

/** The rows that their filer gets back. */
async function errorRowsOf(batch: string) {
  const { rows } = await journal.pool.query('select position from batch.work where batch = $1', [
    batch,
  ])
  const all = journal.keyring.sealingKeys
  const header = openHeader({ all }, batch, rows[0]?.position)
  if (header === undefined) throw new Error('no header')
  const found = []
  const kept = readErrorRows(journal.pool, all, batch)
  for await (const row of readRefusedRows(kept, header)) found.push(row)
  return found
}

const wrongNumber = (row: Row): Row => [
  row[0],
  `${row[1].slice(0, 17)}${row[1].endsWith('1') ? '2' : '1'}`,
  row[2],
  row[3],
]

describe('a bureau’s file', () => {
  test('what is good is filed at the time of its receipt, by employer, and posted like any other', async () => {
    const rows = rowsOf(3, 1, 2)
    const batch = await receive(rows)
    await workOn(dependencies(), await claim())
    expect(await stateOf(batch)).toEqual({
      stage: 'posting',
      read: 6,
      good: 6,
      aside: 0,
      filed: 6,
      declarations: 3,
    })
    expect(await finishPosted(journal.pool)).toBe(0)
    await postAll()
    expect(await finishPosted(journal.pool)).toBe(1)
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
    await workOn(dependencies(), await claim())
    expect(await stateOf(batch)).toMatchObject({ stage: 'posting', good: 5, aside: 2, filed: 5 })
    const [wrong, again] = await errorRowsOf(batch)
    expect(wrong).toMatchObject({ row: 3, cells: rows[1] })
    expect(wrong?.faults[0]?.column).toBe('B（证件号码）')
    expect(again).toMatchObject({ row: 8, cells: rows[0] })
    expect(again?.faults[0]?.message.en).toMatch(/rows? 2\b|8\b/)
  })

  test('rows that are wrong all over a large file are kept in its order, whoever they are of', async () => {
    const employers = [rowsOf(6_000), rowsOf(6_000)] as const
    // Row by row of one employer and the other, so that each is in every stretch.
    const rows = employers[0].flatMap((row, i) => [row, employers[1][i] as Row])
    const wrong = rows.map((row, i) => (i % 3 === 0 ? wrongNumber(row) : row))
    const batch = await receive(wrong)
    await workOn(dependencies(), await claim())
    const kept = await errorRowsOf(batch)
    const expected = wrong.flatMap((cells, i) => (i % 3 === 0 ? [{ row: i + 2, cells }] : []))
    expect(kept.map(({ row, cells }) => ({ row, cells }))).toEqual(expected)
    expect(kept.length).toBeGreaterThan(errorPieceRows)
    expect(kept.at(-1)?.row).toBeGreaterThan(setAsideStretchRows)
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
    await workOn(dependencies(), await claim())
    const left = async () => {
      const counts: Record<string, number> = {}
      for (const table of ['chunk', 'piece', 'set_aside', 'error_row', 'unit']) {
        const found = await owner.query(`select from batch.${table} where batch = $1`, [batch])
        counts[table] = found.rowCount ?? 0
      }
      return counts
    }
    const forgetAll = async () => {
      while (await forgetEnded(journal.pool, inTransaction));
    }
    const before = await left()
    await forgetAll()
    expect(await left()).toEqual(before) // it is not posted yet
    await postAll()
    await finishPosted(journal.pool)
    await forgetAll()
    expect(before).toMatchObject({ chunk: 1, piece: 2, set_aside: 1 })
    expect(await left()).toEqual({ ...before, chunk: 0, piece: 0, set_aside: 0 })
  })

  test('a wrong row refuses all of it, where that was asked for', async () => {
    const rows = rowsOf(4, 2)
    rows[1] = wrongNumber(rows[1] as Row)
    const batch = await receive(rows, { mode: 'all-or-nothing' })
    await workOn(dependencies(), await claim())
    expect(await stateOf(batch)).toMatchObject({ stage: 'refused', good: 5, aside: 1, filed: 0 })
    const { rowCount } = await journal.pool.query('select from batch.envelope where batch = $1', [
      batch,
    ])
    expect(rowCount).toBe(0)
  })

  test('rows of an employer without authority are set aside, only these', async () => {
    const rows = rowsOf(2, 3)
    const batch = await receive(rows, { mayFileFor: [rows[0]?.[0] as string] })
    await workOn(dependencies(), await claim())
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
    await workOn(dependencies(), await claim())
    const batch = await receive(rows, { kind: 'correction' })
    await workOn(dependencies(), await claim())
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
  test('comes into force in one step, and a person who is there twice is found across parts', async () => {
    const rows = rowsOf(2 * partLinesMax + 10)
    rows.push(rows[0] as Row)
    const batch = await receive(rows)
    await workOn(dependencies(), await claim())
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
})

describe('a worker that ends in the middle', () => {
  class Killed extends Error {}

  /** Kills the worker at its n-th transaction; before it is committed, or after. */
  function killedAt(n: number, when: 'before' | 'after') {
    let count = 0
    return dependencies({
      inTransaction: async (pool, work) => {
        count += 1
        const mine = count === n
        const result = await inTransaction(pool, async (client) => {
          const done = await work(client)
          if (mine && when === 'before') throw new Killed()
          return done
        })
        if (mine) throw new Killed()
        return result
      },
    })
  }

  test('is followed by another that goes on, and the same is filed, once, wherever it ended', async () => {
    const rows = rowsOf(partLinesMax + 3, 2, 4)
    rows[2] = wrongNumber(rows[2] as Row)
    let ends = 0
    for (const when of ['before', 'after'] as const) {
      for (let n = 1; ; n += 1) {
        const batch = await receive(rows)
        const killed = await workOn(killedAt(n, when), await claim()).then(
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
          // Ended after its last write, it left nothing to do.
          const work = await claimWork(journal.pool, randomUUID(), Number.MAX_SAFE_INTEGER)
          if (work !== undefined) await workOn(dependencies(), work)
        }
        expect(await stateOf(batch)).toEqual({
          stage: 'posting',
          read: rows.length,
          good: rows.length - 1,
          aside: 1,
          filed: rows.length - 1,
          declarations: 3,
        })
        const { rows: filed } = await journal.pool.query(
          `select count(*)::int as acceptances, count(distinct a.id)::int as ids
           from batch.envelope e join journal.acceptance a on a.envelope = e.envelope where batch = $1`,
          [batch],
        )
        expect(filed).toEqual([{ acceptances: 4, ids: 4 }])
        const { rows: noted } = await journal.pool.query(
          'select sum(rows)::int as rows from batch.envelope where batch = $1',
          [batch],
        )
        expect(noted).toEqual([{ rows: rows.length - 1 }])
        expect(await errorRowsOf(batch)).toMatchObject([{ row: 4, cells: rows[2] }])
        if (!killed) break
      }
    }
    expect(ends).toBeGreaterThan(10)
  })

  test('can write nothing any more once another has the batch, or it was cancelled', async () => {
    const batch = await receive(rowsOf(2))
    const first = await claim()
    await journal.pool.query('update batch.work set leased_until = now() where batch = $1', [batch])
    const second = await claim()
    await expect(workOn(dependencies(), first)).rejects.toBeInstanceOf(WorkLostError)
    await journal.pool.query("update batch.batch set stage = 'cancelled' where id = $1", [batch])
    await expect(workOn(dependencies(), second)).rejects.toBeInstanceOf(WorkLostError)
    expect(await stateOf(batch)).toMatchObject({ stage: 'cancelled', filed: 0 })
  })
})
