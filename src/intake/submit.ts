/**
 * POST /v1/declarations: check, wait for the group's commit, answer with the receipt. Nothing is
 * kept of what is refused; what is answered with 202 is durable.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { canonicalDeclaration } from '../declaration/canonical.ts'
import { checkDeclaration } from '../declaration/check.ts'
import type { Finding } from '../declaration/findings.ts'
import { dayOf, formatInstant, isPeriod } from '../declaration/period.ts'
import { type Declaration, declarationSchema } from '../declaration/schema.ts'
import type { Acceptance, Filing } from '../journal/accept.ts'
import { declarationId, digestOf } from '../journal/digest.ts'
import type { FilingOutcome } from '../journal/group-commit.ts'
import { findingsPerAnswerMax, idempotencyKeyCharactersMax } from '../limits.ts'
import { checkPolicy } from '../policy/check.ts'
import type { PeriodRules, Policies } from '../policy/rules.ts'
import { requireScope } from './bearer.ts'
import { sendProblem } from './problems.ts'
import { acceptedSchema, problemSchema } from './schemas.ts'

export type SubmitDependencies = {
  readonly policies: Policies
  readonly submit: (filing: Filing) => Promise<FilingOutcome>
  /** Microseconds since 1970. */
  readonly nowMicros: () => number
}

export function submitRoute(app: FastifyInstance, dependencies: SubmitDependencies): void {
  app.route({
    method: 'POST',
    url: '/v1/declarations',
    // The handler checks the body itself, to tell all faults at once.
    validatorCompiler: () => () => true,
    onRequest: requireScope('declarations:write'),
    schema: {
      summary: 'File a declaration',
      description: 'Answers 202 with a signed receipt once the declaration is durable.',
      headers: {
        type: 'object',
        properties: {
          'idempotency-key': {
            type: 'string',
            description: 'Unique for each declaration, the same for its retries.',
          },
        },
      },
      body: declarationSchema,
      response: { 202: acceptedSchema, '4xx': problemSchema, '5xx': problemSchema },
    },
    handler: (request, reply) => submit(dependencies, request, reply),
  })
}

async function submit(
  dependencies: SubmitDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const key = readIdempotencyKey(request.headers['idempotency-key'])
  if (key === 'missing') return sendProblem(request, reply, 'IDEMPOTENCY_KEY_MISSING')
  if (key === 'invalid') return sendProblem(request, reply, 'IDEMPOTENCY_KEY_INVALID')
  const body = request.body
  if (!mayFileFor(request, body)) return sendProblem(request, reply, 'EMPLOYER_NOT_YOURS')
  const nowMicros = dependencies.nowMicros()
  const checked = check(dependencies, body, nowMicros)
  if (checked.kind === 'faulty') {
    const { findings: errors, total } = checked
    return sendProblem(request, reply, 'DECLARATION_INVALID', { errors, total })
  }
  const filing = filingOf(checked.declaration, checked.rules, key.value, nowMicros)
  return answer(request, reply, filing.id, await dependencies.submit(filing))
}

/** The key as sent, or the content of a structured-field string (quoted). */
function readIdempotencyKey(
  header: string | string[] | undefined,
): { readonly value: string } | 'missing' | 'invalid' {
  if (header === undefined) return 'missing'
  if (typeof header !== 'string') return 'invalid'
  const value = /^".*"$/.test(header) ? header.slice(1, -1) : header
  const wellFormed = value.length <= idempotencyKeyCharactersMax && /^[\x21-\x7e]+$/.test(value)
  return wellFormed ? { value } : 'invalid'
}

/** False only when the body names an employer that the token does not. */
function mayFileFor({ filer }: FastifyRequest, body: unknown): boolean {
  const { employer } = (body ?? {}) as { employer?: unknown }
  return typeof employer !== 'string' || filer?.employers.has(employer) === true
}

/** All faults at once: of policy, shape and rules. Warnings alone don't refuse. */
function check({ policies }: SubmitDependencies, body: unknown, nowMicros: number): Checked {
  const limit = findingsPerAnswerMax
  const today = dayOf(nowMicros)
  const checked = checkDeclaration(body, { today, limit })
  const { region, period } = (body ?? {}) as { region?: unknown; period?: unknown }
  const policy =
    typeof region === 'string' && isPeriod(period)
      ? checkPolicy({ region, period: earlier(period, today.slice(0, 7)) }, policies, nowMicros)
      : undefined
  if (checked.errors === 0 && policy?.rules !== undefined) {
    return { kind: 'good', declaration: body as Declaration, rules: policy.rules }
  }
  const all =
    policy?.finding === undefined ? checked.findings : [policy.finding, ...checked.findings]
  const total = checked.total + all.length - checked.findings.length
  return { kind: 'faulty', findings: all.slice(0, limit), total }
}

/** A period in the future has its own finding; the region is checked all the same. */
function earlier(period: string, current: string): string {
  return period < current ? period : current
}

type Checked =
  | { readonly kind: 'good'; readonly declaration: Declaration; readonly rules: PeriodRules }
  | { readonly kind: 'faulty'; readonly findings: readonly Finding[]; readonly total: number }

function filingOf(
  declaration: Declaration,
  { deadlineMicros }: PeriodRules,
  key: string,
  acceptedAtMicros: number,
): Filing {
  const { employer, period, kind } = declaration
  const canonical = Buffer.from(canonicalDeclaration(declaration))
  return {
    id: declarationId(employer, period, key),
    employer,
    period,
    kind,
    digest: digestOf(canonical),
    acceptedAtMicros,
    deadlineMicros,
    onTime: acceptedAtMicros < deadlineMicros,
    canonical,
  }
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  id: string,
  outcome: FilingOutcome,
): FastifyReply {
  switch (outcome.kind) {
    case 'full':
      return sendProblem(request, reply, 'BUSY')
    case 'unavailable':
      request.log.error({ err: outcome.cause }, 'acceptance failed')
      return sendProblem(request, reply, 'OUTCOME_UNKNOWN')
    case 'conflicting':
      return sendProblem(request, reply, 'IDEMPOTENCY_KEY_REUSED', {
        instance: `/v1/declarations/${id}`,
      })
    case 'replayed':
      reply.header('idempotency-replayed', 'true')
      return accepted(reply, outcome.acceptance)
    case 'accepted':
      return accepted(reply, outcome.acceptance)
  }
}

/** The same text for the first answer and for every replay. */
function accepted(reply: FastifyReply, { statement, receipt }: Acceptance): FastifyReply {
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
