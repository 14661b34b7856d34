/**
 * The seconds that a client is ready to wait for an answer: Prefer: wait=N (RFC 7240, 4.3).
 */
import type { IncomingHttpHeaders } from 'node:http'

/** Whole seconds; undefined where none are named. Of several, the first counts (RFC 7240, 2). */
export function waitSecondsOf({ prefer }: IncomingHttpHeaders): number | undefined {
  if (prefer === undefined) return undefined
  for (const preference of String(prefer).split(',')) {
    const [first = ''] = preference.split(';')
    const seconds = /^wait\s*=\s*("?)(\d{1,9})\1$/i.exec(first.trim())?.[2]
    if (seconds !== undefined) return Number(seconds)
  }
  return undefined
}
