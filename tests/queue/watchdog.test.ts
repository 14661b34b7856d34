/** A worker that answers and does nothing is found by what it doesn't do. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { QueueBackend } from '../../src/queue/backend.ts'
import { openRedisBackend } from '../../src/queue/redis-backend.ts'
import { LaneProgress, startWatchdog } from '../../src/queue/watchdog.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'

let redis: TestRedis
let backend: QueueBackend
beforeAll(async () => {
  redis = await startRedis()
  backend = openRedisBackend({ url: redis.url, namespace: 'watchdog', onError: () => {} })
})
afterAll(async () => {
  await backend.close()
  await redis.stop()
})

const limits = { idleMs: 300, underWayMs: 300 }
const everyMs = 50

/** Watches one lane; returns what was told. */
function watch(progress: LaneProgress, queue: Parameters<LaneProgress['check']>[0]) {
  const told: string[] = []
  const watchdog = startWatchdog([progress.check(queue, limits)], (why) => told.push(why), everyMs)
  return { told, watchdog }
}

test('envelopes that wait while none is taken are noticed, once', async () => {
  const queue = backend.openQueue('filing')
  const { told, watchdog } = watch(new LaneProgress(), queue)
  await queue.add([1n, 2n, 3n])
  await waitFor('it to be noticed', () => told.length > 0)
  expect(told).toEqual(['3 envelopes wait, and none was taken for 0 s'])
  watchdog.stop()
  await queue.close()
})

test('an envelope that is never finished is noticed', async () => {
  const queue = backend.openQueue('bulk')
  const progress = new LaneProgress()
  let release = () => {}
  const worker = backend.openWorker('bulk', async () => {
    const finished = progress.take()
    await new Promise<void>((resolve) => {
      release = resolve
    })
    finished()
  })
  const { told, watchdog } = watch(progress, queue)
  await queue.add([7n])
  await waitFor('it to be noticed', () => told.length > 0)
  expect(told[0]).toMatch(/^an envelope is under way for \d+ s$/)
  watchdog.stop()
  release()
  await worker.close()
  await queue.close()
})

test('a worker with nothing to do, and one that works, are left alone; so is one whose queue is away', async () => {
  const queue = backend.openQueue('bulk')
  const progress = new LaneProgress()
  const worker = backend.openWorker('bulk', async () => progress.take()())
  let looks = 0
  const check = progress.check(queue, limits)
  const away = async () => {
    looks += 1
    throw new Error('the queue is away')
  }
  const told: string[] = []
  const watchdog = startWatchdog([check, away], (why) => told.push(why), everyMs)
  for (let i = 0; i < 10; i += 1) await queue.add([BigInt(100 + i)])
  await waitFor('a second of looks', () => looks > 20)
  expect(told).toEqual([])
  watchdog.stop()
  await worker.close()
  await queue.close()
})

test('what is said once and not again is no reason', async () => {
  let looks = 0
  const told: string[] = []
  const hiccup = async () => {
    looks += 1
    return looks % 2 === 1 ? 'it stood still for a moment' : undefined
  }
  const watchdog = startWatchdog([hiccup], (why) => told.push(why), 10)
  await waitFor('some looks', () => looks > 10)
  watchdog.stop()
  expect(told).toEqual([])
})
