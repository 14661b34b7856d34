/**
 * Sessions of the portal: a browser keeps its bearer token in a sealed cookie, and a request with the cookie and
 * without `Authorization` is as one with that token: the same claims, refusals, revocation and attribution, as
 * all that follows sees the token alone. A request that has `Authorization` is never looked at.
 *
 *   no cookie, or `Authorization`        none: as it came
 *   one that opens, from a page of ours  opened: the token is put where a bearer's is
 *   one that opens, from elsewhere       foreign: 403 ORIGIN_FOREIGN where a token is needed
 *   one that does not open               ended: 401 SESSION_ENDED where a token is needed
 */
import type { IncomingMessage } from 'node:http'
import type { FastifyReply } from 'fastify'
import { clockSkewMsMax } from '../../limits.ts'
import { type CookieRules, cookieName, readCookie, setCookie } from './cookies.ts'
import { packToken, unpackToken } from './packed-token.ts'
import { isFromOurPages } from './same-origin.ts'
import type { Seals } from './seals.ts'

export type SessionRules = CookieRules & {
  readonly seals: Seals
  /** Where people come to, `https://host`; undefined: wherever they do. */
  readonly origin: string | undefined
}

export type SessionState = 'none' | 'opened' | 'foreign' | 'ended'

const states = new WeakMap<IncomingMessage, SessionState>()

/** How a request came, once `presentSession` saw it. */
export function sessionStateOf(request: IncomingMessage): SessionState {
  return states.get(request) ?? 'none'
}

/** Puts the token of a session where a bearer's is; may be called again for a request. */
export function presentSession(rules: SessionRules, request: IncomingMessage): void {
  const { headers } = request
  if (headers.cookie === undefined || headers.authorization !== undefined) return
  const value = readCookie(headers.cookie, cookieName('session', rules))
  if (value === undefined || states.has(request)) return
  const packed = rules.seals.open('session', value)
  if (packed === undefined) return void states.set(request, 'ended')
  if (!isFromOurPages(request, rules.origin)) return void states.set(request, 'foreign')
  states.set(request, 'opened')
  headers.authorization = `Bearer ${unpackToken(packed)}`
}

/**
 * Begins a session, or goes on with it under another token.
 * @returns false where the token is larger than a browser keeps
 */
export function keepSession(
  rules: SessionRules,
  reply: FastifyReply,
  token: string,
  expiresAtMs: number,
): boolean {
  const sealed = rules.seals.seal('session', packToken(token))
  if (sealed === undefined) return false
  const leftMs = expiresAtMs + clockSkewMsMax - Date.now()
  const maxAgeSeconds = Math.max(1, Math.floor(leftMs / 1_000))
  setCookie(reply, cookieName('session', rules), sealed, { ...rules, maxAgeSeconds })
  return true
}

export function endSession(rules: SessionRules, reply: FastifyReply): void {
  for (const kind of ['session', 'renewal'] as const)
    setCookie(reply, cookieName(kind, rules), '', { ...rules, maxAgeSeconds: 0 })
}
