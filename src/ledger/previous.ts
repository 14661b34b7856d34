/** Who an employer declared for a period in a region: the persons of what is in force, as blind indices. */

import type { EmployerPeriod } from '../journal/latest-declaration.ts'
import type { Queryable } from '../journal/reading/read-pool.ts'

/** Undefined when nothing of that period is in force, or it was cancelled. */
export async function findPersons(
  pool: Queryable,
  { employer, period, region }: EmployerPeriod,
): Promise<ReadonlySet<string> | undefined> {
  const { rows } = await pool.query<{ kind: string; persons: string | null }>({
    name: 'find-persons',
    text: `
      select d.kind, (
        select string_agg(encode(l.person, 'hex'), ',')
        from seen.line l
        where l.envelope = d.envelope and l.position = d.position and l.change <> 'leave'
      ) as persons
      from seen.in_force_part d
      where d.employer = $1 and d.period = $2 and d.region = $3`,
    values: [employer, period, region],
  })
  const [row] = rows
  if (row === undefined || row.kind === 'cancellation') return undefined
  return new Set(rows.flatMap(({ persons }) => persons?.split(',') ?? []))
}
