/**
 * Public reference: the keys that verify receipts, and what each finding or problem means.
 */
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { catalogue } from '../declaration/catalogue.ts'
import { problemKinds, sendProblem } from './problems.ts'

const codeSchema = Type.Object({ code: Type.String({ maxLength: 60 }) })

export function referenceRoutes(app: FastifyInstance, receiptKeys: readonly object[]): void {
  app.get('/.well-known/jwks.json', {
    schema: { summary: 'Public keys of receipts, retired ones too' },
    handler: async (_request, reply) =>
      reply.header('cache-control', 'public, max-age=300').send({ keys: receiptKeys }),
  })
  app.get<{ Params: Static<typeof codeSchema> }>('/v1/findings/:code', {
    schema: { summary: 'What a finding or problem means and how to fix it', params: codeSchema },
    handler: async (request, reply) => {
      const entry = meaningOf(request.params.code)
      if (entry === undefined) return sendProblem(request, reply, 'NOT_FOUND')
      return reply.header('cache-control', 'public, max-age=300').send(entry)
    },
  })
}

function meaningOf(code: string): object | undefined {
  const entries: Record<string, object> = { ...catalogue, ...problemKinds }
  return Object.hasOwn(entries, code) ? { code, ...entries[code] } : undefined
}
