/**
 * A filer that keeps a history: every attempt is on disk before it is sent, every answer after it
 * came. What the auditor needs, it computes by itself: id, digest, and what should be posted.
 */
import { hash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { HistoryFile, Seen } from '../../src/audit/history.ts'
import { canonicalDeclaration } from '../../src/declaration/canonical.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import { declarationId, digestOf } from '../../src/journal/digest.ts'
import { assessDeclaration } from '../../src/policy/assess.ts'
import { insurances } from '../../src/policy/pack.ts'
import type { Policies } from '../../src/policy/rules.ts'

export type RecordingClientOptions = {
  readonly history: HistoryFile
  readonly policies: Policies
  /** Where to send: asked for each attempt, as intakes come and go. */
  readonly addressOf: () => string
  readonly tokenFor: (employer: string) => Promise<string>
  readonly timeoutMs: number
}

export type Attempt = {
  readonly id: string
  /** 0 when there was no answer. */
  readonly status: number
  /** Of a refusal that has one. */
  readonly ticket?: string
  /** Of a 202. */
  readonly onTime?: boolean
}

/** Attempts of all clients of a process have one numbering. */
let attempts = 0

export class RecordingClient {
  readonly #options: RecordingClientOptions

  constructor(options: RecordingClientOptions) {
    this.#options = options
  }

  /** One attempt to file, with the ticket of an earlier one where there is one. */
  async file(declaration: Declaration, key: string, ticket?: string): Promise<Attempt> {
    const { history, policies, addressOf, tokenFor, timeoutMs } = this.#options
    attempts += 1
    const n = attempts
    const { employer, period } = declaration
    const canonical = Buffer.from(canonicalDeclaration(declaration))
    const id = declarationId(employer, period, key)
    const fen = expectedFen(policies, declaration)
    const digest = digestOf(canonical).toString('hex')
    history.add({ kind: 'try', n, id, employer, period, digest, fen })
    history.sync()
    const body = JSON.stringify(declaration)
    try {
      const answer = await fetch(`${addressOf()}/v1/declarations`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await tokenFor(employer)}`,
          'idempotency-key': key,
          'content-type': 'application/json',
          // A refusal before it is read has a ticket for what is named.
          'content-digest': `sha-256=:${hash('sha256', body, 'base64')}:`,
          ...(ticket !== undefined && { 'attempt-ticket': ticket }),
        },
        body,
        signal: AbortSignal.timeout(timeoutMs),
      })
      const { status } = answer
      const text = await answer.text()
      const receipt = status === 202 ? receiptIn(text) : undefined
      const retryAfter = answer.headers.has('retry-after')
      history.add({ kind: 'answer', n, status, ...(receipt && { receipt }), retryAfter })
      return { id, status, ...told(text) }
    } catch (error) {
      history.add({ kind: 'unknown', n, reason: (error as Error).name })
      return { id, status: 0 }
    }
  }

  /** Tries the same filing until it has an answer that is final. */
  async fileUntilAnswered(declaration: Declaration, key: string, tries: number): Promise<Attempt> {
    let last: Attempt | undefined
    for (let i = 0; i < tries; i += 1) {
      last = await this.file(declaration, key)
      if (last.status !== 0 && last.status < 500 && last.status !== 429) return last
      await pause(20 * (i + 1))
    }
    return last as Attempt
  }

  /** Looks a status up; nothing is noted where there was no answer. */
  async look(employer: string, id: string): Promise<Seen['status'] | undefined> {
    const { history, addressOf, tokenFor, timeoutMs } = this.#options
    try {
      const answer = await fetch(`${addressOf()}/v1/declarations/${id}`, {
        headers: { authorization: `Bearer ${await tokenFor(employer)}` },
        signal: AbortSignal.timeout(timeoutMs),
      })
      const text = await answer.text()
      if (answer.status !== 200 && answer.status !== 404) return undefined
      const status =
        answer.status === 404 ? 'missing' : (JSON.parse(text) as { status: Seen['status'] }).status
      history.add({ kind: 'status', id, status })
      return status
    } catch {
      return undefined
    }
  }
}

/** What an answer says beside its status, whoever gave it. */
function told(text: string): Pick<Attempt, 'ticket' | 'onTime'> {
  const ticket = /"attemptTicket":"([^"]+)"/.exec(text)?.[1]
  const onTime = /"onTime":(true|false)/.exec(text)?.[1]
  return {
    ...(ticket !== undefined && { ticket }),
    ...(onTime !== undefined && { onTime: onTime === 'true' }),
  }
}

/** The receipt's bytes within a 202: its last member but the links. */
export function receiptIn(text: string): string {
  const start = text.indexOf('"receipt":') + '"receipt":'.length
  return text.slice(start, text.lastIndexOf(',"links":'))
}

/** Employer and employee by insurance, then occupational injury: as the ledger has them. */
export function expectedFen(policies: Policies, declaration: Declaration): number[] {
  const rules = policies.rulesFor(declaration.region, declaration.period)
  if (rules.kind !== 'rules') return []
  const { amounts } = assessDeclaration(declaration, rules)
  const fen = insurances.flatMap((_, k) => [
    amounts[k]?.employerFen ?? 0,
    amounts[k]?.employeeFen ?? 0,
  ])
  return [...fen, amounts[insurances.length]?.employerFen ?? 0]
}
