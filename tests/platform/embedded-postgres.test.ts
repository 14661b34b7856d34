import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, expect, test } from 'vitest'
import {
  type EmbeddedPostgres,
  findEmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/embedded-postgres.ts'
import { waitFor } from '../support/wait.ts'

/** One cluster for all: to make one takes longer than any of these tests. */
const folder = mkdtempSync(path.join(tmpdir(), 'spillway-pg-'))
const closed = path.join(folder, 'closed')
const dataDir = path.join(closed, 'data')
const servers: EmbeddedPostgres[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ownerPassword = 'a password'
async function start(): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, ownerPassword, guarded: true })
  servers.push(server)
  return server
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

test('what was committed is there after a stop and a second start, which is durable', async () => {
  const first = await start()
  await query(first.ownerUrl, 'create table kept as select 1 as one')
  expect(await query(first.ownerUrl, 'show fsync')).toEqual([{ fsync: 'on' }])
  await first.stop()
  await first.stop()
  const second = await start()
  expect(await query(second.ownerUrl, 'select one from kept')).toEqual([{ one: 1 }])
})

test('a server that outlived its engine is adopted', async () => {
  const first = await start()
  const second = await start()
  expect(second.pid).toBe(first.pid)
  expect(await findEmbeddedPostgres({ dataDir, ownerPassword })).toBe(first.ownerUrl)
})

test('after a SIGKILL of the server, with a query under way, the next start waits and recovers', async () => {
  const first = await start()
  await query(first.ownerUrl, 'create table killed as select 1 as one')
  const busy = new pg.Client(first.ownerUrl)
  busy.on('error', () => {})
  await busy.connect()
  const burning = busy
    .query("do $$ begin while clock_timestamp() < now() + interval '3 s' loop end loop; end $$")
    .catch(() => {})
  await waitFor('the query', async () => {
    const running = await query(
      first.ownerUrl,
      "select 1 from pg_stat_activity where query like 'do%' and state = 'active'",
    )
    return running.length === 1
  })
  process.kill(first.pid, 'SIGKILL')
  const second = await start()
  expect(second.pid).not.toBe(first.pid)
  expect(await query(second.ownerUrl, 'select one from killed')).toEqual([{ one: 1 }])
  await burning
  await busy.end().catch(() => {})
})

test('it runs under a folder that only its owner may enter', async () => {
  const server = await start()
  await server.stop()
  chmodSync(closed, 0o700)
  chmodSync(dataDir, 0o700)
  const again = await start()
  expect(await query(again.ownerUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(statSync(closed).mode & 0o777).toBe(0o700)
})

test('a password that is not the cluster’s is told as such', async () => {
  const first = await start()
  await first.stop()
  const refused = startEmbeddedPostgres({ dataDir, ownerPassword: 'another' })
  await expect(refused).rejects.toThrow(/restore the keyring/)
  servers.push(await startEmbeddedPostgres({ dataDir, ownerPassword, guarded: true }))
})
