/**
 * POST /v1/declarations/check: the same findings as filing, the whole assessment with its
 * explanation, and nothing is kept. With `Accept: text/csv` all findings as a table.
 */

import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { csvOf } from '../../declaration/csv.ts'
import type { FindingList } from '../../declaration/findings.ts'
import { type Declaration, declarationSchema } from '../../declaration/schema.ts'
import type { Queryable, ReadPool } from '../../journal/reading/read-pool.ts'
import type { Salts } from '../../journal/salting.ts'
import type { PersonIndex } from '../../ledger/person.ts'
import { findPersons } from '../../ledger/previous.ts'
import { explainedLinesMax, explainedLinesUnasked, findingsPerAnswerMax } from '../../limits.ts'
import { checkFiling } from '../../policy/check.ts'
import { checkAgainstPrevious, previousPeriod } from '../../policy/history.ts'
import { presentCheck } from '../../policy/present.ts'
import type { Policies } from '../../policy/rules.ts'
import { readsOf, requireAct } from '../auth/bearer.ts'
import { declarationBody } from '../bodies/bodies.ts'
import { streamed } from '../present/answers.ts'
import { checkedSchema, problemSchema } from '../present/schemas.ts'
import { sendProblem } from '../problems/problems.ts'
import { checkStanding } from '../problems/standing-refusal.ts'
import type { HttpLimits } from '../wire/http-limits.ts'
import { mayFileFor, mayFileIn } from './submit.ts'

export type CheckDependencies = {
  readonly http: HttpLimits
  readonly policies: Policies
  readonly readPool: ReadPool
  readonly salts: Salts
  readonly personIndex: PersonIndex
  /** Microseconds since 1970. */
  readonly nowMicros: () => number
}

/** Which lines are explained: from which, counted from 1, and how many (10; at most 50). */
export const linePageSchema = Type.Object(
  {
    line: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,5}$' })),
    count: Type.Optional(Type.String({ pattern: '^[0-9]{1,3}$' })),
  },
  { additionalProperties: false },
)

export type LinePage = { readonly from: number; readonly count: number }

export function linePageOf({ line = '1', count }: Static<typeof linePageSchema>): LinePage {
  const wanted = Number(count ?? explainedLinesUnasked)
  return { from: Number(line) - 1, count: Math.min(wanted, explainedLinesMax) }
}

export function checkRoute(app: FastifyInstance, dependencies: CheckDependencies): void {
  app.route<{ Querystring: Static<typeof linePageSchema> }>({
    method: 'POST',
    url: '/v1/declarations/check',
    // The handler checks the body itself, to tell all faults at once.
    validatorCompiler: ({ httpPart, schema }) =>
      httpPart === 'body' ? () => true : (app.validatorCompiler?.({ schema } as never) as never),
    onRequest: requireAct('file'),
    ...declarationBody(dependencies.http),
    schema: {
      operationId: 'checkDeclaration',
      tags: ['declarations'],
      summary: 'Check a declaration without filing it',
      description:
        'The same findings as filing, and the assessment with its explanation. Nothing is kept. Accept: text/csv answers with all findings as a table. Content-Encoding may be gzip, deflate or br.',
      querystring: linePageSchema,
      body: declarationSchema,
      response: {
        200: streamed('The findings.', ['application/json', 'text/csv'], checkedSchema),
        '4xx': problemSchema,
        '5xx': problemSchema,
      },
    },
    handler: (request, reply) => check(dependencies, request, reply),
  })
}

async function check(
  dependencies: CheckDependencies,
  request: FastifyRequest<{ Querystring: Static<typeof linePageSchema> }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { policies, nowMicros } = dependencies
  const reading = { ...dependencies, readPool: readsOf(request, dependencies.readPool) }
  const body = request.body
  if (!mayFileFor(request, body)) return sendProblem(request, reply, 'EMPLOYER_NOT_YOURS')
  if (!mayFileIn(request, body)) return sendProblem(request, reply, 'REGION_NOT_YOURS')
  const asTable = request.headers.accept?.includes('text/csv') === true
  const { findings, valid } = checkFiling(body, {
    policies,
    nowMicros: nowMicros(),
    keptMax: asTable ? Number.POSITIVE_INFINITY : findingsPerAnswerMax,
  })
  await checkStanding(reading, body, findings)
  if (valid !== undefined) await checkPrevious(reading, valid.declaration, findings)
  reply.header('cache-control', 'no-store')
  if (asTable) return sendTable(reply, findings)
  const lines = linePageOf(request.query)
  const page = { findingsMax: findingsPerAnswerMax, lines }
  return reply.send(presentCheck({ findings, valid }, page))
}

function sendTable(reply: FastifyReply, findings: FindingList): FastifyReply {
  return reply
    .type('text/csv; charset=utf-8')
    .header('content-disposition', 'attachment; filename="findings.csv"')
    .send(Readable.from(csvOf(findings)))
}

/** Joins and leaves against what is in force for the period before, in the same region. */
async function checkPrevious(
  {
    readPool,
    personIndex,
  }: Pick<CheckDependencies, 'personIndex'> & { readonly readPool: Queryable },
  { employer, period, region, lines = [] }: Declaration,
  findings: FindingList,
): Promise<void> {
  if (lines.length === 0) return
  const persons = await findPersons(readPool, {
    ...{ employer, region },
    period: previousPeriod(period),
  })
  if (persons === undefined) return
  checkAgainstPrevious(lines, (person) => persons.has(personIndex(person)), findings)
}
