/**
 * A worker's lease on a batch: renewed while it reads, lost when it ends, and continued by another
 * worker.
 */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { claimBatch, countWaiting, LeaseLostError } from '../../src/batch/lease/batch-lease.ts'
import { runSteps } from '../../src/batch/worker/batch-worker.ts'
import { writeXlsx } from '../../src/formats/xlsx-writer.ts'
import { batchLeaseMs, batchTriesMax, batchTryWaitMsMax, partLinesMax } from '../../src/limits.ts'
import { inTransaction } from '../../src/platform/postgres/postgres.ts'
import { declare } from '../support/journal.ts'
import { collect, csvOf, employersOf, plainTitles, type Row, rowsOf } from './support.ts'
import {
  claim,
  dependencies,
  refusedRowsOf as errorRowsOf,
  journal,
  Killed,
  killedAt,
  onSlowMachine,
  receive,
  receiveFile,
  stateOf,
  useJournal,
  wrongNumber,
} from './work-support.ts'

useJournal()

const workbookWith = (rows: readonly (readonly string[])[]) =>
  collect(writeXlsx([{ name: '申报', widths: [], headerRows: 1, rows: [...rows] }]))

test.each([
  ['csv', async (rows: Row[]) => csvOf(rows)],
  ['xlsx', (rows: Row[]) => workbookWith([plainTitles.split(','), ...rows])],
] as const)(
  'a file stays its worker’s while it is read, however long nothing of it can be written: %s',
  async (format, fileOf) => {
    const rows = rowsOf(3_000)
    const file = await fileOf(rows)
    const takenByAnother: unknown[] = []
    const watched = dependencies({
      inTransaction: async (pool, work) => {
        await pool.query('update batch.work set leased_until = now()')
        const done = await inTransaction(pool, work)
        takenByAnother.push(await claimBatch(journal.pool, randomUUID()))
        return done
      },
    })
    const batch = await receiveFile(file, { format, mayFileFor: employersOf(rows) })
    const work = await claim()
    await onSlowMachine(() => runSteps(watched, work))
    // Begin, read, check and file take nine steps.
    expect(takenByAnother.length).toBeGreaterThan(format === 'xlsx' ? 20 : 10)
    expect(takenByAnother.filter((taken) => taken !== undefined)).toEqual([])
    expect(await stateOf(batch)).toMatchObject({ stage: 'posting', good: 3_000 })
  },
)

describe('a worker that ends in the middle', () => {
  test('is followed by another that goes on, and the same is filed, once, wherever it ended', async () => {
    const persons = rowsOf(partLinesMax + 3, 2, 4)
    persons[2] = wrongNumber(persons[2] as Row)
    let ends = 0
    for (const when of ['before', 'after'] as const) {
      for (let n = 1; ; n += 1) {
        const employers = new Map(employersOf(persons).map((one) => [one, declare().employer]))
        const rows = persons.map(([of, ...row]): Row => [employers.get(of) as string, ...row])
        const batch = await receive(rows)
        const killed = await runSteps(killedAt(n, when), await claim()).then(
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
          // A worker that dies after its last write leaves nothing to do.
          const work = await claimBatch(journal.pool, randomUUID())
          if (work !== undefined) await runSteps(dependencies(), work)
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

  test('leaves nothing set aside that is right by the time another checks it', async () => {
    const rows = rowsOf(2 * partLinesMax + 10)
    rows[7] = wrongNumber(rows[7] as Row)
    const batch = await receive(rows, { kind: 'correction' })
    const endsAmongPieces = dependencies({
      inTransaction: async (pool, work) => {
        const done = await inTransaction(pool, work)
        const pieces = 'select from batch.set_aside where batch = $1 and number > 1'
        const { rowCount } = await pool.query(pieces, [batch])
        if (rowCount !== 0) throw new Killed()
        return done
      },
    })
    // There is nothing to correct yet, so all rows are wrong.
    await expect(runSteps(endsAmongPieces, await claim())).rejects.toBeInstanceOf(Killed)
    await receive(rows.slice(0, 1))
    await runSteps(dependencies(), await claim())
    await journal.pool.query('update batch.work set leased_until = now() where batch = $1', [batch])
    await runSteps(dependencies(), await claim())
    expect(await stateOf(batch)).toMatchObject({
      stage: 'posting',
      good: rows.length - 1,
      aside: 1,
      filed: rows.length - 1,
      declarations: 1,
    })
    expect(await errorRowsOf(batch)).toMatchObject([{ row: 9, cells: rows[7] }])
  })

  test('makes a file wait ever longer for the next try, if it is one of many; others’ are taken meanwhile', async () => {
    const batch = await receive(rowsOf(3))
    const endedBefore = (ms: number) =>
      journal.pool.query(
        `update batch.work set leased_until = now() - $2 * interval '1 millisecond'
         where batch = $1`,
        [batch, ms],
      )
    for (let n = 1; n <= batchTriesMax; n += 1) {
      expect(await claim()).toMatchObject({ batch, tries: n })
      await endedBefore(1)
    }
    expect(await claimBatch(journal.pool, randomUUID())).toBeUndefined()
    expect(await countWaiting(journal.pool, { aboveBytes: 0, bytesMax: 10_000 })).toBe(0)
    const other = await receive(rowsOf(1))
    expect(await claim()).toMatchObject({ batch: other, tries: 1 })
    for (const wait of [batchLeaseMs, 2 * batchLeaseMs, 4 * batchLeaseMs]) {
      await endedBefore(wait - 5_000)
      expect(await claimBatch(journal.pool, randomUUID())).toBeUndefined()
      await endedBefore(wait + 5_000)
      expect(await claim()).toMatchObject({ batch })
    }
    for (const _ of ['begun', 'rows read']) {
      await journal.pool.query('update batch.work set tries = 5000 where batch = $1', [batch])
      await endedBefore(batchTryWaitMsMax + 5_000)
      await expect(runSteps(killedAt(1, 'after'), await claim())).rejects.toBeInstanceOf(Killed)
      await endedBefore(1)
      const next = await claim()
      expect(next).toMatchObject({ batch, tries: 1 })
      await endedBefore(1)
    }
    await runSteps(dependencies(), await claim())
    expect(await stateOf(batch)).toMatchObject({ stage: 'posting', filed: 3 })
  })

  test('can write nothing any more once another has the batch, or it was cancelled', async () => {
    const batch = await receive(rowsOf(2))
    const first = await claim()
    await journal.pool.query('update batch.work set leased_until = now() where batch = $1', [batch])
    const second = await claim()
    await expect(runSteps(dependencies(), first)).rejects.toBeInstanceOf(LeaseLostError)
    await journal.pool.query("update batch.batch set stage = 'cancelled' where id = $1", [batch])
    await expect(runSteps(dependencies(), second)).rejects.toBeInstanceOf(LeaseLostError)
    expect(await stateOf(batch)).toMatchObject({ stage: 'cancelled', filed: 0 })
  })
})
