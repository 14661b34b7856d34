/** Addresses, their parameters and methods: what is wrong with each is told as such, in both languages. */
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openApp } from '../support/app.ts'
import { tokenFor } from '../support/engine.ts'
import { declare, type Journal, openJournal, policies } from '../support/journal.ts'

const { employer } = declare()
let journal: Journal
let app: FastifyInstance
let headers: Record<string, string>
beforeAll(async () => {
  journal = await openJournal()
  const clock = { nowMicros: Date.UTC(2025, 6, 10) * 1_000 }
  app = (await openApp(journal, { policies, clock })).app
  headers = { authorization: `Bearer ${await tokenFor([employer])}` }
})
afterAll(async () => {
  await app.close()
  await journal.close()
})

type Problem = {
  code: string
  detail: string
  parameter?: string
  allowed?: Record<string, string>
}

async function ask(
  method: string,
  url: string,
  more: Record<string, string> = {},
  payload?: string,
) {
  const answer = await app.inject({
    method: method as 'GET',
    url,
    headers: { ...headers, ...more },
    ...(payload !== undefined && { payload }),
  })
  return answer
}

async function problem(method: string, url: string, more: Record<string, string> = {}) {
  const answer = await ask(method, url, more)
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  return { status: answer.statusCode, allow: answer.headers.allow, ...answer.json<Problem>() }
}

describe('a parameter that is not what it may be is named, with what it may be', () => {
  const id = '202507-0000000000000000'
  const batch = '00000000-0000-0000-0000-000000000000'
  test.each([
    ['/v1/policies/340100?on=2025-8', 'on', /a day such as/],
    ['/v1/policies/340100?on=2025-02-30', 'on', /a day such as/],
    ['/v1/policies/340100?on=2025-02-01&on=2025-02-02', 'on', /a day such as/],
    ['/v1/policies/340100/changes', 'since', /a day such as/],
    ['/v1/declarations', 'employer', /18 characters/],
    [`/v1/declarations?employer=${employer}&period=2025-13`, 'period', /a month such as/],
    [`/v1/declarations?employer=${employer}&limit=abc`, 'limit', /from 1 to 999/],
    [`/v1/declarations?employer=${employer}&before=x`, 'before', /links\.next/],
    [
      `/v1/declarations?employer=${employer}&pages=1`,
      'pages',
      /employer, period, region, before, limit/,
    ],
    [`/v1/declarations/${id}/explanation?line=0`, 'line', /from 1/],
    [`/v1/declarations/${'9'.repeat(41)}`, 'id', /the id that was answered/],
    ['/v1/batches?limit=abc', 'limit', /from 1 to 999/],
    ['/v1/batches/1', 'id', /the id that was answered/],
    [`/v1/batches/${batch}/errors?format=pdf`, 'format', /csv/],
    ['/v1/batches/template?category=other', 'category', /flexible/],
    ['/v1/slots/1', 'id', /the id that was answered/],
  ])('%s', async (url, parameter, allowed) => {
    const told = await problem('GET', url)
    expect(told).toMatchObject({ status: 400, code: 'PARAMETER_INVALID', parameter })
    expect(told.allowed?.en).toMatch(allowed)
    expect(told.allowed?.['zh-CN']).toMatch(/\S/)
    expect(told.detail).toContain(parameter)
  })
})

test.each(['11010519491231002X', 'a%0D%0Ab', '%3Cb%3E', 'x'.repeat(41)])(
  'a parameter that is named %s is refused, and its name is not told again',
  async (name) => {
    const told = await problem('GET', `/v1/batches?${name}=1`)
    expect(told).toMatchObject({ status: 400, code: 'PARAMETER_INVALID' })
    expect(told).not.toHaveProperty('parameter')
    expect(told.detail).toMatch(/limit/)
    expect(JSON.stringify(told)).not.toContain(decodeURIComponent(name))
  },
)

test.each([
  ['GET', '/v1/declarations/%ZZ'],
  ['GET', '/v1/declarations/%ff'],
  ['GET', '/v1/declarations/%00'],
  ['GET', `/v1/declarations?employer=${employer.slice(0, 17)}%00`],
  ['GET', '/v1/findings/%00'],
  ['GET', '/v1/policies/%00'],
  ['GET', '/nowhere/%00'],
  ['POST', '/v1/declarations?%00'],
])('%s %s reaches no route', async (method, url) => {
  expect(await problem(method, url)).toMatchObject({ status: 400, code: 'ADDRESS_MALFORMED' })
})

test.each([
  ['DELETE', '/v1/declarations', 'GET, HEAD, POST'],
  ['POST', '/v1/declarations/202507-1', 'GET, HEAD'],
  ['PATCH', '/v1/batches', 'GET, HEAD, POST, OPTIONS'],
  ['GET', '/v1/batches/00000000-0000-0000-0000-000000000000/file', 'HEAD, PATCH, DELETE, OPTIONS'],
  ['POST', '/livez', 'GET, HEAD'],
])('%s %s is told which methods there are', async (method, url, allow) => {
  const told = await problem(method, url)
  expect(told).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED', allow })
})

test('an address that there is not has no methods either', async () => {
  const told = await problem('POST', '/v1/nowhere')
  expect(told).toMatchObject({ status: 404, code: 'NOT_FOUND' })
  expect(told.allow).toBeUndefined()
})

describe('files', () => {
  const encoded = (members: Record<string, string>) =>
    Object.entries(members)
      .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`.trimEnd())
      .join(',')
  const members = {
    employer,
    period: '2025-06',
    region: '340100',
    kind: 'regular',
    mode: 'accept-good',
  }
  const begin = (more: Record<string, string> = {}, metadata: Record<string, string> = members) =>
    ask('POST', '/v1/batches', {
      'tus-resumable': '1.0.0',
      'upload-length': '10',
      'upload-metadata': encoded(metadata),
      ...more,
    })

  test.each(['application/octet-stream', 'text/plain', 'application/json'])(
    'are begun without a body, of whatever type that is said to be: %s',
    async (type) => {
      const answer = await begin({ 'content-type': type, 'content-length': '0' })
      expect(answer.statusCode, answer.body).toBe(201)
    },
  )

  test('are begun where optional members are there and empty', async () => {
    const empty = { slot: '', sha256: '', amends: '', format: '', filename: '' }
    expect((await begin({}, { ...members, ...empty })).statusCode).toBe(201)
    // What is needed is missed all the same.
    const told = await begin({}, { ...members, period: '' })
    expect(told.json()).toMatchObject({ errors: [{ pointer: '/period', code: 'FIELD_MISSING' }] })
  })

  test.each(['/file', ''])(
    'are cancelled where a type is named and no body comes: %s',
    async (at) => {
      const { location } = (await begin()).headers
      const url = String(location).replace(/\/file$/, at)
      const answer = await ask('DELETE', url, { 'content-type': 'application/json' })
      expect(answer.statusCode, answer.body).toBe(204)
    },
  )

  test('take the method that a client names who can send none but POST', async () => {
    const url = String((await begin()).headers.location)
    const at = await app.listen({ port: 0, host: '127.0.0.1' })
    const override = (method: string, more: Record<string, string> = {}, body?: string) =>
      fetch(at + url, {
        method: 'POST',
        headers: { ...headers, 'x-http-method-override': method, ...more },
        ...(body !== undefined && { body }),
      })
    const part = { 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' }
    const patched = await override('PATCH', part, '12345')
    expect(patched.status).toBe(204)
    expect(patched.headers.get('upload-offset')).toBe('5')
    expect((await override('HEAD')).headers.get('upload-offset')).toBe('5')
    expect((await override('DELETE')).status).toBe(204)
    // Nowhere else.
    const elsewhere = await fetch(`${at}/v1/batches`, {
      method: 'POST',
      headers: { ...headers, 'x-http-method-override': 'DELETE' },
    })
    expect(elsewhere.status).toBe(400)
  })
})
