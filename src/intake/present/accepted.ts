/** The answer to a filing that was accepted, now or before: the same bytes each time. */

import type { FastifyReply } from 'fastify'
import { canonicalDeclaration } from '../../declaration/canonical.ts'
import { isDeclaration } from '../../declaration/check.ts'
import { formatInstant } from '../../declaration/period.ts'
import type { Acceptance } from '../../journal/accept.ts'
import { declarationId, digestOf } from '../../journal/digest.ts'
import type { Confirm } from '../../journal/durable.ts'
import { findAcceptances } from '../../journal/reading/find.ts'
import type { Queryable } from '../../journal/reading/read-pool.ts'
import type { Salts } from '../../journal/salting.ts'

/**
 * A filing that was accepted once stays accepted, whatever rules or time say against it now: the
 * filer who asks again gets the original receipt.
 */
export async function findAccepted(
  {
    readPool,
    confirm,
    salts,
  }: { readonly readPool: Queryable; readonly confirm: Confirm; readonly salts: Salts },
  body: unknown,
  key: string,
): Promise<Acceptance | undefined> {
  if (!isDeclaration(body)) return undefined
  const id = declarationId(body.employer, body.period, key)
  const [found] = await findAcceptances(readPool, salts, [id])
  if (found === undefined) return undefined
  const isOf = (content: Buffer) => salts.isOf(found.statement, content)
  if (!isOf(digestOf(Buffer.from(canonicalDeclaration(body))))) return undefined
  await confirm()
  return { ...found, fresh: false, isOf }
}

export function replayed(reply: FastifyReply, acceptance: Acceptance): FastifyReply {
  return accepted(reply.header('idempotency-replayed', 'true'), acceptance)
}

/** Whether an answer is that of a replay: nothing was committed for it. */
export function isReplay(reply: FastifyReply): boolean {
  return reply.hasHeader('idempotency-replayed')
}

/** The same text for the first answer and for every replay. */
export function accepted(reply: FastifyReply, { statement, receipt }: Acceptance): FastifyReply {
  const { id, acceptedAtMicros, deadlineMicros, onTime } = statement
  const self = `/v1/declarations/${id}`
  return reply
    .code(202)
    .header('location', self)
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .send(
      `{"id":"${id}","status":"accepted","acceptedAt":"${formatInstant(acceptedAtMicros)}"` +
        `,"deadline":"${formatInstant(deadlineMicros)}","onTime":${onTime},"receipt":${receipt}` +
        `,"links":{"self":"${self}","receipt":"${self}/receipt"}}`,
    )
}
