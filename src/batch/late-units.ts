/**
 * Units of a file that met something when they were filed which the check had not found: all of their
 * rows are set aside, with a finding that names it. Parts of one that were accepted before are parts of
 * nothing, as their head never comes: they count as filed no more.
 *
 * All is written in the transaction that counts what else was filed: rows that are set aside, the unit,
 * which has no more parts to be filed, and that the errors file is to be picked again. A process that dies
 * before it files the same again, and meets the same.
 */
import type pg from 'pg'
import type { GroupResult, MetDeclaration } from '../journal/accept.ts'
import { declarationId } from '../journal/digest.ts'
import { stretchOf } from './error-rows.ts'
import type { FileFinding } from './file-findings.ts'
import { partKeyOf } from './kept.ts'
import { type PieceKeys, readPieces } from './pieces.ts'
import { RowSet } from './row-set.ts'
import { insertSetAside, readSetAside, type SetAsideRow } from './set-aside.ts'
import { filedSince, unitStands } from './stands.ts'
import type { FiledPart, Unit } from './unfiled.ts'
import type { BatchWork } from './work.ts'

type Late = { readonly finding: FileFinding; readonly before: readonly Counted[] }
/** A part that was accepted and counted. */
type Counted = { readonly id: string; readonly rows: number }

type WriteDependencies = { readonly pool: pg.Pool; readonly keys: PieceKeys }

export class LateUnits {
  readonly #work: BatchWork
  readonly #late = new Map<Unit, Late>()

  constructor(work: BatchWork, parts: readonly FiledPart[], results: readonly GroupResult[]) {
    this.#work = work
    const standing = new Map(results.flatMap((result) => [...result.standing]))
    const first = new Map<Unit, FiledPart>()
    for (const part of parts) {
      if (!first.has(part.unit)) first.set(part.unit, part)
      const against = standing.get(part.filing.id)
      if (against === undefined || this.#late.has(part.unit)) continue
      const finding = findingOf(part, against)
      this.#late.set(part.unit, { finding, before: countedBefore(first.get(part.unit) ?? part) })
    }
  }

  get units(): { has(unit: Unit): boolean } & Iterable<Unit> {
    return new Set(this.#late.keys())
  }

  /** Rows that are set aside. */
  get rows(): number {
    return [...this.#late.keys()].reduce((sum, { rowsGood }) => sum + rowsGood, 0)
  }

  async write(client: pg.PoolClient, dependencies: WriteDependencies): Promise<void> {
    if (this.#late.size === 0) return
    for (const [unit, { finding }] of this.#late)
      await setAsideRows(client, dependencies, this.#work.batch, unit, finding)
    await this.#writeCounts(client)
  }

  async #writeCounts(client: pg.PoolClient): Promise<void> {
    const { batch } = this.#work
    const units = [...this.#late.keys()]
    const before = [...this.#late.values()].flatMap((one) => one.before)
    await client.query({
      name: 'set-units-aside',
      text: `
        update batch.unit u
        set rows_set_aside = u.rows_set_aside + u.rows_good, rows_good = 0, lines = 0, parts = 0,
          parts_filed = 0
        from unnest($2::text[], $3::text[], $4::integer[], $5::text[])
          as l (employer, period, entry, region)
        where u.batch = $1 and u.employer = l.employer and u.period = l.period
          and u.region = l.region and u.entry = l.entry`,
      values: [
        batch,
        units.map(({ employer }) => employer),
        units.map(({ period }) => period),
        units.map(({ entry }) => entry),
        units.map(({ region }) => region),
      ],
    })
    await client.query({
      name: 'note-rows-late',
      text: `
        update batch.work
        set rows_good = rows_good - $2, rows_filed = rows_filed - $3, errors_position = null
        where batch = $1`,
      values: [batch, this.rows, before.reduce((sum, { rows }) => sum + rows, 0)],
    })
    await client.query({
      name: 'note-parts-of-nothing',
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

function findingOf({ filing }: FiledPart, against: MetDeclaration): FileFinding {
  const { expects, digest, acceptedAtMicros } = filing
  const isNewer = against.acceptedAtMicros > acceptedAtMicros
  if (isNewer || typeof expects !== 'object' || 'latest' in expects) return filedSince(against)
  return unitStands(against, against.isOf(digest))
}

/** Those before the first of a group were counted with the groups before. */
function countedBefore({ unit, number, rowsOfParts }: FiledPart): Counted[] {
  const { employer, period } = unit
  return rowsOfParts.slice(0, number - 1).map((rows, i) => ({
    id: declarationId(employer, period, partKeyOf(unit, i + 1, unit.parts)),
    rows,
  }))
}

/** All rows of a unit that the check found good, as many at a time as are in a piece. */
async function setAsideRows(
  client: pg.PoolClient,
  { pool, keys }: WriteDependencies,
  batch: string,
  unit: Unit,
  finding: FileFinding,
): Promise<void> {
  const { employer, period, region, entry } = unit
  const aside = new RowSet()
  if (unit.rowsSetAside > 0)
    for await (const rows of readSetAside(pool, keys, batch, unit))
      for (const { row } of rows) aside.add(row)
  const { rows: last } = await client.query<{ number: number | null }>(
    `select max(number) as number
     from batch.set_aside
     where batch = $1 and employer = $2 and period = $3 and entry = $4 and region = $5`,
    [batch, employer, period, entry, region],
  )
  let number = last[0]?.number ?? 0
  for await (const piece of readPieces(pool, keys, batch, unit)) {
    const rows = piece.rows.flatMap(([row, line]): SetAsideRow[] =>
      line === null || aside.has(row) ? [] : [{ row, findings: [{ ...finding, place: { row } }] }],
    )
    for (const [stretch, some] of Map.groupBy(rows, ({ row }) => stretchOf(row, entry))) {
      number += 1
      const key = { employer, period, region, entry }
      await insertSetAside(client, keys, batch, [{ ...key, number, stretch, rows: some }])
    }
  }
}
