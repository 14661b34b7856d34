/** The client library looks up, waits and checks. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClient, type DeclarationStatus } from '../../src/client/client.ts'
import { openApp } from '../support/app.ts'
import { tokenFor } from '../support/engine.ts'
import { declare, type Journal, openJournal, policies, rulesOf } from '../support/journal.ts'

const clock = { nowMicros: rulesOf('340100', '2024-11').deadlineMicros - 3_600 * 1_000_000 }
let journal: Journal
let intake: Awaited<ReturnType<typeof openApp>>
let baseUrl: string
beforeAll(async () => {
  journal = await openJournal()
  intake = await openApp(journal, { policies, clock })
  baseUrl = await intake.app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await intake.close()
  await journal.close()
})

async function clientOf(employer: string) {
  const token = await tokenFor([employer])
  return createClient({ baseUrl, token: () => token })
}

test('a declaration is followed from its 202 until it is posted', async () => {
  const declaration = declare()
  const client = await clientOf(declaration.employer)
  const filed = await client.file(declaration)
  if (filed.kind !== 'accepted') throw new Error(filed.kind)
  const { id } = filed.answer
  expect(await client.status(id)).toMatchObject({
    kind: 'found',
    declaration: { id, status: 'accepted' },
  })
  const seen: DeclarationStatus['status'][] = []
  const waiting = client.waitUntilPosted(id, { onStatus: ({ status }) => void seen.push(status) })
  for (const envelope of intake.envelopes) await journal.post(envelope)
  expect(await waiting).toMatchObject({
    kind: 'settled',
    declaration: { id, status: 'posted', assessment: { lines: 2 } },
  })
  expect(seen.at(-1)).toBe('posted')
})

test('who stops waiting keeps what was read', async () => {
  const declaration = declare()
  const client = await clientOf(declaration.employer)
  const filed = await client.file(declaration)
  if (filed.kind !== 'accepted') throw new Error(filed.kind)
  const ended = await client.waitUntilPosted(filed.answer.id, { giveUpAfterMs: 0 })
  expect(ended).toMatchObject({ kind: 'stillAccepted', declaration: { status: 'accepted' } })
  const stop = new AbortController()
  stop.abort()
  expect(await client.waitUntilPosted(filed.answer.id, { signal: stop.signal })).toMatchObject({
    kind: 'unavailable',
    why: 'stopped',
  })
})

test('what there is not, what is not allowed and who is no intake are told apart', async () => {
  const { employer } = declare()
  const client = await clientOf(employer)
  expect(await client.status('202411-00000000000000000000000000')).toEqual({ kind: 'notFound' })
  expect(await client.status('../batches')).toEqual({ kind: 'notFound' })
  expect(await client.check(declare())).toMatchObject({ kind: 'forbidden' })
  const nobody = createClient({ baseUrl, token: () => 'x.y.z' })
  expect(await nobody.status('x')).toMatchObject({
    kind: 'unauthenticated',
    problem: { code: 'TOKEN_INVALID' },
  })
  const elsewhere = createClient({
    baseUrl,
    fetch: async () => new Response('<html>404</html>', { status: 404 }),
  })
  expect(await elsewhere.status('x')).toEqual({ kind: 'foreign', status: 404 })
  const gateway = createClient({ baseUrl, fetch: async () => Response.json({ ok: true }) })
  for (const ended of [gateway.status, gateway.waitUntilPosted])
    expect(await ended('x', { giveUpAfterMs: 0 })).toMatchObject({
      kind: 'unavailable',
      why: 'foreign',
    })
  const without = createClient({ baseUrl, token: () => Promise.reject(new Error('no provider')) })
  expect(await without.status('x', { giveUpAfterMs: 0 })).toMatchObject({
    kind: 'unavailable',
    why: 'token',
  })
})

test('a check has the findings and the amounts', async () => {
  const declaration = declare()
  const client = await clientOf(declaration.employer)
  const found = await client.check(declaration, { lines: { from: 2, count: 1 } })
  expect(found).toMatchObject({
    kind: 'checked',
    checked: {
      valid: true,
      assessment: { lines: 2, total: { employer: expect.stringMatching(/^\d+\.\d\d$/) } },
      explanation: { lines: [{ line: 2 }] },
    },
  })
})

test('a page’s cookie signs in at its own origin alone, and a token takes no cookie along', async () => {
  const inits: RequestInit[] = []
  const fetch = async (_url: string, init: RequestInit) => {
    inits.push(init)
    return Response.json({ id: 'x', status: 'posted' })
  }
  await createClient({ baseUrl: '', fetch }).status('x')
  await createClient({ baseUrl: '', fetch, token: () => 't' }).status('x')
  expect(inits.map(({ credentials, headers }) => [credentials, headers])).toEqual([
    ['same-origin', {}],
    ['omit', { authorization: 'Bearer t' }],
  ])
})
