/** The whole way over real processes; both queue backends run the same suite. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import {
  type EngineProcess,
  file,
  freshMetricsOf,
  startProcess,
  tokenFor,
} from '../support/engine.ts'
import { declare } from '../support/journal.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'

describe.each(['redis', 'postgres'] as const)('on %s', (backend) => {
  let database: TestDatabase
  /** Its own: one test has it stand still. */
  let redis: TestRedis | undefined
  let env: Record<string, string>
  let intake: EngineProcess
  const workers: EngineProcess[] = []

  beforeAll(async () => {
    database = await createDatabase()
    if (backend === 'redis') redis = await startRedis()
    env = { DATABASE_URL: database.url, ...(redis && { REDIS_URL: redis.url }) }
    intake = await startProcess('intake', env)
  })
  afterAll(async () => {
    await endWorkers()
    await intake.end()
    await redis?.stop()
    await database.drop()
  })

  const startWorker = async () => {
    const worker = await startProcess('worker', { ...env, WORKER_PORT: '0' })
    workers.push(worker)
    return worker
  }
  /** Those that the test before left running, or a new one: to start one takes as long as a test. */
  const anyWorker = async () => workers.at(-1) ?? (await startWorker())
  /** Ends all that run; resolves with their exit codes. */
  const endWorkers = (signal?: NodeJS.Signals) =>
    Promise.all(workers.splice(0).map((worker) => worker.end(signal)))
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
    await anyWorker()
    const answers = await fileMany(200, 'kill')
    for (const victim of workers.splice(0)) victim.signal('SIGKILL')
    await Promise.all([startWorker(), startWorker()])
    await waitFor('posting', async () => (await postedOf(idsOf(answers))) === 200)
    expect(await count('select count(*) from journal.unposted')).toBe(0)
    expect(
      await count('select count(*) - count(distinct id) as count from ledger.declaration'),
    ).toBe(0)
  })

  test('a worker that dies between its commit and the job’s completion posts once', async () => {
    await anyWorker()
    const holder = await database.owner.connect()
    try {
      // Posting waits at its marker; then the queue is made to stand still; then posting goes on.
      await holder.query('begin')
      await holder.query('lock table ledger.posting in exclusive mode')
      const ids = idsOf(await fileMany(1, 'commit-then-die'))
      const waiting = `select count(*) from pg_stat_activity where application_name = 'spillway-post' and wait_event_type = 'Lock' and datname = current_database()`
      await waitFor('the worker to wait', async () => (await count(waiting)) > 0)
      const release = await standStill(redis, database)
      await holder.query('commit')
      await waitFor('the posting', async () => (await postedOf(ids)) === 1)
      await endWorkers('SIGKILL')
      await release()
      const next = await startWorker()
      const repeated = /spillway_repeated_deliveries_total\{[^}]*\}/
      await waitFor('the second delivery', async () => (await metricOf(next, repeated)) > 0)
      expect(await postedOf(ids)).toBe(1)
      expect(
        await count('select count(*) - count(distinct id) as count from ledger.declaration'),
      ).toBe(0)
    } finally {
      holder.release()
    }
  })

  test('posting that fails for a while is tried again until it succeeds', async () => {
    const worker = await anyWorker()
    const failures = () =>
      metricOf(worker, /spillway_posting_failures_total\{[^}]*transient[^}]*\}/)
    const before = await failures()
    const holder = await database.owner.connect()
    await holder.query('begin')
    await holder.query('lock table ledger.posting in exclusive mode')
    const ids = idsOf(await fileMany(3, 'failing'))
    await waitFor('failures', async () => (await failures()) >= before + 2)
    await holder.query('rollback')
    holder.release()
    await waitFor('posting', async () => (await postedOf(ids)) === 3)
  })

  test('SIGTERM lets a worker finish and exit with 0', async () => {
    await anyWorker()
    const answers = await fileMany(100, 'term')
    expect(await endWorkers('SIGTERM')).toEqual([0])
    await startWorker()
    await waitFor('posting', async () => (await postedOf(idsOf(answers))) === 100)
  })
})

/**
 * Makes the queue keep everybody waiting; resolves with what sets it free. What a killed process
 * had asked of it meanwhile is dropped, as if its request had been lost on the way.
 */
async function standStill(
  redis: TestRedis | undefined,
  { owner }: TestDatabase,
): Promise<() => Promise<void>> {
  if (redis !== undefined) {
    const client = new Redis(redis.url)
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

/** What a worker counts under this name. */
async function metricOf(process: EngineProcess, name: RegExp): Promise<number> {
  const text = await freshMetricsOf(process)
  return Number(new RegExp(`^${name.source} (\\d+)`, 'm').exec(text)?.[1] ?? 0)
}
