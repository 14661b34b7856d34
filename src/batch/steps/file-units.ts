/**
 * The third step of a file: its declarations are accepted into the journal in the bulk lane, as any
 * filing is, with the time at which the file was received. A declaration of many lines travels in
 * parts, its head last. Acceptance expects the current declaration that the check found; if it meets
 * another one, all rows of the unit are rejected (late-units.ts).
 *
 * If the process dies
 *  - before a group's commit: nothing of it is stored; the next worker makes the same filings again;
 *  - after it, before it is recorded: the same filings are replays, because their ids follow from the
 *    file; the journal tells which envelopes they are in;
 *  - before all rows rejected here are stored: see late-rows.ts;
 *  - before the queue has the envelope: the sweeper finds it;
 *  - before the errors file has the rows rejected here: the next worker picks all rows again, because
 *    the first rejection here deletes those that the check had stored.
 * A worker that lost its lease may still accept filings: they are the same ones. The check named the
 * prior declaration that an amendment keeps, and the journal has it, so that is the same, too.
 */
import assert from 'node:assert/strict'
import type pg from 'pg'
import type { AcceptGroup } from '../../journal/accept.ts'
import { JournalReader } from '../../journal/reading/reader.ts'
import { bulkEnvelopeLinesMax, groupBytesMax, groupDeclarationsMax } from '../../limits.ts'
import { openRowsAfterFiling, saveOpenRows } from '../amending/claim-amended.ts'
import { type FiledPart, listUnfiled, type UnfiledUnit } from '../amending/unfiled-units.ts'
import { saveErrorRows } from '../errors/error-rows.ts'
import { rejectLateRows } from '../errors/late-rows.ts'
import { advanceStage, type LeasedBatch, writeStep } from '../lease/batch-lease.ts'
import type { UnitKey } from '../staging/staged-rows.ts'
import { findFiler } from '../state/acts.ts'
import { type Amendment, findAmendment } from '../table/amendment.ts'
import { AcceptInHalves } from './accept-in-halves.ts'
import {
  type FiledFile,
  type PartDependencies,
  partsOfDeclared,
  partsOfUnit,
} from './filed-parts.ts'
import { LateUnits } from './late-units.ts'

export type FileDependencies = PartDependencies & {
  /** Accepts into the bulk lane. */
  readonly acceptGroup: AcceptGroup
  readonly enqueue: (envelope: bigint) => void
}

/** Files the good rows of every unit. */
export async function fileUnits(
  dependencies: FileDependencies,
  work: LeasedBatch,
): Promise<LeasedBatch> {
  const { pool, keys } = dependencies
  const group = new Group(dependencies, work)
  const file = {
    amendment: await findAmendment(pool, work),
    journal: new JournalReader(pool, keys.all),
    by: await findFiler(pool, keys.all, work),
  }
  for (let after: UnitKey | undefined; ; ) {
    const units = await listUnfiled(pool, work.batch, after)
    if (units.length === 0) break
    assertMayFile(work, units)
    const parts =
      units[0]?.entry === 0
        ? partsOfAll(dependencies, work, file, units)
        : partsOfDeclared(dependencies, work, file, units)
    for await (const part of parts) await group.add(part)
    await group.accept()
    after = units.at(-1)
  }
  return endFiling(dependencies, work, file.amendment)
}

/** Before the batch moves on, rows rejected here are in the errors file and open for amendments. */
async function endFiling(
  dependencies: FileDependencies,
  work: LeasedBatch,
  amendment: Amendment | undefined,
): Promise<LeasedBatch> {
  await rejectLateRows(dependencies, work)
  const { rows } = await dependencies.pool.query<{ rows_good: string; rows_set_aside: string }>(
    'select rows_good, rows_set_aside from batch.work where batch = $1',
    [work.batch],
  )
  const [good, setAside] = [Number(rows[0]?.rows_good), Number(rows[0]?.rows_set_aside)]
  if (setAside > 0) await saveErrorRows(dependencies, work)
  const event = good === 0 ? 'refuse' : 'file'
  if (amendment === undefined) return advanceStage(dependencies, work, event)
  const open = await openRowsAfterFiling(dependencies, work, amendment)
  return advanceStage(dependencies, work, event, (client) => saveOpenRows(client, amendment, open))
}

/** The check rejected all rows that the senders may not file: nothing else gets into the journal. */
function assertMayFile({ batch, mayFileFor }: LeasedBatch, units: readonly UnfiledUnit[]): void {
  const isTheirs = units.every(({ employer }) => mayFileFor.has(employer))
  assert(isTheirs, `batch ${batch} has a unit of an employer that its senders may not file for`)
}

async function* partsOfAll(
  dependencies: FileDependencies,
  work: LeasedBatch,
  file: FiledFile,
  units: readonly UnfiledUnit[],
): AsyncGenerator<FiledPart> {
  for (const unit of units) yield* partsOfUnit(dependencies, work, file, unit)
}

/** The parts of one envelope. */
class Group {
  readonly #dependencies: FileDependencies
  readonly #work: LeasedBatch
  readonly #accepting: AcceptInHalves
  /** Rejected units: their further parts are not filed. */
  readonly #late = new Set<UnfiledUnit>()
  #parts: FiledPart[] = []
  #lines = 0
  #bytes = 0

  constructor(dependencies: FileDependencies, work: LeasedBatch) {
    this.#dependencies = dependencies
    this.#work = work
    this.#accepting = new AcceptInHalves(dependencies.acceptGroup)
  }

  async add(part: FiledPart): Promise<void> {
    const bytes = part.filing.canonical.length
    const full =
      this.#parts.length === groupDeclarationsMax ||
      this.#lines + part.lines > bulkEnvelopeLinesMax ||
      this.#bytes + bytes > groupBytesMax
    if (full) await this.accept()
    if (this.#late.has(part.unit)) return
    this.#parts.push(part)
    this.#lines += part.lines
    this.#bytes += bytes
  }

  /** Accepts the parts, records them, and puts their envelopes on the queue. */
  async accept(): Promise<void> {
    const parts = this.#parts
    if (parts.length === 0) return
    this.#parts = []
    this.#lines = 0
    this.#bytes = 0
    const [dependencies, work] = [this.#dependencies, this.#work]
    const results = await this.#accepting.accept(parts.map(({ filing }) => filing))
    const late = new LateUnits(work, parts, results)
    for (const unit of late.units) this.#late.add(unit)
    const filed = parts.filter(({ unit }) => !late.units.has(unit))
    const counts = {
      rows_filed: filed.reduce((sum, { rows }) => sum + rows, 0),
      rows_set_aside: late.rows,
      declarations: filed.filter(({ unit, number }) => number === unit.parts).length,
    }
    await writeStep(dependencies, work, counts, async (client) => {
      await noteFiled(client, work.batch, filed)
      await late.write(client)
    })
    for (const { envelope } of results) if (envelope !== undefined) dependencies.enqueue(envelope)
  }
}

/**
 * Records each part once, in the transaction that counts it. An envelope may hold parts of several
 * groups.
 */
async function noteFiled(
  client: pg.PoolClient,
  batch: string,
  parts: readonly FiledPart[],
): Promise<void> {
  await client.query({
    name: 'note-filed-parts',
    text: `
      update batch.unit u
      set parts_filed = greatest(u.parts_filed, f.number)
      from (
        select employer, period, region, entry, max(number) as number
        from unnest($2::text[], $3::text[], $4::integer[], $5::integer[], $6::text[])
          as f (employer, period, entry, number, region)
        group by employer, period, region, entry
      ) f
      where u.batch = $1 and u.employer = f.employer and u.period = f.period
        and u.region = f.region and u.entry = f.entry`,
    values: [
      batch,
      parts.map(({ unit }) => unit.employer),
      parts.map(({ unit }) => unit.period),
      parts.map(({ unit }) => unit.entry),
      parts.map(({ number }) => number),
      parts.map(({ unit }) => unit.region),
    ],
  })
  await client.query({
    name: 'note-batch-envelopes',
    text: `
      insert into batch.envelope as e (batch, envelope, rows)
      select $1, a.envelope, sum(f.rows)
      from journal.acceptance a
      join unnest($2::text[], $3::integer[]) as f (id, rows) on f.id = a.id
      group by a.envelope
      on conflict (batch, envelope) do update
      set rows = e.rows + excluded.rows`,
    values: [batch, parts.map(({ filing }) => filing.id), parts.map(({ rows }) => rows)],
  })
}
