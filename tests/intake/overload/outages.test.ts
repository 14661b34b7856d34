/** The system tells of its own outages: to everybody while they last, and to who decides afterwards. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { TcpProxy } from '../../../bench/faults/proxy.ts'
import { OutageWatch } from '../../../src/intake/overload/outage-watch.ts'
import { KeptOutages } from '../../../src/intake-process/kept-outages.ts'
import {
  type OutageWindow,
  type RecordedAttempts,
  saveOutages,
} from '../../../src/journal/outages.ts'
import { outageFilersMin, outageQuietMs } from '../../../src/limits.ts'
import { runCommand } from '../../support/command.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import { type EngineProcess, file, startProcess, tokenFor } from '../../support/engine.ts'
import { declare } from '../../support/journal.ts'
import { waitFor } from '../../support/wait.ts'

test('refusals close to each other are one window; what could not be written is written later', async () => {
  const watch = new OutageWatch()
  watch.note('off', 1_000, 'one')
  watch.note('commit', 2_000, 'one')
  expect(watch.open(3_000)).toMatchObject({ cause: 'off', refused: 1, failed: 1 })
  await watch.write(async () => {
    throw new Error('the database is away')
  }, 3_000)
  const written: OutageWindow[] = []
  const save = async (windows: readonly OutageWindow[]) => {
    written.push(...windows)
  }
  expect(watch.open(2_000 + outageQuietMs)).toBeUndefined()
  watch.note('disk', 2 * outageQuietMs, 'one')
  await watch.write(save, 2 * outageQuietMs)
  expect(written).toMatchObject([
    { number: 1, beganMs: 1_000, lastMs: 2_000, ended: true },
    { number: 2, ended: false, cause: 'disk' },
  ])
  await watch.write(save, 2 * outageQuietMs)
  expect(written).toHaveLength(2)
})

test.each(['journal', 'requests', 'loop', 'memory'] as const)(
  'one filer alone makes no outage of %s, and makes none longer; several do',
  (cause) => {
    const watch = new OutageWatch()
    for (let ms = 0; ms < 100_000; ms += 10) watch.note(cause, ms, 'flooder')
    expect(watch.open(100_000)).toBeUndefined()
    for (let i = 1; i < outageFilersMin; i += 1) watch.note(cause, 100_000 + i, `filer-${i}`)
    const lastMs = 100_000 + outageFilersMin - 1
    expect(watch.open(lastMs)).toMatchObject({ cause, beganMs: lastMs, refused: 1 })
    watch.note(cause, lastMs + 10, 'flooder')
    expect(watch.open(lastMs + 10)).toMatchObject({ lastMs: lastMs + 10, refused: 2 })
    // The others were refused long ago.
    for (let ms = 0; ms < 2 * outageQuietMs; ms += 10)
      watch.note(cause, lastMs + 10 + ms, 'flooder')
    expect(watch.open(lastMs + 2 * outageQuietMs)).toBeUndefined()
  },
)

test('a process that finds itself unable to accept makes a window, though nobody files', async () => {
  const watch = new OutageWatch()
  watch.unable('keys', 1_000)
  watch.unable('keys', 6_000)
  watch.note('commit', 7_000, 'one')
  expect(watch.open(8_000)).toMatchObject({ cause: 'keys', beganMs: 1_000, refused: 0, failed: 1 })
  expect(watch.open(7_000 + outageQuietMs)).toBeUndefined()
})

test('every ticket of a filer that tries again and again is counted, also while none can be written', async () => {
  const watch = new OutageWatch()
  const who = { subject: 'portal-1', employer: undefined, reason: 'journal' }
  const written: RecordedAttempts[] = []
  for (let ms = 1; ms <= 30_000; ms++) watch.noteAttempt({ atMs: ms, ...who })
  await watch.write(async () => {
    watch.noteAttempt({ atMs: 30_001, ...who })
    watch.noteAttempt({ atMs: 30_002, ...who, reason: 'loop' })
    throw new Error('the database is away')
  }, 30_003)
  await watch.write(async (_windows, attempts) => void written.push(...attempts), 30_004)
  expect(written).toEqual([
    { firstMs: 1, lastMs: 30_001, tickets: 30_001, ...who },
    { firstMs: 30_002, lastMs: 30_002, tickets: 1, ...who, reason: 'loop' },
  ])
})

let database: TestDatabase
let intake: EngineProcess
beforeAll(async () => {
  database = await createDatabase()
  intake = await startProcess('intake', {
    DATABASE_URL: database.url,
    SHED_AT: 'filings-due=0',
    LOG_LEVEL: 'warn',
  })
})
afterAll(async () => {
  await intake.end()
  await database.drop()
})

const statusOf = async () => {
  const answer = await fetch(`${intake.address}/v1/service/status`)
  expect(answer.headers.get('cache-control')).toMatch(/^public, max-age=\d+$/)
  return (await answer.json()) as Record<string, unknown>
}

test('the public status is green, then red with numbers; the command names the filers with tickets', async () => {
  expect(await statusOf()).toMatchObject({
    status: 'green',
    backlog: { declarations: 0 },
    nextDeadline: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
  })
  const declaration = declare()
  const token = await tokenFor([declaration.employer])
  for (let i = 0; i < 3; i += 1) {
    expect((await file(intake.address, token, `out-${i}`, declaration)).status).toBe(503)
  }
  expect(await statusOf()).toMatchObject({
    status: 'red',
    openOutage: { cause: 'off', refused: 3, failed: 0 },
  })
  await waitFor('it to be written down', async () => {
    const { rows } = await database.owner.query('select refused from journal.outage')
    return rows[0]?.refused === 3
  })
  const env = { DATABASE_URL: database.ownerUrl, KEYRING_FILE: inject('keyringFile') }
  const command = runCommand('src/commands/outages.ts', env, ['--filers'])
  expect(await command.done).toBe(0)
  expect(command.output()).toMatch(/off, 3 refused, 0 failed/)
  expect(command.output()).toContain(`${declaration.employer}  3 tickets`)
  expect(command.output()).toMatch(/1 windows from/)
  const { pathname, host } = new URL(database.ownerUrl)
  expect(command.told()).toContain(`Database: ${pathname.slice(1)} at ${host}\n`)
  const hostile = '\u001b[2J\n\u202eadmin\u009b'
  await database.owner.query(
    "insert into journal.attempt (at, subject, employer, reason) values (now(), $1, $1, 'off')",
    [hostile],
  )
  for (const more of [[], ['--json']]) {
    const shown = runCommand('src/commands/outages.ts', env, ['--filers', ...more])
    expect(await shown.done).toBe(0)
    // Line ends are the command's own.
    expect(shown.output()).not.toMatch(/[^\P{Cc}\n]|\u202e|^admin/mu)
    expect(shown.output()).toContain('\\u202eadmin\\u009b')
  }
  const wrong = runCommand('src/commands/outages.ts', env, ['--from', 'yesterday'])
  expect(await wrong.done).toBe(2)
  expect(wrong.output()).toMatch(/^Usage: npm run outages/m)
})

const outageWindow = {
  number: 1,
  beganMs: 1_000,
  ended: false,
  cause: 'commit',
  refused: 0,
} as const

test('a write that comes late does not put a window back to what it was', async () => {
  const { owner } = database
  const process = randomUUID()
  const write = (lastMs: number, failed: number) =>
    saveOutages(owner, process, [{ ...outageWindow, lastMs, failed }], [])
  const written = async () => {
    const { rows } = await owner.query(
      'select failed, last_at from journal.outage where process = $1',
      [process],
    )
    return rows
  }
  await write(3_000, 3)
  await write(2_000, 2)
  expect(await written()).toEqual([{ failed: 3, last_at: new Date(3_000) }])
  await write(3_000, 4)
  expect(await written()).toEqual([{ failed: 4, last_at: new Date(3_000) }])
})

test('of windows that processes left on the disk, one that can not be read or written holds up no other', async () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'outages-'))
  const errors: unknown[] = []
  const of = (process: string) =>
    new KeptOutages({ dataDir, url: database.url, process }, (error) => errors.push(error))
  for (const process of ['a', 'c', 'e'])
    of(process).keep([{ ...outageWindow, lastMs: 2_000, failed: 1 }])
  const [folder = ''] = readdirSync(path.join(dataDir, 'outages'))
  const left = () => readdirSync(path.join(dataDir, 'outages', folder)).sort()
  writeFileSync(path.join(dataDir, 'outages', folder, 'b.json'), '{"half of')
  writeFileSync(path.join(dataDir, 'outages', folder, 'd.json'), '{}')
  mkdirSync(path.join(dataDir, 'outages', folder, 'f.json'))
  const taken: string[] = []
  await of('new').take(async (process, windows) => {
    if (process === 'c') throw new Error('refused')
    expect(windows).toMatchObject([{ ended: true, lastMs: 2_000 }])
    taken.push(process)
  })
  expect([taken.sort(), errors.length]).toEqual([['a', 'e'], 4])
  expect(left()).toEqual(['b.json', 'c.json', 'd.json', 'f.json'])
  rmSync(dataDir, { recursive: true })
})

test('a window of an outage that ends with a restart is in the ledger', async () => {
  const own = await createDatabase()
  const { port, hostname } = new URL(own.url)
  const proxy = await new TcpProxy(Number(port)).start()
  const url = new URL(own.url)
  url.port = String(proxy.port)
  url.hostname = hostname
  const start = () => startProcess('intake', { DATABASE_URL: url.href })
  const declaration = declare()
  const token = await tokenFor([declaration.employer])
  const first = await start()
  proxy.set('refuse')
  expect((await file(first.address, token, 'away', declaration)).status).toBe(503)
  await first.end()
  proxy.set('pass')
  const windows = async () =>
    (await own.owner.query('select cause, failed, ended_at from journal.outage')).rows
  expect(await windows()).toEqual([])
  const second = await start()
  await waitFor('the window', async () => (await windows()).length > 0)
  expect(await windows()).toEqual([{ cause: 'commit', failed: 1, ended_at: expect.any(Date) }])
  // A backup is restored under it: what it acknowledged is gone, and it takes nothing more.
  expect((await file(second.address, token, 'lost', declaration)).status).toBe(202)
  await own.owner.query('delete from journal.acceptance; delete from journal.envelope')
  expect((await file(second.address, token, 'after', declaration)).status).toBe(503)
  const ready = await fetch(`${second.address}/readyz`)
  expect([ready.status, await ready.json()]).toMatchObject([
    503,
    {
      commits: expect.stringMatching(
        /^the journal lacks envelope \d+, which this process committed/,
      ),
    },
  ])
  expect(second.output()).toMatch(/the journal lacks envelope .*"msg":"nothing can be accepted"/)
  await second.end()
  await proxy.stop()
  await own.drop()
})
