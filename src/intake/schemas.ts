/**
 * What intake answers, as schemas: they are the documentation, and pick what leaves.
 */
import Type from 'typebox'

const instant = Type.String({ examples: ['2024-11-23T16:20:01.123000+08:00'] })
const yuan = Type.String({ examples: ['6500.00'] })
const text = Type.Object({ 'zh-CN': Type.String(), en: Type.String() })

export const receiptSchema = Type.Object(
  {
    statement: Type.Record(Type.String(), Type.Unknown()),
    proof: Type.Object({
      index: Type.Integer(),
      size: Type.Integer(),
      hashes: Type.Array(Type.String()),
    }),
    signedRoot: Type.String({ description: 'Compact JWS, alg Ed25519.' }),
  },
  { description: 'Signed proof of acceptance; verifies offline with /.well-known/jwks.json.' },
)

export const acceptedSchema = Type.Object({
  id: Type.String(),
  status: Type.Literal('accepted'),
  acceptedAt: instant,
  deadline: instant,
  onTime: Type.Boolean(),
  receipt: receiptSchema,
  links: Type.Record(Type.String(), Type.String()),
})

const amountSchema = Type.Object({
  insurance: Type.String(),
  base: yuan,
  employer: yuan,
  employee: yuan,
})

export const declarationStatusSchema = Type.Object({
  id: Type.String(),
  status: Type.Enum(['accepted', 'posted', 'superseded', 'cancelled']),
  employer: Type.String(),
  period: Type.String(),
  kind: Type.String(),
  acceptedAt: instant,
  deadline: instant,
  onTime: Type.Boolean(),
  assessment: Type.Optional(
    Type.Object({
      policy: Type.Object({
        region: Type.String(),
        hash: Type.String(),
        provisional: Type.Boolean(),
      }),
      amounts: Type.Array(amountSchema),
      total: Type.Object({ employer: yuan, employee: yuan }),
      lines: Type.Integer(),
    }),
  ),
  notice: Type.Optional(text),
  links: Type.Record(Type.String(), Type.String()),
})

export const declarationListSchema = Type.Object({
  declarations: Type.Array(declarationStatusSchema),
  links: Type.Object({ next: Type.Optional(Type.String()) }),
})

export const problemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    traceId: Type.String(),
    total: Type.Optional(Type.Integer()),
    errors: Type.Optional(Type.Array(Type.Record(Type.String(), Type.Unknown()))),
  },
  { description: 'RFC 9457 problem document.' },
)
