/**
 * A declaration as it is filed: one schema is the type, the check of its shape, and its
 * documentation. Unknown fields are refused, nothing is coerced. The patterns are anchored and
 * without nested repetition, so no text makes them slow.
 *
 * A line's `category` tells which of three forms it has.
 */
import Type, { type Static } from 'typebox'
import { periodPattern } from './period.ts'
import { socialCreditCodePattern } from './social-credit-code.ts'

/** Lines of one declaration; larger employers send files. */
export const linesMax = 10_000
/** Characters (code points) of a name. */
export const nameCharactersMax = 100
/** Characters of an identity number as filed, spaces and full-width digits included. */
export const idNumberCharactersMax = 40
/** Work-injury industry classes (人社部发〔2015〕71号). */
export const industryClassMax = 8
/** Entries of a platform worker's month: 31 days of a few services each. */
export const daysMax = 100
/** Orders of one person and service on one day. */
export const ordersMax = 1_000

export const regionPattern = '^[0-9]{6}$'
/** Yuan below a thousand million, at most two decimals. */
export const wagePattern = '^(0|[1-9][0-9]{0,8})(\\.[0-9]{1,2})?$'
/** The period's digits, then 26 characters of Crockford's base 32. */
export const declarationIdPattern = '^[0-9]{6}-[0-9a-hjkmnp-tv-z]{26}$'
/** A real day is a matter of rules. */
export const datePattern = '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
/** Names that a policy pack gives to tiers and services. */
export const choicePattern = '^[a-z0-9][a-z0-9-]{0,29}$'

export const identityTypes = [
  'resident-id',
  'hk-macao-taiwan-residence-permit',
  'foreign-permanent-residence-card',
] as const
export type IdentityType = (typeof identityTypes)[number]

export const declarationKinds = ['regular', 'correction', 'cancellation'] as const
export type DeclarationKind = (typeof declarationKinds)[number]

export const categories = ['employee', 'flexible', 'platform'] as const
export type Category = (typeof categories)[number]
export const changes = ['none', 'join', 'leave'] as const
export const flexibleMedical = ['with-account', 'without-account', 'none'] as const

const closed = { additionalProperties: false } as const

const personSchema = Type.Object(
  {
    idType: Type.Enum(identityTypes),
    idNumber: Type.String({ minLength: 1, maxLength: idNumberCharactersMax }),
    name: Type.String({ minLength: 1, maxLength: nameCharactersMax }),
  },
  { ...closed, title: 'Person' },
)

const employeeSchema = Type.Object(
  {
    person: personSchema,
    category: Type.Literal('employee'),
    wage: Type.String({
      pattern: wagePattern,
      description: 'Declared wage of the month in yuan, at most two decimals; kept as filed.',
      examples: ['6500.00'],
    }),
    change: Type.Enum(changes),
  },
  { title: 'EmployeeLine', ...closed, description: 'Somebody who is employed (职工).' },
)

const flexibleSchema = Type.Object(
  {
    person: personSchema,
    category: Type.Literal('flexible'),
    tier: Type.Optional(
      Type.String({
        pattern: choicePattern,
        description: 'The pension base chosen among the tiers that the region offers.',
        examples: ['60'],
      }),
    ),
    base: Type.Optional(
      Type.String({
        pattern: wagePattern,
        description: 'The pension base chosen in yuan, where the region offers any within limits.',
        examples: ['4227.00'],
      }),
    ),
    medical: Type.Enum(flexibleMedical, {
      description: 'Medical insurance with or without a personal account, or none.',
    }),
    change: Type.Enum(changes),
  },
  { title: 'FlexibleLine', ...closed, description: 'Somebody in flexible employment (灵活就业).' },
)

const daySchema = Type.Object(
  {
    date: Type.String({ pattern: datePattern, examples: ['2025-07-03'] }),
    service: Type.String({ pattern: choicePattern, examples: ['ride-hailing'] }),
    orders: Type.Integer({ minimum: 1, maximum: ordersMax }),
  },
  closed,
)

const platformSchema = Type.Object(
  {
    person: personSchema,
    category: Type.Literal('platform'),
    days: Type.Array(daySchema, {
      minItems: 1,
      maxItems: daysMax,
      description: 'Orders of each day and service; the platform pays a tariff for each order.',
    }),
  },
  {
    title: 'PlatformLine',
    ...closed,
    description: 'Somebody who takes orders from a platform (新就业形态, occupational injury).',
  },
)

/** The form of a line by its category. */
export const lineSchemas = {
  employee: employeeSchema,
  flexible: flexibleSchema,
  platform: platformSchema,
} as const

const lineSchema = Type.Union([employeeSchema, flexibleSchema, platformSchema])

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
    workInjuryFloat: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000,
        description:
          "Percent of the class's work-injury rate that this employer pays; 100 if absent.",
      }),
    ),
    unitBase: Type.Optional(
      Type.String({
        pattern: wagePattern,
        description:
          "The unit's own base in yuan, where the region has one beside those of persons.",
        examples: ['52000.00'],
      }),
    ),
    lines: Type.Optional(
      Type.Array(lineSchema, {
        maxItems: linesMax,
        description: 'At least one, except in a cancellation, which has none.',
      }),
    ),
  },
  {
    ...closed,
    title: 'Declaration',
    examples: [
      {
        employer: '91350100M000100Y43',
        region: '340100',
        period: '2025-08',
        kind: 'regular',
        lines: [
          {
            person: { idType: 'resident-id', idNumber: '11010519491231002X', name: '王伟' },
            category: 'employee',
            wage: '6500.00',
            change: 'none',
          },
        ],
      },
    ],
  },
)

export type Person = Static<typeof personSchema>
export type EmployeeLine = Static<typeof employeeSchema>
export type FlexibleLine = Static<typeof flexibleSchema>
export type PlatformLine = Static<typeof platformSchema>
export type Line = Static<typeof lineSchema>
export type Declaration = Static<typeof declarationSchema>
