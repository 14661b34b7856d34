/**
 * The gate: in front of Fastify, so that refusing costs little more than reading a request line. What
 * is refused here has not been read, and no token was verified; the answer says which class of
 * requests is given up, when to come back, and what to do.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Admission, RequestClass, Shed } from './admission.ts'
import { type FailedAttempt, namedSubject, type TicketMembers } from './attempts.ts'
import { bearerToken } from './bearer.ts'
import { readIdempotencyKey } from './idempotency-key.ts'
import { languageOf } from './language.ts'
import { shedHeaders, shedProblem, shedStatus } from './shed.ts'
import { overriddenMethod } from './tus-headers.ts'

/** What the gate knows of a request that it let in. */
export type Entry = { readonly class: RequestClass | undefined; readonly cameAt: number }

const entries = new WeakMap<IncomingMessage, Entry>()

/** When a request came, and as what; one that did not pass a gate came now. */
export function entryOf(request: IncomingMessage): Entry {
  return entries.get(request) ?? { class: undefined, cameAt: performance.now() }
}

export type GateDependencies = {
  readonly admission: Admission
  /** Who holds a token that was verified before; others are known once it is. */
  readonly filerOf: (authorization: string | undefined) => string | undefined
  readonly onShed: (shed: Shed) => void
  /** The ticket of a filing that is refused here. */
  readonly ticketOf: (attempt: FailedAttempt) => TicketMembers
}

/** Puts the gate in front of what a server does with requests. */
export function guard(server: Server, dependencies: GateDependencies): void {
  const { admission, filerOf, onShed } = dependencies
  const [handle] = server.listeners('request') as [
    (request: IncomingMessage, response: ServerResponse) => void,
  ]
  const shareOf = (of: RequestClass, filer: string | undefined, now: number) =>
    filer === undefined ? undefined : admission.checkShares(of, [filer], now)
  server.removeListener('request', handle)
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const now = performance.now()
    request.method = overriddenMethod(request)
    const of = classOf(request.method, request.url ?? '')
    const filer = of === 'filings-due' ? filerOf(request.headers.authorization) : undefined
    const begins = of === 'bulk' && request.method === 'POST'
    const shed =
      of &&
      (admission.check(of, now, filer) ??
        shareOf(of, filer, now) ??
        (begins ? admission.checkBacklog() : undefined))
    if (shed === undefined) {
      entries.set(request, { class: of, cameAt: admission.cameAt(now) })
      if (of !== undefined)
        response.on('close', admission.enter(of, now, filingName(request.headers, filer)))
      handle.call(server, request, response)
      return
    }
    onShed(shed)
    answer(dependencies, request, response, shed, filer, now)
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

function attemptOf(
  { headers }: IncomingMessage,
  { reason }: Shed,
  filer: string | undefined,
): FailedAttempt {
  const idempotencyKey = readIdempotencyKey(headers['idempotency-key'])
  return {
    subject: filer ?? namedSubject(bearerToken(headers.authorization)),
    idempotencyKey: typeof idempotencyKey === 'string' ? undefined : idempotencyKey.value,
    reason,
  }
}

/**
 * The class of a request, by its line alone. Filings count as due: what is due is known once the body
 * is read. Health, metrics, keys, findings and policies are never given up.
 */
export function classOf(method: string, url: string): RequestClass | undefined {
  if (url.startsWith('/v1/batches')) return classOfBatch(method, url)
  if (url.startsWith('/v1/slots'))
    return method === 'GET' && pathOf(url) === '/v1/slots' ? 'reports' : 'lookups'
  if (!url.startsWith('/v1/declarations')) return undefined
  const path = pathOf(url)
  if (method === 'POST') return path === '/v1/declarations/check' ? 'checks' : 'filings-due'
  return path === '/v1/declarations' ? 'reports' : 'lookups'
}

/**
 * What brings bytes, or asks for more of them, can wait; asking how far a file came costs little. The
 * template is made once, and given to everybody.
 */
function classOfBatch(method: string, url: string): RequestClass | undefined {
  if (method === 'POST' || method === 'PATCH') return 'bulk'
  if (method === 'OPTIONS') return undefined
  const path = pathOf(url)
  if (path === '/v1/batches/template') return undefined
  const isList = path === '/v1/batches' || /\/(declarations|errors)$/.test(path)
  return method === 'GET' && isList ? 'reports' : 'lookups'
}

function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

function answer(
  { admission, ticketOf }: GateDependencies,
  request: IncomingMessage,
  response: ServerResponse,
  shed: Shed,
  filer: string | undefined,
  now: number,
): void {
  const language = languageOf(request)
  const retryAfter = admission.refuse(shed, now, filingName(request.headers, filer))
  const ticket = shed.class === 'filings-due' ? ticketOf(attemptOf(request, shed, filer)) : {}
  const bytes = shedProblem(shed, language, randomUUID(), ticket)
  response.writeHead(shedStatus(shed), {
    ...shedHeaders(shed, retryAfter, admission.quota(shed, now)),
    'content-type': 'application/problem+json',
    'content-language': language,
    'content-length': bytes.length,
  })
  response.end(bytes, 'latin1')
}
