/** What bodies hold together is bounded, however many come, however slowly, and however they end. */
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HeldBodies } from '../../../src/intake/overload/held-bodies.ts'
import { bodiesHeldBytesMin, requestBodyBytesMax, smallBodyBytesMax } from '../../../src/limits.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import {
  contentDigest,
  type EngineProcess,
  file,
  freshMetricsOf,
  metricsOf,
  startProcess,
  tokenFor,
} from '../../support/engine.ts'
import { declare } from '../../support/journal.ts'
import { openSocket, type RawClient } from '../../support/socket.ts'
import { waitFor } from '../../support/wait.ts'

test('the sum is that of what is open, never above its bound, and nothing of it is left over', () => {
  const most = 1_000_000
  const step = fc.record({
    body: fc.nat(9),
    to: fc.integer({ min: 1, max: most }),
    ends: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const bodies = new HeldBodies(most)
      const open = Array.from({ length: 10 }, (_, i) => ({
        body: bodies.open(`filer-${i % 3}`),
        bytes: 0,
        ended: false,
      }))
      for (const { body: i, to, ends } of steps) {
        const one = open[i] as (typeof open)[0]
        const said = one.body.lacks(to)
        if (ends) one.body.release()
        const reason = one.body.grow(to)
        if (ends || one.ended) Object.assign(one, { bytes: 0, ended: true })
        else if (reason === undefined) one.bytes = to
        if (!one.ended) expect(reason).toBe(said)
        const sum = open.reduce((all, { bytes }) => all + bytes, 0)
        expect(bodies.bytes).toBe(sum)
        expect(sum).toBeLessThanOrEqual(most)
      }
      for (const { body } of open) body.release()
      expect(bodies.bytes).toBe(0)
    }),
  )
})

test('large bodies leave room for small ones, and one filer has half', () => {
  const bodies = new HeldBodies(bodiesHeldBytesMin)
  const half = bodiesHeldBytesMin / 2
  expect(bodies.open('one').grow(half + 1)).toBe('share')
  expect(bodies.open('one').grow(half)).toBeUndefined()
  expect(bodies.open('one').grow(1)).toBe('share')
  expect(bodies.open('other').grow(half)).toBe('memory')
  expect(bodies.open('other').grow(half / 2)).toBeUndefined()
  expect(bodies.open('third').grow(smallBodyBytesMax + 1)).toBe('memory')
  expect(bodies.open('third').grow(smallBodyBytesMax)).toBeUndefined()
})

describe('an intake that holds little', () => {
  let database: TestDatabase
  let intake: EngineProcess
  beforeAll(async () => {
    database = await createDatabase()
    intake = await startProcess('intake', {
      DATABASE_URL: database.url,
      BODIES_HELD_BYTES_MAX: `${bodiesHeldBytesMin}`,
      INFLATED_RATIO_MAX: '999999999',
    })
  })
  afterAll(async () => {
    expect(intake.output()).not.toContain('"level":50')
    await intake.end()
    await database.drop()
  })

  const large = requestBodyBytesMax - 1_000

  const heldIn = (metrics: string) =>
    Number(/^spillway_bodies_held_bytes (\d+)$/m.exec(metrics)?.[1])
  /** Up to a second ago. */
  const heldLately = async () => heldIn(await metricsOf(intake))
  const heldBytes = async () => heldIn(await freshMetricsOf(intake))
  const heldNothing = () => waitFor('nothing to be held', async () => (await heldBytes()) === 0)

  /** A filing whose body is said to be of a length, or comes in chunks; nothing of it is sent yet. */
  async function begin(token: string, key: string, body: string[], path = ''): Promise<RawClient> {
    const client = await openSocket(intake.address)
    const head = [
      `POST /v1/declarations${path} HTTP/1.1`,
      'host: intake',
      `authorization: Bearer ${token}`,
      `idempotency-key: ${key}`,
      'content-type: application/json',
      ...body,
    ]
    client.write(`${head.join('\r\n')}\r\n\r\n`)
    return client
  }

  const someone = async () => tokenFor([declare().employer])
  const codeIn = (client: RawClient) => /"code":"(\w+)"/.exec(client.text())?.[1]

  test('slow large bodies are refused before they fill it; small filings are accepted; then it is empty', async () => {
    // Ten filers with eight bodies each, of which three quarters come: 240 MiB into 32.
    const tokens = await Promise.all(Array.from({ length: 10 }, someone))
    const clients = await Promise.all(
      Array.from({ length: 80 }, (_, i) =>
        begin(tokens[i % 10] as string, `slow-${i}`, [
          `content-length: ${large}`,
          `content-digest: ${contentDigest(' '.repeat(large))}`,
        ]),
      ),
    )
    let most = 0
    for (let piece = 0; piece < 12; piece += 1) {
      for (const client of clients) client.write(' '.repeat(256 * 1024))
      most = Math.max(most, await heldLately())
    }
    await waitFor('some to be refused', () => clients.filter(codeIn).length > 50)
    most = Math.max(most, await heldBytes())
    expect(most).toBeGreaterThan(0.5 * bodiesHeldBytesMin)
    expect(most).toBeLessThanOrEqual(0.75 * bodiesHeldBytesMin)
    for (const client of clients.filter(codeIn)) {
      expect(client.text()).toMatch(/^HTTP\/1\.1 503 .*retry-after: [1-9]/s)
      expect(client.text()).toMatch(/"shed":"filings-due","reason":"memory","attemptTicket":"/)
    }
    const declaration = declare()
    const token = await tokenFor([declaration.employer])
    expect((await file(intake.address, token, 'small', declaration)).status).toBe(202)
    for (const client of clients) client.end()
    await heldNothing()
  })

  test('what can wait is given up first', async () => {
    const { employer } = declare()
    const headers = { authorization: `Bearer ${await tokenFor([employer])}` }
    const list = () => fetch(`${intake.address}/v1/declarations?employer=${employer}`, { headers })
    const clients = await Promise.all(
      Array.from({ length: 6 }, async (_, i) =>
        begin(await someone(), `wait-${i}`, [`content-length: ${large}`]),
      ),
    )
    const sent = 3.5 * 1024 * 1024
    for (const client of clients) client.write(' '.repeat(sent))
    await waitFor('all of it to be held', async () => (await heldBytes()) === 6 * sent)
    const refused = await list()
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ shed: 'reports', reason: 'memory' })
    for (const client of clients) client.end()
    await heldNothing()
    expect((await list()).status).toBe(200)
  })

  test('one filer that sends many gets 429, and others send large ones beside it', async () => {
    const token = await someone()
    const clients = await Promise.all(
      Array.from({ length: 8 }, (_, i) => begin(token, `one-${i}`, [`content-length: ${large}`])),
    )
    for (const client of clients) client.write(' '.repeat(3 * 1024 * 1024))
    await waitFor('some to be refused', () => clients.filter(codeIn).length >= 3)
    for (const client of clients.filter(codeIn)) {
      expect(client.text()).toMatch(/^HTTP\/1\.1 429 .*retry-after: [1-9]/s)
      expect(codeIn(client)).toBe('SHARE_EXCEEDED')
    }
    const declaration = declare({ lines: 5_000 })
    const other = await file(
      intake.address,
      await tokenFor([declaration.employer]),
      'large',
      declaration,
    )
    expect(other.status).toBe(202)
    for (const client of clients) client.end()
    await heldNothing()
  })

  test('compressed ones count as what they inflate to, until they are answered', async () => {
    // Some 2 MB each as they are, a tenth of it as they are sent.
    const persons = new Map(
      declare({ lines: 10_000 }).lines?.map((line) => [line.person.idNumber, line]),
    )
    const filings = await Promise.all(
      Array.from({ length: 24 }, async () => {
        const declaration = { ...declare(), lines: [...persons.values()] }
        const body = gzipSync(JSON.stringify(declaration))
        return { body, token: await tokenFor([declaration.employer]) }
      }),
    )
    const holder = await database.owner.connect()
    await holder.query('begin; lock table journal.acceptance in share mode')
    const answers = filings.map(async ({ body, token }, i) => {
      const answer = await fetch(`${intake.address}/v1/declarations`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'idempotency-key': `inflated-${i}`,
          'content-type': 'application/json',
          'content-encoding': 'gzip',
        },
        body,
      })
      return { status: answer.status, text: await answer.text() }
    })
    const first = await Promise.race(answers)
    expect(first.status).toBe(503)
    expect(JSON.parse(first.text)).toMatchObject({ code: 'BUSY', reason: 'memory' })
    expect(await heldBytes()).toBeLessThanOrEqual(0.75 * bodiesHeldBytesMin)
    await holder.query('commit')
    holder.release()
    // On a slow machine some of them waited longer for the commit than it may take.
    for (const { status } of await Promise.all(answers)) expect([202, 503]).toContain(status)
    await heldNothing()
  })

  test.each<[string, string[], (client: RawClient) => void, string]>([
    [
      'is no JSON',
      ['content-length: 20000'],
      (to) => to.write('x'.repeat(20_000)),
      'BODY_MALFORMED',
    ],
    [
      'is larger than one may be',
      ['transfer-encoding: chunked'],
      (to) => {
        for (let i = 0; i < 5; i += 1) to.write(`100000\r\n${' '.repeat(1024 * 1024)}\r\n`)
        to.write('0\r\n\r\n')
      },
      'BODY_TOO_LARGE',
    ],
    [
      'says that it is larger',
      [`content-length: ${requestBodyBytesMax + 1}`],
      (to) => to.write(' '.repeat(requestBodyBytesMax + 1)),
      'BODY_TOO_LARGE',
    ],
    [
      'inflates without end',
      ['transfer-encoding: chunked', 'content-encoding: gzip'],
      (to) => {
        const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
        to.write(`${bomb.length.toString(16)}\r\n`)
        to.write(bomb)
        to.write('\r\n0\r\n\r\n')
      },
      'BODY_TOO_LARGE',
    ],
    [
      'is not what its coding says',
      ['content-length: 9000', 'content-encoding: br'],
      (to) => to.write('x'.repeat(9_000)),
      'CODING_BROKEN',
    ],
  ])('a body that %s holds nothing afterwards', async (_what, head, send, code) => {
    const client = await begin(await someone(), 'ends', head)
    send(client)
    await waitFor('an answer', () => codeIn(client))
    expect(codeIn(client)).toBe(code)
    await heldNothing()
    client.end()
  })

  test('a body whose sender goes, small or large, holds nothing afterwards', async () => {
    for (const length of [10_000, large]) {
      const client = await begin(await someone(), 'gone', [`content-length: ${length}`])
      client.write(' '.repeat(5_000))
      await waitFor('it to be held', async () => (await heldBytes()) >= 5_000)
      client.end()
      await heldNothing()
    }
  })

  test('of what is only said to come, a large body holds nothing', async () => {
    const clients = await Promise.all(
      Array.from({ length: 20 }, async (_, i) =>
        begin(await someone(), `said-${i}`, [`content-length: ${large}`]),
      ),
    )
    const declaration = declare({ lines: 5_000 })
    const token = await tokenFor([declaration.employer])
    expect((await file(intake.address, token, 'beside', declaration)).status).toBe(202)
    for (const client of clients) client.end()
  })
})
