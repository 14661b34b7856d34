/**
 * What the journal says against a correction or cancellation: that it replaces nothing of its employer
 * and period. One check for what is filed alone and what comes in files.
 */
import type pg from 'pg'
import type { FindingList } from '../declaration/findings.ts'
import type { Declaration } from '../declaration/schema.ts'

/** Its original has a receipt, so its acceptance can be seen here. */
export async function checkReplaced(
  pool: pg.Pool,
  { employer, period, replaces }: Declaration,
  findings: FindingList,
): Promise<void> {
  if (replaces === undefined) return
  const { rowCount } = await pool.query({
    name: 'find-replaced-filing',
    text: 'select from journal.acceptance where id = $1 and employer = $2 and period = $3',
    values: [replaces, employer, period],
  })
  if (rowCount === 0) findings.add(-1, '/replaces', 'REPLACES_NOTHING')
}
