/**
 * GET /v1/declarations/{id}: how a declaration stands, from the moment of its 202. Who asks to wait
 * is answered when it is no longer merely accepted, or in time; who does not is told when to ask
 * again. No answer is kept to be given again: a status never goes back.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Queryable, ReadPool } from '../../journal/reading/read-pool.ts'
import { findReassessments, findStanding, type Standing } from '../../ledger/status.ts'
import { statusWaitSecondsMax } from '../../limits.ts'
import { isWithdrawn, readsOf, requireAct } from '../auth/bearer.ts'
import { type FiledByDependencies, findFiledBy } from '../auth/filed-by.ts'
import { entityTagHeader, retryHeader, withHeaders } from '../present/answers.ts'
import { presentStanding } from '../present/present-standing.ts'
import { declarationStatusSchema, notModifiedSchema, problemSchema } from '../present/schemas.ts'
import { sendProblem } from '../problems/problems.ts'
import { sendUnlessKnown } from '../wire/conditional.ts'
import { waitSecondsOf } from '../wire/prefer.ts'
import type { StatusWaiting } from './waiting.ts'

/** For reading: lookups never take a connection that acceptance needs. */
export type StatusDependencies = Omit<FiledByDependencies, 'readPool'> & {
  readonly readPool: ReadPool
  readonly waiting: StatusWaiting
}

const idSchema = Type.Object({ id: Type.String({ maxLength: 40 }) })
const headersSchema = Type.Object({
  prefer: Type.Optional(
    Type.String({
      description: `wait=N: answer when the status is no longer accepted, or after N seconds (${statusWaitSecondsMax} at most). Preference-Applied tells what was granted.`,
      examples: ['wait=10'],
    }),
  ),
  'if-none-match': Type.Optional(
    Type.String({ description: 'ETag of an answer that the asker has: 304 if it still stands.' }),
  ),
})

const querySchema = Type.Object(
  {
    filedBy: Type.Optional(
      Type.Enum(['true'], {
        description:
          'Tells who filed it to who did: issuer, subject, token, address. Auditors and supervisors are told without asking.',
      }),
    ),
  },
  { additionalProperties: false },
)

type Asked = { Params: Static<typeof idSchema>; Querystring: Static<typeof querySchema> }

export function statusRoute(app: FastifyInstance, dependencies: StatusDependencies): void {
  app.get<Asked>('/v1/declarations/:id', {
    onRequest: requireAct('look'),
    schema: {
      operationId: 'getDeclaration',
      tags: ['declarations'],
      summary: 'How a declaration stands',
      description:
        'From the moment of the 202. While it is accepted, Retry-After says when to ask again; Prefer: wait=N has the answer wait instead. ETag and If-None-Match save reading it twice.',
      params: idSchema,
      querystring: querySchema,
      headers: headersSchema,
      response: {
        200: withHeaders(declarationStatusSchema, { ...entityTagHeader, ...retryHeader }),
        304: notModifiedSchema,
        '4xx': problemSchema,
        '5xx': problemSchema,
      },
    },
    handler: (request, reply) => status(dependencies, request, reply),
  })
}

async function status(
  dependencies: StatusDependencies,
  request: FastifyRequest<Asked>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { sealingKeys, waiting } = dependencies
  const readPool = readsOf(request, dependencies.readPool)
  const found = await findStanding(readPool, request.params.id, request.reach)
  if (found === undefined) return sendProblem(request, reply, 'NOT_FOUND')
  request.seen = { employer: found.employer }
  const wanted = Math.min(waitSecondsOf(request.headers) ?? 0, statusWaitSecondsMax)
  const standing =
    wanted > 0 ? await wait(readPool, waiting, { request, reply, found, seconds: wanted }) : found
  if (wanted > 0 && (await isWithdrawn(request)))
    return sendProblem(request, reply, 'TOKEN_WITHDRAWN')
  if (standing.status === 'accepted') reply.header('retry-after', retrySeconds(standing))
  const { id, parts, partOf } = standing
  const whole = parts > 1 && partOf === undefined ? id : undefined
  const reassessments = standing.reassessed
    ? await findReassessments(readPool, standing, whole)
    : []
  const isAsked = request.query.filedBy !== undefined
  const by = await findFiledBy({ readPool, sealingKeys }, request, standing, isAsked)
  return sendUnlessKnown(request, reply, presentStanding(standing, reassessments, by))
}

type WaitingAnswer = {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly found: Standing
  readonly seconds: number
}

/** @returns how it stands after the wait, read after it began */
async function wait(
  pool: Queryable,
  waiting: StatusWaiting,
  { request, reply, found, seconds }: WaitingAnswer,
): Promise<Standing> {
  const { id, employer } = found
  const filer = request.filer?.subject || employer
  const outcome =
    found.status === 'accepted'
      ? await waiting.wait({ id, filer, msMax: seconds * 1_000, gone: closingOf(reply) })
      : found
  if (outcome === 'full') return found
  if (outcome !== 'stopped') reply.header('preference-applied', `wait=${seconds}`)
  if (typeof outcome !== 'string') return outcome
  // What was read before the wait may have changed since, and somebody may have seen it.
  return reply.raw.destroyed ? found : ((await findStanding(pool, id)) ?? found)
}

/** Aborted when the client has gone. */
function closingOf(reply: FastifyReply): AbortSignal {
  const closing = new AbortController()
  reply.raw.once('close', () => closing.abort())
  return closing.signal
}

/** What an operator must look at takes longer. Readers who came together are spread out. */
function retrySeconds({ deadLetter }: Standing): string {
  return String((deadLetter ? 60 : 1) + Math.floor(Math.random() * 3))
}
