/**
 * What stands of an employer, period and region: its latest acceptance, unless that is a cancellation.
 * Contributions are declared to the agency of each region: an employer with branches in two files a
 * declaration for each, and neither has to do with the other. What
 * stands is never replaced without being named, so each filing says what it expects to find; it is
 * looked up by the statement that draws the envelope's number (draw-number.ts).
 *
 *   expects                          | filed                             | refused where the latest
 *   'anything'                       | reassessments                     | never
 *   { replaces }                     | corrections and cancellations     | is any; but where that id is
 *                                    | alone                             | none of these three
 *   'nothingStands'                  | a regular one alone               | is no cancellation
 *   { nothingAfterMicros, and }      | a unit of a file, whatever kind:  | was accepted after that
 *                                    | the file's receipt; `and`, for    | instant, or as `and` says
 *                                    | regulars, 'nothingStands'         |
 *   { latest }                       | what was merged with that one     | is another one, or there is
 *                                    |                                   | none while one is expected
 *
 * The latest is that by sequence, of declarations as wholes: a part of one that travels in parts
 * stands for nothing, its head stands for all of them, and all of them may expect the same. A dead
 * letter stands: its filer has a receipt, and it is posted once an operator has mended the fault. A
 * reassessment is no declaration.
 *
 * What an earlier program accepted does not say its region: it is that which it was posted for, and any
 * until then, so that nothing is replaced meanwhile. What one of another region replaced, as an earlier program
 * let it, does not stand once both are posted.
 *
 * Two that race meet neither the other: each looks before the other's commit, or both are in one
 * group. Both are accepted, and the later one by sequence is in force. Whoever files after a receipt
 * was returned meets what it is of, because that commit can be seen by every later statement.
 */

import { digestOfRow } from './digest.ts'
import type { Queryable } from './reading/read-pool.ts'

export type StandingDeclaration = {
  readonly id: string
  readonly kind: string
  readonly digest: Buffer
  readonly salted: boolean
  readonly acceptedAtMicros: number
  /** Insured persons; undefined where it was accepted before they were written down. */
  readonly lines: number | undefined
}

/** What a filing expects of its employer, period and region; the table above says which has which. */
export type Expectation =
  | 'anything'
  | 'nothingStands'
  | { readonly replaces: string }
  | { readonly nothingAfterMicros: number; readonly and: 'anything' | 'nothingStands' }
  /** Undefined: nothing was accepted. */
  | { readonly latest: string | undefined }

/** The declaration that a filing expects to be the latest, if it expects one. */
export function expectedLatest(expects: Expectation): string | undefined {
  return typeof expects === 'object' && 'latest' in expects ? expects.latest : undefined
}

/**
 * The latest declaration, where a filing that expects this is refused for it. Where nothing was found,
 * nothing stands against a filing; one that expects a latest declaration is then refused by drawNumber.
 */
export function standsAgainst(
  expects: Expectation,
  latest: StandingDeclaration | undefined,
): StandingDeclaration | undefined {
  if (latest === undefined || expects === 'anything') return undefined
  if (typeof expects === 'object' && 'replaces' in expects) return undefined
  if (expects === 'nothingStands') return latest.kind === 'cancellation' ? undefined : latest
  if ('latest' in expects) return latest.id === expects.latest ? undefined : latest
  const isAfter = latest.acceptedAtMicros > expects.nothingAfterMicros
  return isAfter ? latest : standsAgainst(expects.and, latest)
}

export type StandingRow = {
  latest: string | null
  kind: string
  digest: Buffer | null
  salted_digest: Buffer | null
  accepted_at: string
  lines: number | null
}

export function standingOf(row: StandingRow): StandingDeclaration | undefined {
  if (row.latest === null) return undefined
  return {
    id: row.latest,
    kind: row.kind,
    ...digestOfRow(row),
    acceptedAtMicros: Number(row.accepted_at),
    lines: row.lines ?? undefined,
  }
}

export type Place = {
  readonly employer: string
  readonly period: string
  readonly region: string
}

/**
 * Of the latest acceptance `a` of an employer and period in a region: that no declaration of another region
 * replaced it (ledger/in-force.ts). Then nothing stands in its own.
 */
export function isNotReplaced(region: string): string {
  return `not exists (
    select
    from ledger.in_force f
    where f.employer = a.employer and f.period = a.period and f.region = ${region}
      and (f.envelope, f.position) > (a.envelope, a.position)
  )`
}

/** What a `regular` would be refused for now; undefined where nothing stands. */
export async function findStandingDeclaration(
  pool: Queryable,
  { employer, period, region }: Place,
): Promise<StandingDeclaration | undefined> {
  const { rows } = await pool.query<StandingRow>({
    name: 'find-standing-declaration',
    text: `
      select
        id as latest, kind, digest, salted_digest, lines,
        (extract(epoch from accepted_at) * 1000000)::bigint as accepted_at
      from journal.acceptance a
      where employer = $1 and period = $2
        and coalesce(region, journal.region_of(envelope, position), $3) = $3
        and kind <> 'reassessment' and part_of is null
        and ${isNotReplaced('$3')}
      order by envelope desc, position desc
      limit 1`,
    values: [employer, period, region],
  })
  return standsAgainst('nothingStands', rows[0] && standingOf(rows[0]))
}
