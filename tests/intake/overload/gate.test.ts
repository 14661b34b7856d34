/** What the gate knows of a request before anybody has read it: its class, and whose filing it is. */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import Fastify from 'fastify'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { requestClasses, type ShedAt } from '../../../src/intake/overload/admission.ts'
import {
  canonicalUrl,
  classOf,
  requireClasses,
  routeClasses,
} from '../../../src/intake/overload/route-classes.ts'
import { packToken } from '../../../src/intake/sessions/packed-token.ts'
import { Seals } from '../../../src/intake/sessions/seals.ts'
import { readKeyring } from '../../../src/platform/config/key-store.ts'
import { openApp } from '../../support/app.ts'
import { contentDigest, tokenFor } from '../../support/engine.ts'
import { declare, type Journal, openJournal, policies, rulesOf } from '../../support/journal.ts'
import { routesOf } from '../../support/routes.ts'

const nowMicros = rulesOf('340100', '2024-11').deadlineMicros - 3_600_000_000

let journal: Journal
const opened: Awaited<ReturnType<typeof openApp>>[] = []
beforeAll(async () => {
  journal = await openJournal()
})
afterAll(async () => {
  for (const one of opened) await one.close()
  await journal.close()
})

async function listening(shedAt: Partial<ShedAt>) {
  const intake = await openApp(journal, { policies, clock: { nowMicros }, shedAt })
  opened.push(intake)
  const address = await intake.app.listen({ host: '127.0.0.1', port: 0 })
  return { ...intake, address, port: Number(new URL(address).port) }
}

/** Sends a request line as it is. */
async function answerTo(port: number, method: string, path: string) {
  const request = httpRequest({ host: '127.0.0.1', port, method, path, agent: false })
  request.end()
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const piece of answer.setEncoding('utf8')) text += piece
  return { status: answer.statusCode, text }
}

const encoded = (character: string, hex = (code: string) => code) =>
  `%${hex(character.charCodeAt(0).toString(16).padStart(2, '0'))}`
const everyLetter = (path: string) =>
  path.replace(/[\w.~-]/g, (character) => encoded(character, (code) => code.toUpperCase()))

/** All of them reach the same route. */
const spellings: Record<string, (path: string, port: number) => string> = {
  'as it is': (path) => path,
  'with a query': (path) => `${path}?of=%64eclarations`,
  'its second letter encoded': (path) => path.replace(/^(\/.)(.)/, (_, a, b) => a + encoded(b)),
  'its last letter encoded': (path) => path.replace(/.$/, (last) => encoded(last)),
  'every letter encoded': everyLetter,
  'with scheme and host': (path, port) => `http://127.0.0.1:${port}${path}`,
  'with scheme and host, encoded': (path) => `HTTP://spillway.example${everyLetter(path)}`,
}

describe('a route', () => {
  const ofRoutes = Object.entries(routeClasses)
    // Of rehearsals, where there are any.
    .filter(([name]) => !name.includes('rehearsal'))
    .map(([name, of]) => [name, of] as const)

  test('has a class, as every class has a route', async () => {
    const { app } = await listening({})
    const found = routesOf(app).filter((name) => !name.includes('/documentation'))
    const isWithGet = (name: string) => found.includes(name.replace('HEAD ', 'GET '))
    const routes = found.filter((name) => !(name.startsWith('HEAD ') && isWithGet(name)))
    const rows = ofRoutes.map(([name]) => name).filter((name) => !name.includes('/documentation'))
    expect([...new Set(routes)].sort()).toEqual(rows.sort())
    const anotherApp = Fastify()
    requireClasses(anotherApp)
    const add = () => anotherApp.get('/v1/new', () => '')
    expect(add).toThrow('GET /v1/new has no class')
    await anotherApp.close()
  })

  test('is given up by its class, however its address is spelled', async () => {
    const all = await listening(Object.fromEntries(requestClasses.map((of) => [of, 0])))
    const some = await listening({})
    for (const [name, of] of ofRoutes) {
      const [method = '', url = ''] = name.split(' ')
      const path = url.replace(/:\w+/g, '2024x').replace('*', 'json')
      for (const [how, spell] of Object.entries(spellings)) {
        const what = `${name}, ${how}`
        const { status, text } = await answerTo(all.port, method, spell(path, all.port))
        if (of === 'never') expect(status, what).not.toBe(503)
        else {
          expect(status, what).toBe(503)
          if (method !== 'HEAD') expect(JSON.parse(text).shed, what).toBe(of)
          // It would have reached its route, which asks for a token; those of sessions are for anybody.
          const letIn = await answerTo(some.port, method, spell(path, some.port))
          if (url.startsWith('/session')) expect([200, 403], what).toContain(letIn.status)
          else expect(letIn.status, what).toBe(401)
        }
      }
    }
  })

  test('that there is not is given up, too; what is no address is refused', async () => {
    const { port } = await listening(Object.fromEntries(requestClasses.map((of) => [of, 0])))
    for (const path of ['/v1/new', '/new', '/v2/declarations', '/v1/declarations/a/b/c', '/%ff'])
      expect((await answerTo(port, 'GET', path)).status, path).toBe(503)
    expect(classOf('POST', '/v1/declarations/check/more')).toBe('lookups')
  })

  test.each([
    ['/v1/%2564eclarations', '/v1/%2564eclarations'],
    ['/v1/declarations%2Fcheck', '/v1/declarations%2Fcheck'],
    ['/v1/%e7%94%b3', '/v1/%e7%94%b3'],
    ['/v1/x?a=%64', '/v1/x?a=%64'],
    ['http://host', '/'],
    ['https://host?a=1', '/?a=1'],
    ['*', '*'],
  ])('%s is spelled %s', (url, canonical) => {
    expect(canonicalUrl(url)).toBe(canonical)
  })
})

test('who has no token makes nobody else’s room smaller', async () => {
  const intake = await listening({ 'filings-due': 0.002 })
  const places = 0.002 * intake.limit.limit
  const declaration = declare()
  const body = JSON.stringify(declaration)
  const send = (headers: Record<string, string>) =>
    fetch(`${intake.address}/v1/declarations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'room', ...headers },
      body,
    })
  const authorization = `Bearer ${await tokenFor([declaration.employer])}`
  expect((await send({ authorization })).status).toBe(202)
  for (const token of [{}, { authorization: 'Bearer of.no.key' }]) {
    // Few at a time: all requests have a limit in their number, too.
    for (let sent = 0; sent < 5 * places; sent += 8) {
      const answers = await Promise.all(Array.from({ length: 8 }, () => send(token)))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
    }
  }
})

test('a filing with a session is refused as one with its token is: with a ticket of its filer', async () => {
  const intake = await listening({ 'filings-due': 0 })
  const declaration = declare()
  const { employer } = declaration
  const token = await tokenFor([employer], { subject: 'in a browser' })
  const seals = new Seals(() => readKeyring(inject('keyringFile')).sessionKeys)
  const cookie = `spillway-session=${seals.seal('session', packToken(token))}`
  const body = JSON.stringify(declaration)
  const send = (headers: Record<string, string>) =>
    fetch(`${intake.address}/v1/declarations`, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', 'idempotency-key': 'browser' },
        ...{ 'content-digest': contentDigest(body), ...headers },
      },
      body,
    })
  const refused = await send({ cookie, 'sec-fetch-site': 'same-origin' })
  expect(refused.status).toBe(503)
  const { attemptTicket } = (await refused.json()) as { attemptTicket?: string }
  expect(decodeJwt(attemptTicket ?? '')).toMatchObject({ subject: 'in a browser' })
  // Another site earns nobody a ticket.
  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
    const foreign = await send({ cookie, ...headers } as Record<string, string>)
    expect([foreign.status, await foreign.json()]).toEqual([
      503,
      expect.not.objectContaining({ attemptTicket: expect.anything() }),
    ])
  }
})

test('how long answers take is measured from when a body is here, not from its first byte', async () => {
  const intake = await listening({})
  const declaration = declare()
  const { authorization } = await intake.headersFor([declaration.employer])
  const body = JSON.stringify(declaration)
  const request = httpRequest(`${intake.address}/v1/declarations`, {
    method: 'POST',
    agent: false,
    headers: {
      authorization,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'idempotency-key': 'slow',
    },
  })
  request.write(body.slice(0, 100))
  await pause(1_500)
  const sentAt = performance.now()
  request.end(body.slice(100))
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  const tookMs = performance.now() - sentAt
  expect(answer.statusCode).toBe(202)
  answer.resume()
  // The first answer counts for a twentieth.
  expect(20 * intake.answerMs()).toBeGreaterThan(0)
  expect(20 * intake.answerMs()).toBeLessThanOrEqual(tookMs)
  const before = intake.answerMs()
  const again = await intake.file(declaration, 'slow')
  expect(again.headers['idempotency-replayed']).toBe('true')
  expect(intake.answerMs()).toBe(before)
  expect(intake.admission.acceptedLastMinute(performance.now())).toBe(1)
})
