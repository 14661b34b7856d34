/**
 * A regular declaration is refused where another one stands, a correction or cancellation where another one than
 * it names does: told as a finding beside all others, with which one it is, when it was accepted, and of how many
 * persons; or that it is the same content.
 */

import { canonicalDeclaration } from '../../declaration/canonical.ts'
import { isDeclaration } from '../../declaration/check.ts'
import type { FindingList, FindingParams } from '../../declaration/findings.ts'
import { formatInstant, isPeriod } from '../../declaration/period.ts'
import { regionPattern } from '../../declaration/schema.ts'
import { digestOf } from '../../journal/digest.ts'
import { findCurrentDeclaration, type LatestDeclaration } from '../../journal/latest-declaration.ts'
import type { Queryable } from '../../journal/reading/read-pool.ts'
import { isReplacedWrongly } from '../../journal/replaced.ts'
import type { Salts } from '../../journal/salting.ts'
import { findStanding } from '../../ledger/status.ts'

export type StandingRefusal = {
  readonly code: 'DECLARATION_STANDS' | 'REPLACES_SUPERSEDED' | 'ALREADY_FILED'
  readonly params: FindingParams
  /** The member of a problem. */
  readonly standing: StandingMember
}

export type StandingMember = {
  readonly id: string
  readonly kind: string
  readonly acceptedAt: string
  /** Absent of what was accepted before they were counted and is not posted. */
  readonly persons?: number
  readonly sameContent: boolean
  readonly links: { readonly self: string; readonly receipt: string }
}

const isRegion = new RegExp(regionPattern)

/**
 * Adds the finding where something stands against a body, or what it names to replace was never accepted there,
 * whatever else is wrong with it.
 */
export async function checkStanding(
  { readPool: pool, salts }: { readonly readPool: Queryable; readonly salts: Salts },
  body: unknown,
  findings: FindingList,
): Promise<StandingRefusal | undefined> {
  const { employer, period, region, kind, replaces } = (body ?? {}) as Partial<
    Record<string, unknown>
  >
  if (typeof employer !== 'string' || !isPeriod(period)) return undefined
  // A region with a fault is none that Postgres could look up: it takes no NUL.
  if (typeof region !== 'string' || !isRegion.test(region)) return undefined
  const named = kind !== 'regular' && typeof replaces === 'string' ? replaces : undefined
  if (kind !== 'regular') {
    if (named === undefined || !isDeclaration(body)) return undefined
    if (await isReplacedWrongly(pool, body, findings)) return undefined
  }
  const found = await findCurrentDeclaration(pool, { employer, period, region }, named)
  if (found === undefined) return undefined
  const digest = isDeclaration(body) && digestOf(Buffer.from(canonicalDeclaration(body)))
  const sameContent = digest !== false && salts.isOf(found, digest)
  const refusal = await refusalFor(pool, { standing: found, sameContent, replaces: named })
  addStanding(refusal, findings)
  return refusal
}

export function addStanding({ code, params }: StandingRefusal, findings: FindingList): void {
  findings.add(-1, code === 'REPLACES_SUPERSEDED' ? '/replaces' : '/kind', code, params)
}

type Conflict = {
  readonly standing: LatestDeclaration
  readonly sameContent: boolean
  /** What the refused one names. */
  readonly replaces: string | undefined
}

export async function refusalFor(
  pool: Queryable,
  { standing, sameContent, replaces }: Conflict,
): Promise<StandingRefusal> {
  const { id, kind, acceptedAtMicros, lines } = standing
  const persons = lines ?? (await findStanding(pool, id))?.assessment?.lines
  const acceptedAt = formatInstant(acceptedAtMicros)
  const self = `/v1/declarations/${id}`
  const otherCode = replaces === undefined ? 'DECLARATION_STANDS' : 'REPLACES_SUPERSEDED'
  return {
    code: sameContent ? 'ALREADY_FILED' : otherCode,
    params: { id, at: acceptedAt, persons: personsText(persons) },
    standing: {
      ...{ id, kind, acceptedAt },
      ...(persons !== undefined && { persons }),
      ...{ sameContent, links: { self, receipt: `${self}/receipt` } },
    },
  }
}

function personsText(persons: number | undefined) {
  if (persons === undefined) return { 'zh-CN': '人数待入账后可见', en: 'persons not counted yet' }
  const en = persons === 1 ? '1 insured person' : `${persons} insured persons`
  return { 'zh-CN': `参保人 ${persons} 人`, en }
}
