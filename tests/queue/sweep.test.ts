import { afterEach, beforeEach, expect, test } from 'vitest'
import { sweepPageEnvelopes, sweepPagesMax } from '../../src/limits.ts'
import type { LaneQueue, QueueBackend } from '../../src/queue/backend.ts'
import { openRedisBackend } from '../../src/queue/redis-backend.ts'
import { startSweeper } from '../../src/queue/sweep.ts'
import { type Journal, openJournal } from '../support/journal.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'

let journal: Journal
let redis: TestRedis
let backend: QueueBackend
let queue: LaneQueue
beforeEach(async () => {
  journal = await openJournal()
  redis = await startRedis()
  backend = openRedisBackend({ url: redis.url, namespace: 'test', onError: () => {} })
  queue = backend.openQueue('filing')
})
afterEach(async () => {
  await queue.close()
  await backend.close()
  await redis.stop()
  await journal.close()
})

const perSweep = sweepPageEnvelopes * sweepPagesMax
const backlog = perSweep + 1_500

/** A long backlog: only its numbers matter to the sweeper. */
async function accumulate(): Promise<void> {
  await journal.database.owner.query(
    `insert into journal.unposted (envelope, lane, declarations, accepted_at, committed_at)
     select n, 'filing', 1, now(), now() - interval '1 minute' from generate_series(1, $1::integer) n`,
    [backlog],
  )
}

const sweeping = (everyMs: number, onError: (error: unknown) => void = () => {}) =>
  startSweeper({
    pool: journal.pool,
    queues: new Map([['filing', queue]]),
    onSwept: () => {},
    onError,
    everyMs,
  })

test('one sweep puts back a bounded number of envelopes, and the next go on to the end', async () => {
  await accumulate()
  const once = sweeping(3_600_000)
  await waitFor('one sweep', async () => (await queue.count()) >= perSweep)
  await once.stop()
  expect(await queue.count()).toBe(perSweep)
  const often = sweeping(10)
  await waitFor('all', async () => (await queue.count()) === backlog)
  await often.stop()
  expect(await queue.count()).toBe(backlog)
})

test('envelopes that are younger than a moment, or posted, are left alone', async () => {
  await journal.database.owner.query(
    "insert into journal.unposted (envelope, lane, declarations, accepted_at) values (1, 'filing', 1, now() - interval '1 hour')",
  )
  const sweeper = sweeping(10)
  await accumulateOne(2)
  await waitFor('the old one', async () => (await queue.count()) > 0)
  await sweeper.stop()
  expect(await queue.count()).toBe(1)
})

async function accumulateOne(number: number): Promise<void> {
  await journal.database.owner.query(
    `insert into journal.unposted (envelope, lane, declarations, accepted_at, committed_at)
     values ($1, 'filing', 1, now(), now() - interval '1 minute')`,
    [number],
  )
}

test('a sweep that meets a Redis that is gone says so, and a later one succeeds', async () => {
  await accumulateOne(1)
  const port = Number(new URL(redis.url).port)
  await redis.stop()
  const errors: unknown[] = []
  const sweeper = sweeping(10, (error) => errors.push(error))
  await waitFor('a failed sweep', () => errors.length > 0)
  redis = await startRedis({ port })
  await waitFor('the envelope', () =>
    queue.count().then(
      (jobs) => jobs === 1,
      () => false,
    ),
  )
  await sweeper.stop()
})
