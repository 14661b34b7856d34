import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, expect, test } from 'vitest'
import {
  type EmbeddedPostgres,
  findEmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/postgres/embedded-postgres.ts'
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

/**
 * Starts it in a process that is killed: right after `program` was begun, or once the server is ready and may
 * outlive it.
 */
async function startAndDie(folder: string, program: 'initdb' | 'postgres' | 'none'): Promise<void> {
  const module = new URL('../../src/platform/postgres/embedded-postgres.ts', import.meta.url).href
  const text = `
    import childProcess from 'node:child_process'
    import { syncBuiltinESMExports } from 'node:module'
    const { spawn } = childProcess
    childProcess.spawn = (command, args, options) => {
      const child = spawn(command, args, options)
      if ([command, ...args].some((one) => one.endsWith('/bin/${program}')))
        process.kill(process.pid, 'SIGKILL')
      return child
    }
    syncBuiltinESMExports()
    const { startEmbeddedPostgres } = await import('${module}')
    const options = { dataDir: '${folder}', ownerPassword: '${ownerPassword}' }
    const server = await startEmbeddedPostgres(options)
    server.outlive()
    process.kill(process.pid, 'SIGKILL')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: 'inherit' })
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
}

/** Processes that have this folder in their command. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)
    } catch {
      return false
    }
  })
}

test.each(['initdb', 'postgres'] as const)(
  'nothing is left of a start that is killed once %s is begun',
  async (program) => {
    const at = program === 'initdb' ? path.join(folder, 'killed') : dataDir
    await startAndDie(at, program)
    await waitFor('all to end', () => processesOf(`${at}/postgres`).length === 0, 60_000)
  },
)

test('a server that may outlive its starter does, and is adopted', async () => {
  await startAndDie(dataDir, 'none')
  const [pid] = processesOf(`${dataDir}/postgres`)
  expect((await start()).pid).toBe(Number(pid))
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
