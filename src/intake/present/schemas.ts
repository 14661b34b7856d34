/**
 * What intake answers, as schemas: they are the documentation, and pick what leaves.
 */
import Type from 'typebox'
import { acceptedExample, checkedExample, statusExample } from './examples.ts'

const instant = Type.String({ examples: ['2024-11-23T16:20:01.123000+08:00'] })
const yuan = Type.String({ examples: ['6500.00'] })
export const textSchema = Type.Object(
  { 'zh-CN': Type.String(), en: Type.String() },
  { title: 'Text' },
)

export const receiptSchema = Type.Object(
  {
    statement: Type.Record(Type.String(), Type.Unknown()),
    salt: Type.Optional(
      Type.String({
        description:
          'With the content it proves the statement’s digest, salted-sha256: SHA-256 of the salt, as ASCII, and the 32 bytes of the SHA-256 of the canonical form (RFC 8785).',
      }),
    ),
    proof: Type.Object({
      index: Type.Integer(),
      size: Type.Integer(),
      hashes: Type.Array(Type.String()),
    }),
    signedRoot: Type.String({ description: 'Compact JWS, alg Ed25519.' }),
  },
  {
    title: 'Receipt',
    description: 'Signed proof of acceptance; verifies offline with /.well-known/jwks.json.',
  },
)

export const acceptedSchema = Type.Object(
  {
    id: Type.String(),
    status: Type.Literal('accepted'),
    acceptedAt: instant,
    deadline: instant,
    onTime: Type.Boolean(),
    receipt: receiptSchema,
    links: Type.Record(Type.String(), Type.String()),
  },
  { title: 'Accepted', examples: [acceptedExample] },
)

const amountSchema = Type.Object(
  {
    insurance: Type.String(),
    base: yuan,
    employer: yuan,
    employee: yuan,
  },
  { title: 'Amount' },
)

const assessmentSchema = Type.Object(
  {
    policy: Type.Object({
      region: Type.String(),
      hash: Type.String({ description: 'SHA-256 of the policy pack.' }),
      provisional: Type.Boolean({
        description: 'A value is not published yet; it will be reassessed.',
      }),
    }),
    amounts: Type.Array(amountSchema),
    total: Type.Object({ employer: yuan, employee: yuan }),
    lines: Type.Integer(),
  },
  { title: 'Assessment' },
)

const findingSchema = Type.Object(
  {
    pointer: Type.String({ examples: ['/lines/0/person/idNumber'] }),
    code: Type.String({ examples: ['ID_CHECK_DIGIT'] }),
    severity: Type.Enum(['error', 'warning', 'hint']),
    message: textSchema,
    fix: textSchema,
    legalBasis: Type.Optional(Type.String()),
    suggestion: Type.Optional(Type.String()),
  },
  { title: 'Finding' },
)

const explainedAmounts = Type.Array(Type.Record(Type.String(), Type.Unknown()), {
  description:
    'Wage, limit, rate and rounding of an amount, each with dates and sources; a sentence.',
})

const explanationSchema = Type.Object(
  {
    lines: Type.Array(
      Type.Object({ line: Type.Integer(), category: Type.String(), amounts: explainedAmounts }),
    ),
    unit: explainedAmounts,
    provisionalReasons: Type.Array(textSchema, {
      description: 'Which values of the pack are not final, of those that were used.',
    }),
  },
  { title: 'Explanation' },
)

export const checkedSchema = Type.Object(
  {
    valid: Type.Boolean(),
    total: Type.Integer({ description: 'All findings there are.' }),
    findings: Type.Array(findingSchema, { description: 'The first 200, errors first.' }),
    assessment: Type.Optional(assessmentSchema),
    explanation: Type.Optional(explanationSchema),
  },
  { title: 'Checked', examples: [checkedExample] },
)

export const explainedSchema = Type.Object(
  {
    id: Type.String(),
    policy: Type.Object({ region: Type.String(), hash: Type.String() }),
    total: Type.Integer(),
    findings: Type.Array(findingSchema),
    explanation: explanationSchema,
    reassessments: Type.Array(
      Type.Object({
        id: Type.String(),
        policy: Type.Object({ hash: Type.String(), hashBefore: Type.String() }),
        surchargeFreeUntil: Type.Optional(Type.String()),
        explanation: Type.Optional(explanationSchema),
        notExplained: Type.Optional(textSchema),
      }),
    ),
    links: Type.Record(Type.String(), Type.String()),
  },
  { title: 'Explained' },
)

export const declarationStatusSchema = Type.Object(
  {
    id: Type.String(),
    status: Type.Enum(['accepted', 'posted', 'superseded', 'cancelled']),
    employer: Type.String(),
    period: Type.String(),
    region: Type.Optional(
      Type.String({
        description: 'Absent until it is posted, of what was accepted before it was kept.',
      }),
    ),
    kind: Type.String(),
    acceptedAt: instant,
    deadline: instant,
    onTime: Type.Boolean(),
    persons: Type.Optional(
      Type.Integer({
        description:
          'Insured persons; absent until it is posted, of what was accepted before they were counted.',
      }),
    ),
    partOf: Type.Optional(
      Type.String({
        description:
          'Of a part of a large declaration: the id of the whole, whose amounts include those here.',
      }),
    ),
    filedBy: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description:
          'Who filed it, for auditors, supervisors and that person: issuer, subject, tokenId (jti), address, batch; of an order of the agency command, login, osUser.',
      }),
    ),
    assessment: Type.Optional(assessmentSchema),
    reassessments: Type.Optional(
      Type.Array(
        Type.Object({
          id: Type.String(),
          policy: Type.Object({ hash: Type.String(), hashBefore: Type.String() }),
          provisional: Type.Boolean(),
          amounts: Type.Array(amountSchema),
          total: Type.Object({ employer: yuan, employee: yuan }),
          lines: Type.Integer(),
        }),
        { description: 'Differences that later packs made, to be added to the assessment.' },
      ),
    ),
    findings: Type.Optional(
      Type.Array(
        Type.Object({
          code: Type.String(),
          severity: Type.String(),
          title: textSchema,
          count: Type.Integer(),
        }),
        { description: 'Warnings and hints by kind; /explanation has each.' },
      ),
    ),
    supersededBy: Type.Optional(
      Type.Object(
        {
          id: Type.String(),
          kind: Type.String(),
          acceptedAt: instant,
          links: Type.Record(Type.String(), Type.String()),
        },
        {
          description: 'What was accepted right after it, of one that was superseded or cancelled.',
        },
      ),
    ),
    replaced: Type.Optional(
      Type.Array(
        Type.Object({
          id: Type.String(),
          by: Type.String(),
          acceptedAt: instant,
          persons: Type.Object({
            before: Type.Optional(Type.Integer()),
            after: Type.Optional(Type.Integer()),
          }),
          message: textSchema,
          links: Type.Record(Type.String(), Type.String()),
        }),
        {
          description:
            'Two regular declarations that were filed at once: which one replaced which without naming it, told with both.',
        },
      ),
    ),
    notice: Type.Optional(textSchema),
    links: Type.Record(Type.String(), Type.String()),
  },
  { title: 'DeclarationStatus', examples: [statusExample] },
)

export const declarationListSchema = Type.Object(
  {
    declarations: Type.Array(declarationStatusSchema),
    links: Type.Object({ next: Type.Optional(Type.String()) }),
  },
  { title: 'DeclarationList' },
)

export const notModifiedSchema = Type.Null({ description: 'What the asker has still stands.' })

export const problemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({
      description: 'Of the kind of problem; GET /v1/findings/{code} explains it.',
      examples: ['DECLARATION_INVALID'],
    }),
    message: textSchema,
    fix: textSchema,
    traceId: Type.Optional(Type.String()),
    instance: Type.Optional(Type.String({ description: 'What the caller should look at.' })),
    attemptTicket: Type.Optional(
      Type.String({
        description:
          'Of a filing that was refused for want of room: send it with the same filing, as Attempt-Ticket.',
      }),
    ),
    attemptedAt: Type.Optional(
      Type.String({ description: 'With a ticket: from when the filing counts.' }),
    ),
    attemptValidUntil: Type.Optional(
      Type.String({ description: 'With a ticket: until when it serves.' }),
    ),
    shed: Type.Optional(Type.String({ description: 'The class of requests that is given up.' })),
    reason: Type.Optional(Type.String({ description: 'What there is no room in.' })),
    claim: Type.Optional(Type.String({ description: 'Of a token: the claim that it lacks.' })),
    secondsMax: Type.Optional(
      Type.Integer({ description: 'Of a token that is valid for too long: how long it may be.' }),
    ),
    parameter: Type.Optional(Type.String({ description: 'Of an address: which is at fault.' })),
    allowed: Type.Optional(textSchema),
    total: Type.Optional(Type.Integer()),
    bytesMax: Type.Optional(
      Type.Integer({ description: 'Of a body that is too large: how large it may be here.' }),
    ),
    notUtf8: Type.Optional(
      Type.Object(
        {
          offset: Type.Integer(),
          line: Type.Integer(),
          column: Type.Integer(),
          encoding: Type.Optional(Type.Enum(['GB18030', 'Big5', 'UTF-16', 'UTF-8'])),
        },
        {
          description: 'Of a body that is not UTF-8: the first wrong byte, and what it looks like.',
        },
      ),
    ),
    pointer: Type.Optional(
      Type.String({ description: 'Of JSON that names a member twice: that member.' }),
    ),
    errors: Type.Optional(Type.Array(findingSchema)),
    standing: Type.Optional(
      Type.Object(
        {
          id: Type.String(),
          kind: Type.String(),
          acceptedAt: instant,
          persons: Type.Optional(Type.Integer()),
          sameContent: Type.Boolean(),
          links: Type.Record(Type.String(), Type.String()),
        },
        {
          title: 'Standing',
          description:
            'What stands of the employer, period and region, where a regular one was refused.',
        },
      ),
    ),
  },
  { title: 'Problem', description: 'RFC 9457 problem document.' },
)
