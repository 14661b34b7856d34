/**
 * Attempt tickets at the edge: what a refusal carries, and what a filing that comes back with one is
 * worth.
 */
import { canonicalDeclaration } from '../declaration/canonical.ts'
import { isDeclaration } from '../declaration/check.ts'
import { formatInstant } from '../declaration/period.ts'
import type { Filing } from '../journal/accept.ts'
import {
  type Attempt,
  issueTicket,
  keyHash,
  openTicket,
  type TicketKey,
  ticketHash,
} from '../journal/attempt-ticket.ts'
import { digestOf } from '../journal/digest.ts'
import { clockSkewMsMax, ticketSubjectCharactersMax } from '../limits.ts'
import type { IssuedTicket } from './outage-watch.ts'

/** What is known of a request that can't be accepted. */
export type FailedAttempt = {
  /** Undefined where nobody said who asks: then there is no ticket. */
  readonly subject: string | undefined
  readonly idempotencyKey: string | undefined
  readonly reason: string
  readonly body?: unknown
}

/** Members of a problem document: the ticket, from when it counts, until when it serves. */
export type TicketMembers = {
  readonly attemptTicket?: string
  readonly attemptedAt?: string
  readonly attemptValidUntil?: string
}

/** Makes what a refusal carries; `onIssued` is told who has a ticket now. */
export function createAttempts(
  key: TicketKey,
  nowMicros: () => number,
  onIssued: (ticket: IssuedTicket) => void = () => {},
) {
  return ({ subject, idempotencyKey, reason, body }: FailedAttempt): TicketMembers => {
    if (subject === undefined || idempotencyKey === undefined) return {}
    // Postgres keeps no NUL; and who is not verified may claim to be anybody.
    if (subject.length > ticketSubjectCharactersMax || subject.includes('\0')) return {}
    const atMicros = nowMicros()
    const content = contentOf(body)
    onIssued({ atMs: atMicros / 1_000, subject, employer: content.employer, reason })
    const { ticket, untilMicros } = issueTicket(key, {
      subject,
      key: keyHash(idempotencyKey),
      atMicros,
      reason,
      ...content,
    })
    return {
      attemptTicket: ticket,
      attemptedAt: formatInstant(atMicros),
      attemptValidUntil: formatInstant(untilMicros),
    }
  }
}

function contentOf(body: unknown): Pick<Attempt, 'employer' | 'digest'> {
  if (!isDeclaration(body)) return {}
  const digest = digestOf(Buffer.from(canonicalDeclaration(body))).toString('hex')
  return { employer: body.employer, digest }
}

/** A ticket that a filing came with, if it is its filer's and its key's, and valid still. */
export type RedeemedAttempt = Attempt & { readonly hash: Buffer }

/**
 * Clocks of intakes differ: by the one that is asked, an attempt that another saw is never later than
 * now, so that a ticket makes nothing late.
 * @returns undefined without a ticket; `invalid` where it is forged, changed, another's, of another
 * key, or no longer valid
 */
export function readAttempt(
  key: TicketKey,
  ticket: string | string[] | undefined,
  { subject, idempotencyKey }: { readonly subject: string; readonly idempotencyKey: string },
  nowMicros: number,
): RedeemedAttempt | 'invalid' | undefined {
  if (ticket === undefined) return undefined
  const attempt = typeof ticket === 'string' ? openTicket(key, ticket) : undefined
  if (typeof ticket !== 'string' || attempt === undefined) return 'invalid'
  const own = attempt.subject === subject && attempt.key === keyHash(idempotencyKey)
  const latest = nowMicros + 1_000 * clockSkewMsMax
  if (!own || attempt.atMicros > latest || nowMicros >= attempt.untilMicros) return 'invalid'
  const atMicros = Math.min(attempt.atMicros, nowMicros)
  return { ...attempt, atMicros, hash: ticketHash(ticket) }
}

/** Whether a ticket is for this content, where it says for which. */
export function isFor({ employer, digest }: Attempt, filing: Filing): boolean {
  const sameEmployer = employer === undefined || employer === filing.employer
  return sameEmployer && (digest === undefined || digest === filing.digest.toString('hex'))
}

/** The subject that a token names, before it is verified: a ticket of another's serves nobody. */
export function namedSubject(token: string | undefined): string | undefined {
  try {
    const payload = token?.split('.', 2)[1] ?? ''
    const { sub } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub?: unknown }
    return typeof sub === 'string' ? sub : undefined
  } catch {
    return undefined
  }
}
