/**
 * What was just refused for its findings, and comes again as it was, gets the same findings without
 * another check: clients in a hurry send what is wrong again and again. Kept for moments, in bounds,
 * and by a hash of the text; while nothing was refused, it costs nothing.
 */
import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Finding } from '../../declaration/findings.ts'
import { refusedLatelyMax, refusedLatelyMs } from '../../limits.ts'
import { bodyTextOf } from './bodies.ts'

export type Refusal = { readonly errors: readonly Finding[]; readonly total: number }

export class RefusedLately {
  readonly #refusals = new Map<string, { refusal: Refusal; untilMs: number }>()

  /** What the same text of the same filer was refused with just now. */
  find(request: FastifyRequest, nowMs: number): Refusal | undefined {
    if (this.#refusals.size === 0) return undefined
    const name = nameOf(request)
    const known = name === undefined ? undefined : this.#refusals.get(name)
    if (known === undefined || known.untilMs > nowMs) return known?.refusal
    this.#refusals.delete(name as string)
    return undefined
  }

  remember(request: FastifyRequest, refusal: Refusal, nowMs: number): void {
    const name = nameOf(request)
    if (name === undefined) return
    this.#refusals.delete(name)
    this.#refusals.set(name, { refusal, untilMs: nowMs + refusedLatelyMs })
    if (this.#refusals.size <= refusedLatelyMax) return
    for (const oldest of this.#refusals.keys()) {
      this.#refusals.delete(oldest)
      return
    }
  }
}

/** Filer, key and text: another key may have been accepted with the same text before. */
function nameOf(request: FastifyRequest): string | undefined {
  const text = bodyTextOf(request)
  const { subject = '' } = request.filer ?? {}
  const key = String(request.headers['idempotency-key'])
  const ticket = String(request.headers['attempt-ticket'] ?? '')
  return text === undefined
    ? undefined
    : hash('sha256', `${subject}\0${key}\0${ticket}\0${text}`, 'hex')
}
