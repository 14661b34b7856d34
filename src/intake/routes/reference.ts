/**
 * Public reference: the keys that verify receipts, and what each finding or problem means.
 */
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { streamed } from '../present/answers.ts'
import { problemSchema, textSchema } from '../present/schemas.ts'
import { languageOf } from '../problems/language.ts'
import { meaningOf, meaningPage, pageSecurityPolicy } from '../problems/meaning.ts'
import { sendProblem } from '../problems/problems.ts'

/** A JWKS (RFC 7517). */
const keysSchema = Type.Object(
  {
    keys: Type.Array(
      Type.Object(
        {
          kid: Type.String(),
          kty: Type.String({ examples: ['OKP'] }),
          crv: Type.String({ examples: ['Ed25519'] }),
          x: Type.String(),
        },
        { title: 'ReceiptKey', additionalProperties: true },
      ),
    ),
  },
  { title: 'ReceiptKeys' },
)
const meaningSchema = Type.Object(
  { code: Type.String(), title: textSchema, fix: textSchema },
  { title: 'Meaning', additionalProperties: true },
)
const problems = { '4xx': problemSchema, '5xx': problemSchema }
const codeSchema = Type.Object({ code: Type.String({ maxLength: 60 }) })

export function referenceRoutes(
  app: FastifyInstance,
  { receiptKeys }: { readonly receiptKeys: readonly object[] },
): void {
  app.get('/.well-known/jwks.json', {
    schema: {
      operationId: 'getReceiptKeys',
      tags: ['reference'],
      summary: 'Public keys of receipts, retired ones too',
      security: [],
      response: { 200: keysSchema, ...problems },
    },
    handler: async (_request, reply) =>
      reply.header('cache-control', 'public, max-age=300').send({ keys: receiptKeys }),
  })
  app.get<{ Params: Static<typeof codeSchema> }>('/v1/findings/:code', {
    schema: {
      operationId: 'getFinding',
      tags: ['reference'],
      summary: 'What a finding or problem means and how to fix it',
      description: 'JSON, or a page for people where Accept asks for text/html.',
      params: codeSchema,
      security: [],
      response: {
        200: streamed('The meaning.', ['application/json', 'text/html'], meaningSchema),
        ...problems,
      },
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
