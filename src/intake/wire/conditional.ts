/**
 * Answers that a client need not read twice (RFC 9110, 13): each has an entity tag, which is a hash
 * of its bytes, so it changes with whatever can change; who names it gets 304. What is asked for has
 * been looked up, and the asker's right to read it checked, before this.
 */
import { hash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { sessionStateOf } from '../sessions/session.ts'

/** 128 bits: that two answers have the same by chance is not to be expected. */
const tagCharacters = 22

/** Sends `answer`, or 304 to who has it. A cache may keep it, but must ask before using it. */
export function sendUnlessKnown(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: unknown,
): FastifyReply {
  const text = reply.serialize(answer)
  const tag = `"${hash('sha256', text as string, 'base64url').slice(0, tagCharacters)}"`
  // A browser writes what it may keep to a disk, which may be of a computer that others use.
  const isBrowser = sessionStateOf(request.raw) === 'opened'
  reply.header('etag', tag).header('cache-control', isBrowser ? 'no-store' : 'private, no-cache')
  if (names(request.headers['if-none-match'], tag)) return reply.code(304).send()
  return reply.type('application/json; charset=utf-8').send(text)
}

/** Whether `If-None-Match` names a tag. Compared weakly: a proxy that compresses an answer makes its tag a weak one. */
export function names(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  const tags = header.split(',').map((one) => one.trim().replace(/^W\//, ''))
  return tags.includes(tag) || tags.includes('*')
}
