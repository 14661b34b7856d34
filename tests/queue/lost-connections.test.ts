/** What is lost on the way to Postgres or to the queue costs no place, and comes back as no flood. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPool } from '../../src/platform/postgres/postgres.ts'
import type { LaneQueue } from '../../src/queue/backend.ts'
import { type BullQueue, laneQueue } from '../../src/queue/jobs.ts'
import { startSweeper } from '../../src/queue/sweep.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

test('a sweep whose connection the server ends gives its place back', async () => {
  const { owner, url } = database
  await owner.query(
    `insert into journal.unposted (envelope, lane, declarations, accepted_at, committed_at)
     values (1, 'filing', 1, now(), now() - interval '1 minute')`,
  )
  const name = 'swept-away'
  const pool = openPool({ url, name, connectionsMax: 2, statementMsMax: 20_000 })
  let ended = 0
  const add = async () => {
    const { rowCount } = await owner.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = $1 and state = 'idle in transaction'`,
      [name],
    )
    ended += rowCount ?? 0
  }
  const queue: LaneQueue = {
    add,
    count: async () => 0,
    waiting: async () => 0,
    close: async () => {},
  }
  const sweeper = startSweeper({
    pool,
    queues: new Map([['filing', queue]]),
    onSwept: () => {},
    onError: () => {},
    everyMs: 10,
  })
  // More than there are places.
  await waitFor('five sweeps that are ended', () => ended >= 5)
  await sweeper.stop()
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await pool.end()
})

test('what was asked of a queue before it was ready is not asked once nobody waits for it', async () => {
  let getReady = () => {}
  const ready = new Promise<void>((resolve) => {
    getReady = resolve
  })
  let added = 0
  const bull: BullQueue = {
    waitUntilReady: () => ready,
    close: async () => {},
    addBulk: async () => {
      added += 1
    },
    getJobCountByTypes: async () => 0,
  }
  const queue = laneQueue(
    () => bull,
    () => {},
  )
  const given = Array.from({ length: 100 }, (_, i) =>
    queue.add([BigInt(i)]).catch(({ name }: Error) => name),
  )
  expect(new Set(await Promise.all(given))).toEqual(new Set(['QueueDeadlineError']))
  getReady()
  await queue.add([1_000n])
  expect(added).toBe(1)
  await queue.close()
})
