/**
 * Checks one employer, period and region of a table, as many lines at a time as a part has.
 */
import { canonicalDeclaration } from '../../declaration/canonical.ts'
import type { FoundFault } from '../../declaration/findings.ts'
import { maskIdNumber, normaliseIdNumber, personKey } from '../../declaration/identity.ts'
import { dayOf } from '../../declaration/period.ts'
import type { Declaration, DeclarationKind, Person } from '../../declaration/schema.ts'
import type { ConflictingDeclaration } from '../../journal/accept.ts'
import { digestOf } from '../../journal/digest.ts'
import { isWithin } from '../../journal/reading/reach.ts'
import { partLinesMax } from '../../limits.ts'
import { checkFiling } from '../../policy/check.ts'
import type { Policies } from '../../policy/rules.ts'
import { unitInForce } from '../amending/in-force-findings.ts'
import { sameHeader, type UnitLine, type UnitLines } from '../amending/merge-amendment.ts'
import { type FileFinding, fileFinding } from '../findings/file-findings.ts'
import { PartCut } from '../staging/part-cut.ts'
import type { RejectedRow } from '../staging/rejected-rows.ts'
import type { TotalFen, UnitTotals } from '../staging/unit-totals.ts'
import type { RowHeader } from '../table/row-line.ts'
import { PersonSet } from './person-set.ts'

type UnitCheckOptions = {
  readonly policies: Policies
  readonly kind: DeclarationKind
  readonly replaces: string | undefined
  readonly nowMicros: number
  /** Region patterns that the sender may file for; without them, any region. */
  readonly mayFileIn?: readonly string[] | undefined
  /** The declaration in force that a regular one would replace: all rows are rejected for it. */
  readonly inForce?: ConflictingDeclaration | undefined
  /** The lines are checked in several rounds, so repeated persons are sought across them. */
  readonly several: boolean
  /** Only for a file that is only checked. */
  readonly report?: CheckReport
}

/** What a file that is only checked reports beside its faults. */
export type CheckReport = {
  readonly totals: UnitTotals
  /** Called with findings that reject nothing. */
  readonly warn: (finding: FileFinding) => void
}

export type UnitCounts = {
  /** Rows. */
  readonly good: number
  readonly setAside: number
  readonly lines: number
  readonly parts: number
  readonly total?: TotalFen
}

export class UnitCheck {
  readonly #options: UnitCheckOptions
  readonly #persons: PersonSet | undefined
  readonly #today: number
  /** Findings that apply to all of its rows. */
  readonly #refused: FileFinding[] = []
  /** Codes of warnings that apply to all lines. */
  readonly #warned = new Set<string>()
  #header: RowHeader | undefined
  #pending: UnitLine[] = []
  #good = 0
  #setAside = 0
  #lines = 0
  readonly #cut = new PartCut()

  constructor(options: UnitCheckOptions) {
    this.#options = options
    this.#persons = options.several ? new PersonSet() : undefined
    this.#today = Number(dayOf(options.nowMicros).replaceAll('-', ''))
  }

  refuse(finding: FileFinding): void {
    this.#refused.push(finding)
  }

  /** If none of its rows is good, nothing is filed, not even the prior lines again. */
  counted(): UnitCounts {
    const [good, setAside] = [this.#good, this.#setAside]
    if (good === 0) return { good, setAside, lines: 0, parts: 0 }
    const total = this.#options.report?.totals.end()
    return { good, setAside, lines: this.#lines, parts: this.#cut.parts, ...(total && { total }) }
  }

  /** Takes lines. @returns the rejected rows, round by round */
  *take({ header, lines, faulty }: UnitLines): Generator<RejectedRow[]> {
    this.#header ??= header
    if (!isWithin(this.#options.mayFileIn, header.region))
      this.#refuseOnce(fileFinding('ROW_REGION_NOT_YOURS'))
    const rejected: RejectedRow[] = [...faulty]
    if (sameHeader(header, this.#header)) for (const line of lines) this.#pending.push(line)
    else
      for (const { rows } of lines)
        rejected.push(...rejectedRows(rows, [{ code: 'HEADER_DIFFERS' }]))
    if (rejected.length > 0) yield this.#countRejected(rejected)
    while (this.#pending.length >= partLinesMax) {
      yield this.#check(this.#pending.splice(0, partLinesMax))
    }
  }

  end(): RejectedRow[] {
    return this.#check(this.#pending)
  }

  #countRejected(rows: RejectedRow[]): RejectedRow[] {
    this.#setAside += rows.length
    return rows
  }

  #check(entries: readonly UnitLine[]): RejectedRow[] {
    if (entries.length === 0) return []
    const { policies, kind, replaces, nowMicros } = this.#options
    const body = {
      ...this.#header,
      kind,
      ...(kind !== 'regular' && { replaces }),
      lines: entries.map(({ line }) => line),
    }
    const { findings, valid } = checkFiling(body, {
      ...{ policies, nowMicros },
      keptMax: Number.POSITIVE_INFINITY,
    })
    this.#refuseInForce(valid?.declaration)
    const faults = new Map<number, FileFinding[]>()
    for (const fault of findings.faults()) {
      if (fault.line < 0) this.#refuseOnce(fileFinding(fault.code, {}, fault.params))
      else addTo(faults, fault.line, findingOf(fault, entries))
    }
    this.#findRepeated(entries, faults)
    for (const fault of findings.warnings()) this.#warnOf(fault, entries)
    // A prior line is no row of this file and can't be rejected.
    if (
      entries.some(
        ({ prior, rows }, i) => prior !== undefined && rows.length === 0 && faults.has(i),
      )
    )
      this.#refuseOnce(fileFinding('KEPT_LINE_FAILS'))
    const rejected: RejectedRow[] = []
    const filedLines: object[] = []
    for (const [i, { rows, line, prior }] of entries.entries()) {
      const found = [...this.#refused, ...(faults.get(i) ?? [])]
      if (found.length > 0) rejected.push(...rejectedRows(rows, found))
      else this.#good += rows.length
      const filed = found.length === 0 ? line : prior
      if (filed === undefined) continue
      this.#lines += 1
      this.#cut.add(filed)
      filedLines.push(filed)
    }
    if (this.#refused.length === 0)
      this.#options.report?.totals.add({ ...body, lines: filedLines } as unknown as Declaration)
    return this.#countRejected(rejected)
  }

  /** @param full the full content of the unit, if it was checked in one round and has no faults */
  #refuseInForce(full: Declaration | undefined): void {
    const { inForce, several } = this.#options
    if (inForce === undefined) return
    const isFull = full !== undefined && !several && this.#setAside === 0
    const digest = isFull ? digestOf(Buffer.from(canonicalDeclaration(full))) : undefined
    this.#refuseOnce(unitInForce(inForce, digest !== undefined && inForce.isOf(digest)))
  }

  /** Warns once for all lines together; never about a prior line, which is no row of this file. */
  #warnOf(fault: FoundFault, entries: readonly UnitLine[]): void {
    if (this.#options.report === undefined) return
    const { line, field: pointer, code, params } = fault
    if (line < 0) {
      if (this.#warned.has(code)) return
      this.#warned.add(code)
      this.#options.report.warn(fileFinding(code, { pointer }, params))
    } else if (entries[line]?.rows.length !== 0)
      this.#options.report.warn(findingOf(fault, entries))
  }

  #refuseOnce(finding: FileFinding): void {
    if (!this.#refused.some(({ code }) => code === finding.code)) this.#refused.push(finding)
  }

  /** Finds persons of an earlier round; the check finds those within a round. */
  #findRepeated(entries: readonly UnitLine[], faults: Map<number, FileFinding[]>): void {
    if (this.#persons === undefined) return
    for (const [i, { rows, line }] of entries.entries()) {
      if (faults.has(i)) continue
      const { idType, idNumber } = (line as { person: Person }).person
      const number = normaliseIdNumber(idNumber)
      const key = personKey(idType, number, this.#today)
      const first = this.#persons.add(key, rows[0] ?? rowOfPrior)
      if (first === undefined) continue
      const params = { line: rows[0] as number, first, person: maskIdNumber(number) }
      const code = first === rowOfPrior ? 'PERSON_FILED' : 'PERSON_DUPLICATE'
      addTo(faults, i, fileFinding(code, {}, params))
    }
  }
}

/** Lines of the prior declaration are in no row of the file. */
const rowOfPrior = 0

function addTo(faults: Map<number, FileFinding[]>, line: number, finding: FileFinding): void {
  const found = faults.get(line)
  if (found === undefined) faults.set(line, [finding])
  else found.push(finding)
}

/** A fault of a line, with the file's row numbers. */
function findingOf(
  { line, field, code, params, suggestion }: FoundFault,
  entries: readonly UnitLine[],
): FileFinding {
  const place = { row: entries[line]?.rows[0], pointer: field }
  if (code === 'PERSON_DUPLICATE' && params !== undefined) {
    const rowOf = (number: unknown) => entries[Number(number) - 1]?.rows[0] ?? rowOfPrior
    const first = rowOf(params.first)
    const filled = { ...params, line: rowOf(params.line), first }
    return fileFinding(first === rowOfPrior ? 'PERSON_FILED' : code, place, filled)
  }
  return {
    ...{ code, place },
    ...((params || suggestion) && { params: { ...params, ...(suggestion && { suggestion }) } }),
  }
}

function rejectedRows(
  rows: readonly number[],
  findings: readonly (Omit<FileFinding, 'place'> & Partial<Pick<FileFinding, 'place'>>)[],
): RejectedRow[] {
  return rows.map((row) => ({
    row,
    findings: findings.map((finding) => ({ ...finding, place: { ...finding.place, row } })),
  }))
}
