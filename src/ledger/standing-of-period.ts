/** What is in force of an employer for a period: a declaration for each region, with those that travel in parts as one. */
import type { Queryable } from '../journal/reading/read-pool.ts'

export type InForce = {
  readonly region: string
  /** Of the declaration; of one that travels in parts, its head's. */
  readonly id: string
  /** Of all parts. */
  readonly lines: number
}

/** @returns by region; nothing of one where it was cancelled, or is not posted yet */
export async function findInForce(
  pool: Queryable,
  { employer, period }: { readonly employer: string; readonly period: string },
): Promise<InForce[]> {
  const { rows } = await pool.query<{ region: string; id: string; lines: string }>({
    name: 'find-in-force-of-period',
    text: `
      select p.region, min(coalesce(p.part_of, p.id)) as id, sum(p.lines) as lines
      from seen.in_force_part p
      where p.employer = $1 and p.period = $2 and p.kind <> 'cancellation'
      group by p.region
      order by p.region`,
    values: [employer, period],
  })
  return rows.map(({ lines, ...row }) => ({ ...row, lines: Number(lines) }))
}
