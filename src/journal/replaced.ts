/**
 * What the journal says against a correction or cancellation: that it replaces nothing of its employer
 * and period. One check for what is filed alone and what comes in files.
 */
import type pg from 'pg'
import type { FindingList } from '../declaration/findings.ts'
import type { Declaration } from '../declaration/schema.ts'

export type Replacing = Pick<Declaration, 'employer' | 'period'> & { readonly replaces: string }

/** Its original has a receipt, so its acceptance can be seen here. */
export async function checkReplaced(
  pool: pg.Pool,
  { employer, period, replaces }: Declaration,
  findings: FindingList,
): Promise<void> {
  if (replaces === undefined) return
  const [found] = await areReplaced(pool, [{ employer, period, replaces }])
  if (found !== true) findings.add(-1, '/replaces', 'REPLACES_NOTHING')
}

/** Of each whether what it replaces was accepted, in one statement. */
export async function areReplaced(
  pool: pg.Pool,
  all: readonly Replacing[],
): Promise<readonly boolean[]> {
  if (all.length === 0) return []
  const { rows } = await pool.query<{ found: boolean }>({
    name: 'find-replaced-filings',
    text: `
      select exists (
        select
        from journal.acceptance a
        where a.id = r.id and a.employer = r.employer and a.period = r.period
      ) as found
      from unnest($1::text[], $2::text[], $3::text[]) with ordinality
        as r (id, employer, period, number)
      order by r.number`,
    values: [
      all.map(({ replaces }) => replaces),
      all.map(({ employer }) => employer),
      all.map(({ period }) => period),
    ],
  })
  return rows.map(({ found }) => found)
}
