/**
 * Decides what happens to the rows of a unit, by the latest declaration of its employer, period and
 * region at check time.
 *
 *   latest declaration                       | rows of the file
 *   of the family that the file amends       | are merged with it
 *   accepted after this file was received    | are rejected: the declaration is newer
 *   accepted since the first file            | are rejected, if the file is an amendment
 *   in force; the file is an addition        | are merged with it
 *   in force; the file is regular            | are rejected: nothing is replaced without being named
 *   any other, or none                       | are filed; a correction replaces it
 *
 * Filing expects the same (file-units.ts), so anything accepted between check and filing is noticed.
 */
import type pg from 'pg'
import {
  isNotReplaced,
  type LatestDeclaration,
  type LatestDeclarationRow,
  latestDeclarationOf,
} from '../../journal/latest-declaration.ts'
import type { JournalReader } from '../../journal/reading/reader.ts'
import type { FileFinding } from '../findings/file-findings.ts'
import type { LeasedBatch } from '../lease/batch-lease.ts'
import {
  findPriorInFamily,
  type PriorDeclaration,
  readPrior,
} from '../staging/prior-declaration.ts'
import type { UnitKey } from '../staging/staged-rows.ts'
import type { Amendment } from '../table/amendment.ts'
import { requestedKindOf } from '../table/amendment.ts'
import { filedSince } from './in-force-findings.ts'

export type CurrentDeclaration = {
  /** Id of the latest declaration. */
  readonly latest: string | undefined
  readonly replaces: string | undefined
  /** The prior declaration whose lines are kept. */
  readonly prior?: PriorDeclaration | undefined
}

/** The current declaration, with a finding if the rows must not replace it. */
export type CurrentCheck = CurrentDeclaration & {
  readonly finding?: FileFinding
  readonly inForce?: LatestDeclaration | undefined
}

/** Only for employers that the sender may file for. */
export async function checkCurrent(
  pool: pg.Pool,
  journal: JournalReader,
  work: LeasedBatch,
  amendment: Amendment | undefined,
  unit: UnitKey,
): Promise<CurrentCheck> {
  const [found] = await findLatest(pool, [unit])
  const requested = requestedKindOf(work, amendment)
  const latest = found?.id
  const replaces = requested === 'correction' || requested === 'cancellation' ? latest : undefined
  if (found === undefined) return { latest, replaces }
  const ofFamily = amendment && (await findPriorInFamily(pool, amendment.first, unit, found.id))
  if (ofFamily !== undefined) return { latest, replaces: latest, prior: ofFamily }
  if (found.acceptedAtMicros > work.receivedAtMicros)
    return { latest, replaces, finding: filedSince(found) }
  const inForce = found.kind === 'cancellation' ? undefined : found
  if (requested === 'addition') {
    if (inForce === undefined) return { latest, replaces }
    return { latest, replaces: latest, prior: await readPrior(journal, inForce) }
  }
  const before = amendment && (await findLatestBefore(pool, amendment.first, unit))
  if (amendment !== undefined && latest !== before)
    return { latest, replaces, finding: filedSince(found) }
  return { latest, replaces, inForce: requested === 'regular' ? inForce : undefined }
}

/**
 * The latest declaration of each employer, period and region in one statement; of any region for a unit
 * without one.
 */
export async function findLatest(
  pool: pg.Pool,
  units: readonly UnitKey[],
): Promise<(LatestDeclaration | undefined)[]> {
  if (units.length === 0) return []
  const { rows } = await pool.query<LatestDeclarationRow>({
    name: 'find-latest-declarations',
    text: `
      select l.id as latest, l.kind, l.digest, l.salted_digest, l.lines,
        (extract(epoch from l.accepted_at) * 1000000)::bigint as accepted_at
      from unnest($1::text[], $2::text[], $3::text[]) with ordinality
        as u (employer, period, region, place)
      left join lateral (
        select a.id, a.kind, a.digest, a.salted_digest, a.lines, a.accepted_at
        from journal.acceptance a
        where a.employer = u.employer and a.period = u.period
          and (
            u.region = ''
            or coalesce(a.region, journal.region_of(a.envelope, a.position), u.region) = u.region
          )
          and a.kind <> 'reassessment' and a.part_of is null
          and ${isNotReplaced('u.region')}
        order by a.envelope desc, a.position desc
        limit 1
      ) l on true
      order by u.place`,
    values: [
      units.map(({ employer }) => employer),
      units.map(({ period }) => period),
      units.map(({ region }) => region),
    ],
  })
  return rows.map(latestDeclarationOf)
}

/** The latest declaration at the check of the first file. */
async function findLatestBefore(
  pool: pg.Pool,
  first: string,
  { employer, period, region, entry }: UnitKey,
): Promise<string | undefined> {
  const { rows } = await pool.query<{ latest: string | null }>({
    name: 'find-latest-before',
    text: `
      select latest
      from batch.unit
      where batch = $1 and employer = $2 and period = $3 and entry = $4
        and region in ($5, '')`,
    values: [first, employer, period, entry, region],
  })
  return rows[0]?.latest ?? undefined
}
