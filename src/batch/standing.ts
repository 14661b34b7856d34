/** What stands of an employer and period while a file that has rows of them is checked. */
import type pg from 'pg'
import type { Amendment } from './amendment.ts'
import { type FileFinding, fileFinding } from './file-findings.ts'
import { findKept, type Kept } from './kept.ts'
import type { UnitKey } from './pieces.ts'
import type { BatchWork } from './work.ts'

export type Standing = {
  /** The latest declaration. */
  readonly latest: string | undefined
  readonly replaces: string | undefined
  /** What was filed of the first file, whose lines are kept. */
  readonly kept?: Kept | undefined
}

/** What stands; with a finding where rows that are mended would replace something else. */
export async function standingOf(
  pool: pg.Pool,
  work: BatchWork,
  amendment: Amendment | undefined,
  unit: UnitKey,
): Promise<Standing & { readonly finding?: FileFinding }> {
  const latest = await findLatest(pool, unit)
  if (amendment === undefined)
    return { latest, replaces: work.kind === 'regular' ? undefined : latest }
  const { first, kind } = amendment
  const kept = latest === undefined ? undefined : await findKept(pool, first, unit, latest)
  if (kept !== undefined) return { latest, replaces: latest, kept }
  const replaces = kind === 'regular' ? undefined : latest
  if (latest === undefined || latest === (await findLatestBefore(pool, first, unit)))
    return { latest, replaces }
  return { latest, replaces, finding: fileFinding('FILED_SINCE', {}, { id: latest }) }
}

/** The latest declaration of an employer and period: what a correction in a file replaces. */
async function findLatest(
  pool: pg.Pool,
  { employer, period }: UnitKey,
): Promise<string | undefined> {
  const { rows } = await pool.query<{ id: string }>({
    name: 'find-latest',
    text: `
      select id
      from journal.acceptance
      where employer = $1 and period = $2 and kind <> 'reassessment'
      order by envelope desc, position desc
      limit 1`,
    values: [employer, period],
  })
  return rows[0]?.id
}

/** The same when the first file was checked. */
async function findLatestBefore(
  pool: pg.Pool,
  first: string,
  { employer, period, entry }: UnitKey,
): Promise<string | undefined> {
  const { rows } = await pool.query<{ latest: string | null }>({
    name: 'find-latest-before',
    text: `
      select latest
      from batch.unit
      where batch = $1 and employer = $2 and period = $3 and entry = $4`,
    values: [first, employer, period, entry],
  })
  return rows[0]?.latest ?? undefined
}
