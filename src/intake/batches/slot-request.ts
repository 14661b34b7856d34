/**
 * What is asked of a slot, checked as a whole, in the same words as all that is filed.
 */
import Type from 'typebox'
import { type Finding, FindingList } from '../../declaration/findings.ts'
import { formats } from '../../declaration/formats.ts'
import { periodPattern } from '../../declaration/period.ts'
import { regionPattern } from '../../declaration/schema.ts'
import { readShape, type Schema } from '../../declaration/shape.ts'
import {
  checkSocialCreditCode,
  socialCreditCodePattern,
} from '../../declaration/social-credit-code.ts'
import { fileRowsMax, rowBytesExpected, rowBytesMax } from '../../limits.ts'
import type { Policies } from '../../policy/rules.ts'
import { checkPeriodAndRegion } from './batch-request.ts'

const instantPattern =
  '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,6})?)?(Z|[+-]\\d{2}:\\d{2})$'

export const slotRequestSchema = Type.Object(
  {
    rows: Type.Optional(
      Type.Integer({ minimum: 1, maximum: fileRowsMax, description: 'Of the file; or bytes.' }),
    ),
    bytes: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: `Of the file. Without rows, ${rowBytesExpected} are taken for a row.`,
      }),
    ),
    period: Type.String({ pattern: periodPattern }),
    region: Type.String({ pattern: regionPattern }),
    employer: Type.Optional(
      Type.String({
        pattern: socialCreditCodePattern,
        description: 'Left out where the file has lines of several employers.',
      }),
    ),
    notBefore: Type.Optional(
      Type.String({
        pattern: instantPattern,
        description: 'The slot begins no earlier: one of `next` of an answer, say.',
      }),
    ),
  },
  {
    title: 'SlotRequest',
    additionalProperties: false,
    examples: [{ rows: 120_000, period: '2025-08', region: '340100' }],
  },
)

const allFormats = {
  ...formats,
  notBefore: {
    'zh-CN': '带时区的时间，如 2024-11-25T16:00:00+08:00',
    en: 'an instant with its zone such as 2024-11-25T16:00:00+08:00',
  },
}

const faultsMax = 20

export type AskedSlot = {
  readonly employer: string | undefined
  readonly period: string
  readonly region: string
  readonly rows: number
  readonly bytes: number
  readonly notBeforeMicros: number | undefined
}

type Members = {
  readonly rows?: number
  readonly bytes?: number
  readonly period?: string
  readonly region?: string
  readonly employer?: string
  readonly notBefore?: string
}

export type SlotBounds = {
  readonly policies: Policies
  readonly nowMicros: number
  /** Of a file. */
  readonly bytesMax: number
}

export function readSlotRequest(
  given: unknown,
  { policies, nowMicros, bytesMax }: SlotBounds,
): { readonly asked: AskedSlot } | { readonly errors: readonly Finding[]; readonly total: number } {
  const findings = new FindingList(faultsMax)
  const report = findings.reportAt(-1)
  const schema = slotRequestSchema as unknown as Schema
  const members = readShape(schema, given, allFormats, report) as Members | undefined
  if (members !== undefined) {
    const { employer, notBefore } = members
    const fault = employer === undefined ? undefined : checkSocialCreditCode(employer)
    if (fault !== undefined) report('/employer', fault)
    const { rows, bytes } = given as Members
    if (members.bytes !== undefined && members.bytes > bytesMax)
      report('/bytes', 'NUMBER_OUT_OF_RANGE', { min: 1, max: bytesMax })
    if (rows === undefined && bytes === undefined)
      report('/rows', 'FIELD_MISSING', { field: 'rows' })
    if (notBefore !== undefined && Number.isNaN(Date.parse(notBefore)))
      report('/notBefore', 'FIELD_FORMAT', { format: allFormats.notBefore })
    checkPeriodAndRegion(members, policies, nowMicros, report)
  }
  if (findings.errors > 0) return { errors: findings.first(faultsMax), total: findings.total }
  return { asked: askedOf(members as Members) }
}

/** Members without a fault are whole. */
function askedOf({ rows, bytes = 0, period, region, employer, notBefore }: Members): AskedSlot {
  return {
    employer,
    period: period as string,
    region: region as string,
    rows: rows ?? Math.min(fileRowsMax, Math.ceil(bytes / rowBytesExpected)),
    // A slot of few rows is not for a file of any size.
    bytes: Math.min(bytes || Number.POSITIVE_INFINITY, rowBytesMax * (rows ?? bytes)),
    notBeforeMicros: notBefore === undefined ? undefined : Date.parse(notBefore) * 1_000,
  }
}
