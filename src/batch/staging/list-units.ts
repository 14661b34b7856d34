/**
 * Lists the units of a file (employer, period and region) and what was filed of them, in pages.
 */
import type { Queryable } from '../../journal/reading/read-pool.ts'
import type { UnitKey } from './staged-rows.ts'
import type { TotalFen } from './unit-totals.ts'

export type FiledUnit = UnitKey & {
  /** Id of the unit's declaration. */
  readonly id: string
  readonly lines: number
  readonly rowsGood: number
  readonly rowsSetAside: number
  /** Undefined for a regular declaration. */
  readonly replaces: string | undefined
  /** All parts are accepted. */
  readonly filed: boolean
  /** For a file of mode check: the unit's amounts. */
  readonly total: TotalFen | undefined
}

type Row = UnitKey & {
  id: string
  lines: number
  rows_good: number
  rows_set_aside: number
  replaces: string | null
  filed: boolean
  employer_fen: string | null
  employee_fen: string | null
}

export type UnitPage = {
  /** The last unit of the page before. */
  readonly after?: UnitKey | undefined
  readonly limit: number
  /** Only units of these employers; without it, of any. */
  readonly employers?: readonly string[] | undefined
}

export async function listUnits(
  pool: Queryable,
  batch: string,
  { after, limit, employers }: UnitPage,
): Promise<FiledUnit[]> {
  const { rows } = await pool.query<Row>({
    name: 'list-units',
    text: `
      select employer, period, region, entry, id, lines, rows_good, rows_set_aside, replaces,
        employer_fen, employee_fen, parts > 0 and parts_filed = parts as filed
      from batch.unit
      where batch = $1 and (employer, period, region, entry) > ($2, $3, $6, $4)
        and ($7::text[] is null or employer = any($7))
      order by employer, period, region, entry
      limit $5`,
    values: [
      ...[batch, after?.employer ?? '', after?.period ?? '', after?.entry ?? -1, limit],
      ...[after?.region ?? '', employers],
    ],
  })
  return rows.map(
    ({ rows_good, rows_set_aside, replaces, employer_fen, employee_fen, ...unit }) => ({
      ...unit,
      total:
        employer_fen === null
          ? undefined
          : { employerFen: Number(employer_fen), employeeFen: Number(employee_fen) },
      rowsGood: rows_good,
      rowsSetAside: rows_set_aside,
      replaces: replaces ?? undefined,
    }),
  )
}
