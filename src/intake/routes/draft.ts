/**
 * GET /v1/employers/{uscc}/draft?period=: what an employer most likely files for a month, made of what is in
 * force for the month before: its lines without those who left, with those who joined as persons who were
 * there. It has the form of a declaration, so that it can be changed, checked and filed as it is. Names and
 * numbers are opened from the journal on the way out, for who may file for the employer, and never kept.
 */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { periodPattern } from '../../declaration/period.ts'
import {
  type Declaration,
  declarationSchema,
  type Line,
  linesMax,
  regionPattern,
} from '../../declaration/schema.ts'
import { findCurrentDeclaration } from '../../journal/latest-declaration.ts'
import { isWithin } from '../../journal/reading/reach.ts'
import { type FoundDeclaration, readAccepted } from '../../journal/reading/read.ts'
import type { ReadPool } from '../../journal/reading/read-pool.ts'
import { type JournalAccess, partsOf } from '../../ledger/person-amounts.ts'
import { findInForce, type InForce } from '../../ledger/standing-of-period.ts'
import { draftChunkLines, draftsMax, draftsOfOneMax } from '../../limits.ts'
import { previousPeriod } from '../../policy/history.ts'
import { readsOf, requireAct } from '../auth/bearer.ts'
import { seenEmployer } from '../auth/read-log.ts'
import { whileHolds } from '../auth/while-holds.ts'
import { Places } from '../overload/keyed-semaphore.ts'
import { streamed } from '../present/answers.ts'
import { problemSchema } from '../present/schemas.ts'
import { sendProblem } from '../problems/problems.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'
import { onceClosed } from '../wire/once-closed.ts'
import { noStore } from './lookup.ts'

const paramsSchema = Type.Object({ uscc: Type.String({ minLength: 18, maxLength: 18 }) })
const querySchema = Type.Object(
  {
    period: Type.String({ pattern: periodPattern }),
    region: Type.Optional(
      Type.String({
        pattern: regionPattern,
        description: 'Where declarations of several regions were in force the month before.',
      }),
    ),
  },
  { additionalProperties: false },
)

/** As textOf writes it: a declaration, with where it is from. */
const draftSchema = Type.Object(
  {
    ...declarationSchema.properties,
    from: Type.Object({ id: Type.String(), period: Type.String(), lines: Type.Integer() }),
    standing: Type.Optional(
      Type.String({ description: 'The id of what was filed for this month already.' }),
    ),
    leftOut: Type.Object(
      { left: Type.Integer(), platform: Type.Integer() },
      { description: 'Lines of the month before that the draft does not have.' },
    ),
  },
  { title: 'Draft' },
)

type Asked = { Params: Static<typeof paramsSchema>; Querystring: Static<typeof querySchema> }

type DraftDependencies = Omit<JournalAccess, 'readPool'> & { readonly readPool: ReadPool }

export function draftRoute(app: FastifyInstance, access: DraftDependencies): void {
  const places = new Places(draftsMax, draftsOfOneMax)
  app.get<Asked>('/v1/employers/:uscc/draft', {
    exposeHeadRoute: false,
    onRequest: requireAct('file'),
    schema: {
      operationId: 'getDraft',
      tags: ['employers'],
      summary: "A month's declaration, drafted from the month before",
      description:
        'What is in force for the month before, without persons who left and with those who joined as persons who were there, in the order of its lines, at most 10,000. from tells of which declaration; standing, what was filed for this month already. Orders of platform workers are of their month: such lines are left out, and counted. Streamed: one that breaks off is not whole.',
      params: paramsSchema,
      querystring: querySchema,
      response: {
        200: streamed('The draft.', ['application/json'], draftSchema),
        '4xx': problemSchema,
        '5xx': problemSchema,
      },
    },
    handler: (request, reply) => send(access, places, request, reply),
  })
}

async function send(
  dependencies: DraftDependencies,
  places: Places,
  request: FastifyRequest<Asked>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { uscc: employer } = request.params
  const { period, region } = request.query
  request.seen = { ...seenEmployer(employer), period, ...(region && { region }) }
  const { reach } = request
  if (reach?.employers.includes(employer) !== true)
    return sendProblem(request, reply, 'EMPLOYER_NOT_YOURS')
  if (region !== undefined && !isWithin(reach.within, region))
    return sendProblem(request, reply, 'REGION_NOT_YOURS')
  const leave = places.enter(request.filer?.subject ?? '')
  if (leave === 'share')
    return sendProblem(request, reply.header('retry-after', '5'), 'STREAMS_TOO_MANY')
  if (leave === 'full') return sendProblem(request, reply, 'UNAVAILABLE')
  onceClosed(reply, leave)
  const access = { ...dependencies, readPool: readsOf(request, dependencies.readPool) }
  const found = await findInForce(access.readPool, { employer, period: previousPeriod(period) })
  const source = sourceOf(
    found.filter((one) => isWithin(reach.within, one.region)),
    region,
  )
  if (source === undefined) return sendProblem(request, reply, 'DRAFT_ABSENT')
  if (source.lines > linesMax) return sendProblem(request, reply, 'DRAFT_TOO_LARGE')
  const last = await readAccepted(access.readPool, access.sealingKeys, source.id, reach)
  if (last === undefined || 'order' in last) return sendProblem(request, reply, 'DRAFT_ABSENT')
  request.seen = { ...request.seen, region: source.region, count: source.lines }
  const place = { employer, period, region: source.region }
  const standing = await findCurrentDeclaration(access.readPool, place)
  const head = headOf(last.declaration, period, source, standing?.id)
  return noStore(reply)
    .type('application/json; charset=utf-8')
    .send(Readable.from(whileHolds(request, textOf(head, access, last))))
}

/** @throws RefusedRequestError where there are several, and none is named */
function sourceOf(found: readonly InForce[], region: string | undefined): InForce | undefined {
  if (region !== undefined) return found.find((one) => one.region === region)
  if (found.length < 2) return found[0]
  const regions = found.map((one) => one.region).join(', ')
  throw new RefusedRequestError('PARAMETER_INVALID', {
    parameter: 'region',
    allowed: { 'zh-CN': regions, en: regions },
  })
}

/** All but the lines; what the unit itself declares is as it was. */
function headOf(
  { employer, region, industryClass, workInjuryFloat, unitBase, ...last }: Declaration,
  period: string,
  { id, lines }: InForce,
  standing: string | undefined,
) {
  return {
    ...{ employer, region, period, kind: 'regular', industryClass, workInjuryFloat, unitBase },
    from: { id, period: last.period, lines },
    ...(standing && { standing }),
  }
}

/** A part is opened when it is written; what is written does not hold up others for long. */
async function* textOf(
  head: object,
  access: JournalAccess,
  last: FoundDeclaration,
): AsyncGenerator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"lines":[`
  const leftOut = { left: 0, platform: 0 }
  let separator = ''
  for await (const { declaration } of partsOf(access, last)) {
    const { lines = [] } = declaration
    for (let from = 0; from < lines.length; from += draftChunkLines) {
      const drafted = lines.slice(from, from + draftChunkLines).flatMap((line) => {
        const one = draftLine(line)
        if (typeof one === 'object') return JSON.stringify(one)
        leftOut[one] += 1
        return []
      })
      if (drafted.length === 0) continue
      yield separator + drafted.join(',')
      separator = ','
    }
  }
  yield `],"leftOut":${JSON.stringify(leftOut)}}`
}

/** A line of the month before as it is this month; or why it is not. */
export function draftLine(line: Line): Line | 'left' | 'platform' {
  if (line.category === 'platform') return 'platform'
  return line.change === 'leave' ? 'left' : { ...line, change: 'none' }
}
