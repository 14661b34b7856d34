/**
 * Stores the rows of units that were rejected at filing (late-units.ts), with the finding that the unit
 * keeps until then. A unit may have hundreds of thousands of rows. Each step stores a bounded number of
 * them and renews the lease.
 *
 * If the process dies before a step's commit, nothing of that step is stored. After it, the next worker
 * skips the rows that are already rejected and continues behind them. The step with the last row of a
 * unit also removes the unit's finding, and filing does not end before that.
 */
import type pg from 'pg'
import { lateRowsAtATime, unitsAtATime } from '../../limits.ts'
import type { FileFinding } from '../findings/file-findings.ts'
import { type LeasedBatch, type StepDependencies, writeStep } from '../lease/batch-lease.ts'
import { withHeartbeat } from '../lease/lease-heartbeat.ts'
import {
  insertRejectedRows,
  type RejectedPiece,
  type RejectedRow,
  readRejectedRows,
} from '../staging/rejected-rows.ts'
import { RowSet } from '../staging/row-set.ts'
import { readStagedPieces, type UnitKey } from '../staging/staged-rows.ts'
import type { SealingKeys } from '../state/seal.ts'
import { stretchOf } from './error-rows.ts'

type LateDependencies = StepDependencies & { readonly keys: SealingKeys }
type LateUnit = UnitKey & { readonly finding: FileFinding }

/** Rejects the rows of all units that still have a finding. */
export async function rejectLateRows(
  dependencies: LateDependencies,
  work: LeasedBatch,
): Promise<void> {
  const writer = new LateWriter(dependencies, work)
  for (let after: UnitKey | undefined; ; ) {
    const units = await listLate(dependencies.pool, work.batch, after)
    if (units.length === 0) return
    for (const unit of units) await rejectUnit(dependencies, work, unit, writer)
    await writer.write()
    after = units.at(-1)
  }
}

/** Rejects all rows of a unit that the check found good and that are not rejected yet. */
async function rejectUnit(
  dependencies: LateDependencies,
  work: LeasedBatch,
  { finding, ...unit }: LateUnit,
  writer: LateWriter,
): Promise<void> {
  const { pool, keys } = dependencies
  const rejected = new RowSet()
  const before = readRejectedRows(pool, keys, work.batch, unit)
  for await (const rows of withHeartbeat(dependencies, work, before))
    for (const { row } of rows) rejected.add(row)
  let number = await lastNumberOf(pool, work.batch, unit)
  const pieces = readStagedPieces(pool, keys, work.batch, unit)
  for await (const piece of withHeartbeat(dependencies, work, pieces)) {
    const rows = piece.rows.flatMap(([row, line]): RejectedRow[] =>
      line === null || rejected.has(row)
        ? []
        : [{ row, findings: [{ ...finding, place: { row } }] }],
    )
    for (const [stretch, some] of Map.groupBy(rows, ({ row }) => stretchOf(row, unit.entry))) {
      for (let at = 0; at < some.length; at += lateRowsAtATime) {
        number += 1
        const taken = some.slice(at, at + lateRowsAtATime)
        await writer.add({ ...unit, number, stretch, rows: taken })
      }
    }
  }
  writer.end(unit)
}

/** Collects the rows of the next step. */
class LateWriter {
  readonly #dependencies: LateDependencies
  readonly #work: LeasedBatch
  #pieces: RejectedPiece[] = []
  #ended: UnitKey[] = []
  #rows = 0

  constructor(dependencies: LateDependencies, work: LeasedBatch) {
    this.#dependencies = dependencies
    this.#work = work
  }

  async add(piece: RejectedPiece): Promise<void> {
    if (this.#rows > 0 && this.#rows + piece.rows.length > lateRowsAtATime) await this.write()
    this.#pieces.push(piece)
    this.#rows += piece.rows.length
  }

  /** All rows of this unit were added. */
  end(unit: UnitKey): void {
    this.#ended.push(unit)
  }

  async write(): Promise<void> {
    const [pieces, ended] = [this.#pieces, this.#ended]
    this.#pieces = []
    this.#ended = []
    this.#rows = 0
    if (pieces.length === 0 && ended.length === 0) return
    const { batch } = this.#work
    await writeStep(this.#dependencies, this.#work, {}, async (client) => {
      await insertRejectedRows(client, this.#dependencies.keys, batch, pieces)
      await deleteFindings(client, batch, ended)
    })
  }
}

async function listLate(
  pool: pg.Pool,
  batch: string,
  after: UnitKey | undefined,
): Promise<readonly LateUnit[]> {
  const { rows } = await pool.query<LateUnit>({
    name: 'list-late-units',
    text: `
      select employer, period, region, entry, late as finding
      from batch.unit
      where batch = $1 and (employer, period, region, entry) > ($2, $3, $6, $4)
        and late is not null
      order by employer, period, region, entry
      limit $5`,
    values: [
      ...[batch, after?.employer ?? '', after?.period ?? '', after?.entry ?? -1, unitsAtATime],
      after?.region ?? '',
    ],
  })
  return rows
}

async function lastNumberOf(
  pool: pg.Pool,
  batch: string,
  { employer, period, region, entry }: UnitKey,
): Promise<number> {
  const { rows } = await pool.query<{ number: number | null }>({
    name: 'find-last-rejected-rows',
    text: `
      select max(number) as number
      from batch.set_aside
      where batch = $1 and employer = $2 and period = $3 and entry = $4 and region = $5`,
    values: [batch, employer, period, entry, region],
  })
  return rows[0]?.number ?? 0
}

async function deleteFindings(
  client: pg.PoolClient,
  batch: string,
  units: readonly UnitKey[],
): Promise<void> {
  if (units.length === 0) return
  await client.query({
    name: 'delete-late-findings',
    text: `
      update batch.unit u
      set late = null
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
}
