/**
 * The chain of the access log. Each group follows the one before, in one order for all processes. A
 * group is sealed with the envelope keys and bound to its number and the previous link, so whoever has
 * the database without the keyring can't make a group that opens. Its link covers everything in its
 * row:
 *
 *   link = SHA-256(previous link, number, first_at, last_at, entries, sealed)
 *
 * A changed row does not open, or has another link. A row that is gone or moved is missed by the next
 * one. Nothing in the log misses rows cut off at its end. For that, an outside witness stores the head
 * (number and link), and `verify` compares with it.
 */
import { sha256 } from '../journal/digest.ts'

/** The end of the chain. */
export type ChainHead = { readonly number: bigint; readonly link: Buffer }

/** Before the first group. */
export const chainStart: ChainHead = { number: 0n, link: Buffer.alloc(32) }

/** The row without its link; instants in milliseconds since 1970. */
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

/** The associated data that a sealed group is bound to. */
export function bindingOf(number: bigint, previous: Buffer): string {
  return `access ${number} after ${previous.toString('hex')}`
}

/** As a witness stores it. */
export function headText({ number, link }: ChainHead): string {
  return `${number}:${link.toString('hex')}`
}

/** Undefined if the text is no head. */
export function readHead(text: string): ChainHead | undefined {
  const [, number, link] = /^(\d{1,18}):([0-9a-f]{64})$/.exec(text) ?? []
  if (number === undefined || link === undefined) return undefined
  return { number: BigInt(number), link: Buffer.from(link, 'hex') }
}
