/**
 * The HTTP edge as a Fastify app, without listening: tests inject, the entry point listens.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { finished } from 'node:stream/promises'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import type { AccessLog } from '../access/log.ts'
import { findSettled } from '../ledger/status.ts'
import { bodyReadAwayBytesMax, bodyReadAwaySilenceMs } from '../limits.ts'
import type { Authenticator } from './auth/authentication.ts'
import { bearerToken, useBearerTokens } from './auth/bearer.ts'
import { logReads } from './auth/read-log.ts'
import { filerNamed, RefusedFilers } from './auth/refused-filers.ts'
import type { BatchLookupDependencies } from './batches/batch-status.ts'
import { batchRoutes } from './batches/batches.ts'
import { type SlotDependencies, slotRoutes } from './batches/slots.ts'
import type { UploadDependencies } from './batches/upload-part.ts'
import { answerUnrouted, refuseNul } from './bodies/addresses.ts'
import { refuseExcess, takeJson } from './bodies/bodies.ts'
import { type CutReason, closeSilent, createLimitedServer } from './bodies/connections.ts'
import { codingsTaken } from './bodies/inflate.ts'
import { describe } from './openapi.ts'
import { guard } from './overload/gate.ts'
import { requireClasses } from './overload/route-classes.ts'
import { ShedError } from './overload/shed-error.ts'
import { type Portal, portalRoutes } from './portal/portal-files.ts'
import { type SessionDependencies, sessionRoutes } from './portal/session-routes.ts'
import { signInRoutes } from './portal/sign-in.ts'
import type { ProblemCode } from './problems/problem-kinds.ts'
import { type ProblemDetails, problemOf, sendProblem } from './problems/problems.ts'
import { RefusedRequestError } from './problems/refused-request.ts'
import { amountsRoute } from './routes/amounts.ts'
import { type CheckDependencies, checkRoute } from './routes/check.ts'
import { draftRoute } from './routes/draft.ts'
import { type ExplanationDependencies, explanationRoute } from './routes/explanation.ts'
import { healthRoutes, type Readiness } from './routes/health.ts'
import { homeRoute } from './routes/home.ts'
import { lookupRoutes } from './routes/lookup.ts'
import { policyRoutes } from './routes/policies.ts'
import { referenceRoutes } from './routes/reference.ts'
import { type ServiceStatusDependencies, serviceStatusRoute } from './routes/service-status.ts'
import { statusRoute } from './routes/status.ts'
import { type SubmitDependencies, sendShed, submitRoute } from './routes/submit.ts'
import { StatusWaiting } from './routes/waiting.ts'
import { presentSession } from './sessions/session.ts'
import type { HttpLimits } from './wire/http-limits.ts'
import { checkParameters } from './wire/parameters.ts'
import { protectAnswers, safeHeaders } from './wire/safe-headers.ts'

export type AppDependencies = SubmitDependencies &
  UploadDependencies &
  BatchLookupDependencies &
  SlotDependencies &
  CheckDependencies &
  ServiceStatusDependencies &
  ExplanationDependencies &
  SessionDependencies & {
    readonly logger: FastifyBaseLogger
    readonly authenticator: Authenticator
    /** Where reads are noted; nowhere unless given. */
    readonly accessLog?: AccessLog | undefined
    /** The pages for people; undefined: none were built. */
    readonly portal: Portal | undefined
    readonly receiptKeys: readonly object[]
    readonly readiness: Readiness
    /** How long browsers come by TLS alone; not said unless given. */
    readonly hstsSeconds?: number
    /** True for an error of the database that another try may mend: no fault of ours, and no 500. */
    readonly isTransient: (error: unknown) => boolean
    readonly onAnswered: (route: string, status: number, seconds: number) => void
    /** Answers that wait for a status. */
    readonly statusWaitersMax: number
    /** Addresses and subnets of proxies whose `X-Forwarded-For` is believed; nobody's unless given. */
    readonly trustedProxies?: readonly string[]
    /** A connection was ended by us. */
    readonly onCut: (reason: CutReason) => void
  }

export async function buildApp(dependencies: AppDependencies): Promise<FastifyInstance> {
  const { http, onCut, trustedProxies = [] } = dependencies
  const app: FastifyInstance = Fastify({
    loggerInstance: dependencies.logger,
    // Metrics count requests; a line for each would cost more than it tells.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: http.otherBodyBytesMax,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    // What still comes over open connections while this process drains is answered as ever: Fastify's
    // own 503 would tell neither when to come back nor what to do.
    return503OnClosing: false,
    serverFactory: (onRequest) => createLimitedServer(http, onRequest, onCut),
    clientErrorHandler: () => {}, // the server's own
    // An address that is not percent-encoded UTF-8 reaches no route.
    frameworkErrors: (_error, request, reply) =>
      void sendProblem(request, reply.headers(safeHeaders), 'ADDRESS_MALFORMED'),
    routerOptions: { maxParamLength: 100 },
  })
  protectAnswers(app, dependencies.hstsSeconds ?? 0)
  takeJson(app, http, dependencies.bodies)
  refuseNul(app)
  refuseExcess(app, http)
  checkParameters(app)
  requireClasses(app)
  const { admission, authenticator, onShed, ticketOf } = dependencies
  const filerOf = (authorization: string | undefined) => {
    const token = bearerToken(authorization)
    return token === undefined ? undefined : filerNamed(authenticator.recall(token))
  }
  const refused = new RefusedFilers(authenticator)
  const verifyFiler = (authorization: string | undefined) => refused.verify(authorization)
  const present = (request: IncomingMessage) => presentSession(dependencies.session, request)
  guard(app.server, { admission, filerOf, verifyFiler, onShed, ticketOf, presentSession: present })
  app.addHook('onRequest', (request, _reply, done) => {
    present(request.raw) // what is injected passes no gate
    done()
  })
  answerProblems(app, dependencies)
  answerUnrouted(app)
  observe(app, dependencies.onAnswered)
  closeWhileDraining(app, dependencies.readiness)
  await describe(app)
  useBearerTokens(app, dependencies.authenticator)
  logReads(app, dependencies.accessLog)
  submitRoute(app, dependencies)
  checkRoute(app, dependencies)
  statusRoute(app, { ...dependencies, waiting: openWaiting(app, dependencies) })
  lookupRoutes(app, dependencies.readPool, dependencies.confirm, dependencies.salts)
  await batchRoutes(app, dependencies)
  slotRoutes(app, dependencies)
  explanationRoute(app, dependencies)
  amountsRoute(app, dependencies)
  policyRoutes(app, dependencies)
  referenceRoutes(app, dependencies)
  draftRoute(app, dependencies)
  homeRoute(app, dependencies.portal)
  portalRoutes(app, dependencies.portal)
  sessionRoutes(app, dependencies)
  signInRoutes(app, dependencies)
  serviceStatusRoute(app, dependencies)
  healthRoutes(app, dependencies.readiness)
  return app
}

/** Who waits is answered before connections are closed. */
function openWaiting(
  app: FastifyInstance,
  { watchPool, statusWaitersMax }: AppDependencies,
): StatusWaiting {
  const waiting = new StatusWaiting({
    findSettled: (ids) => findSettled(watchPool, ids),
    waitersMax: statusWaitersMax,
  })
  app.addHook('preClose', async () => waiting.stop())
  return waiting
}

function answerProblems(app: FastifyInstance, dependencies: AppDependencies): void {
  const { http, isTransient } = dependencies
  app.setErrorHandler(async (error, request, reply) => {
    if (error instanceof ShedError) {
      await readAway(request.raw, http.receiveMsMax)
      return sendShed(dependencies, request, reply.header('connection', 'close'), error.shed)
    }
    const kind = error instanceof RefusedRequestError ? error.problem : problemOf(error)
    const { bodyLimit: bytesMax } = request.routeOptions
    if (kind === 'BODY_TOO_LARGE' && bytesMax !== http.bodyBytesMax)
      return refuse(request, reply, 'BODY_UNEXPECTED', http)
    if (kind === 'BODY_TOO_LARGE') return refuse(request, reply, kind, http, { bytesMax })
    if (error instanceof RefusedRequestError)
      return refuse(request, reply, kind, http, error.details)
    const code = kind === 'INTERNAL' && isTransient(error) ? 'UNAVAILABLE' : kind
    if (kind === 'INTERNAL') request.log.error({ err: error }, 'request failed')
    return sendProblem(request, reply, code)
  })
}

/** Answers a request whose body was not read to its end; then its connection ends. */
async function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ProblemCode,
  { receiveMsMax }: HttpLimits,
  details: ProblemDetails = {},
): Promise<FastifyReply> {
  await readAway(request.raw, receiveMsMax)
  if (code === 'CODING_UNSUPPORTED') reply.header('accept-encoding', codingsTaken)
  return sendProblem(request, reply.header('connection', 'close'), code, details)
}

/**
 * Reads the rest of a body that is too large, within bounds: a client that is still writing when
 * the connection closes sees a broken pipe instead of the answer.
 */
async function readAway(request: IncomingMessage, msMax: number): Promise<void> {
  if (request.complete && request.readableEnded) return
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), bodyReadAwaySilenceMs)
  const deadline = AbortSignal.any([AbortSignal.timeout(msMax), silence.signal])
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    timer.refresh()
    bytes += chunk.length
    if (bytes > bodyReadAwayBytesMax) request.destroy()
  })
  request.resume() // it may have been piped, and the pipe taken off
  await finished(request, { signal: deadline, writable: false }).catch(() => {})
  clearTimeout(timer)
}

/** On the way out, each answer ends its connection, so that none is left open and idle. */
function closeWhileDraining(app: FastifyInstance, { isDraining }: Readiness): void {
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isDraining()) reply.header('connection', 'close')
    done()
  })
  app.addHook('preClose', async () => closeSilent(app.server))
}

function observe(app: FastifyInstance, onAnswered: AppDependencies['onAnswered']): void {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none'
    onAnswered(route, reply.statusCode, reply.elapsedTime / 1_000)
    done()
  })
}
