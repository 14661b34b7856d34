/** The whole way over real processes; both queue backends run the same suite. */
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { freePort } from '../../src/platform/free-port.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type EngineProcess, file, startProcess, tokenFor } from '../support/engine.ts'
import { declare } from '../support/journal.ts'
import { waitFor } from '../support/wait.ts'

describe.each(['redis', 'postgres'] as const)('on %s', (backend) => {
  let database: TestDatabase
  let env: Record<string, string>
  let intake: EngineProcess
  const workers: EngineProcess[] = []

  beforeAll(async () => {
    database = await createDatabase()
    // The environment's name keeps this engine's keys apart from whatever else is in that Redis.
    const onRedis = { REDIS_URL: inject('redisUrl'), ENVIRONMENT: `test-${process.pid}` }
    env = { DATABASE_URL: database.url, ...(backend === 'redis' && onRedis) }
    intake = await startProcess('intake', env)
  })
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.end()))
  })
  afterAll(async () => {
    await intake.end()
    await removeKeys(`{spillway:test-${process.pid}:*`)
    await database.drop()
  })

  const startWorker = async () => {
    const worker = await startProcess('worker', env)
    workers.push(worker)
    return worker
  }
  const count = async (sql: string) => Number((await database.owner.query(sql)).rows[0]?.count)
  const postedOf = (ids: readonly string[]) =>
    count(`select count(*) from ledger.declaration where id in ('${ids.join("','")}')`)

  /** Files declarations at once; returns the answers' bodies. */
  async function fileMany(howMany: number, name: string) {
    const answers = Array.from({ length: howMany }, async (_, i) => {
      const declaration = declare({ lines: 3 })
      const token = await tokenFor([declaration.employer])
      const answer = await file(intake.address, token, `${name}-${i}`, declaration)
      return {
        declaration,
        token,
        key: `${name}-${i}`,
        status: answer.status,
        text: await answer.text(),
      }
    })
    const answered = await Promise.all(answers)
    expect(answered.filter(({ status }) => status !== 202)).toEqual([])
    return answered
  }
  const idsOf = (answers: readonly { text: string }[]) =>
    answers.map(({ text }) => JSON.parse(text).id as string)

  test('what is filed is accepted at once and posted by a worker', async () => {
    const answers = await fileMany(50, 'plain')
    const [first] = answers
    const id = JSON.parse(first?.text ?? '').id
    const look = async () => {
      const headers = { authorization: `Bearer ${first?.token}` }
      return (await fetch(`${intake.address}/v1/declarations/${id}`, { headers })).json()
    }
    expect(await look()).toMatchObject({ id, status: 'accepted' })
    await startWorker()
    await waitFor('posting', async () => (await postedOf(idsOf(answers))) === 50)
    expect(await look()).toMatchObject({
      status: 'posted',
      assessment: { lines: 3, policy: { region: '340100', provisional: false } },
    })
    const again = await file(
      intake.address,
      first?.token ?? '',
      first?.key ?? '',
      first?.declaration,
    )
    expect(again.status).toBe(202)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(await again.text()).toBe(first?.text)
  })

  test('workers killed with SIGKILL lose nothing and post nothing twice', async () => {
    const victim = await startWorker()
    const answers = await fileMany(200, 'kill')
    victim.signal('SIGKILL')
    await startWorker()
    await startWorker()
    await waitFor('posting', async () => (await postedOf(idsOf(answers))) === 200, 50_000)
    expect(await count('select count(*) from journal.unposted')).toBe(0)
    expect(
      await count('select count(*) - count(distinct id) as count from ledger.declaration'),
    ).toBe(0)
  })

  test('a worker that dies between its commit and the job’s completion posts once', async () => {
    const worker = await startWorker()
    const holder = await database.owner.connect()
    try {
      // Posting waits at its marker; then the queue is made to stand still; then posting goes on.
      await holder.query('begin')
      await holder.query('lock table ledger.posting in exclusive mode')
      const ids = idsOf(await fileMany(1, 'commit-then-die'))
      const waiting = `select count(*) from pg_stat_activity where application_name = 'spillway-post' and wait_event_type = 'Lock' and datname = current_database()`
      await waitFor('the worker to wait', async () => (await count(waiting)) > 0)
      const release = await standStill(backend, database)
      await holder.query('commit')
      await waitFor('the posting', async () => (await postedOf(ids)) === 1)
      await worker.end('SIGKILL')
      await release()
      const port = await freePort('127.0.0.1')
      workers.push(await startProcess('worker', { ...env, WORKER_PORT: `${port}` }))
      await waitFor('the second delivery', () => hasRepeats(port), 50_000)
      expect(await postedOf(ids)).toBe(1)
      expect(
        await count('select count(*) - count(distinct id) as count from ledger.declaration'),
      ).toBe(0)
    } finally {
      holder.release()
    }
  })

  test('posting that fails for a while is tried again until it succeeds', async () => {
    const port = await freePort('127.0.0.1')
    workers.push(await startProcess('worker', { ...env, WORKER_PORT: `${port}` }))
    const holder = await database.owner.connect()
    await holder.query('begin')
    await holder.query('lock table ledger.posting in exclusive mode')
    const ids = idsOf(await fileMany(3, 'failing'))
    await waitFor(
      'failures',
      () => hasMetric(port, /^spillway_posting_failures_total\{[^}]*transient[^}]*\} [2-9]/m),
      40_000,
    )
    await holder.query('rollback')
    holder.release()
    await waitFor('posting', async () => (await postedOf(ids)) === 3, 50_000)
  })

  test('SIGTERM lets a worker finish and exit with 0', async () => {
    const worker = await startWorker()
    const answers = await fileMany(100, 'term')
    expect(await worker.end('SIGTERM')).toBe(0)
    await startWorker()
    await waitFor('posting', async () => (await postedOf(idsOf(answers))) === 100)
  })
})

/**
 * Makes the queue keep everybody waiting; resolves with what sets it free. What a killed process
 * had asked of it meanwhile is dropped, as if its request had been lost on the way.
 */
async function standStill(
  backend: 'redis' | 'postgres',
  { owner }: TestDatabase,
): Promise<() => Promise<void>> {
  if (backend === 'redis') {
    const client = new Redis(inject('redisUrl'))
    await client.call('CLIENT', 'PAUSE', '60000', 'WRITE')
    return async () => {
      await client.call('CLIENT', 'UNPAUSE')
      client.disconnect()
    }
  }
  const client = await owner.connect()
  await client.query('begin')
  await client.query('lock table bullmq.job in access exclusive mode')
  return async () => {
    await owner.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where wait_event_type = 'Lock' and datname = current_database()`,
    )
    await client.query('commit')
    client.release()
  }
}

async function removeKeys(pattern: string): Promise<void> {
  const client = new Redis(inject('redisUrl'))
  for await (const keys of client.scanStream({ match: pattern })) {
    if (keys.length > 0) await client.unlink(keys)
  }
  client.disconnect()
}

const hasRepeats = (port: number) =>
  hasMetric(port, /^spillway_repeated_deliveries_total\{[^}]*\} [1-9]/m)

async function hasMetric(port: number, pattern: RegExp): Promise<boolean> {
  return pattern.test(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())
}
