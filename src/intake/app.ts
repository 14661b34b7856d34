/**
 * The HTTP edge as a Fastify app, without listening: tests inject, the entry point listens.
 */
import { randomUUID } from 'node:crypto'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type pg from 'pg'
import { Compile } from 'typebox/compile'
import { requestBodyBytesMax, requestReceiveMsMax } from '../limits.ts'
import type { Authenticator } from './authentication.ts'
import { useBearerTokens } from './bearer.ts'
import { healthRoutes, type Readiness } from './health.ts'
import { lookupRoutes } from './lookup.ts'
import { problemOf, sendProblem } from './problems.ts'
import { referenceRoutes } from './reference.ts'
import { type SubmitDependencies, submitRoute } from './submit.ts'

export type AppDependencies = SubmitDependencies & {
  readonly logger: FastifyBaseLogger
  readonly authenticator: Authenticator
  readonly readPool: pg.Pool
  readonly receiptKeys: readonly object[]
  readonly readiness: Readiness
  /** Prometheus text of everything this process knows. */
  readonly readMetrics: () => Promise<string>
  readonly onAnswered: (route: string, status: number, seconds: number) => void
}

export async function buildApp(dependencies: AppDependencies): Promise<FastifyInstance> {
  const app: FastifyInstance = Fastify({
    loggerInstance: dependencies.logger,
    // Metrics count requests; a line for each would cost more than it tells.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: requestBodyBytesMax,
    requestTimeout: requestReceiveMsMax,
    connectionTimeout: 60_000,
    keepAliveTimeout: 72_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 5_000 },
    routerOptions: { maxParamLength: 100 },
  })
  app.removeContentTypeParser('text/plain')
  app.setValidatorCompiler(({ schema }) => validator(schema))
  answerProblems(app)
  observe(app, dependencies.onAnswered)
  await document(app)
  useBearerTokens(app, dependencies.authenticator)
  submitRoute(app, dependencies)
  lookupRoutes(app, dependencies.readPool)
  referenceRoutes(app, dependencies.receiptKeys)
  healthRoutes(app, dependencies.readiness)
  app.get('/metrics', { schema: { summary: 'Prometheus metrics' } }, async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await dependencies.readMetrics()),
  )
  return app
}

/** Parameters are checked by the same library as declarations; nothing is coerced or stripped. */
function validator(schema: unknown) {
  const compiled = Compile(schema as Parameters<typeof Compile>[0])
  return (data: unknown) =>
    compiled.Check(data) ? { value: data } : { error: new InvalidRequestError() }
}

class InvalidRequestError extends Error {
  override name = 'InvalidRequestError'
}

function answerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    if ((error as { validation?: unknown }).validation !== undefined) {
      return sendProblem(request, reply, 'REQUEST_INVALID')
    }
    const code = problemOf(error)
    if (code === 'INTERNAL') request.log.error({ err: error }, 'request failed')
    return sendProblem(request, reply, code)
  })
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, 'NOT_FOUND'))
}

function observe(app: FastifyInstance, onAnswered: AppDependencies['onAnswered']): void {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none'
    onAnswered(route, reply.statusCode, reply.elapsedTime / 1_000)
    done()
  })
}

async function document(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Spillway',
        description: 'Files social-insurance contribution declarations.',
        version: '1',
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
  })
  await app.register(swaggerUi, { routePrefix: '/documentation' })
}
