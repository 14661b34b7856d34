/**
 * Units that met a declaration at filing which the check had not found. All of their rows are rejected,
 * with a finding that names it. Parts accepted before have no effect, because their head never comes,
 * and no longer count as filed.
 *
 * The transaction that counts the other filed parts counts these, too: the unit has no more parts to
 * file and keeps the finding, and the errors file must be written again. Rejecting the rows of a large
 * unit takes long, so steps of their own write them before filing ends (late-rows.ts).
 *
 * If the process dies
 *  - before that transaction's commit: the next worker files the same again and meets the same;
 *  - after it: the unit is rejected, whatever is in force by then, and the next worker writes its rows.
 */
import type pg from 'pg'
import type { ConflictingDeclaration, GroupResult } from '../../journal/accept.ts'
import { declarationId } from '../../journal/digest.ts'
import { filedSince, unitInForce } from '../amending/in-force-findings.ts'
import type { FiledPart, UnfiledUnit } from '../amending/unfiled-units.ts'
import type { FileFinding } from '../findings/file-findings.ts'
import type { LeasedBatch } from '../lease/batch-lease.ts'
import { partKeyOf } from '../staging/prior-declaration.ts'

type RejectedUnit = { readonly finding: FileFinding; readonly before: readonly Counted[] }
/** A part that was accepted and counted. */
type Counted = { readonly id: string; readonly rows: number }

export class LateUnits {
  readonly #work: LeasedBatch
  readonly #late = new Map<UnfiledUnit, RejectedUnit>()

  constructor(work: LeasedBatch, parts: readonly FiledPart[], results: readonly GroupResult[]) {
    this.#work = work
    const standing = new Map(results.flatMap((result) => [...result.standing]))
    const first = new Map<UnfiledUnit, FiledPart>()
    for (const part of parts) {
      if (!first.has(part.unit)) first.set(part.unit, part)
      const against = standing.get(part.filing.id)
      if (against === undefined || this.#late.has(part.unit)) continue
      const finding = findingOf(part, against)
      this.#late.set(part.unit, { finding, before: countedBefore(first.get(part.unit) ?? part) })
    }
  }

  get units(): { has(unit: UnfiledUnit): boolean } & Iterable<UnfiledUnit> {
    return new Set(this.#late.keys())
  }

  /** Rejected rows. */
  get rows(): number {
    return [...this.#late.keys()].reduce((sum, { rowsGood }) => sum + rowsGood, 0)
  }

  async write(client: pg.PoolClient): Promise<void> {
    if (this.#late.size === 0) return
    const { batch } = this.#work
    const units = [...this.#late.keys()]
    const findings = [...this.#late.values()].map(({ finding }) => JSON.stringify(finding))
    const before = [...this.#late.values()].flatMap((one) => one.before)
    await client.query({
      name: 'reject-units',
      text: `
        update batch.unit u
        set rows_set_aside = u.rows_set_aside + u.rows_good, rows_good = 0, lines = 0, parts = 0,
          parts_filed = 0, late = l.finding
        from unnest($2::text[], $3::text[], $4::integer[], $5::text[], $6::jsonb[])
          as l (employer, period, entry, region, finding)
        where u.batch = $1 and u.employer = l.employer and u.period = l.period
          and u.region = l.region and u.entry = l.entry`,
      values: [
        batch,
        units.map(({ employer }) => employer),
        units.map(({ period }) => period),
        units.map(({ entry }) => entry),
        units.map(({ region }) => region),
        findings,
      ],
    })
    await client.query({
      name: 'count-rejected-rows',
      text: `
        update batch.work
        set rows_good = rows_good - $2, rows_filed = rows_filed - $3, errors_position = null
        where batch = $1`,
      values: [batch, this.rows, before.reduce((sum, { rows }) => sum + rows, 0)],
    })
    await client.query({
      name: 'subtract-orphaned-parts',
      text: `
        update batch.envelope e
        set rows = e.rows - f.rows
        from (
          select a.envelope, sum(p.rows) as rows
          from unnest($2::text[], $3::integer[]) as p (id, rows)
          join journal.acceptance a on a.id = p.id
          group by a.envelope
        ) f
        where e.batch = $1 and e.envelope = f.envelope`,
      values: [batch, before.map(({ id }) => id), before.map(({ rows }) => rows)],
    })
    await client.query('delete from batch.error_row where batch = $1', [batch])
  }
}

function findingOf({ filing }: FiledPart, against: ConflictingDeclaration): FileFinding {
  const { expects, digest, acceptedAtMicros } = filing
  const isNewer = against.acceptedAtMicros > acceptedAtMicros
  const isRegular =
    typeof expects === 'object' && 'and' in expects && expects.and === 'nothingStands'
  if (isNewer || !isRegular) return filedSince(against)
  return unitInForce(against, against.isOf(digest))
}

/** Parts before the first of this group were counted with earlier groups. */
function countedBefore({ unit, number, rowsOfParts }: FiledPart): Counted[] {
  const { employer, period } = unit
  return rowsOfParts.slice(0, number - 1).map((rows, i) => ({
    id: declarationId(employer, period, partKeyOf(unit, i + 1, unit.parts)),
    rows,
  }))
}
