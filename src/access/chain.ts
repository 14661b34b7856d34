/**
 * The chain of the access log: each group follows the one before, in one order for all processes. A group is
 * sealed with the keys of envelopes, bound to its number and to the link before it, so that who has the
 * database and not the keyring can't make one that opens; and its link is of all that its row has:
 *
 *   link = SHA-256(previous link, number, first_at, last_at, entries, sealed)
 *
 * A row that is changed does not open, or has another link; one that is gone, or at another place, is missed by
 * the next one. What is cut off at the end nobody misses: for that, the head (number and link) is given to a
 * witness outside, with which `verify` compares.
 */
import { sha256 } from '../journal/digest.ts'

/** Where the chain ends. */
export type Head = { readonly number: bigint; readonly link: Buffer }

/** Before the first group. */
export const origin: Head = { number: 0n, link: Buffer.alloc(32) }

/** What a row has beside its link; instants in milliseconds since 1970. */
export type Group = {
  readonly number: bigint
  readonly previous: Buffer
  readonly firstAt: number
  readonly lastAt: number
  readonly entries: number
  readonly sealed: Buffer
}

export function linkOf({ number, previous, firstAt, lastAt, entries, sealed }: Group): Buffer {
  const figures = Buffer.alloc(28)
  figures.writeBigInt64BE(number, 0)
  figures.writeBigInt64BE(BigInt(firstAt), 8)
  figures.writeBigInt64BE(BigInt(lastAt), 16)
  figures.writeInt32BE(entries, 24)
  return sha256(previous, figures, sealed)
}

/** What a sealed group is bound to. */
export function placeOf(number: bigint, previous: Buffer): string {
  return `access ${number} after ${previous.toString('hex')}`
}

/** As a witness has it. */
export function headText({ number, link }: Head): string {
  return `${number}:${link.toString('hex')}`
}

/** Undefined for what is none. */
export function readHead(text: string): Head | undefined {
  const [, number, link] = /^(\d{1,18}):([0-9a-f]{64})$/.exec(text) ?? []
  if (number === undefined || link === undefined) return undefined
  return { number: BigInt(number), link: Buffer.from(link, 'hex') }
}
