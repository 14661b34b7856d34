/**
 * POST /v1/declarations: check, wait for the group's commit, answer with the receipt. Nothing is
 * kept of what is refused; what is answered with 202 is durable.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type pg from 'pg'
import { canonicalDeclaration } from '../declaration/canonical.ts'
import { isDeclaration } from '../declaration/check.ts'
import { dayOf, formatInstant } from '../declaration/period.ts'
import { declarationSchema } from '../declaration/schema.ts'
import type { Acceptance, Filing } from '../journal/accept.ts'
import type { TicketKey } from '../journal/attempt-ticket.ts'
import { declarationId, digestOf } from '../journal/digest.ts'
import type { Confirm } from '../journal/durable.ts'
import { fileDeclaration } from '../journal/filing.ts'
import { findAcceptances } from '../journal/find.ts'
import type { FilingOutcome } from '../journal/group-commit.ts'
import { checkReplaced } from '../journal/replaced.ts'
import { findingsPerAnswerMax } from '../limits.ts'
import { checkFiling } from '../policy/check.ts'
import type { Policies } from '../policy/rules.ts'
import type { Admission, Shed } from './admission.ts'
import { type FailedAttempt, isFor, readAttempt, type TicketMembers } from './attempts.ts'
import { requireScope } from './bearer.ts'
import { declarationBody } from './bodies.ts'
import { entryOf } from './gate.ts'
import type { HttpLimits } from './http-limits.ts'
import { readIdempotencyKey } from './idempotency-key.ts'
import { languageOf } from './language.ts'
import { sendProblem } from './problems.ts'
import type { RefusedLately } from './refused-lately.ts'
import { acceptedSchema, problemSchema } from './schemas.ts'
import { shedHeaders, shedProblem, shedStatus } from './shed.ts'

export type SubmitDependencies = {
  readonly http: HttpLimits
  readonly policies: Policies
  /** For looking up what was accepted before. */
  readonly readPool: pg.Pool
  /** Waits until all that can be seen is durable. */
  readonly confirm: Confirm
  readonly submit: (filing: Filing) => Promise<FilingOutcome>
  readonly admission: Admission
  readonly ticketKey: TicketKey
  readonly refusedLately: RefusedLately
  /** The ticket of a filing that can't be accepted now. */
  readonly ticketOf: (attempt: FailedAttempt) => TicketMembers
  readonly onShed: (shed: Shed) => void
  /** The commit of a filing failed. */
  readonly onFailed: () => void
  /** True while nothing may be accepted, as it could be lost. */
  readonly refuses: () => boolean
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
    ...declarationBody(dependencies.http),
    schema: {
      summary: 'File a declaration',
      description:
        'Answers 202 with a signed receipt once the declaration is durable. Content-Encoding may be gzip, deflate or br.',
      headers: {
        type: 'object',
        properties: {
          'idempotency-key': {
            type: 'string',
            description:
              'Unique for each declaration of an employer and a period, the same for its retries.',
          },
          'attempt-ticket': {
            type: 'string',
            description: 'Of a refusal of the same filing: it then counts from that attempt.',
          },
        },
      },
      body: declarationSchema,
      response: { 202: acceptedSchema, '4xx': problemSchema, '5xx': problemSchema },
    },
    handler: (request, reply) => underWay(dependencies, request, reply),
  })
}

/** A filing that is here counts until it is answered: by how long that takes, the limit is found. */
async function underWay(
  dependencies: SubmitDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { admission } = dependencies
  const who = partiesOf(request)
  const shed = admission.checkShares('filings-due', who, performance.now())
  if (shed !== undefined) return sendShed(dependencies, request, reply, shed)
  const leave = admission.enterFiling(who, performance.now())
  try {
    return await submit(dependencies, request, reply)
  } finally {
    leave(entryOf(request.raw).cameAt, performance.now(), reply.statusCode === 202)
  }
}

/** Who has a share: the token's subject, and the employer where the token has several. */
function partiesOf({ filer, body }: FastifyRequest): string[] {
  const { employer } = (body ?? {}) as { employer?: unknown }
  const subject = filer?.subject ?? ''
  // Only an employer that it may file for: nobody uses up another's share.
  const own = typeof employer === 'string' && filer?.employers.has(employer) === true
  return own && employer !== subject ? [subject, employer] : [subject]
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
  if (dependencies.refuses()) return unavailable(dependencies, request, reply, 'UNAVAILABLE')
  const { policies, readPool, ticketKey } = dependencies
  const nowMicros = dependencies.nowMicros()
  const asker = { subject: request.filer?.subject ?? '', idempotencyKey: key.value }
  const attempt = readAttempt(ticketKey, request.headers['attempt-ticket'], asker, nowMicros)
  if (attempt === 'invalid') return sendProblem(request, reply, 'TICKET_INVALID')
  const known = dependencies.refusedLately.find(request, performance.now())
  if (known !== undefined) return sendProblem(request, reply, 'DECLARATION_INVALID', known)
  const { findings, valid } = checkFiling(body, {
    policies,
    nowMicros: attempt?.atMicros ?? nowMicros,
    keptMax: findingsPerAnswerMax,
  })
  if (valid !== undefined) await checkReplaced(readPool, valid.declaration, findings)
  if (valid === undefined || findings.errors > 0) {
    const before = await findAccepted(dependencies, body, key.value)
    if (before !== undefined) return replayed(reply, before)
    const refusal = { errors: findings.first(findingsPerAnswerMax), total: findings.total }
    // What the journal was asked about may be otherwise in a moment.
    if (valid === undefined)
      dependencies.refusedLately.remember(request, refusal, performance.now())
    return sendProblem(request, reply, 'DECLARATION_INVALID', refusal)
  }
  const filing = fileDeclaration({
    ...valid,
    key: key.value,
    acceptedAtMicros: nowMicros,
    attempt,
    expects: 'anything',
  })
  if (attempt !== undefined && !isFor(attempt, filing)) {
    return sendProblem(request, reply, 'TICKET_INVALID')
  }
  const shed = dueToday(filing) ? undefined : dependencies.admission.checkNotDue(performance.now())
  if (shed !== undefined) return sendShed(dependencies, request, reply, shed)
  return answer(dependencies, request, reply, filing.id, await dependencies.submit(filing))
}

/** What can still be filed in time tomorrow can wait; what is late already can not. */
function dueToday({ acceptedAtMicros, deadlineMicros }: Filing): boolean {
  // A deadline is the first instant that is late: the midnight after the last day.
  return dayOf(acceptedAtMicros) >= dayOf(deadlineMicros - 1)
}

/** False only when the body names an employer that the token does not. */
export function mayFileFor({ filer }: FastifyRequest, body: unknown): boolean {
  const { employer } = (body ?? {}) as { employer?: unknown }
  return typeof employer !== 'string' || filer?.employers.has(employer) === true
}

/**
 * A filing that was accepted once stays accepted, whatever rules or time say against it now: the
 * filer who asks again gets the original receipt.
 */
async function findAccepted(
  { readPool, confirm }: Pick<SubmitDependencies, 'readPool' | 'confirm'>,
  body: unknown,
  key: string,
): Promise<Acceptance | undefined> {
  if (!isDeclaration(body)) return undefined
  const id = declarationId(body.employer, body.period, key)
  const [found] = await findAcceptances(readPool, [id])
  const digest = found === undefined ? undefined : digestOf(Buffer.from(canonicalDeclaration(body)))
  if (found === undefined || digest?.equals(found.statement.digest) !== true) return undefined
  await confirm()
  return { ...found, fresh: false }
}

function answer(
  dependencies: SubmitDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  id: string,
  outcome: FilingOutcome,
): FastifyReply {
  switch (outcome.kind) {
    case 'full':
    case 'shed':
      return sendShed(dependencies, request, reply, { class: 'filings-due', reason: 'journal' })
    case 'unavailable':
      request.log.error({ err: outcome.cause }, 'acceptance failed')
      return unavailable(dependencies, request, reply, 'OUTCOME_UNKNOWN')
    case 'ticketUsed':
      return sendProblem(request, reply, 'TICKET_INVALID')
    case 'standing':
      return sendProblem(request, reply, 'DECLARATION_STANDS')
    case 'conflicting':
      return sendProblem(request, reply, 'IDEMPOTENCY_KEY_REUSED', {
        instance: `/v1/declarations/${id}`,
      })
    case 'replayed':
      return replayed(reply, outcome.acceptance)
    case 'accepted':
      return accepted(reply, outcome.acceptance)
  }
}

/** What can be said of a filing of this request, for its ticket. */
function attemptOf({ filer, headers, body }: FastifyRequest, reason: string): FailedAttempt {
  const key = readIdempotencyKey(headers['idempotency-key'])
  const idempotencyKey = typeof key === 'string' ? undefined : key.value
  return { subject: filer?.subject, idempotencyKey, reason, body }
}

function unavailable(
  { ticketOf, onFailed }: SubmitDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  code: 'UNAVAILABLE' | 'OUTCOME_UNKNOWN',
): FastifyReply {
  onFailed()
  return sendProblem(request, reply, code, ticketOf(attemptOf(request, 'commit')))
}

/** Answers a request that is not let in; one that was to file gets a ticket. */
export function sendShed(
  { admission, onShed, ticketOf }: SubmitDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  shed: Shed,
): FastifyReply {
  const now = performance.now()
  admission.refuse(shed, now)
  onShed(shed)
  const language = languageOf(request)
  // Whose bodies have all their room has not shown what it would file: a ticket would be for anything.
  const isUnread = shed.reason === 'share' && request.body === undefined
  const ticket =
    shed.class.startsWith('filings') && !isUnread ? ticketOf(attemptOf(request, shed.reason)) : {}
  return reply
    .code(shedStatus(shed))
    .headers(shedHeaders(shed, admission.retrySeconds(now), admission.quota(shed, now)))
    .header('content-language', language)
    .type('application/problem+json')
    .send(Buffer.from(shedProblem(shed, language, request.id, ticket), 'latin1'))
}

function replayed(reply: FastifyReply, acceptance: Acceptance): FastifyReply {
  return accepted(reply.header('idempotency-replayed', 'true'), acceptance)
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
