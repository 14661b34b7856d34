/**
 * A declaration as it is filed: one schema is the type, the check of its shape, and its
 * documentation. Unknown fields are refused, nothing is coerced. The patterns are anchored and
 * without nested repetition, so no text makes them slow.
 */
import Type, { type Static } from 'typebox'
import { periodPattern } from './period.ts'
import { socialCreditCodePattern } from './social-credit-code.ts'

/** Lines of one declaration; larger employers file several or send files. */
export const linesMax = 10_000
/** Characters (code points) of a name. */
export const nameCharactersMax = 100
/** Characters of an identity number as filed, spaces and full-width digits included. */
export const idNumberCharactersMax = 40
/** Work-injury industry classes (人社部发〔2015〕71号). */
export const industryClassMax = 8

export const regionPattern = '^[0-9]{6}$'
/** Yuan below a thousand million, at most two decimals. */
export const wagePattern = '^(0|[1-9][0-9]{0,8})(\\.[0-9]{1,2})?$'
/** The period's digits, then 26 characters of Crockford's base 32. */
export const declarationIdPattern = '^[0-9]{6}-[0-9a-hjkmnp-tv-z]{26}$'

export const identityTypes = [
  'resident-id',
  'hk-macao-taiwan-residence-permit',
  'foreign-permanent-residence-card',
] as const
export type IdentityType = (typeof identityTypes)[number]

export const declarationKinds = ['regular', 'correction', 'cancellation'] as const
export type DeclarationKind = (typeof declarationKinds)[number]

export const categories = ['employee'] as const
export const changes = ['none', 'join', 'leave'] as const

const closed = { additionalProperties: false } as const

const personSchema = Type.Object(
  {
    idType: Type.Enum(identityTypes),
    idNumber: Type.String({ minLength: 1, maxLength: idNumberCharactersMax }),
    name: Type.String({ minLength: 1, maxLength: nameCharactersMax }),
  },
  closed,
)

const lineSchema = Type.Object(
  {
    person: personSchema,
    category: Type.Enum(categories),
    wage: Type.String({
      pattern: wagePattern,
      description: 'Declared wage in yuan, at most two decimals; kept as filed.',
      examples: ['6500.00'],
    }),
    change: Type.Enum(changes),
  },
  closed,
)

export const declarationSchema = Type.Object(
  {
    employer: Type.String({
      pattern: socialCreditCodePattern,
      description: 'Unified social credit code (GB 32100).',
      examples: ['91350100M000100Y43'],
    }),
    region: Type.String({
      pattern: regionPattern,
      description: 'Administrative division code (GB/T 2260) of the insured region.',
      examples: ['340100'],
    }),
    period: Type.String({
      pattern: periodPattern,
      description: 'The month the contributions are for.',
      examples: ['2024-11'],
    }),
    kind: Type.Enum(declarationKinds),
    replaces: Type.Optional(
      Type.String({
        pattern: declarationIdPattern,
        description: 'The id of the declaration that a correction or cancellation replaces.',
      }),
    ),
    industryClass: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: industryClassMax,
        description: "The employer's work-injury industry class; the region's default when absent.",
      }),
    ),
    lines: Type.Optional(
      Type.Array(lineSchema, {
        maxItems: linesMax,
        description: 'At least one, except in a cancellation, which has none.',
      }),
    ),
  },
  closed,
)

export type Person = Static<typeof personSchema>
export type Line = Static<typeof lineSchema>
export type Declaration = Static<typeof declarationSchema>
