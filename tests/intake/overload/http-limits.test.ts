/** What one client, or ten thousand, can hold of an intake process: real processes, real sockets. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { excessOf } from '../../../src/declaration/json-limits.ts'
import { createLimitedServer, holderOf } from '../../../src/intake/bodies/connections.ts'
import { httpDefaults } from '../../../src/intake/wire/http-limits.ts'
import { readConfig } from '../../../src/platform/config/config.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import {
  type EngineProcess,
  file,
  freshMetricsOf,
  startProcess,
  tokenFor,
} from '../../support/engine.ts'
import { declare, declareInTurn } from '../../support/journal.ts'
import { openSocket, type RawClient } from '../../support/socket.ts'
import { waitFor } from '../../support/wait.ts'

/** Limits in time are short here, as each test waits for one. */
const short = {
  HEADERS_MS_MAX: '1000',
  RECEIVE_MS_MAX: '4000',
  IDLE_MS_MAX: '1000',
  // A bomb then meets the limit of the body alone.
  INFLATED_RATIO_MAX: '999999999',
}
const declaration = declare()
const another = declareInTurn(declaration.employer)
let database: TestDatabase
let intake: EngineProcess
let token: string

beforeAll(async () => {
  database = await createDatabase()
  intake = await startProcess('intake', { DATABASE_URL: database.url, ...short })
  token = await tokenFor([declaration.employer])
})
afterAll(async () => {
  expect(intake.output()).not.toContain('"level":50')
  await intake.end()
  await database.drop()
})

async function withIntake(
  env: Record<string, string>,
  work: (process: EngineProcess) => Promise<void>,
): Promise<void> {
  const process = await startProcess('intake', { DATABASE_URL: database.url, ...env })
  try {
    await work(process)
  } finally {
    await process.end('SIGKILL')
  }
}

let keys = 0
const nextKey = () => {
  keys += 1
  return `key-${keys}`
}
const headers = (more: Record<string, string> = {}) => ({
  authorization: `Bearer ${token}`,
  'idempotency-key': nextKey(),
  'content-type': 'application/json',
  ...more,
})

async function send(
  body: string | Buffer,
  more: Record<string, string> = {},
  { address } = intake,
): Promise<{ status: number; code: string | undefined; headers: Headers; text: string }> {
  const answer = await fetch(`${address}/v1/declarations`, {
    method: 'POST',
    headers: headers(more),
    body,
  })
  const text = await answer.text()
  const { code } = JSON.parse(text) as { code?: string }
  return { status: answer.status, code, headers: answer.headers, text }
}

const lines = (...all: string[]) => `${all.join('\r\n')}\r\n`
const lives = async (address: string) => (await fetch(`${address}/livez`)).status === 200

async function cutsBy(reason: string, of = intake): Promise<number> {
  const text = await freshMetricsOf(of)
  const found = new RegExp(`connections_cut_total{reason="${reason}"} (\\d+)`).exec(text)
  return Number(found?.[1] ?? 0)
}

/** Mebibytes resident now; `peak`, the most since it was asked to forget. */
function memoryOf(pid: number) {
  const read = (name: string) =>
    Number(
      new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1],
    ) / 1024
  return {
    now: () => read('VmRSS'),
    peak: () => read('VmHWM'),
    forgetPeak: () => writeFileSync(`/proc/${pid}/clear_refs`, '5'),
  }
}

/** However busy the machine is; without our limits, Node lets each of these go on for a minute at least. */
const cutMsMax = 30_000

describe('time', () => {
  test('headers that come byte by byte are cut with 408, while others are answered', async () => {
    const client = await openSocket(intake.address)
    client.write('GET /livez HTTP/1.1\r\nhost: a\r\nx-slow: ')
    client.drip(100)
    expect(await lives(intake.address)).toBe(true)
    expect(await client.closed).toBeLessThan(cutMsMax)
    expect(client.text()).toMatch(/^HTTP\/1\.1 408 .*"code":"REQUEST_SLOW"/s)
    expect(await cutsBy('slow')).toBeGreaterThanOrEqual(1)
  })

  test('a body that comes byte by byte is cut with 408, while a filing is accepted', async () => {
    const client = await openSocket(intake.address)
    const sent = Object.entries(headers({ host: 'a', 'content-length': '900' }))
    client.write(lines('POST /v1/declarations HTTP/1.1', ...sent.map((one) => one.join(': ')), ''))
    client.drip(100)
    const other = declare()
    const filed = await file(intake.address, await tokenFor([other.employer]), 'beside', other)
    expect(filed.status).toBe(202)
    expect(await client.closed).toBeLessThan(cutMsMax)
    expect(client.text()).toMatch(/^HTTP\/1\.1 408 .*"code":"REQUEST_SLOW"/s)
  })

  test('a connection that says nothing is closed, before its first request and after one', async () => {
    const silent = await openSocket(intake.address)
    const idle = await openSocket(intake.address)
    idle.write(lines('GET /livez HTTP/1.1', 'host: a', ''))
    await waitFor('an answer', () => idle.text().includes('200 OK'))
    expect(idle.isOpen()).toBe(true)
    expect(await silent.closed).toBeLessThan(cutMsMax)
    expect(idle.text()).toMatch(/^keep-alive: timeout=1\r$/im)
    expect(await idle.closed).toBeLessThan(cutMsMax)
    expect(idle.text()).not.toContain(' 408 ')
  })

  test('an answer that is not taken, or too slowly, is cut; one after another is not', async () => {
    const cut: string[] = []
    const limits = { ...httpDefaults, answerMsMax: 1_000 }
    const answers = { large: Buffer.alloc(64 * 1024 * 1024), small: Buffer.alloc(1024 * 1024) }
    const server = createLimitedServer(
      limits,
      (request, answer) =>
        void answer.end(request.url === '/large' ? answers.large : answers.small),
      (reason) => cut.push(reason),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const slow = await openSocket(address)
    const never = await openSocket(address)
    const steady = await openSocket(address)
    // Some 3 MiB a second each, or nothing.
    slow.takeSlowly(20)
    never.takeSlowly(60_000)
    steady.takeSlowly(20)
    for (const client of [slow, never]) client.write(lines('GET /large HTTP/1.1', 'host: a', ''))
    steady.write(lines('GET /small HTTP/1.1', 'host: a', '').repeat(100))
    await waitFor('both to be cut', () => cut.length === 2)
    await waitFor('many to be taken', () => steady.text().length > 8 * 1024 * 1024)
    expect(cut).toEqual(['unread', 'unread'])
    expect(steady.isOpen()).toBe(true)
    for (const client of [slow, never, steady]) client.end()
    server.close()
  })
})

describe('connections', () => {
  test('10,000 that are idle hold up no filing and little memory', async () => {
    await withIntake({ CONNECTIONS_MAX: '10100' }, async ({ address, pid }) => {
      const memory = memoryOf(pid)
      expect((await send(JSON.stringify(another()), {}, { ...intake, address })).status).toBe(202)
      const before = memory.now()
      const clients: RawClient[] = []
      const request = lines('GET /livez HTTP/1.1', 'host: a', '')
      for (let batch = 0; batch < 20; batch += 1) {
        const from = `127.0.0.${2 + (batch % 4)}`
        const opened = await Promise.all(
          Array.from({ length: 500 }, () => openSocket(address, from)),
        )
        for (const client of opened) client.write(request)
        await waitFor('answers', () => opened.every((one) => one.text().includes('200 OK')))
        clients.push(...opened)
      }
      expect(clients.filter((client) => client.isOpen())).toHaveLength(10_000)
      const startedAt = performance.now()
      expect((await send(JSON.stringify(another()), {}, { ...intake, address })).status).toBe(202)
      const ms = performance.now() - startedAt
      const grown = memory.now() - before
      console.log(`10,000 idle: a filing took ${ms.toFixed(0)} ms, ${grown.toFixed(0)} MiB more`)
      expect(ms).toBeLessThan(15_000) // some 10 ms are usual
      expect(grown).toBeLessThan(400) // 40 KB each; 20 are usual
      expect(clients.filter((client) => client.isOpen())).toHaveLength(10_000)
      for (const client of clients) client.end()
    })
  })

  test('above the cap of an address or of all, the next is closed at once, and counted', async () => {
    const caps = { CONNECTIONS_MAX: '21', CONNECTIONS_PER_ADDRESS_MAX: '10' }
    await withIntake(caps, async (intake) => {
      const { address } = intake
      const open = (count: number, from: string) =>
        Promise.all(Array.from({ length: count }, () => openSocket(address, from)))
      const first = await open(10, '127.0.0.2')
      const eleventh = await openSocket(address, '127.0.0.2')
      expect(await eleventh.closed).toBeLessThan(cutMsMax)
      expect(await cutsBy('address', intake)).toBe(1)
      const second = [...(await open(10, '127.0.0.3')), ...(await open(1, '127.0.0.5'))]
      const last = await waitFor('the cap to be met', async () => {
        const client = await openSocket(address, '127.0.0.4')
        client.write(lines('GET /livez HTTP/1.1', 'host: a', 'connection: close', ''))
        await client.closed
        return client.text() === '' ? client : undefined
      })
      expect(last.isOpen()).toBe(false)
      expect([...first, ...second].every((client) => client.isOpen())).toBe(true)
      for (const client of first) client.end()
      await waitFor('a place again', async () => {
        const client = await openSocket(address, '127.0.0.2')
        client.write(lines('GET /livez HTTP/1.1', 'host: a', 'connection: close', ''))
        await client.closed
        return client.text().includes('200 OK')
      })
      await waitFor('the count', async () => (await cutsBy('total', intake)) >= 1)
      for (const client of second) client.end()
    })
  })

  test('one holder is an IPv4 address, however it is written, or a /64 of IPv6', () => {
    expect(holderOf('::ffff:192.0.2.7')).toBe(holderOf('192.0.2.7'))
    expect(holderOf('2001:db8:1:2:3:4:5:6')).toBe(holderOf('2001:db8:1:2::9'))
    expect(holderOf('2001:db8::1')).toBe(holderOf('2001:db8:0:0:ffff::'))
    expect(holderOf('2001:db8:1:2::9')).not.toBe(holderOf('2001:db8:1:3::9'))
    expect(holderOf('192.0.2.7')).not.toBe(holderOf('192.0.2.8'))
  })
})

describe('headers', () => {
  const ask = async (...more: string[]) => {
    const client = await openSocket(intake.address)
    client.write(lines('GET /livez HTTP/1.1', 'host: a', ...more, 'connection: close', ''))
    await client.closed
    return client.text()
  }

  test('a hundred of them, and 16 KiB, are taken; more are refused with 431', async () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `x-${i}: y`)
    expect(await ask(...many(98))).toMatch(/^HTTP\/1\.1 200/)
    expect(await ask(...many(99))).toMatch(/^HTTP\/1\.1 431 .*"code":"HEADERS_TOO_MANY"/s)
    expect(await ask(...many(3_000))).toMatch(/^HTTP\/1\.1 431/)
    expect(await ask(`x-long: ${'y'.repeat(15_000)}`)).toMatch(/^HTTP\/1\.1 200/)
    expect(await ask(`x-long: ${'y'.repeat(17_000)}`)).toMatch(
      /^HTTP\/1\.1 431 .*"code":"HEADERS_TOO_LARGE"/s,
    )
  })

  test('what is no HTTP is told so', async () => {
    const client = await openSocket(intake.address)
    client.write('NOT HTTP\r\n\r\n')
    await client.closed
    expect(client.text()).toMatch(/^HTTP\/1\.1 400 .*"code":"HTTP_MALFORMED"/s)
  })
})

describe('bodies', () => {
  const codings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }

  test.each(Object.entries(codings))(
    'a declaration compressed with %s is accepted',
    async (coding, compress) => {
      const body = JSON.stringify(another())
      const key = { 'idempotency-key': `compressed-${coding}` }
      const first = await send(compress(body), { ...key, 'content-encoding': coding })
      const second = await send(body, { ...key, 'content-encoding': 'identity' })
      expect([first.status, second.status]).toEqual([202, 202])
      expect(second.headers.get('idempotency-replayed')).toBe('true')
      expect(second.text).toBe(first.text)
    },
  )

  test('the largest declaration is accepted, compressed', async () => {
    const large = declare({ lines: 10_000 }, { employer: declaration.employer })
    const body = gzipSync(JSON.stringify(large))
    expect((await send(body, { 'content-encoding': 'gzip' })).status).toBe(202)
  })

  test('another coding, two of them, and what is not what it says, are refused', async () => {
    const body = gzipSync(JSON.stringify(another()))
    const coded = (coding: string, content = body) => send(content, { 'content-encoding': coding })
    const unsupported = await coded('zstd')
    expect(unsupported).toMatchObject({ status: 415, code: 'CODING_UNSUPPORTED' })
    expect(unsupported.headers.get('accept-encoding')).toBe('gzip, deflate, br')
    for (const coding of ['gzip, gzip', 'toString', ' '])
      expect(await coded(coding)).toMatchObject({ status: 415 })
    for (const coding of ['br', 'deflate'])
      expect(await coded(coding)).toMatchObject({ status: 400, code: 'CODING_BROKEN' })
    expect(await coded('gzip', body.subarray(0, -12))).toMatchObject({ code: 'CODING_BROKEN' })
    const followed = Buffer.concat([body, Buffer.from('something else')])
    expect(await coded('gzip', followed)).toMatchObject({ status: 400 })
  })

  test('a bomb costs no more memory than a body may have', async () => {
    const spaces = gzipSync(Buffer.alloc(16 * 1024 * 1024, ' '))
    // A gibibyte, and a quarter of one, which has to be made in one piece.
    const gzipBomb = Buffer.concat(Array.from({ length: 64 }, () => spaces))
    const brotliBomb = brotliCompressSync(Buffer.alloc(256 * 1024 * 1024, ' '), {
      params: { 1: 1 },
    })
    const memory = memoryOf(intake.pid)
    // What an honest body of the full size costs, a few times.
    for (let i = 0; i < 3; i += 1) await send(`{"x":"${'y'.repeat(4_000_000)}"}`)
    memory.forgetPeak()
    const before = memory.now()
    for (const [coding, bomb] of [
      ['gzip', gzipBomb],
      ['br', brotliBomb],
    ] as const) {
      for (let i = 0; i < 10; i += 1) {
        expect(await send(bomb, { 'content-encoding': coding })).toMatchObject({
          status: 413,
          code: 'BODY_TOO_LARGE',
        })
      }
    }
    const grown = memory.peak() - before
    console.log(`20 bombs of up to 1 GiB: at most ${grown.toFixed(0)} MiB more`)
    // Half of what the smaller one has: how soon memory is given back is the garbage collector's own.
    expect(grown).toBeLessThan(128)
    expect(await lives(intake.address)).toBe(true)
  })

  test('what inflates to more than a hundred times its size is refused before that', async () => {
    await withIntake({}, async ({ address }) => {
      const body = `{"x":"${' '.repeat(1024 * 1024)}"}`
      const coded = { 'content-encoding': 'gzip' }
      expect(await send(gzipSync(body), coded, { ...intake, address })).toMatchObject({
        status: 413,
        code: 'BODY_INFLATES_TOO_FAR',
      })
      // As it is, it may be sent.
      expect((await send(body, {}, { ...intake, address })).status).toBe(422)
    })
  })

  test('a declaration above a limit that was set is told that limit', async () => {
    await withIntake({ BODY_BYTES_MAX: '2048' }, async ({ address }) => {
      const sent = await send(`{"x":"${'y'.repeat(3_000)}"}`, {}, { ...intake, address })
      expect(sent).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' })
      expect(JSON.parse(sent.text)).toMatchObject({
        bytesMax: 2_048,
        detail: expect.stringContaining('2048'),
      })
      expect(sent.text).not.toContain('4 MiB')
    })
  })

  test('a declaration above the limit, and any other body above a small one, get 413', async () => {
    const large = await send(`{"x":"${'y'.repeat(5 * 1024 * 1024)}"}`)
    expect(large).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' })
    expect(JSON.parse(large.text)).toMatchObject({ bytesMax: 4_194_304 })
    const client = await openSocket(intake.address)
    client.write(lines('GET /livez HTTP/1.1', 'host: a', 'content-length: 20000', ''))
    client.write('x'.repeat(20_000))
    await client.closed
    expect(client.text()).toMatch(/^HTTP\/1\.1 413 .*"code":"BODY_UNEXPECTED"/s)
    const elsewhere = await fetch(`${intake.address}/v1/nothing`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify('y'.repeat(20_000)),
    })
    expect(elsewhere.status).toBe(413)
    expect(await elsewhere.json()).toMatchObject({ code: 'BODY_UNEXPECTED' })
  })
})

describe('JSON', () => {
  test('nested too deeply, or with too many keys or entries', async () => {
    const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
    expect((await send(deep(16))).status).toBe(422)
    expect(await send(deep(17))).toMatchObject({ status: 400, code: 'JSON_TOO_DEEP' })
    expect(await send(deep(2_000_000))).toMatchObject({ status: 400, code: 'JSON_TOO_DEEP' })
    const numbered = Array.from({ length: 200_001 }, (_, i) => `"${i}":1`)
    for (const body of [
      `{${numbered.join()}}`,
      `[${'1,'.repeat(200_000)}1]`,
      `[${'[],'.repeat(100_000)}[]]`,
    ])
      expect(await send(body)).toMatchObject({ status: 400, code: 'JSON_TOO_MANY_ITEMS' })
    expect(await send('['.repeat(10))).toMatchObject({ status: 400, code: 'BODY_MALFORMED' })
  })

  test('keys that reach for prototypes are refused, however they are written', async () => {
    for (const body of [
      '{"__proto__":{"employer":"x"}}',
      '{"lines":[{"person":{"__proto__":null}}]}',
      '{"\\u005f\\u005fproto__":1}',
      '{"constructor":{"prototype":{"x":1}}}',
      '{"a":{"constructor":{"prototype":1}}}',
      '{"c\\u006fnstructor":{"prototype":1}}',
    ]) {
      expect(await send(body), body).toMatchObject({ status: 400, code: 'BODY_MALFORMED' })
    }
    expect(({} as { employer?: string }).employer).toBeUndefined()
  })

  test('is measured as it is parsed, whatever strings and spaces are in it', () => {
    const limits = (jsonDepthMax: number, jsonItemsMax: number) => ({ jsonDepthMax, jsonItemsMax })
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 2), (value, spaces) => {
        const text = JSON.stringify(value, null, spaces)
        const { depth, items } = sizeOf(value)
        expect(excessOf(text, limits(depth, items))).toBeUndefined()
        if (depth > 0) expect(excessOf(text, limits(depth - 1, items))).toBe('depth')
        if (items > 0) expect(excessOf(text, limits(depth, items - 1))).toBe('items')
      }),
    )
  })
})

/** Depth and entries of a parsed value; an empty list or object counts as if it had one. */
function sizeOf(value: unknown): { depth: number; items: number } {
  if (typeof value !== 'object' || value === null) return { depth: 0, items: 0 }
  const inside = Object.values(value).map(sizeOf)
  return {
    depth: 1 + Math.max(0, ...inside.map(({ depth }) => depth)),
    items: Math.max(1, inside.length) + inside.reduce((sum, { items }) => sum + items, 0),
  }
}

describe('on the way out', () => {
  test('an answer ends its connection, idle ones are closed, and what was begun is accepted', async () => {
    const draining = await startProcess('intake', { DATABASE_URL: database.url })
    const idle = await openSocket(draining.address)
    idle.write(lines('GET /livez HTTP/1.1', 'host: a', ''))
    await waitFor('an answer', () => idle.text().includes('200 OK'))
    expect(idle.text()).toMatch(/^connection: keep-alive/im)
    const holder = await database.owner.connect()
    await holder.query('begin; lock table journal.acceptance in share mode')
    const client = await openSocket(draining.address)
    const body = JSON.stringify(another())
    const sent = Object.entries(
      headers({ host: 'a', 'content-length': `${Buffer.byteLength(body)}` }),
    )
    client.write(
      `${lines('POST /v1/declarations HTTP/1.1', ...sent.map((one) => one.join(': ')), '')}${body}`,
    )
    await waitFor('the commit to wait', async () => {
      const { rows } = await database.owner.query(
        `select from pg_stat_activity where application_name = 'spillway-accept'
           and wait_event_type = 'Lock' and datname = current_database()`,
      )
      return rows.length === 1
    })
    draining.signal('SIGTERM')
    await idle.closed
    expect(client.isOpen()).toBe(true)
    await holder.query('commit')
    holder.release()
    await client.closed
    expect(client.text()).toMatch(/^HTTP\/1\.1 202 /)
    expect(client.text()).toMatch(/^connection: close/im)
    expect(await draining.end()).toBe(0)
  })
})

describe('settings', () => {
  test('have defaults, are read from the environment, and are told when they are wrong', () => {
    expect(readConfig({}).http).toEqual(httpDefaults)
    expect(Object.isFrozen(readConfig({}).http)).toBe(true)
    const set = readConfig({ CONNECTIONS_PER_ADDRESS_MAX: '0', JSON_DEPTH_MAX: '5' }).http
    expect(set).toEqual({ ...httpDefaults, connectionsPerAddressMax: 0, jsonDepthMax: 5 })
    expect(() => readConfig({ CONNECTIONS_MAX: '0', BODY_BYTES_MAX: '99999999' })).toThrow(
      /CONNECTIONS_MAX must be .*BODY_BYTES_MAX must be /,
    )
    expect(() => readConfig({ ANSWER_MS_MAX: '20000' })).toThrow(/ANSWER_MS_MAX must be /)
    expect(() => readConfig({ HEADERS_MS_MAX: '40000' })).toThrow(/no more than RECEIVE_MS_MAX/)
  })
})
