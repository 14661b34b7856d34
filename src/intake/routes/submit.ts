/**
 * POST /v1/declarations: check, wait for the group's commit, answer with the receipt. Nothing is
 * kept of what is refused; what is answered with 202 is durable.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import type { FindingList } from '../../declaration/findings.ts'
import { dayOf } from '../../declaration/period.ts'
import { type Declaration, declarationSchema } from '../../declaration/schema.ts'
import type { Confirm } from '../../journal/durable.ts'
import type { Filing } from '../../journal/filing.ts'
import { fileDeclaration } from '../../journal/filing.ts'
import type { FilingOutcome } from '../../journal/group-commit.ts'
import { expectationAlone } from '../../journal/latest-declaration.ts'
import { isWithin } from '../../journal/reading/reach.ts'
import type { ReadPool } from '../../journal/reading/read-pool.ts'
import type { TicketKey } from '../../journal/receipts/attempt-ticket.ts'
import type { Salts } from '../../journal/salting.ts'
import { findingsPerAnswerMax } from '../../limits.ts'
import { checkFiling } from '../../policy/check.ts'
import type { Policies } from '../../policy/rules.ts'
import { askerOf } from '../auth/asker.ts'
import { readsOf, requireAct } from '../auth/bearer.ts'
import { declarationBody } from '../bodies/bodies.ts'
import type { RefusedLately } from '../bodies/refused-lately.ts'
import type { Admission, Shed } from '../overload/admission.ts'
import { type FailedAttempt, isFor, readAttempt } from '../overload/attempts.ts'
import { arrivesNow, entryOf, filingName, wholeSince } from '../overload/gate.ts'
import { earnsTicket, shedHeaders, shedProblem, shedStatus } from '../overload/shed.ts'
import { accepted, findAccepted, isReplay, replayed } from '../present/accepted.ts'
import { locationHeader, replayedHeader, withHeaders } from '../present/answers.ts'
import { acceptedSchema, problemSchema } from '../present/schemas.ts'
import { languageOf } from '../problems/language.ts'
import { sendProblem, type TicketMembers } from '../problems/problems.ts'
import { addStanding, checkStanding, refusalFor } from '../problems/standing-refusal.ts'
import { isOfContent, readContentDigest } from '../wire/content-digest.ts'
import type { HttpLimits } from '../wire/http-limits.ts'
import { readIdempotencyKey } from '../wire/idempotency-key.ts'

export type SubmitDependencies = {
  readonly http: HttpLimits
  readonly policies: Policies
  /** For looking up what was accepted before. */
  readonly readPool: ReadPool
  /** Of what was accepted before. */
  readonly salts: Salts
  /** Waits until all that can be seen is durable. */
  readonly confirm: Confirm
  readonly submit: (filing: Filing) => Promise<FilingOutcome>
  readonly admission: Admission
  readonly ticketKey: TicketKey
  readonly refusedLately: RefusedLately
  /** The ticket of a filing that can't be accepted now. */
  readonly ticketOf: (attempt: FailedAttempt) => TicketMembers
  /** @param filer whose filing it was, where its token is verified */
  readonly onShed: (shed: Shed, filer: string | undefined) => void
  /** The commit of a filing failed. */
  readonly onFailed: (filer: string | undefined) => void
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
    onRequest: [requireAct('file'), admitKnown(dependencies)],
    ...declarationBody(dependencies.http),
    schema: {
      operationId: 'fileDeclaration',
      tags: ['declarations'],
      summary: 'File a declaration',
      description:
        'Answers 202 with a signed receipt once the declaration is durable; 409 to a regular one where a declaration of its employer, period and region stands, with which. Content-Encoding may be gzip, deflate or br.',
      headers: {
        type: 'object',
        required: ['idempotency-key'],
        properties: {
          'idempotency-key': {
            type: 'string',
            examples: ['2025-08-1'],
            description:
              'Unique for each declaration of an employer and a period, the same for its retries.',
          },
          'attempt-ticket': {
            type: 'string',
            description:
              'Of a refusal of the same filing: it then counts from that attempt. 同一申报被拒时发给的凭证：按该次尝试的时间认定是否按期。',
          },
          'content-digest': {
            type: 'string',
            description:
              'RFC 9530, of the bytes that are sent, as sha-256=:BASE64:. With it, a filing that is refused before it is read gets an attempt ticket, which serves for these bytes alone. 所发字节的摘要：内容未及读取即被拒时，凭此发给申报尝试凭证，且仅限逐字节相同的内容使用。',
          },
        },
      },
      body: declarationSchema,
      response: {
        202: withHeaders(acceptedSchema, { ...locationHeader, ...replayedHeader }),
        '4xx': problemSchema,
        '5xx': problemSchema,
      },
    },
    handler: (request, reply) => underWay(dependencies, request, reply),
  })
}

/**
 * A filer whom the gate did not know meets its limits here, before its body is read: its token is verified by
 * now. From here on it counts as a filing that is to come.
 */
function admitKnown(dependencies: SubmitDependencies): onRequestHookHandler {
  const { admission } = dependencies
  return function admit(request, reply, done) {
    if (entryOf(request.raw).isKnown) return done()
    const now = performance.now()
    const shed = admission.checkKnown(request.filer?.subject ?? '', now)
    if (shed !== undefined) return void sendShed(dependencies, request, reply, shed)
    arrivesNow(request.raw, reply, admission.arrive(now))
    done()
  }
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
  entryOf(request.raw).arrived()
  const leave = admission.enterFiling(who, performance.now())
  try {
    return await submit(dependencies, request, reply)
  } finally {
    const isAccepted = reply.statusCode === 202 && !isReplay(reply)
    leave(wholeSince(request.raw, admission), performance.now(), isAccepted)
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
  if (!mayFileIn(request, body)) return sendProblem(request, reply, 'REGION_NOT_YOURS')
  if (dependencies.refuses()) return unavailable(dependencies, request, reply, 'UNAVAILABLE')
  const { policies, ticketKey } = dependencies
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
  if (valid === undefined) return refuse(dependencies, request, reply, { key: key.value, findings })
  const filing = fileDeclaration({
    ...valid,
    key: key.value,
    acceptedAtMicros: nowMicros,
    attempt,
    expects: expectationAlone(valid.declaration.replaces),
    by: askerOf(request),
  })
  const isContent = (digest: string | undefined) => isOfContent(request.raw, digest)
  if (attempt !== undefined && !isFor(attempt, filing, isContent)) {
    return sendProblem(request, reply, 'TICKET_INVALID')
  }
  const shed = dueToday(filing) ? undefined : dependencies.admission.checkNotDue(performance.now())
  if (shed !== undefined) return sendShed(dependencies, request, reply, shed)
  const outcome = await dependencies.submit(filing)
  if (outcome.kind === 'standing' || outcome.kind === 'replacesWrongly')
    return sendMet(dependencies, request, reply, { met: outcome, findings, ...valid.declaration })
  return answer(dependencies, request, reply, filing.id, outcome)
}

/** Tells every fault, those that the journal knows of, too; unless it was accepted once, when it had none. */
async function refuse(
  dependencies: SubmitDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  { key, findings }: { readonly key: string; readonly findings: FindingList },
): Promise<FastifyReply> {
  const { refusedLately } = dependencies
  const { body } = request
  const readPool = readsOf(request, dependencies.readPool)
  const reading = { ...dependencies, readPool }
  const before = await findAccepted(reading, body, key)
  if (before !== undefined) return replayed(reply, before)
  const ownFaults = findings.errors
  const stands = await checkStanding(reading, body, findings)
  const refusal = {
    errors: findings.first(findingsPerAnswerMax),
    total: findings.total,
    ...(stands && { standing: stands.standing }),
  }
  // What the journal was asked about may be otherwise in a moment.
  if (findings.errors === ownFaults) refusedLately.remember(request, refusal, performance.now())
  return sendProblem(request, reply, 'DECLARATION_INVALID', refusal)
}

type Met = Extract<FilingOutcome, { kind: 'standing' | 'replacesWrongly' }>

type Refused = Pick<Declaration, 'replaces'> & {
  readonly met: Met
  readonly findings: FindingList
}

/** Nothing is wrong with it but what the journal has; what it was told beside is told here, too. */
async function sendMet(
  { readPool }: SubmitDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  { met, findings, replaces }: Refused,
): Promise<FastifyReply> {
  const stands =
    met.kind === 'standing'
      ? await refusalFor(readsOf(request, readPool), { ...met, replaces })
      : undefined
  if (met.kind === 'replacesWrongly')
    findings.add(-1, '/replaces', met.fault.code, met.fault.params)
  if (stands !== undefined) addStanding(stands, findings)
  return sendProblem(request, reply, stands?.code ?? 'DECLARATION_INVALID', {
    errors: findings.first(findingsPerAnswerMax),
    total: findings.total,
    ...(stands && { standing: stands.standing }),
  })
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

/** The same of the region. */
export function mayFileIn({ filer }: FastifyRequest, body: unknown): boolean {
  const { region } = (body ?? {}) as { region?: unknown }
  return isWithin(filer?.regions, region)
}

function answer(
  dependencies: SubmitDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  id: string,
  outcome: Exclude<FilingOutcome, Met>,
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
  const named = readContentDigest(headers['content-digest'])
  const content = body === undefined ? { named } : { body }
  return { subject: filer?.subject, idempotencyKey, reason, content }
}

function unavailable(
  { ticketOf, onFailed }: SubmitDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  code: 'UNAVAILABLE' | 'OUTCOME_UNKNOWN',
): FastifyReply {
  onFailed(request.filer?.subject)
  return sendProblem(request, reply, code, ticketOf(attemptOf(request, 'commit')))
}

/** Answers a request that is not let in; one that was to file gets a ticket. */
export function sendShed(
  { admission, onShed, ticketOf }: Pick<SubmitDependencies, 'admission' | 'onShed' | 'ticketOf'>,
  request: FastifyRequest,
  reply: FastifyReply,
  shed: Shed,
): FastifyReply {
  const now = performance.now()
  const subject = request.filer?.subject
  const retryAfter = admission.refuse(shed, now, filingName(request.headers, subject))
  onShed(shed, subject)
  const language = languageOf(request)
  const ticket = earnsTicket(shed) ? ticketOf(attemptOf(request, shed.reason)) : {}
  return reply
    .code(shedStatus(shed))
    .headers(shedHeaders(shed, retryAfter, admission.quota(shed, now)))
    .header('content-language', language)
    .type('application/problem+json')
    .send(Buffer.from(shedProblem(shed, language, request.id, ticket), 'latin1'))
}
