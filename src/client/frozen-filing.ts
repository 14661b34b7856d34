/**
 * A filing as it is sent: its bytes and its Idempotency-Key, settled before the first attempt and the same in
 * every later one. It is plain data, so that a page can keep it and send exactly it after a reload.
 */
import { base64, hasDigests, hex, sha256, utf8 } from './bytes.ts'
import { keyBytes } from './limits.ts'
import type { AttemptTicket } from './problem.ts'
import type { Declaration } from './types.ts'

export type FrozenFiling = {
  readonly employer: string
  readonly period: string
  readonly key: string
  /** JSON text; its UTF-8 is what is sent. */
  readonly body: string
  /** RFC 9530, of these bytes; undefined where there is no `crypto.subtle`: then a refusal may have no ticket. */
  readonly contentDigest?: string
  /** Of the earliest attempt that was refused for want of room. */
  readonly ticket?: AttemptTicket
  /** An attempt was sent of which it is not known that it was not accepted. */
  readonly mayBeAccepted: boolean
}

/** @param key of the caller's own, 1 to 255 visible ASCII characters; by chance unless given */
export async function freezeFiling(
  declaration: Declaration,
  key: string = newKey(),
): Promise<FrozenFiling> {
  const { employer, period } = declaration
  const body = JSON.stringify(declaration)
  const contentDigest = await digestOf(body)
  return {
    ...{ employer, period, key, body },
    ...(contentDigest !== undefined && { contentDigest }),
    mayBeAccepted: false,
  }
}

/** `crypto.randomUUID` is not in React Native, nor in pages without TLS. */
function newKey(): string {
  return hex(crypto.getRandomValues(new Uint8Array(keyBytes)))
}

async function digestOf(body: string): Promise<string | undefined> {
  if (!hasDigests()) return undefined
  return `sha-256=:${base64(await sha256(utf8(body)))}:`
}
