/**
 * GET /v1/employers/{uscc}/draft?period=: what an employer most likely files for a month, made of what is in
 * force for the month before: its lines without those who left, with those who joined as persons who were
 * there. With `corrects`, it is a correction of that declaration: its lines as they were filed. Both have the form
 * of a declaration, so that they can be changed, checked and filed as they are. Names and numbers are opened from
 * the journal on the way out, for who may file for the employer, and never kept.
 */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { periodPattern } from '../../declaration/period.ts'
import { declarationSchema, type Line, linesMax, regionPattern } from '../../declaration/schema.ts'
import { findCurrentDeclaration } from '../../journal/latest-declaration.ts'
import { isWithin, type Reach } from '../../journal/reading/reach.ts'
import { type FoundDeclaration, readAccepted } from '../../journal/reading/read.ts'
import type { ReadPool } from '../../journal/reading/read-pool.ts'
import { type JournalAccess, partsOf } from '../../ledger/person-amounts.ts'
import { findInForce, type InForce } from '../../ledger/standing-of-period.ts'
import { findStanding } from '../../ledger/status.ts'
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
    corrects: Type.Optional(
      Type.String({
        maxLength: 40,
        description:
          'A declaration of this month: drafts its correction, with its lines as they were filed, instead.',
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
    // It is for who files, and shows persons: a token needs the scopes of both.
    onRequest: [requireAct('open'), requireAct('file')],
    schema: {
      operationId: 'getDraft',
      tags: ['employers'],
      summary: "A month's declaration, drafted from the month before",
      description:
        'What is in force for the month before, without persons who left and with those who joined as persons who were there, in the order of its lines, at most 10,000. from tells of which declaration; standing, what was filed for this month already. With corrects, a correction that names what it replaces; where standing is another one, that one came since. Orders of platform workers are of their month: such lines are left out, and counted. Streamed: one that breaks off is not whole.',
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
  const source = await (request.query.corrects === undefined
    ? findLast(access, request.query, employer, reach)
    : findCorrected(access, { id: request.query.corrects, employer, period }, reach))
  if (typeof source === 'string') return sendProblem(request, reply, source)
  const { from, declared, lineOf } = source
  if (from.lines > linesMax) return sendProblem(request, reply, 'DRAFT_TOO_LARGE')
  request.seen = { ...request.seen, id: from.id, region: from.region, count: from.lines }
  const place = { employer, period, region: from.region }
  const standing = await findCurrentDeclaration(access.readPool, place)
  const head = { ...headOf(source, period), ...(standing && { standing: standing.id }) }
  return noStore(reply)
    .type('application/json; charset=utf-8')
    .send(Readable.from(whileHolds(request, textOf(head, partsOf(access, declared), lineOf))))
}

/** What a draft is made of. */
type Source = {
  readonly from: InForce
  readonly declared: FoundDeclaration
  /** Of the draft itself. */
  readonly kind: { readonly kind: 'regular' } | { readonly kind: 'correction'; replaces: string }
  readonly lineOf: (line: Line) => Line | 'left' | 'platform'
}

/** What is in force for the month before. */
async function findLast(
  access: JournalAccess,
  { period, region }: Asked['Querystring'],
  employer: string,
  reach: Reach,
): Promise<Source | 'DRAFT_ABSENT'> {
  const found = await findInForce(access.readPool, { employer, period: previousPeriod(period) })
  const within = found.filter((one) => isWithin(reach.within, one.region))
  const from = sourceOf(within, region)
  if (from === undefined) return 'DRAFT_ABSENT'
  const declared = await readAccepted(access.readPool, access.sealingKeys, from.id, reach)
  if (declared === undefined || 'order' in declared) return 'DRAFT_ABSENT'
  return { from, declared, kind: { kind: 'regular' }, lineOf: draftLine }
}

/** A declaration of this employer and month; of one that travels in parts, the whole. */
async function findCorrected(
  { readPool, sealingKeys }: JournalAccess,
  { id, employer, period }: { id: string; employer: string; period: string },
  reach: Reach,
): Promise<Source | 'NOT_FOUND'> {
  const asked = await findStanding(readPool, id, reach)
  const whole = asked?.partOf ?? id
  const found = whole === id ? asked : await findStanding(readPool, whole, reach)
  if (found?.employer !== employer || found.period !== period) return 'NOT_FOUND'
  const declared = await readAccepted(readPool, sealingKeys, whole, reach)
  if (declared === undefined || 'order' in declared) return 'NOT_FOUND'
  const { region, lines: own = [] } = declared.declaration
  const lines = found.assessment?.lines ?? found.persons ?? own.length
  return {
    from: { id: whole, region, lines },
    declared,
    kind: { kind: 'correction', replaces: whole },
    lineOf: (line) => line,
  }
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
function headOf({ from: { id, lines }, declared: { declaration }, kind }: Source, period: string) {
  const { employer, region, industryClass, workInjuryFloat, unitBase } = declaration
  return {
    ...{ employer, region, period, ...kind, industryClass, workInjuryFloat, unitBase },
    from: { id, period: declaration.period, lines },
  }
}

/** A part is opened when it is written; what is written does not hold up others for long. */
async function* textOf(
  head: object,
  parts: AsyncIterable<FoundDeclaration>,
  lineOf: Source['lineOf'],
): AsyncGenerator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"lines":[`
  const leftOut = { left: 0, platform: 0 }
  let separator = ''
  for await (const { declaration } of parts) {
    const { lines = [] } = declaration
    for (let from = 0; from < lines.length; from += draftChunkLines) {
      const drafted = lines.slice(from, from + draftChunkLines).flatMap((line) => {
        const one = lineOf(line)
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
