/**
 * The second step with a file: what it says for each employer and period is checked as a declaration
 * is, by the same rules; rows with errors are set aside. Nothing is filed yet, so that all or nothing
 * can be decided. A process that dies costs the units checked since the last verdicts were written.
 */
import type pg from 'pg'
import type { FoundFault } from '../declaration/findings.ts'
import { maskIdNumber, normaliseIdNumber, personKey } from '../declaration/identity.ts'
import { dayOf } from '../declaration/period.ts'
import type { DeclarationKind, Person } from '../declaration/schema.ts'
import { declarationId } from '../journal/digest.ts'
import { checkedRowsAtATime, partLinesMax, unitsAtATime } from '../limits.ts'
import { checkFiling } from '../policy/check.ts'
import type { Policies } from '../policy/rules.ts'
import { type Amendment, findAmendment, kindOf } from './amendment.ts'
import { keepRowsOpen, rowsLeftOpen } from './claim-amended.ts'
import { keepErrorRows, stretchOf } from './error-rows.ts'
import { type FileFinding, fileFinding } from './file-findings.ts'
import { findHeader } from './find.ts'
import { findKept, JournalReader, type Kept, keyOf } from './kept.ts'
import { isSame, readUnit, type UnitEntry, type UnitLines } from './merge.ts'
import { PersonSet } from './person-set.ts'
import { listUnchecked, readPieces, type UnitKey } from './pieces.ts'
import type { ReadDependencies } from './read-file.ts'
import type { RowHeader } from './row-line.ts'
import { insertSetAside, type SetAside, type SetAsideRow } from './set-aside.ts'
import { type BatchWork, moveOn, writeStep } from './work.ts'

export type CheckDependencies = ReadDependencies & { readonly policies: Policies }

/** What a unit comes to. */
type CheckedUnit = UnitKey & {
  readonly good: number
  readonly setAside: number
  readonly lines: number
} & Standing

/** What stands of an employer and period while a unit is checked. */
type Standing = {
  /** The latest declaration. */
  readonly latest: string | undefined
  readonly replaces: string | undefined
  /** What was filed of the first file, whose lines are kept. */
  readonly kept?: Kept | undefined
}

/** Checks every unit, and keeps what is set aside; then the batch is refused, or may be filed. */
export async function checkUnits(
  dependencies: CheckDependencies,
  work: BatchWork,
): Promise<BatchWork> {
  const { pool, keys } = dependencies
  const verdicts = new Verdicts(dependencies, work)
  const header = await findHeader(pool, keys.all, work.batch)
  const amendment = await findAmendment(pool, work)
  const file = {
    amendment,
    isRowsAlone: amendment === undefined && header?.columns.position !== undefined,
    journal: new JournalReader(pool, keys.all),
  }
  for (;;) {
    const units = await listUnchecked(pool, work.batch, unitsAtATime)
    if (units.length === 0) break
    for (const unit of units) await checkUnit(dependencies, work, file, unit, verdicts)
    await verdicts.write()
  }
  const { rows } = await pool.query<{ rows_good: string; rows_set_aside: string }>(
    'select rows_good, rows_set_aside from batch.work where batch = $1',
    [work.batch],
  )
  const [good, setAside] = [Number(rows[0]?.rows_good), Number(rows[0]?.rows_set_aside)]
  if (setAside > 0) await keepErrorRows(dependencies, work)
  if (good === 0 || (setAside > 0 && work.mode === 'all-or-nothing'))
    return moveOn(dependencies, work, 'refuse')
  if (amendment === undefined) return moveOn(dependencies, work, 'check')
  const open = await rowsLeftOpen(dependencies, work, amendment)
  return moveOn(dependencies, work, 'check', (client) => keepRowsOpen(client, amendment, open))
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
    await this.#checked(some.rows.length)
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
        batch, employer, period, entry, id, rows_good, rows_set_aside, lines, replaces, parts,
        latest, keeps
      )
      select $1, u.employer, u.period, u.entry, u.id, u.good, u.set_aside, u.lines, u.replaces,
        ceil(u.lines::numeric / $10::integer), u.latest, u.keeps
      from unnest(
        $2::text[], $3::text[], $4::integer[], $5::text[], $6::integer[], $7::integer[],
        $8::integer[], $9::text[], $11::text[], $12::text[]
      ) as u (employer, period, entry, id, good, set_aside, lines, replaces, latest, keeps)`,
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
      units.map(({ latest }) => latest ?? null),
      units.map(({ kept }) => kept?.id ?? null),
    ],
  })
}

/** What all units of a file have in common. */
type CheckedFile = {
  readonly amendment: Amendment | undefined
  /** Of an errors file that names no batch: nothing is known that its rows could be merged with. */
  readonly isRowsAlone: boolean
  readonly journal: JournalReader
}

async function checkUnit(
  { pool, keys, policies }: CheckDependencies,
  work: BatchWork,
  file: CheckedFile,
  unit: UnitKey & { readonly rows: number },
  verdicts: Verdicts,
): Promise<void> {
  const { amendment, isRowsAlone, journal } = file
  const { employer, period, entry } = unit
  const key = { employer, period, entry }
  const { finding, ...standing } = await standingOf(pool, work, amendment, key)
  const { latest, replaces, kept } = standing
  const check = new UnitCheck({
    ...{ policies, replaces },
    kind: kindOf(work, amendment, kept),
    nowMicros: amendment?.attemptedAtMicros ?? work.receivedAtMicros,
    several: unit.rows + (kept?.lines ?? 0) > partLinesMax,
  })
  if (!work.mayFileFor.has(employer)) check.refuse(fileFinding('ROW_EMPLOYER_NOT_YOURS'))
  if (finding !== undefined) check.refuse(finding)
  // Some rows of an employer are not all that it files: they would replace the others.
  if (isRowsAlone && latest !== undefined) check.refuse(fileFinding('ROWS_ALONE'))
  let number = 0
  const set = async (rows: readonly SetAsideRow[]) => {
    for (const [stretch, some] of Map.groupBy(rows, ({ row }) => stretchOf(row))) {
      number += 1
      await verdicts.setAside({ ...key, number, stretch, rows: some })
    }
  }
  const pieces = () => readPieces(pool, keys, work.batch, key)
  for await (const lines of readUnit({ kept, journal, pieces })) {
    for (const rows of check.take(lines)) await set(rows)
  }
  await set(check.end())
  await verdicts.add({ ...key, ...check.counted(), ...standing })
}

/** What stands; with a finding where rows that are mended would replace something else. */
async function standingOf(
  pool: pg.Pool,
  work: BatchWork,
  amendment: Amendment | undefined,
  unit: UnitKey,
): Promise<Standing & { readonly finding?: FileFinding }> {
  const latest = await findLatest(pool, unit)
  if (amendment === undefined)
    return { latest, replaces: work.kind === 'regular' ? undefined : latest }
  const { first, kind } = amendment
  const kept = latest === undefined ? undefined : await findKept(pool, first, unit, latest)
  if (kept !== undefined) return { latest, replaces: latest, kept }
  const replaces = kind === 'regular' ? undefined : latest
  if (latest === undefined || latest === (await findLatestBefore(pool, first, unit)))
    return { latest, replaces }
  return { latest, replaces, finding: fileFinding('FILED_SINCE', {}, { id: latest }) }
}

/** The latest declaration of an employer and period: what a correction in a file replaces. */
async function findLatest(
  pool: pg.Pool,
  { employer, period }: UnitKey,
): Promise<string | undefined> {
  const { rows } = await pool.query<{ id: string }>({
    name: 'find-latest',
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

/** The same when the first file was checked. */
async function findLatestBefore(
  pool: pg.Pool,
  first: string,
  { employer, period, entry }: UnitKey,
): Promise<string | undefined> {
  const { rows } = await pool.query<{ latest: string | null }>({
    name: 'find-latest-before',
    text: `
      select latest
      from batch.unit
      where batch = $1 and employer = $2 and period = $3 and entry = $4`,
    values: [first, employer, period, entry],
  })
  return rows[0]?.latest ?? undefined
}

type UnitCheckOptions = {
  readonly policies: Policies
  readonly kind: DeclarationKind
  readonly replaces: string | undefined
  readonly nowMicros: number
  /** Its lines are checked in several goes: persons are looked for across them. */
  readonly several: boolean
}

/** The check of one unit, as many lines at a time as a part has. */
class UnitCheck {
  readonly #options: UnitCheckOptions
  readonly #persons: PersonSet | undefined
  readonly #today: number
  /** What is wrong with all of its rows. */
  readonly #refused: FileFinding[] = []
  #header: RowHeader | undefined
  #waiting: UnitEntry[] = []
  #good = 0
  #setAside = 0
  #lines = 0

  constructor(options: UnitCheckOptions) {
    this.#options = options
    this.#persons = options.several ? new PersonSet() : undefined
    this.#today = Number(dayOf(options.nowMicros).replaceAll('-', ''))
  }

  refuse(finding: FileFinding): void {
    this.#refused.push(finding)
  }

  /** Where none of its rows is good, nothing is filed: not what was filed before again, either. */
  counted(): { good: number; setAside: number; lines: number } {
    const lines = this.#good === 0 ? 0 : this.#lines
    return { good: this.#good, setAside: this.#setAside, lines }
  }

  /** Returns the rows that are set aside, go by go. */
  *take({ header, lines, faulty }: UnitLines): Generator<SetAsideRow[]> {
    this.#header ??= header
    const aside: SetAsideRow[] = [...faulty]
    if (isSame(header, this.#header)) for (const line of lines) this.#waiting.push(line)
    else for (const { rows } of lines) aside.push(...faultyRows(rows, [{ code: 'HEADER_DIFFERS' }]))
    if (aside.length > 0) yield this.#counting(aside)
    while (this.#waiting.length >= partLinesMax) {
      yield this.#check(this.#waiting.splice(0, partLinesMax))
    }
  }

  end(): SetAsideRow[] {
    return this.#check(this.#waiting)
  }

  #counting(rows: SetAsideRow[]): SetAsideRow[] {
    this.#setAside += rows.length
    return rows
  }

  #check(entries: readonly UnitEntry[]): SetAsideRow[] {
    if (entries.length === 0) return []
    const { policies, kind, replaces, nowMicros } = this.#options
    const body = {
      ...this.#header,
      kind,
      ...(kind !== 'regular' && { replaces }),
      lines: entries.map(({ line }) => line),
    }
    const { findings } = checkFiling(body, {
      ...{ policies, nowMicros },
      keptMax: Number.POSITIVE_INFINITY,
    })
    const faults = new Map<number, FileFinding[]>()
    for (const fault of findings.faults()) {
      if (fault.line < 0) this.#refuseOnce(fileFinding(fault.code, {}, fault.params))
      else addTo(faults, fault.line, findingOf(fault, entries))
    }
    this.#findRepeated(entries, faults)
    // A line that is kept is no row of this file, which could be set aside.
    if (
      entries.some(({ kept, rows }, i) => kept !== undefined && rows.length === 0 && faults.has(i))
    )
      this.#refuseOnce(fileFinding('KEPT_LINE_FAILS'))
    const aside: SetAsideRow[] = []
    for (const [i, { rows, kept }] of entries.entries()) {
      const found = [...this.#refused, ...(faults.get(i) ?? [])]
      if (found.length > 0) aside.push(...faultyRows(rows, found))
      else this.#good += rows.length
      if (found.length === 0 || kept !== undefined) this.#lines += 1
    }
    return this.#counting(aside)
  }

  #refuseOnce(finding: FileFinding): void {
    if (!this.#refused.some(({ code }) => code === finding.code)) this.#refused.push(finding)
  }

  /** Persons who came in a go before; within one, the check finds them. */
  #findRepeated(entries: readonly UnitEntry[], faults: Map<number, FileFinding[]>): void {
    if (this.#persons === undefined) return
    for (const [i, { rows, line }] of entries.entries()) {
      if (faults.has(i)) continue
      const { idType, idNumber } = (line as { person: Person }).person
      const number = normaliseIdNumber(idNumber)
      const key = personKey(idType, number, this.#today)
      const first = this.#persons.add(key, rows[0] ?? rowOfKept)
      if (first === undefined) continue
      const params = { line: rows[0] as number, first, person: maskIdNumber(number) }
      const code = first === rowOfKept ? 'PERSON_FILED' : 'PERSON_DUPLICATE'
      addTo(faults, i, fileFinding(code, {}, params))
    }
  }
}

/** What is kept is in no row of the file. */
const rowOfKept = 0

function addTo(faults: Map<number, FileFinding[]>, line: number, finding: FileFinding): void {
  const found = faults.get(line)
  if (found === undefined) faults.set(line, [finding])
  else found.push(finding)
}

/** A fault of a line, told by the file's rows. */
function findingOf(
  { line, field, code, params, suggestion }: FoundFault,
  entries: readonly UnitEntry[],
): FileFinding {
  const place = { row: entries[line]?.rows[0], pointer: field }
  if (code === 'PERSON_DUPLICATE' && params !== undefined) {
    const rowOf = (number: unknown) => entries[Number(number) - 1]?.rows[0] ?? rowOfKept
    const first = rowOf(params.first)
    const told = { ...params, line: rowOf(params.line), first }
    return fileFinding(first === rowOfKept ? 'PERSON_FILED' : code, place, told)
  }
  return {
    ...{ code, place },
    ...((params || suggestion) && { params: { ...params, ...(suggestion && { suggestion }) } }),
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
