/** Who tried in time and was refused is on time later: with the ticket, once, for that filing. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createAttempts } from '../../src/intake/attempts.ts'
import {
  issueTicket,
  keyHash,
  ticketHash,
  ticketKeyFrom,
} from '../../src/journal/attempt-ticket.ts'
import { verifyReceipt } from '../../src/journal/receipt.ts'
import { attemptValidMicros } from '../../src/limits.ts'
import { readKeyring } from '../../src/platform/keyring.ts'
import { openApp } from '../support/app.ts'
import { startProcess, tokenFor } from '../support/engine.ts'
import {
  declare,
  filingOf,
  type Journal,
  openJournal,
  policies,
  rulesOf,
} from '../support/journal.ts'

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

test('a ticket of a request that was not read serves one filing, whichever comes first', async () => {
  const [one, other] = [declare(), declare()]
  const employers = [one.employer, other.employer]
  clock.nowMicros = beforeIt
  const { attemptTicket = '' } = createAttempts(
    ticketKey,
    () => clock.nowMicros,
  )({
    subject: one.employer,
    idempotencyKey: 'unread',
    reason: 'journal',
  })
  clock.nowMicros = afterIt
  const file = async (declaration: typeof one) => {
    const { app } = opened
    const headers = {
      authorization: `Bearer ${await tokenFor(employers)}`,
      'idempotency-key': 'unread',
      ...withTicket(attemptTicket),
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

test('a filing refused at the gate, unread, comes with a ticket of whom its token names', async () => {
  const intake = await startProcess('intake', {
    DATABASE_URL: journal.database.url,
    SHED_AT: 'filings-due=0',
    LOG_LEVEL: 'warn',
  })
  try {
    const declaration = declare()
    const answer = await fetch(`${intake.address}/v1/declarations`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await tokenFor([declaration.employer])}`,
        'idempotency-key': '"gate"',
        'content-type': 'application/json',
      },
      body: JSON.stringify(declaration),
    })
    expect(answer.status).toBe(503)
    const { attemptTicket } = (await answer.json()) as { attemptTicket: string }
    clock.nowMicros = Date.now() * 1_000
    expect((await opened.file(declaration, 'gate', withTicket(attemptTicket))).statusCode).toBe(202)
    const other = await opened.file(declare(), 'gate', withTicket(attemptTicket))
    expect(other.json().code).toBe('TICKET_INVALID')
  } finally {
    await intake.end()
  }
})
