/**
 * The gate: in front of Fastify, so that refusing costs little more than reading a request line. What
 * is refused here has not been read; the answer says which class of requests is given up, when to come back,
 * and what to do. A refused filing leaves a trace, as a ticket or in the ledger of outages, only where its
 * token is verified: of tokens that were not verified before, as many are as refused-filers.ts has room for.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import { languageOf } from '../problems/language.ts'
import type { TicketMembers } from '../problems/problems.ts'
import { readContentDigest } from '../wire/content-digest.ts'
import { readIdempotencyKey } from '../wire/idempotency-key.ts'
import { onceClosed } from '../wire/once-closed.ts'
import { overriddenMethod } from '../wire/tus-headers.ts'
import type { Admission, RequestClass, Shed } from './admission.ts'
import type { FailedAttempt } from './attempts.ts'
import { canonicalUrl, classOf } from './route-classes.ts'
import { earnsTicket, shedHeaders, shedProblem, shedStatus } from './shed.ts'

/** What the gate knows of a request that it let in. */
export type Entry = {
  readonly class: RequestClass | undefined
  readonly cameAt: number
  /** The filer's token was verified before, so the filer's own limits were looked at. */
  readonly isKnown: boolean
  /** It counts no longer as one that is to come; may be called again. */
  readonly arrived: () => void
}

const entries = new WeakMap<IncomingMessage, Entry>()
/** Of requests whose bodies came after their headers. */
const bodiesCameAt = new WeakMap<IncomingMessage, number>()

/** When a request came, and as what; one that did not pass a gate came now. */
export function entryOf(request: IncomingMessage): Entry {
  const known = entries.get(request)
  if (known !== undefined) return known
  const cameAt = performance.now()
  const entry = { class: undefined, cameAt, isKnown: false, arrived: () => {} }
  entries.set(request, entry)
  return entry
}

/** A filing is to come whose filer the gate did not know; `arrived` is called when it is here, or won't be. */
export function arrivesNow(
  request: IncomingMessage,
  reply: Pick<FastifyReply, 'raw'>,
  arrived: () => void,
): void {
  entries.set(request, { ...entryOf(request), arrived })
  onceClosed(reply, arrived)
}

/** The last byte of a request's body is read, which was not there with its headers. */
export function bodyCame(request: IncomingMessage): void {
  bodiesCameAt.set(request, performance.now())
}

/** When all of a request was here: from then on its answer is ours to give, as `performance.now()`. */
export function wholeSince(request: IncomingMessage, admission: Admission): number {
  const { cameAt } = entryOf(request)
  const body = bodiesCameAt.get(request)
  return body === undefined ? cameAt : Math.max(cameAt, admission.cameAt(body))
}

export type GateDependencies = {
  readonly admission: Admission
  /** Puts the token of a browser's session where a bearer's is. */
  readonly presentSession: (request: IncomingMessage) => void
  /** The filer of a token that was verified before; others are known once it is. */
  readonly filerOf: (authorization: string | undefined) => string | undefined
  /** Verifies the token of a refused filing; undefined where there is none, or no room for it. */
  readonly verifyFiler: (
    authorization: string | undefined,
  ) => Promise<string | undefined> | undefined
  /** @param filer whose filing it was, where that is known */
  readonly onShed: (shed: Shed, filer: string | undefined) => void
  /** The ticket of a filing that is refused here. */
  readonly ticketOf: (attempt: FailedAttempt) => TicketMembers
}

/** Puts the gate in front of what a server does with requests. */
export function guard(server: Server, dependencies: GateDependencies): void {
  const { admission, filerOf } = dependencies
  const [handle] = server.listeners('request') as [
    (request: IncomingMessage, response: ServerResponse) => void,
  ]
  const shareOf = (of: RequestClass, filer: string | undefined, now: number) =>
    filer === undefined ? undefined : admission.checkShares(of, [filer], now)
  server.removeListener('request', handle)
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const now = performance.now()
    request.url = canonicalUrl(request.url ?? '')
    request.method = overriddenMethod(request)
    dependencies.presentSession(request)
    const of = classOf(request.method, request.url)
    const filer = of === 'filings-due' ? filerOf(request.headers.authorization) : undefined
    const begins = of === 'bulk' && request.method === 'POST'
    const shed =
      of &&
      (admission.check(of, now, filer) ??
        shareOf(of, filer, now) ??
        (begins ? admission.checkBacklog() : undefined))
    if (shed !== undefined) return refuse(dependencies, { request, response, shed }, filer)
    const arrived = filer === undefined ? () => {} : admission.arrive(now)
    const cameAt = admission.cameAt(now)
    entries.set(request, { class: of, cameAt, isKnown: filer !== undefined, arrived })
    if (of !== undefined) {
      const leave = admission.enter(filingName(request.headers, filer))
      response.on('close', () => {
        leave()
        arrived()
      })
    }
    handle.call(server, request, response)
  })
}

/** What one filing has in common whenever it is sent; undefined for what is none, or whose filer is not known. */
export function filingName(
  headers: IncomingHttpHeaders,
  filer: string | undefined,
): string | undefined {
  const key = readIdempotencyKey(headers['idempotency-key'])
  return filer === undefined || typeof key === 'string' ? undefined : `${filer}\n${key.value}`
}

type Refused = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly shed: Shed
}

function refuse(dependencies: GateDependencies, refused: Refused, filer: string | undefined): void {
  const { shed, request } = refused
  const verifying =
    filer === undefined && shed.class === 'filings-due'
      ? dependencies.verifyFiler(request.headers.authorization)
      : undefined
  if (verifying === undefined) answer(dependencies, refused, filer)
  else void verifying.then((verified) => answer(dependencies, refused, verified))
}

function answer(
  { admission, onShed, ticketOf }: GateDependencies,
  { request, response, shed }: Refused,
  filer: string | undefined,
): void {
  onShed(shed, filer)
  const now = performance.now()
  const language = languageOf(request)
  const retryAfter = admission.refuse(shed, now, filingName(request.headers, filer))
  const hasShare = filer !== undefined && admission.checkShares(shed.class, [filer], now)
  const earns = earnsTicket(shed) && !hasShare
  const ticket = earns ? ticketOf(attemptOf(request, shed, filer)) : {}
  const bytes = shedProblem(shed, language, randomUUID(), ticket)
  response.writeHead(shedStatus(shed), {
    ...shedHeaders(shed, retryAfter, admission.quota(shed, now)),
    'content-type': 'application/problem+json',
    'content-language': language,
    'content-length': bytes.length,
  })
  response.end(bytes, 'latin1')
}

function attemptOf(
  { headers }: IncomingMessage,
  { reason }: Shed,
  subject: string | undefined,
): FailedAttempt {
  const idempotencyKey = readIdempotencyKey(headers['idempotency-key'])
  return {
    subject,
    idempotencyKey: typeof idempotencyKey === 'string' ? undefined : idempotencyKey.value,
    reason,
    content: { named: readContentDigest(headers['content-digest']) },
  }
}
