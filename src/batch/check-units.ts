/**
 * The second step with a file: what it says for each employer and period is checked as a declaration
 * is, by the same rules; rows with errors are set aside. Nothing is filed yet, so that all or nothing
 * can be decided. A process that dies costs the units checked since the last verdicts were written.
 */
import type pg from 'pg'
import type { FoundFault } from '../declaration/findings.ts'
import { maskIdNumber, normaliseIdNumber, personKey } from '../declaration/identity.ts'
import { dayOf } from '../declaration/period.ts'
import type { Person } from '../declaration/schema.ts'
import { declarationId } from '../journal/digest.ts'
import { checkedRowsAtATime, partLinesMax, unitsAtATime } from '../limits.ts'
import { checkFiling } from '../policy/check.ts'
import type { Policies } from '../policy/rules.ts'
import { checkDeclaredRow } from './declared-row.ts'
import { Entries, type LineEntry } from './entries.ts'
import { keepErrorRows, stretchOf } from './error-rows.ts'
import { type FileFinding, fileFinding } from './file-findings.ts'
import { findLayout } from './find.ts'
import { PersonSet } from './person-set.ts'
import {
  listUnchecked,
  type Piece,
  readPieces,
  type UncheckedUnit,
  type UnitKey,
} from './pieces.ts'
import type { ReadDependencies } from './read-file.ts'
import type { RowHeader } from './row-line.ts'
import { insertSetAside, type SetAside, type SetAsideRow } from './set-aside.ts'
import { type BatchWork, moveOn, writeStep } from './work.ts'

export type CheckDependencies = ReadDependencies & { readonly policies: Policies }

/** A declaration's key among those of its employer and period: the file's, for all that it files. */
export function keyOf(batch: string, { entry }: UnitKey): string {
  return entry === 0 ? batch : `${batch}/${entry}`
}

/** What a unit comes to. */
type CheckedUnit = UnitKey & {
  readonly good: number
  readonly setAside: number
  readonly lines: number
  readonly replaces: string | undefined
}

/** Checks every unit, and keeps what is set aside; then the batch is refused, or may be filed. */
export async function checkUnits(
  dependencies: CheckDependencies,
  work: BatchWork,
): Promise<BatchWork> {
  const { pool, keys } = dependencies
  const verdicts = new Verdicts(dependencies, work)
  const layout = await findLayout(pool, keys.all, work.batch)
  const isErrorsFile = layout?.kind === 'table' && layout.header.columns.position !== undefined
  for (let after: UnitKey | undefined; ; ) {
    const units = await listUnchecked(pool, work.batch, after, unitsAtATime)
    if (units.length === 0) break
    for (const unit of units) {
      if (unit.entry === 0) await checkUnit(dependencies, work, { ...unit, isErrorsFile }, verdicts)
      else await checkRow(dependencies, work, unit, verdicts)
    }
    await verdicts.write()
    after = units.at(-1)
  }
  const { rows } = await pool.query<{ rows_good: string; rows_set_aside: string }>(
    'select rows_good, rows_set_aside from batch.work where batch = $1',
    [work.batch],
  )
  const [good, setAside] = [Number(rows[0]?.rows_good), Number(rows[0]?.rows_set_aside)]
  if (setAside > 0) await keepErrorRows(dependencies, work)
  const refused = good === 0 || (setAside > 0 && work.mode === 'all-or-nothing')
  return moveOn(dependencies, work, refused ? 'refuse' : 'check')
}

/** Verdicts that wait to be written, in one transaction. */
class Verdicts {
  readonly #dependencies: CheckDependencies
  readonly #work: BatchWork
  #units: CheckedUnit[] = []
  #setAside: SetAside[] = []
  #rows = 0

  constructor(dependencies: CheckDependencies, work: BatchWork) {
    this.#dependencies = dependencies
    this.#work = work
  }

  async setAside(some: SetAside): Promise<void> {
    this.#setAside.push(some)
    await this.#checked(some.rows.reduce((sum, { findings }) => sum + findings.length, 0))
  }

  async add(unit: CheckedUnit): Promise<void> {
    this.#units.push(unit)
    await this.#checked(unit.good)
  }

  async #checked(rows: number): Promise<void> {
    this.#rows += rows
    if (this.#rows >= checkedRowsAtATime) await this.write()
  }

  async write(): Promise<void> {
    const { batch } = this.#work
    const [units, setAside] = [this.#units, this.#setAside]
    const sum = (of: (unit: CheckedUnit) => number) => units.reduce((all, one) => all + of(one), 0)
    const counts = { rows_good: sum(({ good }) => good), rows_set_aside: sum((u) => u.setAside) }
    this.#units = []
    this.#setAside = []
    this.#rows = 0
    await writeStep(this.#dependencies, this.#work, counts, async (client) => {
      await insertSetAside(client, this.#dependencies.keys, batch, setAside)
      await insertUnits(client, batch, units)
    })
  }
}

async function insertUnits(
  client: pg.PoolClient,
  batch: string,
  units: readonly CheckedUnit[],
): Promise<void> {
  if (units.length === 0) return
  await client.query({
    name: 'insert-units',
    text: `
      insert into batch.unit (
        batch, employer, period, entry, id, rows_good, rows_set_aside, lines, replaces, parts
      )
      select $1, u.employer, u.period, u.entry, u.id, u.good, u.set_aside, u.lines, u.replaces,
        -- A cancellation has no lines, and is one part.
        greatest(ceil(u.lines::numeric / $10::integer), least(u.good, 1))
      from unnest(
        $2::text[], $3::text[], $4::integer[], $5::text[], $6::integer[], $7::integer[],
        $8::integer[], $9::text[]
      ) as u (employer, period, entry, id, good, set_aside, lines, replaces)`,
    values: [
      batch,
      units.map(({ employer }) => employer),
      units.map(({ period }) => period),
      units.map(({ entry }) => entry),
      units.map((unit) => declarationId(unit.employer, unit.period, keyOf(batch, unit))),
      units.map(({ good }) => good),
      units.map(({ setAside }) => setAside),
      units.map(({ lines }) => lines),
      units.map(({ replaces }) => replaces ?? null),
      partLinesMax,
    ],
  })
}

/** A unit that is a row of declarations. */
async function checkRow(
  dependencies: CheckDependencies,
  work: BatchWork,
  unit: UncheckedUnit,
  verdicts: Verdicts,
): Promise<void> {
  const { employer, period, entry } = unit
  const key = { employer, period, entry }
  const { declaration, aside } = await checkDeclaredRow(dependencies, work, unit)
  if (aside !== undefined)
    await verdicts.setAside({ ...key, number: 1, stretch: stretchOf(entry, entry), rows: [aside] })
  await verdicts.add({
    ...key,
    good: declaration === undefined ? 0 : 1,
    setAside: aside === undefined ? 0 : 1,
    lines: declaration?.lines?.length ?? 0,
    replaces: declaration?.replaces,
  })
}

async function checkUnit(
  { pool, keys, policies }: CheckDependencies,
  work: BatchWork,
  unit: UnitKey & { readonly rows: number; readonly isErrorsFile: boolean },
  verdicts: Verdicts,
): Promise<void> {
  const { employer, period, entry } = unit
  const key = { employer, period, entry }
  const before = await findReplaced(pool, unit)
  const replaces = work.kind === 'regular' ? undefined : before
  const check = new UnitCheck({ work, policies, replaces, several: unit.rows > partLinesMax })
  if (!work.mayFileFor.has(employer)) check.refuse(fileFinding('ROW_EMPLOYER_NOT_YOURS'))
  // Some rows of an employer are not all that it files: they would replace the others.
  if (unit.isErrorsFile && before !== undefined) check.refuse(fileFinding('ROWS_ALONE'))
  let number = 0
  const set = async (rows: readonly SetAsideRow[]) => {
    for (const [stretch, some] of Map.groupBy(rows, ({ row }) => stretchOf(row))) {
      number += 1
      await verdicts.setAside({ ...key, number, stretch, rows: some })
    }
  }
  for await (const piece of readPieces(pool, keys, work.batch, key)) {
    for (const rows of check.take(piece)) await set(rows)
  }
  await set(check.end())
  await verdicts.add({ ...key, ...check.counted(), replaces })
}

/** The latest declaration of an employer and period: what a correction in a file replaces. */
async function findReplaced(
  pool: pg.Pool,
  { employer, period }: UnitKey,
): Promise<string | undefined> {
  const { rows } = await pool.query<{ id: string }>({
    name: 'find-replaced',
    text: `
      select id
      from journal.acceptance
      where employer = $1 and period = $2 and kind <> 'reassessment'
      order by envelope desc, position desc
      limit 1`,
    values: [employer, period],
  })
  return rows[0]?.id
}

type UnitCheckOptions = {
  readonly work: BatchWork
  readonly policies: Policies
  readonly replaces: string | undefined
  /** Its lines are checked in several goes: persons are looked for across them. */
  readonly several: boolean
}

/** The check of one unit, as many lines at a time as a part has. */
class UnitCheck {
  readonly #options: UnitCheckOptions
  readonly #entries = new Entries()
  readonly #persons: PersonSet | undefined
  readonly #today: number
  /** What is wrong with all of its rows. */
  readonly #refused: FileFinding[] = []
  #header: RowHeader | undefined
  #waiting: LineEntry[] = []
  #good = 0
  #setAside = 0
  #lines = 0

  constructor(options: UnitCheckOptions) {
    this.#options = options
    this.#persons = options.several ? new PersonSet() : undefined
    this.#today = Number(dayOf(options.work.receivedAtMicros).replaceAll('-', ''))
  }

  refuse(finding: FileFinding): void {
    this.#refused.push(finding)
  }

  counted(): { good: number; setAside: number; lines: number } {
    return { good: this.#good, setAside: this.#setAside, lines: this.#lines }
  }

  /** Returns the rows that are set aside, go by go. */
  *take(piece: Piece): Generator<SetAsideRow[]> {
    this.#header ??= piece.header
    const sameHeader = JSON.stringify(piece.header) === JSON.stringify(this.#header)
    const { lines, faulty } = this.#entries.take(piece)
    const aside: SetAsideRow[] = [...faulty]
    if (sameHeader) this.#waiting.push(...lines)
    else for (const { rows } of lines) aside.push(...faultyRows(rows, [{ code: 'HEADER_DIFFERS' }]))
    if (aside.length > 0) yield this.#counting(aside)
    while (this.#waiting.length >= partLinesMax) {
      yield this.#check(this.#waiting.splice(0, partLinesMax))
    }
  }

  end(): SetAsideRow[] {
    return this.#check([...this.#waiting, ...this.#entries.end()])
  }

  #counting(rows: SetAsideRow[]): SetAsideRow[] {
    this.#setAside += rows.length
    return rows
  }

  #check(entries: readonly LineEntry[]): SetAsideRow[] {
    if (entries.length === 0) return []
    const { work, policies, replaces } = this.#options
    const body = {
      ...this.#header,
      kind: work.kind,
      ...(work.kind !== 'regular' && { replaces }),
      lines: entries.map(({ line }) => line),
    }
    const { findings } = checkFiling(body, {
      policies,
      nowMicros: work.receivedAtMicros,
      keptMax: Number.POSITIVE_INFINITY,
    })
    const faults = new Map<number, FileFinding[]>()
    for (const fault of findings.faults()) {
      if (fault.line < 0) this.#refuseOnce(fileFinding(fault.code, {}, fault.params))
      else addTo(faults, fault.line, findingOf(fault, entries))
    }
    this.#findRepeated(entries, faults)
    const aside: SetAsideRow[] = []
    for (const [i, { rows }] of entries.entries()) {
      const found = [...this.#refused, ...(faults.get(i) ?? [])]
      if (found.length > 0) aside.push(...faultyRows(rows, found))
      else {
        this.#good += rows.length
        this.#lines += 1
      }
    }
    return this.#counting(aside)
  }

  #refuseOnce(finding: FileFinding): void {
    if (!this.#refused.some(({ code }) => code === finding.code)) this.#refused.push(finding)
  }

  /** Persons who came in a go before; within one, the check finds them. */
  #findRepeated(entries: readonly LineEntry[], faults: Map<number, FileFinding[]>): void {
    if (this.#persons === undefined) return
    for (const [i, { rows, line }] of entries.entries()) {
      if (faults.has(i)) continue
      const { idType, idNumber } = (line as { person: Person }).person
      const number = normaliseIdNumber(idNumber)
      const first = this.#persons.add(personKey(idType, number, this.#today), rows[0] as number)
      if (first === undefined) continue
      const params = { line: rows[0] as number, first, person: maskIdNumber(number) }
      addTo(faults, i, fileFinding('PERSON_DUPLICATE', {}, params))
    }
  }
}

function addTo(faults: Map<number, FileFinding[]>, line: number, finding: FileFinding): void {
  const found = faults.get(line)
  if (found === undefined) faults.set(line, [finding])
  else found.push(finding)
}

/** A fault of a line, told by the file's rows. */
function findingOf(
  { line, field, code, params, suggestion }: FoundFault,
  entries: readonly LineEntry[],
): FileFinding {
  const rowOf = (number: unknown) => entries[Number(number) - 1]?.rows[0] ?? ''
  const told =
    code === 'PERSON_DUPLICATE' && params !== undefined
      ? { ...params, line: rowOf(params.line), first: rowOf(params.first) }
      : params
  return {
    code,
    place: { row: entries[line]?.rows[0], pointer: field },
    ...((told || suggestion) && { params: { ...told, ...(suggestion && { suggestion }) } }),
  }
}

function faultyRows(
  rows: readonly number[],
  findings: readonly (Omit<FileFinding, 'place'> & Partial<Pick<FileFinding, 'place'>>)[],
): SetAsideRow[] {
  return rows.map((row) => ({
    row,
    findings: findings.map((finding) => ({ ...finding, place: { ...finding.place, row } })),
  }))
}
