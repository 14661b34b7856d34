/**
 * Checks the declaration that a correction or cancellation names: it must be of the same employer and
 * period, and of the same region. Single filings and files share this check.
 */

import type { FindingList, FindingParams } from '../declaration/findings.ts'
import type { Declaration } from '../declaration/schema.ts'
import type { Queryable } from './reading/read-pool.ts'

export type Replacing = Pick<Declaration, 'employer' | 'period' | 'region'> & {
  readonly replaces: string
}

export type ReplacedFault =
  | { readonly code: 'REPLACES_NOTHING'; readonly params?: undefined }
  /** With the region of what it names. */
  | { readonly code: 'REPLACES_OTHER_REGION'; readonly params: FindingParams }

/** Of the employer and period, what was accepted under the id. */
export type ReplacedRow = {
  nothing: boolean
  /** Null also where it isn't known yet: accepted by an earlier program, and not posted. */
  other_region: string | null
}

export function replacedFaultOf({ nothing, other_region: region }: ReplacedRow) {
  if (nothing) return { code: 'REPLACES_NOTHING' } as const
  return region === null
    ? undefined
    : ({ code: 'REPLACES_OTHER_REGION', params: { region } } as const)
}

/**
 * Adds the finding if what a declaration names was not accepted for its employer, period and region.
 * What it names has a receipt, so its acceptance can be seen here.
 */
export async function isReplacedWrongly(
  pool: Queryable,
  { employer, period, region, replaces }: Declaration,
  findings: FindingList,
): Promise<boolean> {
  if (replaces === undefined) return false
  const [fault] = await findReplacedFaults(pool, [{ employer, period, region, replaces }])
  if (fault !== undefined) findings.add(-1, '/replaces', fault.code, fault.params)
  return fault !== undefined
}

/** Of each what is wrong with what it replaces, in one statement. */
export async function findReplacedFaults(
  pool: Queryable,
  all: readonly Replacing[],
): Promise<readonly (ReplacedFault | undefined)[]> {
  if (all.length === 0) return []
  const { rows } = await pool.query<ReplacedRow>({
    name: 'find-replaced-filings',
    text: `
      select a.id is null as nothing,
        nullif(coalesce(a.region, journal.region_of(a.envelope, a.position)), r.region) as other_region
      from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality
        as r (id, employer, period, region, number)
      left join journal.acceptance a
        on a.id = r.id and a.employer = r.employer and a.period = r.period
      order by r.number`,
    values: [
      all.map(({ replaces }) => replaces),
      all.map(({ employer }) => employer),
      all.map(({ period }) => period),
      all.map(({ region }) => region),
    ],
  })
  return rows.map(replacedFaultOf)
}
