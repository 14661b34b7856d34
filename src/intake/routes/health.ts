/**
 * Health: `/livez` asks nothing of others, so that a slow database doesn't get a process killed, and
 * turns bad when this process makes no progress with work that is there;
 * `/readyz` says whether to send traffic here. The queue is no condition: acceptance goes on without.
 */
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { problemSchema } from '../present/schemas.ts'

export type Readiness = {
  /** Rejects when the database can't be used. */
  readonly checkDatabase: () => Promise<void>
  readonly isDraining: () => boolean
  /** Why nothing moves any more; the process is about to end. */
  readonly stuck: () => string | undefined
  /** Settings under which acknowledged declarations could be lost; refuses: none is taken now. */
  readonly durability: () => { readonly refuses: boolean; readonly settings: string }
  /** What commits wait for or fail by, so that nothing can be accepted; empty for nothing. */
  readonly commitTrouble: () => string
  /** What is wrong with the keys that tokens are verified with, so that nobody new is let in; empty for nothing. */
  readonly keysTrouble: () => string
  /** What is wrong with the queue, which is no reason not to send traffic here; empty for nothing. */
  readonly queueTrouble: () => string
}

const stateSchema = Type.Object(
  { status: Type.String({ examples: ['ok'] }) },
  { title: 'Health', additionalProperties: true },
)

export function healthRoutes(
  app: FastifyInstance,
  {
    checkDatabase,
    isDraining,
    durability,
    commitTrouble,
    keysTrouble,
    queueTrouble,
    stuck,
  }: Readiness,
): void {
  const quiet = { logLevel: 'warn' } as const
  app.get('/livez', {
    ...quiet,
    schema: {
      operationId: 'getLiveness',
      tags: ['service'],
      summary: 'The process runs, and what it has to do moves',
      security: [],
      response: { 200: stateSchema, 503: stateSchema, '4xx': problemSchema },
    },
    handler: async (_request, reply) => {
      const reason = stuck()
      return reason === undefined
        ? { status: 'ok' }
        : reply.code(503).send({ status: 'stuck', reason })
    },
  })
  app.get('/readyz', {
    ...quiet,
    schema: {
      operationId: 'getReadiness',
      tags: ['service'],
      summary: 'The process takes requests',
      security: [],
      response: { 200: stateSchema, 503: stateSchema, '4xx': problemSchema },
    },
    handler: async (_request, reply) => {
      const database = await checkDatabase().then(
        () => 'ok',
        () => 'unavailable',
      )
      const draining = isDraining()
      const { refuses, settings } = durability()
      const [commits, keys] = [commitTrouble(), keysTrouble()]
      const queue = queueTrouble()
      const able = database === 'ok' && commits === '' && keys === ''
      const ready = able && !draining && !refuses
      return reply
        .code(ready ? 200 : 503)
        .header('cache-control', 'no-store')
        .send({
          status: ready ? 'ok' : 'unavailable',
          database,
          draining,
          ...(commits !== '' && { commits }),
          ...(keys !== '' && { keys }),
          ...(settings !== '' && { notDurable: settings }),
          ...(queue !== '' && { queue }),
        })
    },
  })
}
