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
 * A worker that lost the batch to another may still accept filings: they are the same ones. What a
 * mended file keeps of an earlier declaration was named when it was checked, and is in the journal: it
 * is the same, too.
 */
import assert from 'node:assert/strict'
import type pg from 'pg'
import type { Part } from '../declaration/part.ts'
import type { Declaration } from '../declaration/schema.ts'
import type { AcceptGroup, Filing } from '../journal/accept.ts'
import { fileDeclaration } from '../journal/filing.ts'
import { JournalReader } from '../journal/reader.ts'
import {
  bulkEnvelopeLinesMax,
  groupBytesMax,
  groupDeclarationsMax,
  partBytesMax,
  unitsAtATime,
} from '../limits.ts'
import type { PeriodRules, Policies } from '../policy/rules.ts'
import { AcceptInHalves } from './accept-in-halves.ts'
import { type Amendment, findAmendment, kindOf } from './amendment.ts'
import { partsOfRows } from './declared-row.ts'
import { keepingWork } from './keep-work.ts'
import { type FiledUnitKey, findKept, partKeyOf, storedKey } from './kept.ts'
import { readUnit } from './merge.ts'
import { addFindings, findReplaced } from './overtaken.ts'
import { PartCut } from './part-cut.ts'
import { type PieceKeys, readPieces, type UnitKey } from './pieces.ts'
import type { RowHeader } from './row-line.ts'
import { RowSet } from './row-set.ts'
import { readSetAside } from './set-aside.ts'
import { UnitParts } from './unit-parts.ts'
import { type BatchWork, moveOn, type StepDependencies, writeStep } from './work.ts'

export type FileDependencies = StepDependencies & {
  readonly keys: PieceKeys
  readonly policies: Policies
  /** Into the bulk lane. */
  readonly acceptGroup: AcceptGroup
  readonly enqueue: (envelope: bigint) => void
}

type Unit = FiledUnitKey & {
  readonly id: string
  readonly rowsSetAside: number
  readonly lines: number
  readonly replaces: string | undefined
  /** The declaration whose lines it keeps. */
  readonly keeps: string | undefined
  readonly parts: number
  readonly headPays: boolean
  /** False of what was checked before parts were: by lines alone. */
  readonly cutByBytes: boolean
  readonly partsFiled: number
}

/** Files what is good of every unit. */
export async function fileUnits(
  dependencies: FileDependencies,
  work: BatchWork,
): Promise<BatchWork> {
  const { pool, keys } = dependencies
  const group = new Group(dependencies, work)
  const file = {
    amendment: await findAmendment(pool, work),
    journal: new JournalReader(pool, keys.all),
  }
  for (let after: UnitKey | undefined; ; ) {
    const units = await listUnfiled(pool, work.batch, after)
    if (units.length === 0) break
    const parts =
      units[0]?.entry === 0
        ? partsOfAll(dependencies, work, file, units)
        : partsOfDeclared(dependencies, work, units)
    for await (const part of parts) await group.add(part)
    await group.accept()
    after = units.at(-1)
  }
  const replaced = file.amendment === undefined ? [] : await findReplaced(pool, work.batch)
  return moveOn(dependencies, work, 'file', async (client) => {
    if (replaced.length > 0) await addFindings(client, keys, work.batch, replaced)
  })
}

/** @param after all up to this one are filed: they need not be looked at */
async function listUnfiled(
  pool: pg.Pool,
  batch: string,
  after: UnitKey | undefined,
): Promise<Unit[]> {
  const { rows } = await pool.query<
    FiledUnitKey & {
      id: string
      cut_by_bytes: boolean
      rows_set_aside: number
      lines: number
      replaces: string | null
      keeps: string | null
      parts: number
      head_pays: boolean
      parts_filed: number
    }
  >({
    name: 'list-unfiled-units',
    text: `
      select employer, period, entry, id, ${storedKey} as key, key is not null as cut_by_bytes,
        rows_set_aside, lines, replaces, keeps, parts, head_pays, parts_filed
      from batch.unit u
      where batch = $1 and (employer, period, entry) > ($2, $3, $4) and parts_filed < parts
      order by employer, period, entry
      limit $5`,
    values: [batch, after?.employer ?? '', after?.period ?? '', after?.entry ?? -1, unitsAtATime],
  })
  return rows.map(
    ({ rows_set_aside, replaces, keeps, cut_by_bytes, head_pays, parts_filed, ...unit }) => ({
      ...unit,
      cutByBytes: cut_by_bytes,
      rowsSetAside: rows_set_aside,
      headPays: head_pays,
      partsFiled: parts_filed,
      replaces: replaces ?? undefined,
      keeps: keeps ?? undefined,
    }),
  )
}

type FiledPart = {
  readonly unit: Unit
  readonly number: number
  readonly rows: number
  readonly lines: number
  readonly filing: Filing
}

/** What all units of a file have in common. */
type FiledFile = {
  readonly amendment: Amendment | undefined
  readonly journal: JournalReader
}

async function* partsOfAll(
  dependencies: FileDependencies,
  work: BatchWork,
  file: FiledFile,
  units: readonly Unit[],
): AsyncGenerator<FiledPart> {
  for (const unit of units) yield* partsOf(dependencies, work, file, unit)
}

/** The parts of a unit that are not filed yet, in order; one, if it travels whole. */
async function* partsOf(
  dependencies: FileDependencies,
  work: BatchWork,
  { amendment, journal }: FiledFile,
  unit: Unit,
): AsyncGenerator<FiledPart> {
  const { pool, keys, policies } = dependencies
  const { keeps } = unit
  const kept = amendment && keeps ? await findKept(pool, amendment.first, unit, keeps) : undefined
  assert((keeps === undefined) === (kept === undefined), 'what is kept stays')
  const aside = await rowsAside(dependencies, work, unit)
  let header: RowHeader | undefined
  let lines: object[] = []
  let rows = 0
  const parts = new UnitParts(unit)
  const cut = new PartCut(unit.cutByBytes ? partBytesMax : Number.POSITIVE_INFINITY)
  const next = (): FiledPart | undefined => {
    const [taken, takenRows] = [lines, rows]
    lines = []
    rows = 0
    const declaration = declarationOf(work, amendment, unit, header as RowHeader, taken)
    const rules = rulesOf(policies, declaration)
    const part = parts.next(declaration, rules)
    const { number } = part
    if (number <= unit.partsFiled) return undefined
    const filing = filingOf(work, amendment, unit, { declaration, rules, part })
    return { unit, number, rows: takenRows, lines: taken.length, filing }
  }
  const pieces = () => readPieces(pool, keys, work.batch, unit)
  const all = readUnit({ kept, journal, pieces, aside })
  for await (const read of keepingWork(dependencies, work, all)) {
    header ??= read.header
    for (const entry of read.lines) {
      if (cut.add(entry.line) && cut.parts > 1) {
        const full = next()
        if (full !== undefined) yield full
      }
      lines.push(entry.line)
      rows += entry.rows.length
    }
  }
  const last = next()
  parts.end()
  if (last !== undefined) yield last
}

/** Of declarations that are rows; a row is filed with its last part. They amend nothing. */
async function* partsOfDeclared(
  { pool, keys, policies }: FileDependencies,
  work: BatchWork,
  units: readonly Unit[],
): AsyncGenerator<FiledPart> {
  for await (const { unit, parts } of partsOfRows(pool, keys, work.batch, units)) {
    const unitParts = new UnitParts(unit)
    for (const declaration of parts) {
      const rules = rulesOf(policies, declaration)
      const part = unitParts.next(declaration, rules)
      const { number } = part
      if (number <= unit.partsFiled) continue
      const filing = filingOf(work, undefined, unit, { declaration, rules, part })
      const rows = number === parts.length ? 1 : 0
      yield { unit, number, rows, lines: declaration.lines?.length ?? 0, filing }
    }
    unitParts.end()
  }
}

async function rowsAside(
  dependencies: FileDependencies,
  work: BatchWork,
  unit: Unit,
): Promise<RowSet> {
  const aside = new RowSet()
  if (unit.rowsSetAside === 0) return aside
  const all = readSetAside(dependencies.pool, dependencies.keys, work.batch, unit)
  for await (const rows of keepingWork(dependencies, work, all)) {
    for (const { row } of rows) aside.add(row)
  }
  return aside
}

function declarationOf(
  work: BatchWork,
  amendment: Amendment | undefined,
  { replaces, keeps }: Unit,
  header: RowHeader,
  lines: readonly object[],
): Declaration {
  return {
    ...header,
    kind: kindOf(work, amendment, keeps),
    ...(replaces !== undefined && { replaces }),
    lines,
  } as unknown as Declaration
}

function rulesOf(policies: Policies, { region, period }: Declaration): PeriodRules {
  const rules = policies.rulesFor(region, period)
  if (rules.kind !== 'rules') throw new Error(`no rules for ${region} any more`)
  return rules
}

type MadePart = {
  readonly declaration: Declaration
  readonly rules: PeriodRules
  readonly part: Part
}

function filingOf(
  work: BatchWork,
  amendment: Amendment | undefined,
  unit: Unit,
  { declaration, rules, part }: MadePart,
): Filing {
  const { number, count } = part
  const atMicros = amendment?.attemptedAtMicros
  return fileDeclaration({
    declaration,
    rules,
    key: partKeyOf(unit, number, count),
    acceptedAtMicros: work.receivedAtMicros,
    ...(atMicros !== undefined && { attempt: { atMicros } }),
    ...(count > 1 && { part }),
    expects: 'anything',
    ...(number === count && { lines: unit.lines }),
  })
}

/** What goes into one envelope. */
class Group {
  readonly #dependencies: FileDependencies
  readonly #work: BatchWork
  readonly #accepting: AcceptInHalves
  #parts: FiledPart[] = []
  #lines = 0
  #bytes = 0

  constructor(dependencies: FileDependencies, work: BatchWork) {
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
    this.#parts.push(part)
    this.#lines += part.lines
    this.#bytes += bytes
  }

  /** Accepts what is in it, writes that down, and puts its envelopes on the queue. */
  async accept(): Promise<void> {
    const parts = this.#parts
    if (parts.length === 0) return
    this.#parts = []
    this.#lines = 0
    this.#bytes = 0
    const { enqueue } = this.#dependencies
    const results = await this.#accepting.accept(parts.map(({ filing }) => filing))
    const counts = {
      rows_filed: parts.reduce((sum, { rows }) => sum + rows, 0),
      declarations: parts.filter(({ unit, number }) => number === unit.parts).length,
    }
    await writeStep(this.#dependencies, this.#work, counts, (client) =>
      noteFiled(client, this.#work.batch, parts),
    )
    for (const { envelope } of results) if (envelope !== undefined) enqueue(envelope)
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
