/** A Redis that is nearly full is left room for its workers: producers stop first. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisFullJobs } from '../../src/limits.ts'
import { type QueueBackend, QueueFullError } from '../../src/queue/backend.ts'
import { openRedisBackend } from '../../src/queue/redis-backend.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'

let redis: TestRedis
let client: Redis
let backend: QueueBackend
beforeAll(async () => {
  redis = await startRedis()
  client = new Redis(redis.url)
  backend = openRedisBackend({ url: redis.url, namespace: 'full', onError: () => {} })
})
afterAll(async () => {
  await backend.close()
  client.disconnect()
  await redis.stop()
})

/** Sets maxmemory so that this share of it is in use. */
async function useShare(share: number): Promise<void> {
  const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
  await client.config('SET', 'maxmemory', String(Math.round(used / share)))
}

/** Of somebody else who keeps something in the same Redis. */
const fillerBytes = 20_000_000

test('above 75% of its memory no more than a few are enqueued, and what is there is still taken', async () => {
  const queue = backend.openQueue('filing')
  await client.set('filler', Buffer.alloc(fillerBytes))
  await queue.add(Array.from({ length: redisFullJobs }, (_, i) => BigInt(i + 1)))
  let envelope = BigInt(redisFullJobs)
  const add = () => {
    envelope += 1n
    return queue.add([envelope]).then(
      () => 'added',
      (error: Error) => error,
    )
  }
  const refusal = await waitFor('it to refuse', async () => {
    await useShare(0.85) // each time: Redis gives back the filler's buffers when it likes
    const outcome = await add()
    return outcome === 'added' ? undefined : outcome
  })
  expect(refusal).toBeInstanceOf(QueueFullError)
  const taken: bigint[] = []
  const worker = backend.openWorker('filing', async (one) => {
    taken.push(one)
  })
  await waitFor('the worker to drain it', async () => (await queue.count()) === 0)
  expect(taken).toContain(1n)
  await worker.close()
  // What fills it is another's: posting must not stop for that.
  const page = Array.from({ length: 3 * redisFullJobs }, (_, i) => BigInt(10_000 + i))
  await expect(queue.add(page)).rejects.toBeInstanceOf(QueueFullError)
  expect(await queue.count()).toBe(redisFullJobs)
  await waitFor('it to take envelopes again', async () => {
    await useShare(0.5)
    return (await add()) === 'added'
  })
  await queue.close()
})

test('a Redis without a bound gets advice, one with a bound none', async () => {
  await client.config('SET', 'maxmemory', '0')
  expect((await backend.check()).advice).toEqual([
    expect.stringMatching(/no maxmemory.*config set/),
  ])
  await client.config('SET', 'maxmemory', '1gb')
  expect(await backend.check()).toMatchObject({ advice: [], faults: [] })
})
