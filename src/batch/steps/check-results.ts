/**
 * Buffers the results of checked units, and writes units and rejected rows some thousand rows at a
 * time.
 */
import type pg from 'pg'
import { declarationId } from '../../journal/digest.ts'
import { checkedRowsAtATime } from '../../limits.ts'
import type { CurrentDeclaration } from '../amending/current-declaration.ts'
import { type LeasedBatch, type StepDependencies, writeStep } from '../lease/batch-lease.ts'
import { filingKeyOf } from '../staging/prior-declaration.ts'
import {
  deleteRejectedAfter,
  insertRejectedRows,
  type RejectedPiece,
} from '../staging/rejected-rows.ts'
import type { UnitKey } from '../staging/staged-rows.ts'
import type { TotalFen } from '../staging/unit-totals.ts'
import type { SealingKeys } from '../state/seal.ts'
import type { WarnedRows } from './warned-rows.ts'

/** The result of a unit. */
type CheckedUnit = UnitKey & {
  readonly good: number
  readonly setAside: number
  readonly lines: number
  /** Parts that its lines travel in; 0 if nothing is filed. */
  readonly parts: number
  /** Pieces of its rejected rows. */
  readonly pieces: number
  /** Only for a file that is only checked. */
  readonly total?: TotalFen
} & CurrentDeclaration

type CheckResultDependencies = StepDependencies & { readonly keys: SealingKeys }

/** Writes all buffered results in one transaction. */
export class CheckResults {
  readonly #dependencies: CheckResultDependencies
  readonly #work: LeasedBatch
  #units: CheckedUnit[] = []
  #setAside: RejectedPiece[] = []
  #rows = 0

  /** Only for a file that is only checked. */
  readonly #warned: WarnedRows | undefined

  constructor(dependencies: CheckResultDependencies, work: LeasedBatch, warned?: WarnedRows) {
    this.#dependencies = dependencies
    this.#work = work
    this.#warned = warned
  }

  async reject(some: RejectedPiece): Promise<void> {
    this.#setAside.push(some)
    await this.countChecked(some.rows.reduce((sum, { findings }) => sum + findings.length, 0))
  }

  async add(unit: CheckedUnit): Promise<void> {
    this.#units.push(unit)
    await this.countChecked(1)
  }

  /** Counts checked rows. It writes when enough have come, which also renews the lease. */
  async countChecked(rows: number): Promise<void> {
    this.#rows += rows
    if (this.#rows >= checkedRowsAtATime) await this.write()
  }

  /** Writes everything buffered. */
  async write(): Promise<void> {
    const { batch } = this.#work
    const [units, setAside] = [this.#units, this.#setAside]
    const sum = (of: (unit: CheckedUnit) => number) => units.reduce((all, one) => all + of(one), 0)
    // An incomplete unit counts nothing yet: the next worker checks it from its beginning.
    const counts =
      units.length === 0
        ? {}
        : { rows_good: sum(({ good }) => good), rows_set_aside: sum((u) => u.setAside) }
    this.#units = []
    this.#setAside = []
    this.#rows = 0
    await writeStep(this.#dependencies, this.#work, counts, async (client) => {
      await insertRejectedRows(client, this.#dependencies.keys, batch, setAside)
      await deleteRejectedAfter(client, batch, units)
      await insertUnits(client, this.#work, units)
      await this.#warned?.write(client)
    })
  }
}

async function insertUnits(
  client: pg.PoolClient,
  { batch, rechecks }: LeasedBatch,
  units: readonly CheckedUnit[],
): Promise<void> {
  if (units.length === 0) return
  const unitKeys = units.map((unit) => filingKeyOf(batch, unit, rechecks))
  await client.query({
    name: 'insert-units',
    text: `
      insert into batch.unit (
        batch, employer, period, region, entry, id, rows_good, rows_set_aside, lines, replaces, parts,
        latest, keeps, key, employer_fen, employee_fen, head_pays
      )
      select $1, u.employer, u.period, u.region, u.entry, u.id, u.good, u.set_aside, u.lines, u.replaces,
        u.parts, u.latest, u.keeps, u.key, u.employer_fen, u.employee_fen, true
      from unnest(
        $2::text[], $3::text[], $4::integer[], $5::text[], $6::integer[], $7::integer[],
        $8::integer[], $9::text[], $10::integer[], $11::text[], $12::text[], $13::text[],
        $14::bigint[], $15::bigint[], $16::text[]
      ) as u (
        employer, period, entry, id, good, set_aside, lines, replaces, parts, latest, keeps, key,
        employer_fen, employee_fen, region
      )`,
    values: [
      batch,
      units.map(({ employer }) => employer),
      units.map(({ period }) => period),
      units.map(({ entry }) => entry),
      units.map(({ employer, period }, i) =>
        declarationId(employer, period, unitKeys[i] as string),
      ),
      units.map(({ good }) => good),
      units.map(({ setAside }) => setAside),
      units.map(({ lines }) => lines),
      units.map(({ replaces }) => replaces ?? null),
      units.map(({ parts }) => parts),
      units.map(({ latest }) => latest ?? null),
      units.map(({ prior }) => prior?.id ?? null),
      unitKeys,
      units.map(({ total }) => total?.employerFen ?? null),
      units.map(({ total }) => total?.employeeFen ?? null),
      units.map(({ region }) => region),
    ],
  })
}
