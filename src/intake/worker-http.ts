/** Health and metrics of a worker, where a port is set for them. */
import Fastify, { type FastifyInstance } from 'fastify'
import { healthRoutes, type Readiness } from './health.ts'

/** @returns undefined where no port is set */
export async function serveWorker(
  host: string,
  port: number | undefined,
  readiness: Readiness,
  registry: { metrics(): Promise<string> },
): Promise<FastifyInstance | undefined> {
  if (port === undefined) return undefined
  const app = Fastify({ logger: false })
  healthRoutes(app, readiness)
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4').send(await registry.metrics()),
  )
  await app.listen({ host, port })
  return app
}
