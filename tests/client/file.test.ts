/** The client library files a declaration through whatever happens on the way, once, and tells how it ended. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type AttemptEvent,
  createClient,
  type Fetch,
  type FrozenFiling,
  freezeFiling,
} from '../../src/client/client.ts'
import { pause, waitMsOf } from '../../src/client/insist.ts'
import { jitterMsMax, retryMsMax, retryMsMin } from '../../src/client/limits.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import { openApp } from '../support/app.ts'
import { tokenFor } from '../support/engine.ts'
import { declare, type Journal, openJournal, policies, rulesOf } from '../support/journal.ts'

const { deadlineMicros } = rulesOf('340100', '2024-11')
const beforeIt = deadlineMicros - 3_600 * 1_000_000
const clock = { nowMicros: beforeIt }
const afterIt = deadlineMicros + 3_600 * 1_000_000
const outage = { on: false }

let journal: Journal
let intake: Awaited<ReturnType<typeof openApp>>
/** Refuses every filing before it reads it. */
let gate: Awaited<ReturnType<typeof openApp>>
const addresses = { intake: '', gate: '' }
beforeAll(async () => {
  journal = await openJournal()
  intake = await openApp(journal, { policies, clock, refuses: () => outage.on })
  gate = await openApp(journal, { policies, clock, shedAt: { 'filings-due': 0 } })
  addresses.intake = await intake.app.listen({ host: '127.0.0.1', port: 0 })
  addresses.gate = await gate.app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await gate.close()
  await intake.close()
  await journal.close()
})

/** What is sent of one attempt. */
type Sent = { readonly body: string; readonly headers: Record<string, string> }
/** What is on the way of one attempt. */
type Way = Fetch

const through =
  (address: () => string): Way =>
  async (url, init) => {
    const { pathname, search } = new URL(url)
    const answer = await fetch(`${address()}${pathname}${search}`, init)
    const headers = new Headers(answer.headers)
    if (headers.has('retry-after')) headers.set('retry-after', '1')
    return new Response(await answer.text(), { status: answer.status, headers })
  }
const toIntake = through(() => addresses.intake)
const toGate = through(() => addresses.gate)
/** The filing arrives, and is accepted; its answer is lost. */
const replyLost: Way = async (url, init) => {
  await toIntake(url, init)
  throw new TypeError('socket hang up')
}
const broken: Way = () => Promise.reject(new TypeError('fetch failed'))
const signInPage: Way = async () => new Response('<html>Welcome to the hotel</html>')
/** Accepted for its own sake: nothing went on to the intake. */
const gatewaysOwn: Way = async () => Response.json({ requestId: '7' }, { status: 202 })
const tooLarge: Way = async () =>
  Response.json({ code: 'BODY_TOO_LARGE', status: 413 }, { status: 413 })
const proxyDown: Way = async () =>
  new Response('<html>502</html>', { status: 502, headers: { 'retry-after': '1' } })
const toOutage: Way = async (url, init) => {
  outage.on = true
  const answer = await toIntake(url, init)
  outage.on = false
  return answer
}

/** A client whose attempts go these ways in turn, and then straight on. */
async function clientOf(employer: string, ways: readonly Way[], after: Way = toIntake) {
  const token = await tokenFor([employer])
  const sent: Sent[] = []
  const events: AttemptEvent[] = []
  const left = [...ways]
  const client = createClient({
    baseUrl: 'https://intake.invalid/',
    token: () => token,
    fetch: (url, init) => {
      sent.push(init as unknown as Sent)
      return (left.shift() ?? after)(url, init)
    },
    // Own waits are as short as they can be.
    random: () => 0,
  })
  return { client, sent, events, onAttempt: (event: AttemptEvent) => void events.push(event) }
}

const acceptedRows = async (employer: string) =>
  (
    await journal.database.owner.query('select id from journal.acceptance where employer = $1', [
      employer,
    ])
  ).rows.length

test('a filing goes through a storm of faults with the same bytes and key, and counts once', async () => {
  const declaration = declare()
  const { employer } = declaration
  const ways = [broken, signInPage, gatewaysOwn, replyLost, toGate, proxyDown, toOutage]
  const { client, sent, events, onAttempt } = await clientOf(employer, ways)
  const outcome = await client.file(declaration, { onAttempt })
  expect(outcome).toMatchObject({ kind: 'replayed', answer: { status: 'accepted', onTime: true } })
  expect(sent).toHaveLength(ways.length + 1)
  const [first] = sent
  for (const { body, headers } of sent) {
    expect(body).toBe(first?.body)
    expect(headers['idempotency-key']).toBe(first?.headers['idempotency-key'])
    expect(headers['content-digest']).toMatch(/^sha-256=:.{44}:$/)
  }
  const waits = events.flatMap((event) => (event.kind === 'waiting' ? [event.why] : []))
  expect(waits).toEqual(['broken', 'foreign', 'foreign', 'broken', 'busy', 'foreign', 'failed'])
  expect(await acceptedRows(employer)).toBe(1)
})

test('the ticket of the first refusal is kept, told and sent: who tried in time is on time', async () => {
  clock.nowMicros = beforeIt
  const declaration = declare()
  const late: Way = (url, init) => {
    clock.nowMicros = afterIt
    return toGate(url, init)
  }
  const { client, sent, events, onAttempt } = await clientOf(declaration.employer, [toGate, late])
  const outcome = await client.file(declaration, { onAttempt })
  clock.nowMicros = beforeIt
  expect(outcome).toMatchObject({ kind: 'accepted', answer: { onTime: true } })
  const tickets = sent.map(({ headers }) => headers['attempt-ticket'])
  expect(tickets[0]).toBeUndefined()
  expect(tickets[1]).toBeDefined()
  expect(tickets[2]).toBe(tickets[1])
  const told = events.flatMap((event) => (event.kind === 'waiting' ? [event.ticket?.ticket] : []))
  expect(told).toEqual([tickets[1], tickets[1]])
})

test('a ticket that serves no longer is left out; while it serves, its holder decides', async () => {
  const declaration = declare()
  const { client, sent } = await clientOf(declaration.employer, [])
  const frozen = await freezeFiling(declaration)
  // Another's: it may come back to its holder, whose filing then counts from its attempt.
  const ticket = { ticket: 'made-up', attemptedAt: '2024-12-01', validUntil: '2999-01-01' }
  expect(await client.file({ ...frozen, ticket })).toMatchObject({
    kind: 'refused',
    problem: { code: 'TICKET_INVALID' },
    filing: { ticket: { ticket: 'made-up' } },
  })
  const over = { ...ticket, validUntil: '2024-12-08' }
  expect(await client.file({ ...frozen, ticket: over })).toMatchObject({ kind: 'accepted' })
  expect(sent.map(({ headers }) => headers['attempt-ticket'])).toEqual([
    'made-up',
    'made-up',
    undefined,
  ])
})

test('what is kept before each attempt is sent again by another program to the byte', async () => {
  const declaration = declare()
  const stop = new AbortController()
  const kept: FrozenFiling[] = []
  const dies: Way = async (url, init) => {
    await toIntake(url, init)
    stop.abort()
    throw new TypeError('the program ends')
  }
  const first = await clientOf(declaration.employer, [toGate, dies])
  const ended = await first.client.file(declaration, {
    signal: stop.signal,
    keep: (filing) => void kept.push(structuredClone(filing)),
  })
  expect(ended).toMatchObject({ kind: 'unknown', why: 'stopped', filing: { mayBeAccepted: true } })
  // Before the first attempt; after the refusal; before the second.
  expect(kept.map((one) => [one.mayBeAccepted, one.ticket !== undefined])).toEqual([
    [true, false],
    [false, true],
    [true, true],
  ])
  const second = await clientOf(declaration.employer, [])
  const outcome = await second.client.file(kept.at(-1) as FrozenFiling)
  expect(outcome.kind).toBe('replayed')
  expect(second.sent[0]?.body).toBe(first.sent[0]?.body)
  expect(await acceptedRows(declaration.employer)).toBe(1)
})

test('a filing that was only ever refused for want of room is known not to be accepted', async () => {
  const declaration = declare()
  const { client } = await clientOf(declaration.employer, [toGate], toOutage)
  const stop = new AbortController()
  const outcome = await client.file(declaration, {
    signal: stop.signal,
    onAttempt: (event) => event.kind === 'sending' && event.attempt === 3 && stop.abort(),
  })
  expect(outcome).toMatchObject({ kind: 'notAccepted', ticket: { ticket: expect.any(String) } })
  expect(outcome).toMatchObject({ filing: { mayBeAccepted: false } })
})

test('what stands, faults and a key used before are told apart, with findings and the way on', async () => {
  const declaration = declare()
  const { employer } = declaration
  const { client } = await clientOf(employer, [])
  const accepted = await client.file(declaration, { key: 'mine' })
  expect(accepted.kind).toBe('accepted')
  expect(await client.file(declaration, { key: 'mine' })).toMatchObject({ kind: 'replayed' })
  const other = { ...declaration, industryClass: 7 }
  expect(await client.file(other, { key: 'mine' })).toMatchObject({ kind: 'keyReused' })
  expect(await client.file(other)).toMatchObject({
    kind: 'standing',
    standing: { sameContent: false, links: { receipt: expect.any(String) } },
    findings: [{ code: 'DECLARATION_STANDS' }],
  })
  const [line] = declaration.lines ?? []
  const wrong = { ...declaration, lines: [{ ...line, wage: '-1' }] } as Declaration
  const refused = await client.file(wrong)
  expect(refused).toMatchObject({ kind: 'refused', filing: { mayBeAccepted: false } })
  expect(refused.kind === 'refused' && refused.findings.map(({ pointer }) => pointer)).toContain(
    '/lines/0/wage',
  )
})

test('a filing is corrected and cancelled by the id of what stands', async () => {
  const declaration = declare()
  const { client } = await clientOf(declaration.employer, [])
  const first = await client.file(declaration)
  if (first.kind !== 'accepted') throw new Error(first.kind)
  const { employer, region, period, lines } = declaration
  const corrected = await client.correct(first.answer.id, {
    employer,
    region,
    period,
    lines: lines?.slice(0, 1) ?? [],
  })
  expect(corrected.kind).toBe('accepted')
  if (corrected.kind !== 'accepted') throw new Error(corrected.kind)
  const cancelled = await client.cancel(corrected.answer.id, declaration)
  expect(cancelled).toMatchObject({ kind: 'accepted' })
})

test('an expired sign-in loses nothing: the same filing goes on with a new token', async () => {
  const declaration = declare()
  const { employer } = declaration
  const tokens = [await tokenFor([employer], { ttlSeconds: -3_600 }), await tokenFor([employer])]
  const signedIn = { nth: 0 }
  const client = createClient({
    baseUrl: addresses.intake,
    token: () => tokens[signedIn.nth] as string,
  })
  const ended = await client.file(declaration)
  expect(ended).toMatchObject({ kind: 'unauthenticated', mayBeAccepted: false })
  if (ended.kind !== 'unauthenticated') throw new Error(ended.kind)
  signedIn.nth = 1
  expect(await client.file(ended.filing)).toMatchObject({ kind: 'accepted' })
  // Where a new one is to be had, nobody notices.
  let asked = 0
  const renewing = createClient({
    baseUrl: addresses.intake,
    token: () => tokens[Math.min(asked++, 1)] as string,
  })
  expect(await renewing.file(ended.filing)).toMatchObject({ kind: 'replayed' })
})

test('who may not file is told so, and whether an earlier attempt may count', async () => {
  const declaration = declare()
  const stranger = await clientOf(declare().employer, [broken])
  const outcome = await stranger.client.file(declaration)
  expect(outcome).toMatchObject({ kind: 'forbidden', mayBeAccepted: true })
})

test('a refusal before the journal was asked says nothing of an attempt before', async () => {
  const declaration = declare()
  const { client } = await clientOf(declaration.employer, [replyLost, tooLarge])
  const outcome = await client.file(declaration)
  expect(outcome).toMatchObject({ kind: 'refused', filing: { mayBeAccepted: true } })
  if (outcome.kind !== 'refused') throw new Error(outcome.kind)
  expect(await client.file(outcome.filing)).toMatchObject({ kind: 'replayed' })
})

test('a token that never comes ends with its attempt, and with the caller’s signal', async () => {
  const never = new Promise<string>(() => {})
  const client = createClient({ baseUrl: addresses.intake, token: () => never })
  const outcome = await client.file(declare(), { attemptMsMax: 50, giveUpAfterMs: 0 })
  expect(outcome).toMatchObject({ kind: 'notAccepted', why: 'token' })
  const stop = new AbortController()
  const stopped = client.status('x', { signal: stop.signal })
  stop.abort()
  expect(await stopped).toMatchObject({ kind: 'unavailable', why: 'stopped' })
})

test('an answer that does not come in time is an unknown outcome, and is asked for again', async () => {
  const declaration = declare()
  const { client } = await clientOf(declaration.employer, [
    async (_url, { signal }) => {
      await new Promise((_, reject) =>
        signal?.addEventListener('abort', () => reject(signal.reason)),
      )
      throw new Error('not reached')
    },
  ])
  const outcome = await client.file(declaration, { attemptMsMax: 50, giveUpAfterMs: 0 })
  expect(outcome).toMatchObject({ kind: 'unknown', why: 'silent' })
  if (outcome.kind !== 'unknown') throw new Error(outcome.kind)
  expect(await client.file(outcome.filing)).toMatchObject({ kind: 'accepted' })
})

test('it waits as long as it is told, never less, and comes apart from others by a little', () => {
  const busy = (retryAfter: string) => ({
    ...{ status: 503, text: '' },
    headers: new Headers({ 'retry-after': retryAfter }),
  })
  for (const random of [0, 0.5, 0.999]) {
    const waits = [1, 10, 120].map((seconds) => waitMsOf(busy(`${seconds}`), 1, () => random))
    expect(waits).toEqual([
      1_000 + 100 * random,
      10_000 + 1_000 * random,
      120_000 + jitterMsMax * random,
    ])
  }
  const later = waitMsOf(busy(new Date(Date.now() + 90_000).toUTCString()), 1, () => 0)
  expect(later).toBeGreaterThan(80_000)
  expect(later).toBeLessThanOrEqual(90_000)
  const own = (attempt: number) => waitMsOf({ lost: 'broken' }, attempt, () => 1)
  expect([own(1), own(2), own(3), own(1_000)]).toEqual([
    retryMsMin,
    2 * retryMsMin,
    4 * retryMsMin,
    retryMsMax,
  ])
  const past = new Date(Date.now() - 60_000).toUTCString()
  for (const wrong of ['', 'soon', '-1', '0', past])
    expect(
      [1, 2].map((attempt) => waitMsOf(busy(wrong), attempt, () => 1)),
      wrong,
    ).toEqual([retryMsMin, 2 * retryMsMin])
})

test('a wait longer than the caller has patience for is not begun', async () => {
  const declaration = declare()
  const token = await tokenFor([declaration.employer])
  const client = createClient({ baseUrl: addresses.gate, token: () => token })
  const outcome = await client.file(declaration, { giveUpAfterMs: 0 })
  expect(outcome).toMatchObject({ kind: 'notAccepted', why: 'busy' })
  if (outcome.kind !== 'notAccepted') throw new Error(outcome.kind)
  expect(outcome.resumesAtMs).toBeGreaterThan(Date.now())
})

test('a pause ends at its signal', async () => {
  const stop = new AbortController()
  const paused = pause(3_600_000, stop.signal)
  stop.abort()
  expect(await paused).toBe(false)
  expect(await pause(3_600_000, stop.signal)).toBe(false)
  expect(await pause(0, undefined)).toBe(true)
})
