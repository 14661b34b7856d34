/**
 * Public reference: the keys that verify receipts, and what each finding or problem means.
 */
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { languageOf } from '../problems/language.ts'
import { meaningOf, meaningPage, pageSecurityPolicy } from '../problems/meaning.ts'
import { sendProblem } from '../problems/problems.ts'

const codeSchema = Type.Object({ code: Type.String({ maxLength: 60 }) })

export function referenceRoutes(
  app: FastifyInstance,
  { receiptKeys }: { readonly receiptKeys: readonly object[] },
): void {
  app.get('/.well-known/jwks.json', {
    schema: { summary: 'Public keys of receipts, retired ones too' },
    handler: async (_request, reply) =>
      reply.header('cache-control', 'public, max-age=300').send({ keys: receiptKeys }),
  })
  app.get<{ Params: Static<typeof codeSchema> }>('/v1/findings/:code', {
    schema: {
      summary: 'What a finding or problem means and how to fix it',
      description: 'JSON, or a page for people where Accept asks for text/html.',
      params: codeSchema,
    },
    handler: async (request, reply) => {
      const meaning = meaningOf(request.params.code)
      if (meaning === undefined) return sendProblem(request, reply, 'NOT_FOUND')
      reply.header('cache-control', 'public, max-age=300').header('vary', 'accept, accept-language')
      if (!request.headers.accept?.includes('text/html')) return reply.send(meaning)
      return reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', pageSecurityPolicy)
        .send(meaningPage(meaning, languageOf(request)))
    },
  })
}
