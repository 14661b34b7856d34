/**
 * Files a declaration until it is known what became of it. Every attempt sends the same bytes with the same key,
 * so that it counts once however often it is sent.
 *
 * If the program ends after each step, with `keep` storing the filing:
 *
 * | ended after | then |
 * |---|---|
 * | freezing | nothing was sent; nothing is stored |
 * | `keep` before an attempt | stored as `mayBeAccepted`: handed in again, it is accepted, or replayed |
 * | the attempt was sent | the same |
 * | its answer, "no room" | the same; the ticket of this answer is lost, the next attempt gets another |
 * | `keep` of the ticket | stored with the ticket, and as it was before the attempt |
 * | its answer, 202 | the same as sent: handed in again, the original receipt |
 */
import { type Answer, type Connection, exchange, type Lost } from './exchange.ts'
import { contentOf, refusalOf } from './failure.ts'
import { type FrozenFiling, freezeFiling } from './frozen-filing.ts'
import { type CallOptions, type Insisted, insist } from './insist.ts'
import { giveUpAfterMs } from './limits.ts'
import type { FilingOutcome } from './outcome.ts'
import { type AttemptTicket, hasTexts, type Problem, problemIn, ticketIn } from './problem.ts'
import type { Accepted, Declaration, Receipt } from './types.ts'

export type FileOptions = CallOptions & {
  /** Of a declaration that is not frozen yet; by chance unless given. */
  readonly key?: string
  /**
   * Stores the filing, so that exactly it can be sent after a reload. Awaited before each attempt that makes it
   * uncertain whether it is accepted, and after each answer that gives a ticket or makes it certain again.
   */
  readonly keep?: (filing: FrozenFiling) => void | Promise<void>
}

export async function file(
  connection: Connection,
  what: Declaration | FrozenFiling,
  options: FileOptions = {},
): Promise<FilingOutcome> {
  const sender = new Sender(connection, await frozen(what, options.key), options)
  const ended = await insist(connection, {
    giveUpAfterMs,
    ...options,
    send: () => sender.attempt(),
    ticket: () => sender.filing.ticket,
    fits: isAcceptance,
  })
  return outcomeOf(ended, sender.filing)
}

/** Only what carries a signed receipt: a gateway may answer 202 for itself. */
function isAcceptance(content: object): boolean {
  const { receipt } = content as { receipt?: unknown }
  const isSigned = typeof receipt === 'object' && receipt !== null
  return (
    hasTexts<Accepted>(content, ['id']) && isSigned && hasTexts<Receipt>(receipt, ['signedRoot'])
  )
}

function frozen(what: Declaration | FrozenFiling, key?: string): Promise<FrozenFiling> {
  return 'body' in what ? Promise.resolve(what) : freezeFiling(what, key)
}

/** Sends one filing, and knows how certain it is. */
class Sender {
  filing: FrozenFiling
  readonly #connection: Connection
  readonly #options: FileOptions

  constructor(connection: Connection, filing: FrozenFiling, options: FileOptions) {
    this.#connection = connection
    this.#options = options
    this.filing = filing
  }

  async attempt(): Promise<Answer | Lost> {
    if (this.#options.signal?.aborted) return { lost: 'stopped' }
    const before = this.filing
    await this.#keep({ ...before, mayBeAccepted: true })
    const came = await this.#send()
    if ('lost' in came) {
      if (came.lost === 'token') await this.#keep(before) // nothing was sent
      return came
    }
    const problem = problemIn(came)
    if (problem?.code === 'TICKET_INVALID' && isOver(before.ticket, came)) {
      // Without it, the filing counts from now. While it serves, its holder decides: it may be another's.
      const { ticket: _, ...without } = before
      await this.#keep(without)
      return this.attempt()
    }
    // The earliest attempt decides whether it is on time. Until when its ticket serves, the intake decides: the
    // clock of this machine may be wrong.
    const ticket = this.filing.ticket ?? ticketIn(problem)
    const isCertain = isRefusal(came, problem)
    await this.#keep({
      ...this.filing,
      ...(ticket && { ticket }),
      ...(isCertain && { mayBeAccepted: before.mayBeAccepted }),
    })
    return came
  }

  #send(): Promise<Answer | Lost> {
    const { key, body, contentDigest, ticket } = this.filing
    const outgoing = {
      method: 'POST',
      path: '/v1/declarations',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': key,
        ...(contentDigest !== undefined && { 'content-digest': contentDigest }),
        ...(ticket && { 'attempt-ticket': ticket.ticket }),
      },
      body,
    } as const
    return exchange(this.#connection, outgoing, this.#options)
  }

  async #keep(filing: FrozenFiling): Promise<void> {
    const same =
      this.filing.ticket?.ticket === filing.ticket?.ticket &&
      this.filing.mayBeAccepted === filing.mayBeAccepted
    this.filing = filing
    if (!same) await this.#options.keep?.(filing)
  }
}

/** Whether a ticket is over, by the clock of who answered. */
function isOver(ticket: AttemptTicket | undefined, { headers }: Answer): boolean {
  const nowMs = Date.parse(headers.get('date') ?? '') || Date.now()
  return ticket !== undefined && !(Date.parse(ticket.validUntil) > nowMs)
}

/** Problems that an intake finds once it has asked its journal whether the filing was accepted before. */
const afterLookUp: ReadonlySet<string> = new Set([
  ...[
    'DECLARATION_INVALID',
    'DECLARATION_STANDS',
    'REPLACES_SUPERSEDED',
    'ALREADY_FILED',
    'IDEMPOTENCY_KEY_REUSED',
  ],
])

/**
 * Whether this attempt was not accepted, for certain. BUSY and UNAVAILABLE are said before anything is handed to
 * the journal; other 5xx, and what somebody else answers, may come after it.
 */
function isRefusal({ status }: Answer, problem: Problem | undefined): boolean {
  if (problem === undefined) return false
  return status < 500 || problem.code === 'BUSY' || problem.code === 'UNAVAILABLE'
}

function outcomeOf(ended: Insisted, filing: FrozenFiling): FilingOutcome {
  const { problem } = ended
  const { ticket, mayBeAccepted } = filing
  if (ended.kind === 'gaveUp') {
    const { why, resumesAtMs } = ended
    return {
      ...{ kind: mayBeAccepted ? 'unknown' : 'notAccepted', why, filing },
      ...(problem && { problem }),
      ...(ticket && { ticket }),
      ...(resumesAtMs !== undefined && { resumesAtMs }),
    }
  }
  const { answer } = ended
  const accepted = answer.status === 202 ? contentOf<Accepted>(ended) : undefined
  if (accepted !== undefined) {
    const isReplay = answer.headers.get('idempotency-replayed') === 'true'
    return { kind: isReplay ? 'replayed' : 'accepted', answer: accepted, text: answer.text }
  }
  return notAccepted(answer, problem, filing)
}

/**
 * What was accepted once is replayed, whatever is wrong with it: so faults of its content hold for each attempt.
 * What is refused before that, for its size or a digest, says nothing of an attempt before.
 */
function notAccepted(
  answer: Answer,
  problem: Problem | undefined,
  filing: FrozenFiling,
): FilingOutcome {
  const refusal = refusalOf(answer, problem)
  const { mayBeAccepted } = filing
  if (refusal.kind !== 'refused') return { ...refusal, filing, mayBeAccepted }
  const { findings, problem: told } = refusal
  const { standing, code, total = findings.length } = told
  const known = { ...filing, mayBeAccepted: mayBeAccepted && !afterLookUp.has(code) }
  if (code === 'IDEMPOTENCY_KEY_REUSED') return { kind: 'keyReused', problem: told, filing: known }
  if (answer.status === 409 && standing !== undefined)
    return { kind: 'standing', standing, findings, problem: told, filing: known }
  return { kind: 'refused', findings, total, problem: told, filing: known }
}
