/**
 * Why tokens are refused, and sign-ins do not come about, for the log: the first time at once, and then how often, at most once in a while for
 * each reason. Whoever sends a thousand forged ones a second fills no log with them.
 */
import type { FastifyBaseLogger } from 'fastify'
import { refusedTokensLogMs } from '../../limits.ts'

const tokens = 'tokens were refused'

/** Of codes and names that are known here: nothing that was sent. */
type Refused = { readonly kind: string; readonly why: Readonly<Record<string, unknown>> }

type Told = { atMs: number; since: number }

export class RefusedTokens {
  /** By reason; there are as many as codes and claims that are looked at. */
  readonly #told = new Map<string, Told>()

  refused(log: FastifyBaseLogger, { kind, why }: Refused, nowMs: number, what = tokens): void {
    const reason = JSON.stringify([what, kind, why])
    const told = this.#told.get(reason) ?? { atMs: Number.NEGATIVE_INFINITY, since: 0 }
    this.#told.set(reason, told)
    told.since += 1
    if (nowMs - told.atMs < refusedTokensLogMs) return
    log.warn({ refusal: kind, ...why, count: told.since }, what)
    told.atMs = nowMs
    told.since = 0
  }
}
