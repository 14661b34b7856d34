/**
 * Attempt tickets: signed proof that a filer tried while the system could not accept. With it, the
 * filing counts from the time of the attempt. It is made without a database, also for a request that was not
 * read. It names the asker, the key, and the content: the declaration where it was read, else what the
 * request said its content is.
 *
 * Signed with a key of the engine's own (JWS, HS256): only the engine needs to verify it, and a
 * refusal must cost little; Ed25519 would cost more than all the rest of it.
 */
import { hash, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'
import { attemptValidMicros, ticketCharactersMax } from '../../limits.ts'
import { HmacKey } from './hmac.ts'

/** What is stated of an attempt; instants in microseconds since 1970. */
export type Attempt = {
  readonly subject: string
  /** SHA-256 of the Idempotency-Key, hexadecimal: the same filing must come with the same key. */
  readonly key: string
  readonly atMicros: number
  readonly untilMicros: number
  /** Why it was not accepted. */
  readonly reason: string
  /** Where the body was read. */
  readonly employer?: string
  /** SHA-256 of the canonical form, hexadecimal, where the body was read. */
  readonly digest?: string
  /** Else, as the request named it: a member of Content-Digest. */
  readonly content?: string
}

export type TicketKey = HmacKey

const type = 'spillway-attempt+jws'
const header = Buffer.from(`{"alg":"HS256","typ":"${type}"}`).toString('base64url')

/** A key for tickets, from a secret that is kept for something else. */
export function ticketKeyFrom(secret: KeyObject): TicketKey {
  const key = Buffer.from(hkdfSync('sha256', secret.export(), '', type, 32))
  return new HmacKey(key, ticketCharactersMax)
}

/** Makes a ticket for an attempt that fails now; it is valid for some days. */
export function issueTicket(
  key: TicketKey,
  attempt: Omit<Attempt, 'untilMicros'>,
): { readonly ticket: string; readonly untilMicros: number } {
  const untilMicros = attempt.atMicros + attemptValidMicros
  const payload = Buffer.from(JSON.stringify({ ...attempt, untilMicros })).toString('base64url')
  const signed = `${header}.${payload}`
  return { ticket: `${signed}.${key.sign(signed)}`, untilMicros }
}

/** @returns undefined for what this engine did not make, or somebody changed */
export function openTicket(key: TicketKey, ticket: string): Attempt | undefined {
  if (ticket.length > ticketCharactersMax) return undefined
  const [head, payload = '', signature = '', more] = ticket.split('.')
  if (head !== header || more !== undefined) return undefined
  const expected = Buffer.from(key.sign(`${header}.${payload}`))
  const given = Buffer.from(signature)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Attempt
}

/** By which a ticket is known once it served. */
export function ticketHash(ticket: string): Buffer {
  return hash('sha256', ticket, 'buffer')
}

export function keyHash(idempotencyKey: string): string {
  return hash('sha256', idempotencyKey, 'hex')
}
