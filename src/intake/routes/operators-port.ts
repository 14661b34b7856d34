/**
 * The operators' port of a process: its metrics, which cost several queries each, and its health once more.
 * It is on loopback unless told otherwise, and nothing on it asks for a token; balancers ask for health
 * where requests go, on the public port of intake.
 */
import Fastify, { type FastifyInstance } from 'fastify'
import { metricsKeptMs } from '../../limits.ts'
import { protectAnswers } from '../wire/safe-headers.ts'
import { healthRoutes, type Readiness } from './health.ts'

export type OperatorsPort = {
  readonly host: string
  readonly port: number
}

/** @returns undefined where no port is set */
export async function serveOperators(
  at: OperatorsPort | undefined,
  readiness: Readiness,
  readMetrics: () => Promise<string>,
): Promise<FastifyInstance | undefined> {
  if (at === undefined) return undefined
  const app = Fastify({ logger: false })
  const read = oneAtATime(readMetrics)
  protectAnswers(app, 0)
  healthRoutes(app, readiness)
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await read()),
  )
  app.setErrorHandler(async (_error, _request, reply) => reply.code(503).send('unavailable\n'))
  await app.listen(at)
  return app
}

/**
 * Whoever asks while a reading is under way, or shortly after, gets what that one reads: however many ask,
 * the database is asked once in a while.
 */
export function oneAtATime(read: () => Promise<string>): () => Promise<string> {
  let kept: { readonly text: string; readonly untilMs: number } | undefined
  let underWay: Promise<string> | undefined
  const readAnew = async () => {
    const text = await read()
    kept = { text, untilMs: performance.now() + metricsKeptMs }
    return text
  }
  return async () => {
    if (kept !== undefined && performance.now() < kept.untilMs) return kept.text
    underWay ??= readAnew().finally(() => {
      underWay = undefined
    })
    return underWay
  }
}
