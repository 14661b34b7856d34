/**
 * Units of a file that wait to be filed, and their parts, which are filed in groups.
 */
import type pg from 'pg'
import type { Filing } from '../../journal/filing.ts'
import { unitsAtATime } from '../../limits.ts'
import { type FiledUnitKey, filingKeySql } from '../staging/prior-declaration.ts'
import type { UnitKey } from '../staging/staged-rows.ts'

export type UnfiledUnit = FiledUnitKey & {
  readonly id: string
  readonly rowsGood: number
  readonly rowsSetAside: number
  readonly lines: number
  readonly replaces: string | undefined
  /** The latest declaration at check time. */
  readonly latest: string | undefined
  /** The prior declaration whose lines the unit keeps. */
  readonly priorId: string | undefined
  readonly parts: number
  readonly headPays: boolean
  /** False for units that an older version cut by lines alone. */
  readonly cutByBytes: boolean
  readonly partsFiled: number
}

export type FiledPart = {
  readonly unit: UnfiledUnit
  readonly number: number
  readonly rows: number
  readonly lines: number
  /** Rows of this part and those before it, by number. */
  readonly rowsOfParts: readonly number[]
  readonly filing: Filing
}

/** @param after skips units up to this one, which are all filed */
export async function listUnfiled(
  pool: pg.Pool | pg.PoolClient,
  batch: string,
  after: UnitKey | undefined,
): Promise<UnfiledUnit[]> {
  const { rows } = await pool.query<
    FiledUnitKey & {
      id: string
      cut_by_bytes: boolean
      rows_good: number
      rows_set_aside: number
      latest: string | null
      lines: number
      replaces: string | null
      keeps: string | null
      parts: number
      head_pays: boolean
      parts_filed: number
    }
  >({
    name: 'list-unfiled-units',
    text: `
      select employer, period, region, entry, id, ${filingKeySql} as key, key is not null as cut_by_bytes,
        rows_good, rows_set_aside, lines, latest, replaces, keeps, parts, head_pays, parts_filed
      from batch.unit u
      where batch = $1 and (employer, period, region, entry) > ($2, $3, $6, $4)
        and parts_filed < parts
      order by employer, period, region, entry
      limit $5`,
    values: [
      ...[batch, after?.employer ?? '', after?.period ?? '', after?.entry ?? -1, unitsAtATime],
      after?.region ?? '',
    ],
  })
  return rows.map(
    ({
      rows_good,
      rows_set_aside,
      latest,
      replaces,
      keeps,
      cut_by_bytes,
      head_pays,
      parts_filed,
      ...unit
    }) => ({
      ...unit,
      cutByBytes: cut_by_bytes,
      rowsSetAside: rows_set_aside,
      headPays: head_pays,
      partsFiled: parts_filed,
      rowsGood: rows_good,
      latest: latest ?? undefined,
      replaces: replaces ?? undefined,
      priorId: keeps ?? undefined,
    }),
  )
}
