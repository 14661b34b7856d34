/**
 * Small files beside large ones: a small file never waits for a large one, and both are posted.
 */
import { getPriority } from 'node:os'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import {
  batchNice,
  bulkEnvelopeLinesMax,
  envelopesAtATime,
  smallBatchBytesMax,
} from '../../src/limits.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type EngineProcess, startProcess, tokenFor } from '../support/engine.ts'
import { waitFor } from '../support/wait.ts'
import { batchReaches, csvOf, employersOf, lookAt, rowsOf, sendFile } from './support.ts'

const largeRows = 120_000
/** Files whose progress the test does not follow. */
const filedRows = 40_000
const smallRows = 2_000
const large = rowsOf(largeRows)
const largeFile = csvOf(large)
const filedFile = csvOf(large.slice(0, filedRows))

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

async function openFile(
  address: string,
  rows: typeof large,
  { file = csvOf(rows), period = '2024-11' } = {},
) {
  const token = await tokenFor(employersOf(rows))
  const id = await sendFile(address, token, file, { period })
  return {
    id,
    look: () => lookAt(address, token, id),
    reaches: (...stages: Parameters<typeof batchReaches>[3]) =>
      batchReaches(address, token, id, stages, 120_000),
  }
}

/** The batches whose envelopes were posted, in that order, and their lanes. */
async function postedInOrder(ids: readonly string[]) {
  const { rows } = await database.owner.query<{ batch: string; lane: string }>(
    `select e.batch, p.lane
     from batch.envelope e join ledger.posting p on p.envelope = e.envelope
     where e.batch = any($1)
     order by p.posted_at, p.envelope`,
    [ids],
  )
  return rows
}

/** Postings of these batches wait until they are released. */
async function holdPosting(batches: readonly string[]): Promise<() => Promise<void>> {
  const holder = await database.owner.connect()
  await holder.query('begin')
  const { rowCount } = await holder.query(
    `insert into ledger.posting (envelope, lane, declarations)
     select envelope, 'held', 1 from batch.envelope where batch = any($1)`,
    [batches],
  )
  expect(rowCount).toBe(filedRows / bulkEnvelopeLinesMax + 1)
  return async () => {
    await holder.query('rollback')
    holder.release()
  }
}

test('a small file that comes while a large one is worked on is posted long before it, and both are', async () => {
  for (const { length } of [largeFile, filedFile])
    expect(length).toBeGreaterThan(smallBatchBytesMax)
  const env = { DATABASE_URL: database.url }
  const [intake, batches, posting] = await Promise.all([
    startProcess('intake', env),
    startProcess('batches', env),
    startProcess('worker', env),
  ])
  try {
    // On a shared machine, files yield to requests of filers.
    expect(getPriority(batches.pid) - getPriority(intake.pid)).toBe(batchNice)
    const first = await openFile(intake.address, large, { file: largeFile })
    await first.reaches('reading')
    const small = await openFile(intake.address, rowsOf(smallRows))
    const posted = await small.reaches('posted')
    const meanwhile = await first.look()
    expect(posted.progress.rows).toMatchObject({ read: smallRows, posted: smallRows })
    expect(meanwhile.stage).not.toBe('posted')
    expect(meanwhile.progress.rows?.posted).toBeLessThan(largeRows / 2)
    const ended = await first.reaches('posted')
    expect(ended.progress.rows).toMatchObject({ read: largeRows, setAside: 0, posted: largeRows })
    const order = (await postedInOrder([first.id, small.id])).map(({ batch }) => batch)
    const before = order.slice(0, order.lastIndexOf(small.id)).filter((id) => id === first.id)
    const envelopes = largeRows / bulkEnvelopeLinesMax
    expect(before.length).toBeLessThan(envelopes / 2)
    expect(order.filter((id) => id === first.id)).toHaveLength(envelopes)
    // Slots take their capacity from the throughput measured here.
    await waitFor('a rate', async () => {
      const { rows } = await database.owner.query('select rows_per_second from batch.rate')
      return rows.length === 1 && Number(rows[0]?.rows_per_second) > 0
    })
  } finally {
    await Promise.all([intake.end(), batches.end(), posting.end()])
  }
  for (const one of [intake, batches, posting]) expect(one.output()).not.toContain('"level":50')
}, 240_000)

describe.each([
  ['postgres', '2024-10'],
  ['redis', '2024-09'],
] as const)('with the queue in %s', (queue, period) => {
  test('what a large file filed and nobody posted yet is not before a small one', async () => {
    const env = {
      DATABASE_URL: database.url,
      ...(queue === 'redis' && { REDIS_URL: inject('redisUrl'), ENVIRONMENT: database.name }),
      ...(queue === 'redis' && { DURABILITY: 'warn' }),
    }
    const [intake, batches] = await Promise.all([
      startProcess('intake', env),
      startProcess('batches', env),
    ])
    const others: EngineProcess[] = [intake, batches]
    try {
      const first = await openFile(intake.address, large, { file: filedFile, period })
      await first.reaches('posting') // all of it is filed, and no process posts
      const small = await openFile(intake.address, rowsOf(smallRows))
      await small.reaches('posting')
      const letGo = await holdPosting([first.id, small.id])
      try {
        others.push(await startProcess('worker', env))
        // In its own lane it is taken at once, although more files are in progress than one lane
        // takes.
        await waitFor('both lanes to be under way', async () => {
          const { rows } = await database.owner.query(
            `select from pg_stat_activity
             where datname = current_database() and application_name = 'spillway-post'
               and wait_event_type = 'Lock'`,
          )
          return rows.length > envelopesAtATime
        })
      } finally {
        await letGo()
      }
      for (const one of [first, small]) await one.reaches('posted')
      const lanesOf = async (id: string) => (await postedInOrder([id])).map(({ lane }) => lane)
      expect(await lanesOf(small.id)).toEqual(['bulk'])
      expect(await lanesOf(first.id)).toEqual(Array(filedRows / bulkEnvelopeLinesMax).fill('large'))
    } finally {
      await Promise.all(others.map((one) => one.end()))
    }
  }, 240_000)
})
