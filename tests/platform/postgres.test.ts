import { afterAll, beforeAll, expect, test } from 'vitest'
import { dropOptions, TcpProxy } from '../../bench/faults/proxy.ts'
import { sentenceOf } from '../../src/platform/command/failure.ts'
import { databaseFault } from '../../src/platform/command/sqlstate.ts'
import { inTransaction, openPool } from '../../src/platform/postgres/postgres.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

test('a connection that is cut between two queries fails the next one, not the process', async () => {
  const pool = openPool({
    url: database.url,
    name: 'cut',
    connectionsMax: 1,
    statementMsMax: 5_000,
  })
  const { owner } = database
  const cut = inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const { pid } = rows[0] as { pid: number }
    await owner.query('select pg_terminate_backend($1)', [pid])
    await waitFor('the end of the connection', async () => {
      const { rowCount } = await owner.query('select 1 from pg_stat_activity where pid = $1', [pid])
      return rowCount === 0
    })
    await new Promise((resolve) => setImmediate(resolve))
    await client.query('select 1')
  })
  const error = await cut.catch((thrown: unknown) => thrown)
  expect(databaseFault(error)).toBe('transient')
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await pool.end()
})

test('every connection acts as the application’s role', async () => {
  const pool = openPool({
    url: database.url,
    name: 'role',
    connectionsMax: 1,
    statementMsMax: 5_000,
  })
  expect((await pool.query('select current_user as name')).rows).toEqual([{ name: 'spillway_app' }])
  await pool.end()
})

async function failureThrough(start: (piece: Buffer) => Buffer): Promise<unknown> {
  const url = new URL(database.url)
  const proxy = await new TcpProxy(Number(url.port), { start }).start()
  url.port = String(proxy.port)
  const options = { url: url.href, name: 'pooled', connectionsMax: 1, statementMsMax: 5_000 }
  const pool = openPool(options)
  const failure = await pool.query('select 1').catch((error: unknown) => error)
  await pool.end()
  await proxy.stop()
  return failure
}

test('a pooler that drops `options` is named, and none of its connections is used', async () => {
  const failure = await failureThrough(dropOptions)
  expect(failure).toMatchObject({ name: 'PoolerError', code: '08004' })
  expect(databaseFault(failure)).toBe('transient')
  expect(sentenceOf(failure)).toMatch(
    /^A pooler at DATABASE_URL drops `options`: .* not spillway_app.*ignore_startup_parameters/,
  )
  expect(await failureThrough((piece) => piece)).toMatchObject({ rowCount: 1 })
})

test('a broken connection keeps its place in the pool for a while, not for ever, where no request to cancel passes', async () => {
  const url = new URL(database.url)
  const requestToCancel = 80_877_102
  const start = (piece: Buffer) =>
    piece.readInt32BE(4) === requestToCancel ? Buffer.alloc(0) : piece
  const proxy = await new TcpProxy(Number(url.port), { start }).start()
  url.port = String(proxy.port)
  const options = { url: url.href, name: 'held', connectionsMax: 1, statementMsMax: 60_000 }
  const pool = openPool(options)
  const lost = pool.query('select pg_sleep(60)').catch((error: unknown) => error)
  const running = `select 1 from pg_stat_activity where application_name = 'held' and wait_event = 'PgSleep'`
  await waitFor('it to run', async () => (await database.owner.query(running)).rowCount === 1)
  proxy.cut()
  expect(databaseFault(await lost)).toBe('transient')
  await expect(pool.query('select 1')).rejects.toThrow('timeout exceeded')
  await waitFor('its place', () =>
    pool.query('select 1').then(
      () => true,
      () => false,
    ),
  )
  await pool.end()
  await proxy.stop()
})

test('a pooler that gives statements to several servers is named', async () => {
  const pool = openPool({
    url: database.url,
    name: 'shared',
    connectionsMax: 1,
    statementMsMax: 5_000,
  })
  // Of another client of such a pooler.
  await pool.query("prepare theirs as select 1; set spillway.who = 'them'")
  const failure = await pool.query({ name: 'theirs', text: 'select 2' }).catch((error) => error)
  expect(failure).toMatchObject({ name: 'PoolerError', code: '08004' })
  expect(sentenceOf(failure)).toMatch(/\(42P05\): set pool_mode = session/)
  await pool.end()
})
