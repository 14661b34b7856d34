/**
 * The latest declaration of an employer, period and region. It stands unless it is a cancellation.
 * An employer declares to the agency of each region: one with branches in two regions files a
 * declaration for each, and these are independent. A filing never replaces a standing declaration
 * without naming it, so each filing says what it expects to find. The statement that draws the
 * envelope's number looks it up (draw-number.ts).
 *
 *   expects                          | filed                             | refused where the latest
 *   'anything'                       | reassessments                     | never
 *   { replaces }                     | corrections and cancellations     | is another one, and no cancellation
 *   'nothingStands'                  | a regular one alone               | is no cancellation
 *   { nothingAfterMicros, and }      | a unit of a file, whatever kind:  | was accepted after that
 *                                    | the file's receipt; `and` as for  | instant, or as `and` says
 *                                    | what is filed alone               |
 *   { latest }                       | what was merged with that one     | is another one, or there is
 *                                    |                                   | none while one is expected
 *
 * A correction that names a declaration which another one replaced is refused, because its filer has not seen
 * that other one: what it changed would be lost. Where nothing stands, nothing can be lost.
 *
 * "Latest" goes by sequence and counts full declarations. Of a declaration in parts, the head stands for
 * all parts, and all parts may expect the same. A dead letter stands: its filer has a receipt, and it is
 * posted once an operator has fixed the fault. A reassessment is not a declaration.
 *
 * Acceptances of earlier programs do not say their region. Until such a declaration is posted, it counts
 * in every region, so that nothing replaces it meanwhile; then it counts in the region it was posted for.
 * Earlier programs let a declaration of one region replace one of another: the replaced one no longer
 * stands once both are posted.
 *
 * Two filings that race do not meet: each looks before the other's commit, or both are in one group.
 * Both are accepted, and the later one by sequence is in force. A filing sent after a receipt was
 * returned meets that receipt's declaration, because every later statement sees its commit.
 */

import { digestOfRow } from './digest.ts'
import type { Queryable } from './reading/read-pool.ts'

export type LatestDeclaration = {
  readonly id: string
  readonly kind: string
  readonly digest: Buffer
  readonly salted: boolean
  readonly acceptedAtMicros: number
  /** Insured persons; undefined where it was accepted before they were written down. */
  readonly lines: number | undefined
}

type ExpectationAlone = 'anything' | 'nothingStands' | { readonly replaces: string }

/** What a filing expects of its employer, period and region; see the table above. */
export type Expectation =
  | ExpectationAlone
  | { readonly nothingAfterMicros: number; readonly and: ExpectationAlone }
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
export function conflictWith(
  expects: Expectation,
  latest: LatestDeclaration | undefined,
): LatestDeclaration | undefined {
  if (latest === undefined || expects === 'anything') return undefined
  if (expects === 'nothingStands' || 'replaces' in expects) {
    const isNamed = expects !== 'nothingStands' && latest.id === expects.replaces
    return isNamed || latest.kind === 'cancellation' ? undefined : latest
  }
  if ('latest' in expects) return latest.id === expects.latest ? undefined : latest
  const isAfter = latest.acceptedAtMicros > expects.nothingAfterMicros
  return isAfter ? latest : conflictWith(expects.and, latest)
}

export type LatestDeclarationRow = {
  latest: string | null
  kind: string
  digest: Buffer | null
  salted_digest: Buffer | null
  accepted_at: string
  lines: number | null
}

export function latestDeclarationOf(row: LatestDeclarationRow): LatestDeclaration | undefined {
  if (row.latest === null) return undefined
  return {
    id: row.latest,
    kind: row.kind,
    ...digestOfRow(row),
    acceptedAtMicros: Number(row.accepted_at),
    lines: row.lines ?? undefined,
  }
}

export type EmployerPeriod = {
  readonly employer: string
  readonly period: string
  readonly region: string
}

/**
 * The SQL condition that no declaration of another region replaced acceptance `a` (ledger/in-force.ts).
 * If one did, nothing stands in the region of `a`.
 */
export function isNotReplaced(region: string): string {
  return `not exists (
    select
    from ledger.in_force f
    where f.employer = a.employer and f.period = a.period and f.region = ${region}
      and (f.envelope, f.position) > (a.envelope, a.position)
  )`
}

/** What a single filing expects: it replaces the declaration that it names, or nothing. */
export function expectationAlone(replaces: string | undefined): ExpectationAlone {
  return replaces === undefined ? 'nothingStands' : { replaces }
}

/**
 * The declaration for which a filing would be refused now; undefined if nothing stands against it.
 * @param replaces what the filing names, if it is a correction or cancellation
 */
export async function findCurrentDeclaration(
  pool: Queryable,
  { employer, period, region }: EmployerPeriod,
  replaces?: string,
): Promise<LatestDeclaration | undefined> {
  const { rows } = await pool.query<LatestDeclarationRow>({
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
  return conflictWith(expectationAlone(replaces), rows[0] && latestDeclarationOf(rows[0]))
}
