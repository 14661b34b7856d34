/**
 * Looking up what was filed: receipt and list; status.ts has the status. Answers from the moment of the 202; what is not
 * the asker's is not found, so that nobody learns whether it exists.
 */

import assert from 'node:assert/strict'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { ReadTarget } from '../../access/entry.ts'
import { periodPattern } from '../../declaration/period.ts'
import { regionPattern } from '../../declaration/schema.ts'
import type { Confirm } from '../../journal/durable.ts'
import { findAcceptances } from '../../journal/reading/find.ts'
import type { Reach } from '../../journal/reading/reach.ts'
import type { ReadPool } from '../../journal/reading/read-pool.ts'
import type { Salts } from '../../journal/salting.ts'
import { listStandings, type Standing } from '../../ledger/status.ts'
import { pageDeclarationsMax } from '../../limits.ts'
import { readsOf, requireAct } from '../auth/bearer.ts'
import { seenEmployer } from '../auth/read-log.ts'
import { entityTagHeader, withHeaders } from '../present/answers.ts'
import { presentStanding } from '../present/present-standing.ts'
import {
  declarationListSchema,
  notModifiedSchema,
  problemSchema,
  receiptSchema,
} from '../present/schemas.ts'
import { sendProblem } from '../problems/problems.ts'
import { sendUnlessKnown } from '../wire/conditional.ts'
import { limitSchema } from '../wire/parameters.ts'

const idSchema = Type.Object({ id: Type.String({ maxLength: 40 }) })
const listSchema = Type.Object(
  {
    employer: Type.String({ minLength: 18, maxLength: 18 }),
    period: Type.Optional(Type.String({ pattern: periodPattern })),
    region: Type.Optional(Type.String({ pattern: regionPattern })),
    before: Type.Optional(Type.String({ pattern: '^[0-9]{1,18}\\.[0-9]{1,9}$' })),
    limit: Type.Optional(limitSchema),
  },
  { additionalProperties: false },
)

const problems = { '4xx': problemSchema, '5xx': problemSchema }

/** @param pool for reading: lookups never take a connection that acceptance needs */
export function lookupRoutes(
  app: FastifyInstance,
  pool: ReadPool,
  confirm: Confirm,
  salts: Salts,
): void {
  const onRequest = requireAct('look')
  app.get<{ Params: Static<typeof idSchema> }>('/v1/declarations/:id/receipt', {
    onRequest,
    schema: {
      operationId: 'getReceipt',
      tags: ['declarations'],
      summary: 'The receipt again, to the byte',
      params: idSchema,
      response: { 200: receiptSchema, ...problems },
    },
    handler: async (request, reply) => {
      const { id } = request.params
      const [found] = await findAcceptances(readsOf(request, pool), salts, [id], request.reach)
      if (found === undefined) return sendProblem(request, reply, 'NOT_FOUND')
      request.seen = { employer: found.statement.employer }
      // It may be visible before any standby has it.
      await confirm.once(id)
      return noStore(reply).type('application/json; charset=utf-8').send(found.receipt)
    },
  })
  app.get<{ Querystring: Static<typeof listSchema> }>('/v1/declarations', {
    onRequest,
    schema: {
      operationId: 'listDeclarations',
      tags: ['declarations'],
      summary: "An employer's declarations, newest first",
      querystring: listSchema,
      description:
        'In pages. A large declaration that travels in parts is listed once, as a whole. ETag and If-None-Match save reading a page twice.',
      response: {
        200: withHeaders(declarationListSchema, entityTagHeader),
        304: notModifiedSchema,
        ...problems,
      },
    },
    handler: (request, reply) => list(pool, request, reply),
  })
}

async function list(
  pool: ReadPool,
  request: FastifyRequest<{ Querystring: Static<typeof listSchema> }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { employer, period, region, before } = request.query
  const reach = narrowed(request.reach, employer)
  request.seen = { ...seenEmployer(employer), ...(period && { period }), ...(region && { region }) }
  const isNever = !reach.employers.includes(employer) && reach.regions.length === 0
  if (isNever) return sendProblem(request, reply, 'EMPLOYER_NOT_YOURS')
  const limit = Math.min(Number(request.query.limit ?? pageDeclarationsMax), pageDeclarationsMax)
  const [envelope = '', position = ''] = before?.split('.') ?? []
  const place =
    before === undefined ? undefined : { envelope: BigInt(envelope), position: Number(position) }
  const found = await listStandings(pool.within(reach), {
    ...{ employer, period, region, before: place, limit: limit + 1 },
    reach,
  })
  const page = found.slice(0, limit)
  const [first, last] = [page[0], page.at(-1)]
  request.seen = { ...request.seen, count: page.length, ...placesOf(first, last) }
  const more = found.length > limit && last !== undefined
  const query = new URLSearchParams({
    ...{ employer, ...(period && { period }), ...(region && { region }) },
    limit: `${limit}`,
  })
  const links = more
    ? { next: `/v1/declarations?${query}&before=${last.envelope}.${last.position}` }
    : {}
  const declarations = page.map((standing) => presentStanding(standing))
  return sendUnlessKnown(request, reply, { declarations, links })
}

/** To the employer that is asked for: in a token of hundreds, each row would be looked up among all of them. */
function narrowed(reach: Reach | undefined, employer: string): Reach {
  assert(reach !== undefined, 'who asks has passed requireAct')
  return reach.employers.includes(employer) ? { ...reach, employers: [employer] } : reach
}

/** Of a page, as the access log has them. */
function placesOf(first: Standing | undefined, last: Standing | undefined): ReadTarget {
  const [from, to] = [first, last].map((one) => one && `${one.envelope}.${one.position}`)
  return from === undefined || to === undefined ? {} : { from, to }
}

/** What is one filer's must not stay in a cache that others share. */
export function noStore(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store')
}
