/**
 * What a session goes on with when its token ends: the grant that the identity provider gave for that
 * (`offline_access`), in a sealed cookie of its own. A session is renewed for half a day after its sign-in,
 * however short its tokens are.
 *
 * If the process dies after the provider replaced a grant and before the browser has the new one, the old one is
 * refused: the session lasts until its token ends, and its holder signs in again.
 */
import type { FastifyReply } from 'fastify'
import { sessionMsMax } from '../../limits.ts'
import { cookieName, readCookie, setCookie } from './cookies.ts'
import type { SessionRules } from './session.ts'

export type Renewal = {
  readonly grant: string
  /** When its holder signed in. */
  readonly sinceMs: number
}

/** @param renewal undefined, or larger than a browser keeps: the session ends with its token */
export function keepRenewal(
  rules: SessionRules,
  reply: FastifyReply,
  renewal: Renewal | undefined,
): void {
  const content = renewal && Buffer.from(JSON.stringify(renewal))
  const sealed = content ? rules.seals.seal('renewal', content) : undefined
  const leftMs = renewal ? renewal.sinceMs + sessionMsMax - Date.now() : 0
  const maxAgeSeconds = sealed === undefined ? 0 : Math.max(0, Math.floor(leftMs / 1_000))
  setCookie(reply, cookieName('renewal', rules), sealed ?? '', { ...rules, maxAgeSeconds })
}

export function readRenewal(rules: SessionRules, cookie: string | undefined): Renewal | undefined {
  const sealed = readCookie(cookie, cookieName('renewal', rules))
  const opened = sealed === undefined ? undefined : rules.seals.open('renewal', sealed)
  if (opened === undefined) return undefined
  const renewal = JSON.parse(opened.toString()) as Renewal
  return renewal.sinceMs + sessionMsMax > Date.now() ? renewal : undefined
}
