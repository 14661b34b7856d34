/** Waiting well for a status: told once it changes, told when to ask again, told only what is new. */
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { instantMicros } from '../../src/declaration/period.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import { StatusWaiting } from '../../src/intake/routes/waiting.ts'
import { waitSecondsOf } from '../../src/intake/wire/prefer.ts'
import { findSettled, type Standing } from '../../src/ledger/status.ts'
import { type AppOptions, openApp } from '../support/app.ts'
import { file, startProcess, tokenFor } from '../support/engine.ts'
import { declare, type Journal, openJournal } from '../support/journal.ts'
import { hefei, policiesOf } from '../support/packs.ts'
import { waitFor } from '../support/wait.ts'

type App = Awaited<ReturnType<typeof openApp>>

let journal: Journal
let opened: App
/** Statements of lookups, by name. */
const asked = new Map<string, pg.QueryConfig[]>()
const idsOf = ({ values = [] }: pg.QueryConfig) => values[0] as string[]
const timesAsked = (name: string) => asked.get(name)?.length ?? 0

beforeAll(async () => {
  journal = await openJournal()
  opened = await open()
})
beforeEach(() => asked.clear())
afterAll(async () => {
  await opened.close()
  await journal.close()
})

/** @param failing the name of a statement that never succeeds */
function countingPool(of: pg.Pool, failing?: string): pg.Pool {
  return new Proxy(of, {
    get: (target, name) =>
      name !== 'query'
        ? Reflect.get(target, name)
        : (query: pg.QueryConfig) => {
            const key = query.name ?? ''
            asked.set(key, [...(asked.get(key) ?? []), query])
            return key === failing ? Promise.reject(new Error('away')) : target.query(query)
          },
  })
}

const pools = (failing?: string) => ({
  readPool: countingPool(journal.readPool, failing),
  watchPool: countingPool(journal.pool, failing),
})

function open(more: Partial<AppOptions> = {}): Promise<App> {
  const clock = { nowMicros: instantMicros('2024-11-23', '10:00') }
  return openApp(journal, { policies: policiesOf(hefei), clock, ...pools(), ...more })
}

let keys = 0
async function accept(declaration: Declaration, app = opened): Promise<string> {
  keys += 1
  const answer = await app.file(declaration, `key-${keys}`)
  expect(answer.statusCode).toBe(202)
  return answer.json<{ id: string }>().id
}

async function postAll(app = opened): Promise<void> {
  for (const envelope of app.envelopes.splice(0)) await journal.post(envelope)
}

const look = (id: string, employer: string, more: Record<string, string> = {}, app = opened) =>
  app.get(`/v1/declarations/${id}`, employer, more)

describe('Prefer: wait', () => {
  test('the answer waits until the declaration is posted', async () => {
    const declaration = declare()
    const id = await accept(declaration)
    const answer = look(id, declaration.employer, { prefer: 'wait=20' })
    await waitFor('it to wait', () => timesAsked('find-settled') > 0)
    await postAll()
    const looks = timesAsked('find-settled')
    const told = await answer
    // By the next look, or the one after it where that was under way.
    expect(timesAsked('find-settled') - looks).toBeLessThanOrEqual(2)
    expect([told.statusCode, told.json().status]).toEqual([200, 'posted'])
    expect(told.headers['preference-applied']).toBe('wait=20')
    expect(told.headers).not.toHaveProperty('retry-after')
    expect(told.body).toBe((await look(id, declaration.employer)).body)
  })

  test('in vain, it says so in time, and when to ask again', async () => {
    const declaration = declare()
    const id = await accept(declaration)
    const startedAt = performance.now()
    const longer = look(id, declaration.employer, { prefer: 'wait=20' })
    const answer = look(id, declaration.employer, { prefer: 'wait=1' })
    const first = await Promise.race([answer.then(() => 'wait=1'), longer.then(() => 'wait=20')])
    expect(first).toBe('wait=1')
    expect(performance.now() - startedAt).toBeGreaterThan(950)
    const told = await answer
    expect([told.statusCode, told.json().status]).toEqual([200, 'accepted'])
    expect(told.headers['preference-applied']).toBe('wait=1')
    expect(told.headers['retry-after']).toMatch(/^[123]$/)
    await postAll()
    expect((await longer).json().status).toBe('posted')
  })

  test('in vain, it tells what is so then, not what was so when it came', async () => {
    const app = await open(pools('find-settled'))
    const declaration = declare()
    const id = await accept(declaration, app)
    const answer = look(id, declaration.employer, { prefer: 'wait=1' }, app)
    await waitFor('it to wait', () => timesAsked('find-settled') > 0)
    await postAll(app)
    expect((await answer).json().status).toBe('posted')
    await app.close()
  })

  test('what has an answer is told at once, and nobody waits longer than the limit', async () => {
    const declaration = declare()
    const id = await accept(declaration)
    await postAll()
    const told = await look(id, declaration.employer, { prefer: 'respond-async, wait=86400' })
    expect(told.headers['preference-applied']).toBe('wait=20')
    expect(told.json().status).toBe('posted')
    expect(timesAsked('find-settled')).toBe(0)
  })

  test('sixty who wait for four declarations are looked up in one statement at a time', async () => {
    const declarations = Array.from({ length: 4 }, () => declare())
    const ids = await Promise.all(declarations.map((declaration) => accept(declaration)))
    asked.clear()
    const answers = Array.from({ length: 60 }, (_, i) =>
      look(ids[i % 4] as string, (declarations[i % 4] as Declaration).employer, {
        prefer: 'wait=20',
      }),
    )
    await waitFor('all to wait', () => timesAsked('find-standing') === 60)
    await waitFor('three looks at all', () => {
      const looks = asked.get('find-settled') ?? []
      return looks.filter((query) => idsOf(query).length === 4).length >= 3
    })
    await postAll()
    const told = await Promise.all(answers)
    expect(new Set(told.map((answer) => answer.json().status))).toEqual(new Set(['posted']))
    // Each was looked up when it came, and what settled came with the look.
    expect([...asked.keys()].sort()).toEqual(['find-settled', 'find-standing'])
    expect(timesAsked('find-standing')).toBe(60)
    for (const query of asked.get('find-settled') ?? [])
      expect(idsOf(query).length).toBeLessThanOrEqual(4)
  })

  test('above a number of waiters it answers at once; who goes away leaves a place', async () => {
    const app = await open({ waitersMax: 1 })
    const declaration = declare()
    const id = await accept(declaration, app)
    const address = await app.app.listen({ host: '127.0.0.1', port: 0 })
    const going = new AbortController()
    const gone = fetch(`${address}/v1/declarations/${id}`, {
      headers: { ...(await app.headersFor([declaration.employer])), prefer: 'wait=20' },
      signal: going.signal,
    }).catch(() => 'gone')
    await waitFor('the first to wait', () => timesAsked('find-settled') > 0)
    const second = await look(id, declaration.employer, { prefer: 'wait=20' }, app)
    expect(second.json().status).toBe('accepted')
    expect(second.headers).not.toHaveProperty('preference-applied')
    expect(second.headers['retry-after']).toMatch(/^[123]$/)
    going.abort()
    expect(await gone).toBe('gone')
    await waitFor('a place', async () => {
      const next = await look(id, declaration.employer, { prefer: 'wait=1' }, app)
      return next.headers['preference-applied'] === 'wait=1'
    })
    await postAll(app)
    await app.close()
  })

  test('who waits while the process goes is answered at once', async () => {
    const intake = await startProcess('intake', { DATABASE_URL: journal.database.url })
    const declaration = declare()
    const token = await tokenFor([declaration.employer])
    const filed = await file(intake.address, token, 'draining', declaration)
    const { id } = (await filed.json()) as { id: string }
    const answer = fetch(`${intake.address}/v1/declarations/${id}`, {
      headers: { authorization: `Bearer ${token}`, prefer: 'wait=20' },
    })
    await waitFor('it to wait', async () => {
      const { rows } = await journal.database.owner.query(
        `select from pg_stat_activity where application_name = 'spillway-watch'
           and datname = current_database() and query like '%find-settled%'`,
      )
      return rows.length > 0
    })
    const startedAt = performance.now()
    const ended = intake.end('SIGTERM')
    const told = await answer
    expect(performance.now() - startedAt).toBeLessThan(15_000) // of the 20 s asked for
    expect(((await told.json()) as { status: string }).status).toBe('accepted')
    expect(told.headers.get('preference-applied')).toBeNull()
    expect(told.headers.get('connection')).toBe('close')
    expect(await ended).toBe(0)
  })

  test('is read as the standard writes it', () => {
    const read = (prefer: string) => waitSecondsOf({ prefer })
    expect(read('wait=5')).toBe(5)
    expect(read('respond-async, Wait = "10"; strict')).toBe(10)
    expect(read('wait=1, wait=2')).toBe(1)
    for (const other of [
      '',
      'wait',
      'wait=-1',
      'wait=1.5',
      'wait="1',
      'awaits=1',
      'handling=lenient; wait=1',
    ])
      expect(read(other), other).toBeUndefined()
    expect(waitSecondsOf({})).toBeUndefined()
  })
})

describe('looking', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  const settled = { id: 'a', status: 'posted' } as Standing
  const gone = new AbortController().signal // never
  const wait = (id: string, msMax = 20_000) => ({ id, msMax, filer: 'x', gone })

  test('begins with the first who waits, comes less often in time, ends with the last', async () => {
    const looks: (readonly string[])[] = []
    const waiting = new StatusWaiting({
      findSettled: async (ids) => {
        looks.push(ids)
        return []
      },
      waitersMax: 100,
    })
    expect(vi.getTimerCount()).toBe(0)
    const going = new AbortController()
    const outcomes = [
      waiting.wait(wait('a', 10_000)),
      waiting.wait(wait('a', 10_000)),
      waiting.wait({ ...wait('b'), gone: going.signal }),
    ]
    await vi.advanceTimersByTimeAsync(10_000)
    expect(looks.length).toBeGreaterThan(15)
    expect(looks.length).toBeLessThan(30)
    expect(looks[0]).toEqual(['a', 'b'])
    expect(waiting.count).toBe(1)
    going.abort()
    expect(await Promise.all(outcomes)).toEqual(['elapsed', 'elapsed', 'stopped'])
    expect(waiting.count).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that fails is done again; nobody is told anything by it', async () => {
    let looks = 0
    const waiting = new StatusWaiting({
      findSettled: async () => {
        looks += 1
        if (looks < 3) throw new Error('the database is away')
        return [settled]
      },
      waitersMax: 10,
    })
    const outcome = waiting.wait(wait('a'))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await outcome).toBe(settled)
    expect(looks).toBe(3)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('one filer has a tenth of the places, again when they are free', async () => {
    const waiting = new StatusWaiting({ findSettled: async () => [settled], waitersMax: 20 })
    const own = [waiting.wait(wait('a')), waiting.wait(wait('a'))]
    expect(await waiting.wait(wait('a'))).toBe('full')
    const other = waiting.wait({ ...wait('a'), filer: 'y' })
    expect(waiting.count).toBe(3)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await Promise.all([...own, other])).toEqual([settled, settled, settled])
    const again = waiting.wait(wait('a'))
    expect(waiting.count).toBe(1)
    waiting.stop()
    expect(await again).toBe('stopped')
  })

  test('after the stop nobody waits', async () => {
    const waiting = new StatusWaiting({ findSettled: async () => [], waitersMax: 10 })
    const outcome = waiting.wait(wait('a'))
    waiting.stop()
    waiting.stop()
    expect(await outcome).toBe('stopped')
    expect(await waiting.wait(wait('a'))).toBe('full')
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('only what is posted is settled, by id', async () => {
  const [first, second] = [declare(), declare()]
  const ids = [await accept(first)]
  await postAll()
  ids.push(await accept(second))
  const found = await findSettled(journal.pool, [...ids, 'nothing'])
  expect(found.map(({ id, status }) => [id, status])).toEqual([[ids[0], 'posted']])
  await postAll()
})

describe('what the asker has', () => {
  const tagOf = (answer: { headers: Record<string, unknown> }) => String(answer.headers.etag)

  test('a status that stands is not sent again; one that changed is', async () => {
    const declaration = declare()
    const id = await accept(declaration)
    const { employer } = declaration
    const first = await look(id, employer)
    expect(tagOf(first)).toMatch(/^"[\w-]{22}"$/)
    expect(first.headers['cache-control']).toBe('private, no-cache')
    for (const names of [tagOf(first), `W/${tagOf(first)}`, `"x", ${tagOf(first)}`, '*']) {
      const again = await look(id, employer, { 'if-none-match': names })
      expect([again.statusCode, again.body, tagOf(again)]).toEqual([304, '', tagOf(first)])
      expect(again.headers['retry-after']).toMatch(/^[123]$/)
    }
    expect((await look(id, employer, { 'if-none-match': '"x"' })).statusCode).toBe(200)
    const waited = await look(id, employer, { 'if-none-match': tagOf(first), prefer: 'wait=1' })
    expect([waited.statusCode, waited.headers['preference-applied']]).toEqual([304, 'wait=1'])
    await postAll()
    const posted = await look(id, employer, { 'if-none-match': tagOf(first) })
    expect([posted.statusCode, posted.json().status]).toEqual([200, 'posted'])
    // A correction changes what the first one is.
    await accept({ ...declaration, kind: 'correction', replaces: id } as Declaration)
    await postAll()
    const superseded = await look(id, employer, { 'if-none-match': tagOf(posted) })
    expect([superseded.statusCode, superseded.json().status]).toEqual([200, 'superseded'])
  })

  test('a list that stands is not sent again; one with more in it is', async () => {
    const declaration = declare()
    const replaces = await accept(declaration)
    const { employer } = declaration
    const list = (more: Record<string, string> = {}) =>
      opened.get(`/v1/declarations?employer=${employer}`, employer, more)
    const first = await list()
    expect(first.headers['cache-control']).toBe('private, no-cache')
    expect((await list({ 'if-none-match': tagOf(first) })).statusCode).toBe(304)
    await postAll()
    const posted = await list({ 'if-none-match': tagOf(first) })
    expect([posted.statusCode, posted.json().declarations.length]).toEqual([200, 1])
    await accept({ ...declaration, kind: 'correction', replaces })
    const second = await list({ 'if-none-match': tagOf(posted) })
    expect([second.statusCode, second.json().declarations.length]).toEqual([200, 2])
    await postAll()
  })

  test('the right tag does not open what is another’s; a receipt stays out of caches', async () => {
    const declaration = declare()
    const id = await accept(declaration)
    const other = declare().employer
    const tag = tagOf(await look(id, declaration.employer))
    for (const names of [tag, '*']) {
      const theirs = await look(id, other, { 'if-none-match': names, prefer: 'wait=1' })
      expect([theirs.statusCode, theirs.headers.etag]).toEqual([404, undefined])
      expect(theirs.headers['cache-control']).toBe('no-store')
    }
    const url = `/v1/declarations?employer=${declaration.employer}`
    const listed = tagOf(await opened.get(url, declaration.employer))
    expect((await opened.get(url, other, { 'if-none-match': listed })).statusCode).toBe(403)
    const receipt = await opened.get(`/v1/declarations/${id}/receipt`, declaration.employer)
    expect([receipt.headers['cache-control'], receipt.headers.etag]).toEqual([
      'no-store',
      undefined,
    ])
    await postAll()
  })
})
