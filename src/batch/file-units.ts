/**
 * The third step with a file: its declarations are accepted into the journal, in the bulk lane, as any
 * filing is, at the time when the file was received. A declaration of many lines goes in parts, its
 * head last.
 *
 * If the process dies
 *  - before a group's commit: nothing of it is stored; the next worker makes the same filings again;
 *  - after it, before it is written down: the same filings are replays of what was accepted, as their
 *    ids follow from the file; which envelopes they lie in is read from the journal;
 *  - before the queue has the envelope: the sweeper finds it.
 * A worker that lost the batch to another may still accept filings: they are the same ones.
 */
import type pg from 'pg'
import type { Declaration } from '../declaration/schema.ts'
import type { AcceptGroup, Filing } from '../journal/accept.ts'
import { fileDeclaration } from '../journal/filing.ts'
import {
  bulkEnvelopeLinesMax,
  groupBytesMax,
  groupDeclarationsMax,
  partLinesMax,
  unitsAtATime,
} from '../limits.ts'
import type { Policies } from '../policy/rules.ts'
import { keyOf } from './check-units.ts'
import { partsOfRow } from './declared-row.ts'
import { Entries } from './entries.ts'
import { type PieceKeys, readPieces, type UnitKey } from './pieces.ts'
import type { RowHeader } from './row-line.ts'
import { RowSet, readSetAside } from './set-aside.ts'
import { type BatchWork, moveOn, type StepDependencies, writeStep } from './work.ts'

export type FileDependencies = StepDependencies & {
  readonly keys: PieceKeys
  readonly policies: Policies
  /** Into the bulk lane. */
  readonly acceptGroup: AcceptGroup
  readonly enqueue: (envelope: bigint) => void
}

type Unit = UnitKey & {
  readonly id: string
  readonly rowsSetAside: number
  readonly replaces: string | undefined
  readonly parts: number
  readonly partsFiled: number
}

/** Files what is good of every unit. */
export async function fileUnits(
  dependencies: FileDependencies,
  work: BatchWork,
): Promise<BatchWork> {
  const group = new Group(dependencies, work)
  for (let after: UnitKey | undefined; ; ) {
    const units = await listUnfiled(dependencies.pool, work.batch, after)
    if (units.length === 0) break
    for (const unit of units) {
      const parts = unit.entry === 0 ? partsOf : partsOfDeclared
      for await (const part of parts(dependencies, work, unit)) await group.add(part)
    }
    await group.accept()
    after = units.at(-1)
  }
  return moveOn(dependencies, work, 'file')
}

/** @param after all up to this one are filed: they need not be looked at */
async function listUnfiled(
  pool: pg.Pool,
  batch: string,
  after: UnitKey | undefined,
): Promise<Unit[]> {
  const { rows } = await pool.query<
    UnitKey & {
      id: string
      rows_set_aside: number
      replaces: string | null
      parts: number
      parts_filed: number
    }
  >({
    name: 'list-unfiled-units',
    text: `
      select employer, period, entry, id, rows_set_aside, replaces, parts, parts_filed
      from batch.unit
      where batch = $1 and (employer, period, entry) > ($2, $3, $4) and parts_filed < parts
      order by employer, period, entry
      limit $5`,
    values: [batch, after?.employer ?? '', after?.period ?? '', after?.entry ?? -1, unitsAtATime],
  })
  return rows.map(({ rows_set_aside, parts_filed, replaces, ...unit }) => ({
    ...unit,
    rowsSetAside: rows_set_aside,
    partsFiled: parts_filed,
    replaces: replaces ?? undefined,
  }))
}

type FiledPart = {
  readonly unit: Unit
  readonly number: number
  readonly rows: number
  readonly lines: number
  readonly filing: Filing
}

/** The parts of a unit that are not filed yet, in order; one, if it travels whole. */
async function* partsOf(
  { pool, keys, policies }: FileDependencies,
  work: BatchWork,
  unit: Unit,
): AsyncGenerator<FiledPart> {
  const aside = new RowSet()
  if (unit.rowsSetAside > 0) {
    for await (const rows of readSetAside(pool, keys, work.batch, unit)) {
      for (const { row } of rows) aside.add(row)
    }
  }
  const entries = new Entries()
  let header: RowHeader | undefined
  let lines: object[] = []
  let rows = 0
  let number = 0
  const part = (): FiledPart | undefined => {
    number += 1
    const [taken, takenRows] = [lines, rows]
    lines = []
    rows = 0
    if (number <= unit.partsFiled) return undefined
    const { replaces } = unit
    const declaration = {
      ...(header as RowHeader),
      kind: work.kind,
      ...(replaces !== undefined && { replaces }),
      lines: taken,
    } as unknown as Declaration
    const filing = filingOf(policies, work, unit, declaration, number)
    return { unit, number, rows: takenRows, lines: taken.length, filing }
  }
  const take = function* (found: readonly { rows: readonly number[]; line: object }[]) {
    for (const entry of found) {
      if (aside.has(entry.rows[0] as number)) continue
      if (lines.length === partLinesMax) {
        const full = part()
        if (full !== undefined) yield full
      }
      lines.push(entry.line)
      rows += entry.rows.length
    }
  }
  for await (const piece of readPieces(pool, keys, work.batch, unit)) {
    header ??= piece.header
    yield* take(entries.take(piece).lines)
  }
  yield* take(entries.end())
  const last = part()
  if (last !== undefined) yield last
}

/** Of a declaration that is a row; the row is filed with its last part. */
async function* partsOfDeclared(
  { pool, keys, policies }: FileDependencies,
  work: BatchWork,
  unit: Unit,
): AsyncGenerator<FiledPart> {
  const parts = await partsOfRow(pool, keys, work.batch, unit)
  for (const [i, declaration] of parts.entries()) {
    const number = i + 1
    if (number <= unit.partsFiled) continue
    const filing = filingOf(policies, work, unit, declaration, number)
    const rows = number === parts.length ? 1 : 0
    yield { unit, number, rows, lines: declaration.lines?.length ?? 0, filing }
  }
}

function filingOf(
  policies: Policies,
  work: BatchWork,
  unit: Unit,
  declaration: Declaration,
  number: number,
): Filing {
  const { parts: count, id: of } = unit
  const rules = policies.rulesFor(declaration.region, declaration.period)
  if (rules.kind !== 'rules') throw new Error(`no rules for ${declaration.region} any more`)
  const key = keyOf(work.batch, unit)
  return fileDeclaration({
    declaration,
    rules,
    key: number === count ? key : `${key}/part ${number}`,
    acceptedAtMicros: work.receivedAtMicros,
    ...(count > 1 && { part: { of, number, count } }),
  })
}

/** What goes into one envelope. */
class Group {
  readonly #dependencies: FileDependencies
  readonly #work: BatchWork
  #parts: FiledPart[] = []
  #lines = 0
  #bytes = 0

  constructor(dependencies: FileDependencies, work: BatchWork) {
    this.#dependencies = dependencies
    this.#work = work
  }

  async add(part: FiledPart): Promise<void> {
    const bytes = part.filing.canonical.length
    const full =
      this.#parts.length === groupDeclarationsMax ||
      this.#lines + part.lines > bulkEnvelopeLinesMax ||
      this.#bytes + bytes > groupBytesMax
    if (full) await this.accept()
    this.#parts.push(part)
    this.#lines += part.lines
    this.#bytes += bytes
  }

  /** Accepts what is in it, writes that down, and puts the envelope on the queue. */
  async accept(): Promise<void> {
    const parts = this.#parts
    if (parts.length === 0) return
    this.#parts = []
    this.#lines = 0
    this.#bytes = 0
    const { acceptGroup, enqueue } = this.#dependencies
    const { envelope } = await acceptGroup(parts.map(({ filing }) => filing))
    const counts = {
      rows_filed: parts.reduce((sum, { rows }) => sum + rows, 0),
      declarations: parts.filter(({ unit, number }) => number === unit.parts).length,
    }
    await writeStep(this.#dependencies, this.#work, counts, (client) =>
      noteFiled(client, this.#work.batch, parts),
    )
    if (envelope !== undefined) enqueue(envelope)
  }
}

/** Each part once, in the transaction that counts it; an envelope may hold parts of several groups. */
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
        select employer, period, entry, max(number) as number
        from unnest($2::text[], $3::text[], $4::integer[], $5::integer[])
          as f (employer, period, entry, number)
        group by employer, period, entry
      ) f
      where u.batch = $1 and u.employer = f.employer and u.period = f.period and u.entry = f.entry`,
    values: [
      batch,
      parts.map(({ unit }) => unit.employer),
      parts.map(({ unit }) => unit.period),
      parts.map(({ unit }) => unit.entry),
      parts.map(({ number }) => number),
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
