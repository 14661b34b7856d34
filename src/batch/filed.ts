/** What a file says for each employer and period, and what was filed of it, in pages. */
import type pg from 'pg'
import type { UnitKey } from './pieces.ts'

export type FiledUnit = UnitKey & {
  /** Of the declaration that is made of it. */
  readonly id: string
  readonly lines: number
  readonly rowsGood: number
  readonly rowsSetAside: number
  /** Undefined for a regular one. */
  readonly replaces: string | undefined
  /** All of it is accepted. */
  readonly filed: boolean
}

type Row = UnitKey & {
  id: string
  lines: number
  rows_good: number
  rows_set_aside: number
  replaces: string | null
  filed: boolean
}

/** @param after the last one of the page before */
export async function listUnits(
  pool: pg.Pool,
  batch: string,
  after: UnitKey | undefined,
  limit: number,
): Promise<FiledUnit[]> {
  const { rows } = await pool.query<Row>({
    name: 'list-units',
    text: `
      select employer, period, entry, id, lines, rows_good, rows_set_aside, replaces,
        parts > 0 and parts_filed = parts as filed
      from batch.unit
      where batch = $1 and (employer, period, entry) > ($2, $3, $4)
      order by employer, period, entry
      limit $5`,
    values: [batch, after?.employer ?? '', after?.period ?? '', after?.entry ?? -1, limit],
  })
  return rows.map(({ rows_good, rows_set_aside, replaces, ...unit }) => ({
    ...unit,
    rowsGood: rows_good,
    rowsSetAside: rows_set_aside,
    replaces: replaces ?? undefined,
  }))
}
