/**
 * What a sender says of a file, whether as JSON, as the metadata of a tus upload or as the fields of a
 * form: checked as a whole, all faults at once, by the same walk and in the same words as declarations.
 */

import path from 'node:path'
import Type from 'typebox'
import { requestedKinds } from '../../batch/state/requested-kind.ts'
import { type BatchRequest, fileFormats, filingModes } from '../../batch/state/upload.ts'
import { findCharacter } from '../../declaration/characters.ts'
import { type Finding, FindingList } from '../../declaration/findings.ts'
import { formats } from '../../declaration/formats.ts'
import { dayOf, periodPattern } from '../../declaration/period.ts'
import { regionPattern } from '../../declaration/schema.ts'
import { readShape, type Schema } from '../../declaration/shape.ts'
import {
  checkSocialCreditCode,
  socialCreditCodePattern,
} from '../../declaration/social-credit-code.ts'
import { fileNameCharactersMax } from '../../limits.ts'
import type { Policies } from '../../policy/rules.ts'

export const batchRequestSchema = Type.Object(
  {
    employer: Type.Optional(
      Type.String({
        pattern: socialCreditCodePattern,
        description: 'Left out where the file has lines of several employers.',
      }),
    ),
    period: Type.String({ pattern: periodPattern }),
    region: Type.String({ pattern: regionPattern }),
    kind: Type.Enum(requestedKinds),
    mode: Type.Enum(filingModes, {
      description:
        'What becomes of the good declarations where others have faults. check: nothing is filed; what would become of the file is told.',
    }),
    format: Type.Optional(
      Type.Enum(fileFormats, { description: 'By the ending of filename unless given.' }),
    ),
    filename: Type.Optional(Type.String({ minLength: 1, maxLength: fileNameCharactersMax })),
    size: Type.Optional(Type.Integer({ minimum: 1, description: 'Bytes of the whole file.' })),
    sha256: Type.Optional(
      Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of the whole file, hexadecimal.' }),
    ),
    slot: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f-]{36}$',
        description: 'Of POST /v1/slots, for the same employer, period and region.',
      }),
    ),
    amends: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
        description:
          'The batch whose rows that were set aside are in this file, mended. Its errors file says so by itself.',
      }),
    ),
  },
  {
    title: 'BatchRequest',
    additionalProperties: false,
    examples: [
      {
        employer: '91350100M000100Y43',
        period: '2025-08',
        region: '340100',
        kind: 'regular',
        mode: 'check',
        format: 'csv',
        size: 182_034,
      },
    ],
  },
)

const faultsMax = 50

const allFormats = {
  ...formats,
  sha256: { 'zh-CN': ' 64 位小写十六进制', en: '64 hexadecimal digits in small letters' },
  slot: { 'zh-CN': ' POST /v1/slots 返回的编号', en: 'the id that POST /v1/slots answered' },
  amends: { 'zh-CN': '批次编号（UUID）', en: 'the id of a batch' },
}

/** The well-formed members, none of them certain. */
type Members = Partial<Omit<BatchRequest, 'expectedDigest' | 'fileName'>> & {
  readonly filename?: string
  readonly sha256?: string
}

export type ReadRequest =
  | { readonly asked: BatchRequest }
  | { readonly errors: readonly Finding[]; readonly total: number }

export function readBatchRequest(
  given: unknown,
  policies: Policies,
  nowMicros: number,
): ReadRequest {
  const findings = new FindingList(faultsMax)
  const report = findings.reportAt(-1)
  const members = readShape(
    batchRequestSchema as unknown as Schema,
    given,
    allFormats,
    report,
  ) as Members
  if (members?.employer !== undefined) {
    const fault = checkSocialCreditCode(members.employer)
    if (fault !== undefined) report('/employer', fault)
  }
  if (members?.filename !== undefined) checkFileName(members.filename, report)
  if (members !== undefined) checkPeriodAndRegion(members, policies, nowMicros, report)
  if (members?.mode === 'check' && members.slot !== undefined)
    report('/mode', 'VALUE_NOT_ALLOWED', { allowed: modesOfSlots })
  if (findings.errors > 0) return { errors: findings.first(faultsMax), total: findings.total }
  return { asked: requestOf(members) }
}

/** A slot is a time to file in. */
const modesOfSlots = {
  'zh-CN': 'all-or-nothing、accept-good（写明 slot 时；check 不占用时段）',
  en: 'all-or-nothing, accept-good (where a slot is named; a check needs none)',
}

/** Members without those that are empty: forms and their libraries send all that they have. */
export function withoutEmpty(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== ''))
}

/** A name that lost a character could not be told as it came. */
function checkFileName(filename: string, report: ReturnType<FindingList['reportAt']>): void {
  const found = findCharacter(filename)
  if (found?.kind !== 'replaced') return
  const { position, character } = found
  report('/filename', 'TEXT_CHARACTERS', { position, character })
}

export function checkPeriodAndRegion(
  { region, period }: Pick<Members, 'region' | 'period'>,
  policies: Policies,
  nowMicros: number,
  report: ReturnType<FindingList['reportAt']>,
): void {
  const current = dayOf(nowMicros).slice(0, 7)
  if (period !== undefined && period > current) report('/period', 'PERIOD_IN_FUTURE', { current })
  if (region === undefined) return
  const rules = policies.rulesFor(
    region,
    period === undefined || period > current ? current : period,
  )
  if (rules.kind === 'unknownRegion')
    report('/region', 'REGION_UNKNOWN', { regions: rules.regions.join(', ') })
}

/** Members without a fault are whole. */
function requestOf(members: Members): BatchRequest {
  const { employer, period, region, kind, mode, format, filename, size, sha256 } = members
  const { slot, amends } = members
  return {
    employer,
    period: period as string,
    region: region as string,
    kind: kind as BatchRequest['kind'],
    mode: mode as BatchRequest['mode'],
    format: format ?? formatOf(filename),
    size,
    expectedDigest: sha256 === undefined ? undefined : Buffer.from(sha256, 'hex'),
    fileName: filename,
    slot,
    amends,
  }
}

/** Undefined: to be seen from its bytes. */
function formatOf(fileName = ''): BatchRequest['format'] {
  const ending = path.extname(fileName).slice(1).toLowerCase()
  if (ending === 'jsonl') return 'ndjson'
  return fileFormats.find((format) => format === ending)
}
