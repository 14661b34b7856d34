/** The queue is disposable: what Redis loses is a delay, never a loss. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type EngineProcess, file, startProcess, tokenFor } from '../support/engine.ts'
import { declare } from '../support/journal.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'

let database: TestDatabase
let redis: TestRedis
let env: Record<string, string>
let intake: EngineProcess
let worker: EngineProcess | undefined
/** Of all that is filed here: what stands still after one loss comes to the next. */
let filed = 0

beforeAll(async () => {
  database = await createDatabase()
  redis = await startRedis()
  env = { DATABASE_URL: database.url, REDIS_URL: redis.url }
  intake = await startProcess('intake', env)
})
afterAll(async () => {
  await Promise.all([intake.end(), worker?.end()])
  await redis.stop()
  await database.drop()
})

async function fileMany(howMany: number): Promise<Set<number>> {
  const answers = Array.from({ length: howMany }, async (_, i) => {
    const declaration = declare({ lines: 2 })
    const token = await tokenFor([declaration.employer])
    return (await file(intake.address, token, `key-${i}`, declaration)).status
  })
  filed += howMany
  return new Set(await Promise.all(answers))
}

async function expectAllPosted(): Promise<void> {
  const read = async () =>
    (
      await database.owner.query(
        'select count(*)::int as posted, count(distinct id)::int as ids from ledger.declaration',
      )
    ).rows[0]
  await waitFor('posting', async () => (await read()).posted >= filed)
  expect(await read()).toEqual({ posted: filed, ids: filed })
}

test('Redis emptied with work waiting: everything is posted, nothing twice', async () => {
  expect(await fileMany(200)).toEqual(new Set([202]))
  const client = new Redis(redis.url)
  expect((await client.keys('*:envelope-*')).length).toBeGreaterThan(0)
  await client.flushall()
  client.disconnect()
  worker = await startProcess('worker', env)
  await expectAllPosted()
})

test('Redis killed with data loss under a running worker: acceptance goes on, then posting', async () => {
  expect(worker?.output()).toContain('worker posts')
  expect(await fileMany(50)).toEqual(new Set([202]))
  process.kill(redis.pid, 'SIGKILL')
  expect(await fileMany(50)).toEqual(new Set([202])) // other declarations, the same keys
  const port = Number(new URL(redis.url).port)
  await redis.stop()
  redis = await startRedis({ port })
  await expectAllPosted()
})

test('intake starts and accepts while Redis is down', async () => {
  await redis.stop()
  const other = await startProcess('intake', env)
  const declaration = declare()
  const token = await tokenFor([declaration.employer])
  expect((await file(other.address, token, 'alone', declaration)).status).toBe(202)
  await other.end()
})
