/** Who tried in time and was refused is on time later: with the ticket, once, for that filing. */
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createAuthenticator } from '../../../src/intake/auth/authentication.ts'
import { RefusedFilers } from '../../../src/intake/auth/refused-filers.ts'
import { tokenKeys } from '../../../src/intake/auth/token-keys.ts'
import { requestClasses } from '../../../src/intake/overload/admission.ts'
import { earnsTicket } from '../../../src/intake/overload/shed.ts'
import type { RecordedAttempts } from '../../../src/journal/outages.ts'
import {
  issueTicket,
  keyHash,
  ticketHash,
  ticketKeyFrom,
} from '../../../src/journal/receipts/attempt-ticket.ts'
import { verifyReceipt } from '../../../src/journal/receipts/receipt.ts'
import {
  attemptValidMicros,
  refusedVerifiedPerSecondMax,
  refusedVerifyingMax,
} from '../../../src/limits.ts'
import { readKeyring } from '../../../src/platform/config/key-store.ts'
import { openApp } from '../../support/app.ts'
import { contentDigest, tokenFor } from '../../support/engine.ts'
import {
  declare,
  filingOf,
  type Journal,
  openJournal,
  policies,
  rulesOf,
} from '../../support/journal.ts'

const { deadlineMicros } = rulesOf('340100', '2024-11')
const beforeIt = deadlineMicros - 3_600 * 1_000_000
const afterIt = deadlineMicros + 3_600 * 1_000_000
const clock = { nowMicros: beforeIt }
const outage = { on: false }
const ticketKey = ticketKeyFrom(readKeyring(inject('keyringFile')).blindIndexSecret)

let journal: Journal
let opened: Awaited<ReturnType<typeof openApp>>
beforeAll(async () => {
  journal = await openJournal()
  opened = await openApp(journal, { policies, clock, refuses: () => outage.on })
})
afterAll(async () => {
  await opened.close()
  await journal.close()
})

/** A filing refused an hour before the deadline; what it was told. */
async function refused(declaration: ReturnType<typeof declare>, key: string) {
  clock.nowMicros = beforeIt
  outage.on = true
  const answer = await opened.file(declaration, key)
  outage.on = false
  clock.nowMicros = afterIt
  expect(answer.statusCode).toBe(503)
  return answer.json() as { attemptTicket: string; attemptedAt: string; fix: { en: string } }
}

const withTicket = (ticket: string) => ({ 'attempt-ticket': ticket })

test('a filing that was refused in time is on time with its ticket, and the receipt says why', async () => {
  const declaration = declare()
  const { attemptTicket, attemptedAt } = await refused(declaration, 'late')
  const answer = await opened.file(declaration, 'late', withTicket(attemptTicket))
  expect(answer.statusCode).toBe(202)
  const { onTime, receipt } = answer.json()
  expect(onTime).toBe(true)
  expect(receipt.statement).toMatchObject({ onTime: true, attemptedAt })
  expect(receipt.statement.acceptedAt > receipt.statement.deadline).toBe(true)
  const keys = journal.keyring.receiptKeys.map(({ publicJwk }) => publicJwk)
  expect(verifyReceipt(receipt, keys)).toMatchObject({ valid: true })
  // Without it, the same would have been late.
  expect((await opened.file(declare(), 'late-2')).json().onTime).toBe(false)
  // Asked again, with it or without, the receipt is the same; and so it is from the journal.
  for (const more of [withTicket(attemptTicket), {}]) {
    expect((await opened.file(declaration, 'late', more)).body).toBe(answer.body)
  }
  const again = await opened.get(
    `/v1/declarations/${answer.json().id}/receipt`,
    declaration.employer,
  )
  expect(again.body).toBe(JSON.stringify(receipt))
  const envelope = opened.envelopes.at(-2) as bigint
  expect(await journal.post(envelope)).toMatchObject({ kind: 'posted', deadLetters: [] })
})

test('the refusal tells in both languages what to do with the ticket', async () => {
  const { fix } = (await refused(declare(), 'told')) as unknown as { fix: Record<string, string> }
  clock.nowMicros = beforeIt
  outage.on = true
  const problem = (await opened.file(declare(), 'told-2')).json()
  outage.on = false
  expect(problem.attemptValidUntil > problem.attemptedAt).toBe(true)
  expect(fix.en).toMatch(/Retry/)
})

test.each<[string, (ticket: string) => string]>([
  ['forged', () => `${'eyJhbGciOiJIUzI1NiJ9'}.e30.AAAA`],
  ['with another signature', (ticket) => ticket.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A'))],
  [
    'stretched',
    (ticket) => {
      const [head, payload = '', signature] = ticket.split('.')
      const attempt = JSON.parse(Buffer.from(payload, 'base64url').toString())
      const stretched = { ...attempt, untilMicros: attempt.untilMicros * 2, atMicros: 1 }
      return `${head}.${Buffer.from(JSON.stringify(stretched)).toString('base64url')}.${signature}`
    },
  ],
  ['with something behind it', (ticket) => `${ticket}.x`],
])('a ticket that is %s does not serve', async (what, change) => {
  const declaration = declare()
  const key = what.replaceAll(' ', '-')
  const { attemptTicket } = await refused(declaration, key)
  const answer = await opened.file(declaration, key, withTicket(change(attemptTicket)))
  expect([answer.statusCode, answer.json().code]).toEqual([422, 'TICKET_INVALID'])
  expect((await opened.file(declaration, key, withTicket(attemptTicket))).statusCode).toBe(202)
})

test('a ticket serves its filer, key and content alone, and no longer than it is valid', async () => {
  const declaration = declare()
  const { attemptTicket } = await refused(declaration, 'mine')
  const invalid = async (other: typeof declaration, key: string) => {
    const answer = await opened.file(other, key, withTicket(attemptTicket))
    expect([answer.statusCode, answer.json().code]).toEqual([422, 'TICKET_INVALID'])
  }
  await invalid(declare(), 'mine')
  await invalid(declaration, 'another-key')
  await invalid({ ...declaration, industryClass: 7 }, 'mine')
  clock.nowMicros = beforeIt + attemptValidMicros
  await invalid(declaration, 'mine')
})

test('a ticket of a program before this one, which names no content, serves one filing, whichever comes first', async () => {
  const [one, other] = [declare(), declare()]
  const employers = [one.employer, other.employer]
  const { ticket } = issueTicket(ticketKey, {
    ...{ subject: one.employer, key: keyHash('unread'), atMicros: beforeIt, reason: 'journal' },
  })
  clock.nowMicros = afterIt
  const file = async (declaration: typeof one) => {
    const { app } = opened
    const headers = {
      authorization: `Bearer ${await tokenFor(employers)}`,
      'idempotency-key': 'unread',
      ...withTicket(ticket),
    }
    return app.inject({ method: 'POST', url: '/v1/declarations', headers, payload: declaration })
  }
  expect((await file(one)).json().onTime).toBe(true)
  expect((await file(other)).json().code).toBe('TICKET_INVALID')
  expect((await file(one)).statusCode).toBe(202)
})

test('redeemed by two intakes at once, it serves one of them', async () => {
  const writers = [journal.openWriter(), journal.openWriter()]
  for (let round = 0; round < 10; round += 1) {
    const { ticket } = issueTicket(ticketKey, {
      subject: 'x',
      key: keyHash('raced'),
      atMicros: beforeIt + round,
      reason: 'journal',
    })
    const results = await Promise.allSettled(
      writers.map((accept, i) =>
        accept([{ ...filingOf(declare(), `raced-${round}-${i}`), ticket: ticketHash(ticket) }]),
      ),
    )
    const accepted = results.filter(
      (one) => one.status === 'fulfilled' && one.value.envelope !== undefined,
    )
    expect(accepted).toHaveLength(1)
    for (const one of results) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: '40001' })
    }
  }
})

test('what is no declaration gets no ticket, read or not', async () => {
  outage.on = true
  clock.nowMicros = beforeIt
  const { employer } = declare()
  const answer = await opened.file({ employer, lines: 'none' }, 'no-declaration')
  outage.on = false
  expect(answer.statusCode).toBe(503)
  expect(answer.json()).not.toHaveProperty('attemptTicket')
})

test('who sends more than its share gets no ticket for it, whatever it names', async () => {
  const { admission, limit } = opened
  const declaration = declare()
  const now = performance.now()
  const places = Math.ceil(0.6 * limit.limit)
  const leave = Array.from({ length: places }, () =>
    admission.enterFiling([declaration.employer], now),
  )
  leave.push(admission.enterFiling(['another'], now))
  const named = { 'content-digest': contentDigest(JSON.stringify(declaration)) }
  const answer = await opened.file(declaration, 'beyond-share', named)
  for (const one of leave) one(now, now, false)
  expect(answer.statusCode).toBe(429)
  expect(answer.json()).toMatchObject({ code: 'SHARE_EXCEEDED', reason: 'share' })
  expect(answer.json()).not.toHaveProperty('attemptTicket')
  const reasons = ['off', 'journal', 'requests', 'loop', 'memory', 'disk', 'share'] as const
  const earning = reasons.filter((reason) => earnsTicket({ class: 'filings-due', reason }))
  expect(earning).toEqual(reasons.filter((reason) => reason !== 'share'))
  const others = requestClasses.filter((of) => earnsTicket({ class: of, reason: 'journal' }))
  expect(others).toEqual(['filings', 'filings-due'])
})

test.each<[string, (body: string) => { body: string | Buffer; headers?: Record<string, string> }]>([
  ['as it is', (body) => ({ body })],
  ['compressed', (body) => ({ body: gzipSync(body), headers: { 'content-encoding': 'gzip' } })],
])('a Content-Digest is compared with what came: %s', async (how, send) => {
  clock.nowMicros = beforeIt
  for (const algorithm of ['sha-256', 'sha-512']) {
    const declaration = declare()
    const { body, headers } = send(JSON.stringify(declaration))
    const key = `${how}-${algorithm}`.replaceAll(' ', '-')
    const file = async (digest: string) =>
      opened.app.inject({
        method: 'POST',
        url: '/v1/declarations',
        headers: {
          ...(await opened.headersFor([declaration.employer])),
          ...{ 'content-type': 'application/json', 'idempotency-key': key },
          ...{ ...headers, 'content-digest': digest },
        },
        payload: body,
      })
    for (const wrong of [
      contentDigest(`${body} `, algorithm),
      `${algorithm}=:AAAA:`,
      `md5=:AAAA:, ${algorithm}=abc`,
      ...(how === 'compressed' ? [contentDigest(JSON.stringify(declaration), algorithm)] : []),
    ]) {
      const answer = await file(wrong)
      expect([answer.statusCode, answer.json().code], wrong).toEqual([400, 'CONTENT_DIGEST_WRONG'])
    }
    expect((await file('md5=:AAAA:')).statusCode).toBe(202) // of an algorithm that tells nothing here
    const answer = await file(`md5=:AAAA:, ${contentDigest(body, algorithm)}`)
    expect([answer.statusCode, answer.headers['idempotency-replayed']]).toEqual([202, 'true'])
  }
})

describe('a filing that is refused at the gate, unread', () => {
  let gate: Awaited<ReturnType<typeof openApp>>
  let address: string
  beforeAll(async () => {
    gate = await openApp(journal, { policies, clock, shedAt: { 'filings-due': 0 } })
    address = await gate.app.listen({ host: '127.0.0.1', port: 0 })
  })
  afterAll(() => gate.close())

  const refusedAtGate = async (
    token: string | undefined,
    body: string,
    more: Record<string, string | undefined> = {},
  ) => {
    clock.nowMicros = beforeIt
    const asked = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...{ 'idempotency-key': '"gate"', 'content-type': 'application/json' },
      ...{ 'content-digest': contentDigest(body), ...more },
    }
    const headers = Object.entries(asked).filter(
      (one): one is [string, string] => one[1] !== undefined,
    )
    const answer = await fetch(`${address}/v1/declarations`, { method: 'POST', headers, body })
    clock.nowMicros = afterIt
    expect(answer.status).toBe(503)
    return (await answer.json()) as { attemptTicket?: string }
  }
  /** Filed after the deadline. */
  const fileBytes = async (body: string, employer: string, ticket: string) => {
    const headers = {
      ...(await opened.headersFor([employer])),
      ...{ 'content-type': 'application/json', 'idempotency-key': 'gate', ...withTicket(ticket) },
    }
    const answer = await opened.app.inject({
      ...{ method: 'POST', url: '/v1/declarations', headers, payload: body },
    })
    return answer.json() as { onTime?: boolean; code?: string }
  }

  test('has none where its filer has its share, whatever it is refused for', async () => {
    const { admission, limit } = gate
    const declaration = declare()
    const token = await tokenFor([declaration.employer])
    const now = performance.now()
    const places = Math.ceil(0.6 * limit.limit)
    const leave = Array.from({ length: places }, () =>
      admission.enterFiling([declaration.employer], now),
    )
    leave.push(admission.enterFiling(['another'], now))
    const refused = await refusedAtGate(token, JSON.stringify(declaration))
    for (const one of leave) one(now, now, false)
    expect(refused).not.toHaveProperty('attemptTicket')
    const again = await refusedAtGate(token, JSON.stringify(declaration))
    expect(again).toHaveProperty('attemptTicket')
  })

  test('has a ticket for the bytes that it named, and for no others', async () => {
    const declaration = declare()
    const { employer } = declaration
    const body = JSON.stringify(declaration)
    const { attemptTicket = '' } = await refusedAtGate(await tokenFor([employer]), body)
    const madeUp = { ...declaration, industryClass: 7 }
    for (const other of [JSON.stringify(madeUp), JSON.stringify(declaration, null, 1)])
      expect((await fileBytes(other, employer, attemptTicket)).code).toBe('TICKET_INVALID')
    expect(await fileBytes(body, employer, attemptTicket)).toMatchObject({ onTime: true })
    // Asked again, the receipt is the same.
    expect(await fileBytes(body, employer, attemptTicket)).toMatchObject({ onTime: true })
  })

  test('has none without naming its content, or with what is no digest', async () => {
    const declaration = declare()
    const body = JSON.stringify(declaration)
    const token = await tokenFor([declaration.employer])
    for (const digest of [undefined, 'sha-256=:AAAA:', 'md5=:AAAA:', 'x'])
      expect(await refusedAtGate(token, body, { 'content-digest': digest })).not.toHaveProperty(
        'attemptTicket',
      )
    expect(await refusedAtGate(token, body)).toHaveProperty('attemptTicket')
    const key = { 'idempotency-key': undefined }
    expect(await refusedAtGate(token, body, key)).not.toHaveProperty('attemptTicket')
  })

  test('has none and leaves no trace where its token is forged, or may not file', async () => {
    const watched = await openApp(journal, { policies, clock, shedAt: { 'filings-due': 0 } })
    try {
      address = await watched.app.listen({ host: '127.0.0.1', port: 0 })
      const { employer } = declare()
      const body = JSON.stringify(declare({}, { employer }))
      const token = await tokenFor([employer])
      const [head, , signature] = token.split('.')
      const claims = {
        sub: '\u001b[2J',
        employers: [employer],
        scope: 'declarations:write',
        exp: 4e9,
      }
      const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')
      const reading = await tokenFor([employer], { scopes: ['declarations:read'] })
      const staff = await tokenFor([], { subject: 'x', roles: ['operator'], regions: ['340100'] })
      for (const one of [undefined, 'x', `${head}.${payload}.${signature}`, reading, staff])
        expect(await refusedAtGate(one, body)).not.toHaveProperty('attemptTicket')
      const nowMs = clock.nowMicros / 1_000
      expect(watched.outages.open(nowMs)).toBeUndefined()
      const written: RecordedAttempts[] = []
      await watched.outages.write(async (_, attempts) => void written.push(...attempts), nowMs)
      expect(written).toEqual([])
      // Of one that is verified, both are kept.
      expect(await refusedAtGate(token, body)).toHaveProperty('attemptTicket')
      expect(watched.outages.open(beforeIt / 1_000)).toMatchObject({ cause: 'off', refused: 1 })
      await watched.outages.write(async (_, attempts) => void written.push(...attempts), nowMs)
      expect(written).toMatchObject([{ subject: employer, tickets: 1, reason: 'off' }])
    } finally {
      await watched.close()
    }
  })
})

describe('tokens of refused filings that were not verified before', () => {
  const keyring = readKeyring(inject('keyringFile'))
  const keys = tokenKeys({ publicJwk: keyring.tokenKeys.map(({ publicJwk }) => publicJwk) })
  const rules = { issuer: 'spillway', audience: 'spillway', keys, now: Date.now }

  test('are verified, each once at a time, so many in a second', async () => {
    const refused = new RefusedFilers(createAuthenticator(rules))
    const token = `Bearer ${await tokenFor(['91350100M000100Y43'], { subject: 'one' })}`
    const [first, same] = [refused.verify(token, 0), refused.verify(token, 0)]
    expect(await Promise.all([first, same])).toEqual(['one', 'one'])
    const others = Array.from({ length: 2 * refusedVerifiedPerSecondMax }, (_, i) =>
      refused.verify(`Bearer forged.${i}.x`, 500),
    )
    const begun = others.filter((one) => one !== undefined)
    expect(begun).toHaveLength(refusedVerifiedPerSecondMax - 1)
    expect(new Set(await Promise.all(begun))).toEqual(new Set([undefined]))
    expect(refused.verify(token, 999)).toBeUndefined()
    expect(await refused.verify(token, 1_000)).toBe('one')
    expect(refused.verify(undefined, 5_000)).toBeUndefined()
  })

  test('are not waited for where their keys can not be fetched', async () => {
    const keysOutOfReach = { ...keys, find: () => new Promise<never>(() => {}) }
    const refused = new RefusedFilers(createAuthenticator({ ...rules, keys: keysOutOfReach }))
    const token = `Bearer ${await tokenFor(['91350100M000100Y43'], { subject: 'one' })}`
    expect(await refused.verify(token, 0)).toBeUndefined()
  })

  test('are waited for by so many requests', async () => {
    const refused = new RefusedFilers(createAuthenticator(rules))
    const token = `Bearer ${await tokenFor(['91350100M000100Y43'], { subject: 'one' })}`
    const all = Array.from({ length: refusedVerifyingMax + 5 }, () => refused.verify(token, 0))
    expect(all.filter((one) => one === undefined)).toHaveLength(5)
    await Promise.all(all)
    expect(await refused.verify(token, 0)).toBe('one')
  })
})
