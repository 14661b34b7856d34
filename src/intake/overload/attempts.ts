/**
 * Attempt tickets at the edge: what a refusal carries, and what a filing that comes back with one is
 * worth.
 */
import { canonicalDeclaration } from '../../declaration/canonical.ts'
import { isDeclaration } from '../../declaration/check.ts'
import { formatInstant } from '../../declaration/period.ts'
import { digestOf } from '../../journal/digest.ts'
import type { Filing } from '../../journal/filing.ts'
import {
  type Attempt,
  issueTicket,
  keyHash,
  openTicket,
  type TicketKey,
  ticketHash,
} from '../../journal/receipts/attempt-ticket.ts'
import { clockSkewMsMax, ticketSubjectCharactersMax } from '../../limits.ts'
import type { TicketMembers } from '../problems/problems.ts'
import type { ContentDigest } from '../wire/content-digest.ts'
import type { IssuedTicket } from './outage-watch.ts'

/** What is known of a request that can't be accepted. */
export type FailedAttempt = {
  /** By a verified token; undefined where it was not: then there is no ticket. */
  readonly subject: string | undefined
  readonly idempotencyKey: string | undefined
  readonly reason: string
  /** Of a request that was read, its body; else what it says its content is. */
  readonly content:
    | { readonly body: unknown }
    | { readonly named: ContentDigest | 'invalid' | undefined }
}

/** Makes what a refusal carries; `onIssued` is told who has a ticket now. */
export function createAttempts(
  key: TicketKey,
  nowMicros: () => number,
  onIssued: (ticket: IssuedTicket) => void = () => {},
) {
  return ({ subject, idempotencyKey, reason, content: known }: FailedAttempt): TicketMembers => {
    const content = boundTo(known)
    if (subject === undefined || idempotencyKey === undefined || content === undefined) return {}
    if (subject.length > ticketSubjectCharactersMax) return {}
    const atMicros = nowMicros()
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

/**
 * What a ticket serves for: nothing that is made up later.
 * @returns undefined for what is no declaration, or of which nothing is known: there is no ticket
 */
function boundTo(
  content: FailedAttempt['content'],
): Pick<Attempt, 'employer' | 'digest' | 'content'> | undefined {
  if ('named' in content) {
    const { named } = content
    return named === undefined || named === 'invalid' ? undefined : { content: named }
  }
  const { body } = content
  if (!isDeclaration(body)) return undefined
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

/**
 * Whether a ticket is for this content. Those of programs before this one may name none: they serve until
 * they are no longer valid.
 * @param isContent whether a digest is of the request's content
 */
export function isFor(
  { employer, digest, content }: Attempt,
  filing: Filing,
  isContent: (digest: ContentDigest | undefined) => boolean,
): boolean {
  const sameEmployer = employer === undefined || employer === filing.employer
  const sameDeclaration = digest === undefined || digest === filing.digest.toString('hex')
  return sameEmployer && sameDeclaration && isContent(content)
}
