/**
 * Cookies of the portal (RFC 6265bis). No script reads them, and no other site's form or picture sends them.
 * Where people come by TLS, names begin with `__Host-`: then no other host of the same domain can set one.
 */
import type { FastifyReply } from 'fastify'

export type CookieRules = {
  /** Whether people come by TLS alone. */
  readonly isSecure: boolean
  /** Ports share cookies: a rehearsal beside a live installation has names of its own. */
  readonly isRehearsal: boolean
}

export const cookies = ['session', 'renewal', 'sign-in'] as const
export type CookieKind = (typeof cookies)[number]

export function cookieName(kind: CookieKind, { isSecure, isRehearsal }: CookieRules): string {
  return `${isSecure ? '__Host-' : ''}spillway-${isRehearsal ? 'rehearsal-' : ''}${kind}`
}

/** The value of a cookie in a `Cookie` header; the first, where several have its name. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined
  for (const pair of header.split(';')) {
    const [named, value] = pair.trim().split('=', 2)
    if (named === name && value !== undefined && value !== '') return value
  }
  return undefined
}

/** @param maxAgeSeconds 0: takes it away */
export function setCookie(
  reply: FastifyReply,
  name: string,
  value: string,
  { isSecure, maxAgeSeconds }: Pick<CookieRules, 'isSecure'> & { readonly maxAgeSeconds: number },
): void {
  const secure = isSecure ? '; Secure' : ''
  const set = `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${secure}`
  reply.header('set-cookie', set) // Fastify adds to those that are set already
}
