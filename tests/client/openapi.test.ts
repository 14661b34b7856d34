/** The OpenAPI document is what generators of clients need, and what the routes answer is what it says. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Static } from 'typebox'
import Schema from 'typebox/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { components } from '../../src/client/api.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import type { batchSchema } from '../../src/intake/present/present-batch.ts'
import type {
  acceptedSchema,
  checkedSchema,
  declarationStatusSchema,
  problemSchema,
  receiptSchema,
} from '../../src/intake/present/schemas.ts'
import { openApp } from '../support/app.ts'
import { tokenFor } from '../support/engine.ts'
import { declare, type Journal, openJournal, policies, rulesOf } from '../support/journal.ts'

type Media = { readonly schema: object; readonly example?: unknown }
type Answer = {
  readonly $ref?: string
  readonly description: string
  readonly headers?: Readonly<Record<string, object>>
  readonly content?: Readonly<Record<string, Media>>
}
type Operation = {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly example?: string
  }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, Answer>>
}
type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, object>>
    readonly responses: Readonly<Record<string, Answer>>
  }
  readonly tags: readonly { readonly name: string }[]
}

const beforeDeadline = (region: string, period: string) =>
  rulesOf(region, period).deadlineMicros - 3_600 * 1_000_000
const clock = { nowMicros: 0 }
let journal: Journal
let intake: Awaited<ReturnType<typeof openApp>>
let document: Document
beforeAll(async () => {
  journal = await openJournal()
  intake = await openApp(journal, { policies, clock })
  document = (await intake.app.inject('/documentation/json')).json() as Document
})
afterAll(async () => {
  await intake.close()
  await journal.close()
})

function operationAt(path: string, method: string): Operation {
  const found = document.paths[path]?.[method]
  if (found === undefined) throw new Error(`${method} ${path} is not in the document`)
  return found
}

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
  )

test('each operation has a name of its own, a tag, a success and its refusals as problems', () => {
  const names = operations().map(({ operationId }) => operationId)
  expect(names.length).toBeGreaterThan(30)
  expect(new Set(names).size).toBe(names.length)
  const known = document.tags.map(({ name }) => name)
  for (const { path, method, operationId, tags, responses } of operations()) {
    const place = `${method} ${path}`
    expect(operationId, place).toMatch(/^[a-z][A-Za-z]+$/)
    expect(tags.length === 1 && known.includes(tags[0] as string), place).toBe(true)
    expect(
      Object.keys(responses).some((status) => /^2\d\d$/.test(status)),
      place,
    ).toBe(true)
    expect(Object.keys(responses), place).toContain('4XX')
    for (const [status, answer] of Object.entries(responses)) {
      const { description, content = {} } = responseOf(answer) as Answer
      expect(description === 'Default Response', `${place} ${status}`).toBe(false)
      if (/^[45]XX$/.test(status))
        expect(content['application/problem+json']?.schema, `${place} ${status}`).toEqual({
          $ref: '#/components/schemas/Problem',
        })
    }
  }
})

test('what is said of filing is what a filer must know', () => {
  const { parameters = [], responses } = operationAt('/v1/declarations', 'post')
  const required = parameters.filter((one) => one.required).map(({ name }) => name)
  expect(required).toEqual(['idempotency-key'])
  expect(Object.keys(responses['202']?.headers ?? {})).toEqual(['Location', 'Idempotency-Replayed'])
  expect(Object.keys(responseOf(responses['503'])?.headers ?? {})).toContain('Retry-After')
  const { properties, required: always } = document.components.schemas.Problem as {
    properties: object
    required: string[]
  }
  expect(always).toEqual(expect.arrayContaining(['code', 'message', 'fix', 'status']))
  expect(Object.keys(properties)).toEqual(
    expect.arrayContaining(['attemptTicket', 'attemptedAt', 'attemptValidUntil', 'standing']),
  )
})

test('what "Execute" sends is accepted as it is', async () => {
  for (const [path, status] of [
    ['/v1/declarations/check', 200],
    ['/v1/declarations', 202],
  ] as const) {
    const { requestBody, parameters = [] } = operationAt(path, 'post')
    const example = requestBody?.content['application/json']?.example as Declaration
    clock.nowMicros = beforeDeadline(example.region, example.period)
    const [key] = parameters.filter((one) => one.required)
    const answer = await intake.app.inject({
      ...{ method: 'POST', url: path, payload: example },
      headers: {
        authorization: `Bearer ${await tokenFor([example.employer])}`,
        ...(key && { [key.name]: key.example ?? '' }),
      },
    })
    expect([answer.statusCode, answer.json().findings ?? []]).toEqual([status, []])
  }
})

/** With what references name in their places. */
function whole(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(whole)
  if (typeof value !== 'object' || value === null) return value
  const { $ref } = value as { $ref?: string }
  if ($ref !== undefined)
    return whole(document.components.schemas[$ref.split('/').at(-1) as string])
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, whole(member)]))
}

function responseOf(answer: Answer | undefined): Answer | undefined {
  if (answer?.$ref === undefined) return answer
  return document.components.responses[answer.$ref.split('/').at(-1) as string]
}

type Injected = Awaited<ReturnType<typeof intake.file>>

function errorsOf(schema: unknown, value: unknown): readonly object[] {
  const [isValid, errors] = Schema.Errors(whole(schema) as never, value)
  return isValid ? [] : errors.slice(0, 3)
}

/** What is wrong with an answer, by the document. */
function deviations(path: string, method: string, answer: Injected): string[] {
  const { responses } = operationAt(path, method)
  const { statusCode } = answer
  const told = responses[statusCode] ?? responses[`${Math.floor(statusCode / 100)}XX`]
  const place = `${method} ${path} ${statusCode}`
  const declared = responseOf(told)
  if (declared === undefined) return [`${place} is not declared`]
  const missing = Object.keys(declared.headers ?? {})
    .filter((name) => ['Location', 'ETag', 'Tus-Resumable', 'Tus-Version'].includes(name))
    .filter((name) => answer.headers[name.toLowerCase()] === undefined)
    .map((name) => `${place} lacks ${name}`)
  const type = String(answer.headers['content-type'] ?? '').split(';')[0] ?? ''
  if (answer.body === '')
    return declared.content === undefined ? missing : [...missing, `${place} is empty`]
  const types = Object.keys(declared.content ?? {})
  const as = types.find((one) => one.split(';')[0] === type)
  if (as === undefined) return [...missing, `${place} is ${type}, not ${types}`]
  if (!/json$/.test(type)) return missing
  const errors = errorsOf(declared.content?.[as]?.schema, answer.json())
  return errors.length === 0 ? missing : [...missing, `${place}: ${JSON.stringify(errors)}`]
}

test('every example is as its schema says, and filing, checking and files have one', () => {
  const found = operations().flatMap(({ operationId, requestBody, responses }) =>
    [requestBody, ...Object.values(responses).map(responseOf)].flatMap((place) =>
      Object.values(place?.content ?? {}).flatMap(({ schema, example }) =>
        example === undefined ? [] : [{ operationId, errors: errorsOf(schema, example) }],
      ),
    ),
  )
  expect(found.filter(({ errors }) => errors.length > 0)).toEqual([])
  for (const name of ['fileDeclaration', 'checkDeclaration', 'beginBatch', 'reserveSlot'])
    expect(found.filter(({ operationId }) => operationId === name).length).toBeGreaterThan(5)
})

test('every kind of answer, asked of the routes, is as the document says', async () => {
  const declaration = declare()
  const { employer, period, region } = declaration
  clock.nowMicros = beforeDeadline(region, period)
  const { app } = intake
  const authorization = `Bearer ${await tokenFor([employer])}`
  const filed = await intake.file(declaration, 'key')
  for (const envelope of intake.envelopes) await journal.post(envelope)
  const { id } = filed.json() as { id: string }
  const found: string[] = []
  const asked = new Set<string>()
  const see = (path: string, method: string, answer: Injected) => {
    asked.add(`${method} ${path}`)
    found.push(...deviations(path, method, answer))
  }
  const ask = async (
    path: string,
    url: string,
    more: { method?: 'GET' | 'POST' | 'HEAD' | 'PATCH' | 'DELETE' | 'OPTIONS' } & {
      headers?: Record<string, string>
      payload?: object | string
    } = {},
  ) => {
    const { method = 'GET', headers, payload } = more
    const answer = await app.inject({
      ...{ method, url, headers: { authorization, ...headers } },
      ...(payload !== undefined && { payload }),
    })
    see(path, method.toLowerCase(), answer)
    return answer
  }
  const key = (value: string) => ({ 'idempotency-key': value })

  see('/v1/declarations', 'post', filed)
  see('/v1/declarations', 'post', await intake.file(declaration, 'key'))
  see('/v1/declarations', 'post', await intake.file(declaration, 'other'))
  see('/v1/declarations', 'post', await intake.file({ employer, lines: [{}] }, 'wrong'))
  await ask('/v1/declarations', '/v1/declarations', { method: 'POST', payload: declaration })
  await ask('/v1/declarations', '/v1/declarations', {
    ...{
      method: 'POST',
      payload: '{',
      headers: { ...key('k'), 'content-type': 'application/json' },
    },
  })
  await ask('/v1/declarations', '/v1/declarations', { headers: { authorization: '' } })
  see(
    '/v1/declarations/check',
    'post',
    await intake.check(declare({ employer, period: '2024-10' })),
  )
  await ask('/v1/declarations', `/v1/declarations?employer=${employer}`)
  const one = `/v1/declarations/${id}`
  const status = await ask('/v1/declarations/{id}', one)
  await ask('/v1/declarations/{id}', one, {
    headers: { 'if-none-match': String(status.headers.etag) },
  })
  await ask('/v1/declarations/{id}', '/v1/declarations/none')
  await ask('/v1/declarations/{id}/receipt', `${one}/receipt`)
  await ask('/v1/declarations/{id}/explanation', `${one}/explanation`)
  await ask('/v1/declarations/{id}/amounts', `${one}/amounts`)
  await ask('/v1/declarations/{id}/amounts', `${one}/amounts?format=csv`)

  const draft = `/v1/employers/${employer}/draft`
  await ask('/v1/employers/{uscc}/draft', `${draft}?period=2024-12`)
  await ask('/v1/employers/{uscc}/draft', draft)

  const members = { employer, period, region, kind: 'regular', mode: 'accept-good' }
  const batch = { ...members, format: 'csv', size: 4 }
  const begun = await ask('/v1/batches', '/v1/batches', {
    ...{ method: 'POST', payload: batch, headers: key('b') },
  })
  await ask('/v1/batches', '/v1/batches', { method: 'POST', payload: {}, headers: key('c') })
  await ask('/v1/batches', '/v1/batches')
  await ask('/v1/batches', '/v1/batches', { method: 'OPTIONS' })
  const file = String(begun.headers.location)
  const place = file.replace(/\/file$/, '')
  await ask('/v1/batches/{id}/file', file, { method: 'OPTIONS' })
  await ask('/v1/batches/{id}/file', file, { method: 'HEAD' })
  await ask('/v1/batches/{id}/file', file, {
    method: 'PATCH',
    headers: { 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' },
    payload: 'a,b\n',
  })
  await ask('/v1/batches/{id}', place)
  await ask('/v1/batches/{id}/receipt', `${place}/receipt`)
  await ask('/v1/batches/{id}/declarations', `${place}/declarations`)
  await ask('/v1/batches/{id}/errors', `${place}/errors`)
  await ask('/v1/batches/{id}', place, { method: 'DELETE' })
  const ended = await ask('/v1/batches', '/v1/batches', {
    ...{ method: 'POST', payload: { ...batch, size: 5 }, headers: key('d') },
  })
  await ask('/v1/batches/{id}/file', String(ended.headers.location), { method: 'DELETE' })
  await ask(
    '/v1/batches/{id}/events',
    `${String(ended.headers.location).replace(/file$/, 'events')}`,
  )
  await ask('/v1/batches/template', '/v1/batches/template')
  const slot = await ask('/v1/slots', '/v1/slots', {
    ...{ method: 'POST', payload: { rows: 9, period, region, employer } },
  })
  await ask('/v1/slots', '/v1/slots')
  const { links } = slot.json() as { links: { self: string } }
  await ask('/v1/slots/{id}', links.self)
  await ask('/v1/slots/{id}', links.self, { method: 'DELETE' })

  for (const url of [
    '/v1/policies',
    '/.well-known/jwks.json',
    '/v1/service/status',
    '/livez',
    '/readyz',
    '/',
  ])
    await ask(url, url)
  await ask('/', '/', { headers: { accept: 'text/html' } })
  await ask('/v1/policies/{region}', '/v1/policies/340100?on=2024-11-01')
  await ask('/v1/policies/{region}', '/v1/policies/999999')
  await ask('/v1/policies/{region}/pack', '/v1/policies/340100/pack')
  await ask('/session', '/session')
  await ask('/session/renew', '/session/renew', { method: 'POST' })
  await ask('/session/end', '/session/end', { method: 'POST' })
  await ask('/v1/policies/{region}/changes', '/v1/policies/340100/changes?since=2024-01-01')
  await ask('/v1/findings/{code}', '/v1/findings/ID_CHECK_DIGIT')
  await ask('/v1/findings/{code}', '/v1/findings/BUSY', { headers: { accept: 'text/html' } })

  expect(found).toEqual([])
  const all = operations().map(({ path, method }) => `${method} ${path}`)
  expect(all.filter((name) => !asked.has(name))).toEqual([])
})

type Schemas = components['schemas']
type Fits<Made, Declared> = [Made] extends [Declared]
  ? [keyof Made] extends [keyof Declared]
    ? true
    : false
  : false

/** So that `npm run check` tells as well, and where. */
const fitting: {
  readonly Accepted: Fits<Static<typeof acceptedSchema>, Schemas['Accepted']>
  readonly Batch: Fits<Static<typeof batchSchema>, Schemas['Batch']>
  readonly Checked: Fits<Static<typeof checkedSchema>, Schemas['Checked']>
  readonly Declaration: Fits<Declaration, Schemas['Declaration']>
  readonly DeclarationStatus: Fits<
    Static<typeof declarationStatusSchema>,
    Schemas['DeclarationStatus']
  >
  readonly Problem: Fits<Static<typeof problemSchema>, Schemas['Problem']>
  readonly Receipt: Fits<Static<typeof receiptSchema>, Schemas['Receipt']>
} = {
  ...{ Accepted: true, Batch: true, Checked: true, Declaration: true },
  ...{ DeclarationStatus: true, Problem: true, Receipt: true },
}

test('the client’s types are made of these schemas: if not, npm start, then npm run client-types', () => {
  const digestOf = (text: string) => createHash('sha256').update(text).digest('hex')
  const file = readFileSync(new URL('../../src/client/api.ts', import.meta.url), 'utf8')
  const [head = '', ...types] = file.split(/(?<= \*\/\n)/)
  // As the command: what is only said of a schema changes no type.
  const withoutTexts = (name: string, value: unknown) =>
    (name === 'description' && typeof value === 'string') ||
    (name === 'examples' && Array.isArray(value))
      ? undefined
      : value
  const schemas = JSON.stringify(document.components.schemas, withoutTexts)
  expect(head).toContain(`without texts: ${digestOf(schemas)}\n`)
  expect(head).toContain(`what follows: ${digestOf(types.join(''))}\n`)
  expect(Object.values(fitting)).not.toContain(false)
})
