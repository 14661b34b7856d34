/**
 * GET /v1/declarations/{id}/explanation: how every amount came about, and every finding, again from
 * what the journal holds: the declaration as it was filed and the pack it was assessed with.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { EnvelopeKey } from '../../journal/envelope.ts'
import { loadPacks } from '../../journal/policy-packs.ts'
import { employerOf, type FoundDeclaration, readAccepted } from '../../journal/reading/read.ts'
import type { ReadPool } from '../../journal/reading/read-pool.ts'
import { JournalReader } from '../../journal/reading/reader.ts'
import { findPartWith } from '../../ledger/find-part.ts'
import { otherPartsBy, partsBefore } from '../../ledger/parts-before.ts'
import type { JournalAccess, LocatedPart } from '../../ledger/person-amounts.ts'
import { rulesOfAccepted } from '../../ledger/prepare.ts'
import { findReassessments, type StandingReassessment } from '../../ledger/status.ts'
import { explainedPartsMax, findingsPerAnswerMax, partLinesMax } from '../../limits.ts'
import { assessDeclaration, type OtherParts, otherPartsOf } from '../../policy/assess.ts'
import { checkFiling } from '../../policy/check.ts'
import { explainAssessment } from '../../policy/explain.ts'
import { surchargeFreeUntil } from '../../policy/in-force.ts'
import type { PeriodRules, Policies } from '../../policy/rules.ts'
import { sumsBases } from '../../policy/unit.ts'
import { readsOf, requireAct } from '../auth/bearer.ts'
import { explainedSchema, problemSchema } from '../present/schemas.ts'
import { sendProblem } from '../problems/problems.ts'
import { type LinePage, linePageOf, linePageSchema } from './check.ts'
import { noStore } from './lookup.ts'

export type ExplanationDependencies = {
  readonly readPool: ReadPool
  readonly sealingKeys: readonly EnvelopeKey[]
  readonly policies: Policies
}

const paramsSchema = Type.Object({ id: Type.String({ maxLength: 40 }) })

const querySchema = Type.Object(
  {
    ...linePageSchema.properties,
    row: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]{0,6}$',
        description: 'Of the file that the declaration came in, instead of a line.',
      }),
    ),
  },
  { additionalProperties: false },
)

type Asked = { Params: Static<typeof paramsSchema>; Querystring: Static<typeof querySchema> }

export function explanationRoute(
  app: FastifyInstance,
  dependencies: ExplanationDependencies,
): void {
  app.get<Asked>('/v1/declarations/:id/explanation', {
    onRequest: requireAct('open'),
    schema: {
      operationId: 'getExplanation',
      tags: ['declarations'],
      summary: 'How every amount of a declaration came about',
      description:
        'Wage, limit, rate and rounding with their dates and sources, as data and as a sentence; before and after a reassessment. Ten lines from ?line= on, or ?count= of them, at most 50; of one person, ?row= of the file, or the line that /amounts tells, so that no identity number is ever in an address. Of a declaration that travels in parts, the lines of the part that has this one; without ?line= and ?row=, those of its last, with what is paid for the unit as a whole.',
      params: paramsSchema,
      querystring: querySchema,
      response: { 200: explainedSchema, '4xx': problemSchema, '5xx': problemSchema },
    },
    handler: (request, reply) => answer(dependencies, request, reply),
  })
}

async function answer(
  given: ExplanationDependencies,
  request: FastifyRequest<Asked>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const dependencies = { ...given, readPool: readsOf(request, given.readPool) }
  const { readPool, sealingKeys } = dependencies
  const found = await readAccepted(readPool, sealingKeys, request.params.id, request.reach)
  if (found === undefined) return sendProblem(request, reply, 'NOT_FOUND')
  request.seen = { employer: employerOf(found) }
  // A reassessment is explained beside what it reassesses.
  if ('order' in found) {
    return noStore(reply).redirect(`/v1/declarations/${found.order.reassesses}/explanation`, 303)
  }
  const { part, page } = await askedPart(dependencies, found, request.query)
  const reassessments = await findReassessments(readPool, part)
  await loadPacks(readPool, dependencies.policies, [
    part.policyHash,
    ...reassessments.map(({ policyHash }) => policyHash),
  ])
  return noStore(reply).send(await explain(dependencies, part, reassessments, page))
}

/** The part that has the line asked for, and which of its lines; numbered as those of the whole. */
async function askedPart(
  dependencies: JournalAccess,
  found: FoundDeclaration,
  query: Asked['Querystring'],
): Promise<{ readonly part: LocatedPart; readonly page: LinePage }> {
  const { line, row } = query
  const page = linePageOf(query)
  if (row === undefined && (line === undefined || found.part === undefined))
    return { part: { ...found, linesBefore: 0 }, page }
  const asked = row === undefined ? { line: Number(line) } : { row: Number(row) }
  const { part, at } = await findPartWith(dependencies, found, asked)
  const count = row === undefined || query.count !== undefined ? page.count : 1
  return { part, page: { from: at, count } }
}

async function explain(
  dependencies: JournalAccess,
  found: LocatedPart,
  reassessments: readonly StandingReassessment[],
  page: LinePage,
) {
  const { policies, readPool, sealingKeys } = dependencies
  const { id, declaration, acceptedAtMicros, part, linesBefore } = found
  const rules = rulesOfAccepted(policies, found)
  const { findings } = checkFiling(declaration, {
    policies,
    nowMicros: acceptedAtMicros,
    keptMax: findingsPerAnswerMax,
    policyHash: rules.hash,
  })
  const explanationBy = (by: PeriodRules, others: OtherParts) => {
    const assessment = assessDeclaration(declaration, by, undefined, others)
    const explained = explainAssessment(declaration, by, assessment, page)
    const lines = explained.lines.map((one) => ({ ...one, line: linesBefore + one.line }))
    return { ...explained, lines }
  }
  const explainedBy = (by: PeriodRules, others: OtherParts) => {
    try {
      return { explanation: explanationBy(by, others) }
    } catch (error) {
      if (error instanceof RangeError) return { notExplained: notOffered }
      throw error
    }
  }
  const later = reassessments.map(({ policyHash }) =>
    rulesOfAccepted(policies, { declaration, policyHash }),
  )
  const sums = later.some(sumsBases) ? partsBefore(part).length : 0
  const journal = new JournalReader(readPool, sealingKeys)
  const others = sums > explainedPartsMax ? [] : await otherPartsBy(journal, part, later)
  const self = `/v1/declarations/${id}`
  return {
    id,
    policy: { region: rules.region, hash: rules.hash },
    total: findings.total,
    findings: findings.first(findingsPerAnswerMax),
    explanation: explanationBy(rules, otherPartsOf(part)),
    reassessments: reassessments.map(
      ({ id, policyHash: hash, policyHashBefore: hashBefore }, i) => {
        const pack = policies.packOf(hash)
        const free = pack && surchargeFreeUntil(pack, declaration.period)
        return {
          id,
          policy: { hash, hashBefore },
          ...(free !== undefined && { surchargeFreeUntil: free }),
          ...(others[i] === undefined
            ? { notExplained: tooManyParts }
            : explainedBy(later[i] as PeriodRules, others[i])),
        }
      },
    ),
    links: { declaration: self },
  }
}

const tooManyParts = {
  'zh-CN': `该申报超过 ${explainedPartsMax * partLinesMax} 行，单位部分由全部明细汇总而成，此处不展开；差额见申报状态。`,
  en: `The declaration has more than ${explainedPartsMax * partLinesMax} lines, and the unit's part is made of all of them: it is not worked out here. The differences are in the declaration's status.`,
}

/** Of a reassessment that an earlier version of this program posted. */
const notOffered = {
  'zh-CN': '该政策包没有本申报所选的档次、费率或服务，无法列出算式；请联系经办机构。',
  en: 'This policy pack lacks a tier, rate or service that the declaration names, so nothing can be worked out with it. Ask the agency.',
}
