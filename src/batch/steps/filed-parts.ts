/**
 * Builds what a file files: the parts of its units, each with its filing. Parts that are filed already
 * are built again and left out, because the head needs the sums of all lines.
 */
import type { Part } from '../../declaration/part.ts'
import type { Declaration } from '../../declaration/schema.ts'
import type { FiledByToken } from '../../journal/attribution.ts'
import { type Filing, fileDeclaration } from '../../journal/filing.ts'
import { type Expectation, expectationAlone } from '../../journal/latest-declaration.ts'
import type { JournalReader } from '../../journal/reading/reader.ts'
import { partBytesMax } from '../../limits.ts'
import type { PeriodRules, Policies } from '../../policy/rules.ts'
import { readUnitLines, type UnitLine } from '../amending/merge-amendment.ts'
import type { FiledPart, UnfiledUnit } from '../amending/unfiled-units.ts'
import type { LeasedBatch } from '../lease/batch-lease.ts'
import { withHeartbeat } from '../lease/lease-heartbeat.ts'
import { PartCut } from '../staging/part-cut.ts'
import {
  findPriorInFamily,
  type PriorDeclaration,
  partKeyOf,
  readPrior,
} from '../staging/prior-declaration.ts'
import { readRejectedRows } from '../staging/rejected-rows.ts'
import { RowSet } from '../staging/row-set.ts'
import { readStagedPieces } from '../staging/staged-rows.ts'
import { UnitParts } from '../staging/unit-parts.ts'
import { filedKindOf } from '../state/requested-kind.ts'
import { type Amendment, requestedKindOf } from '../table/amendment.ts'
import type { ReadDependencies } from '../table/leased-rows.ts'
import type { RowHeader } from '../table/row-line.ts'
import { partsOfRows } from './declared-row.ts'

export type PartDependencies = ReadDependencies & { readonly policies: Policies }

/** What all units of a file share. */
export type FiledFile = {
  readonly amendment: Amendment | undefined
  readonly journal: JournalReader
  readonly by: FiledByToken
}

/** The parts of a unit that are not filed yet, in order; a single part if it travels in one piece. */
export async function* partsOfUnit(
  dependencies: PartDependencies,
  work: LeasedBatch,
  file: FiledFile,
  unit: UnfiledUnit,
): AsyncGenerator<FiledPart> {
  const { pool, keys, policies } = dependencies
  const { amendment, journal, by } = file
  const prior = await findPrior(dependencies, file, unit)
  const rejected = await readRejected(dependencies, work, unit)
  let header: RowHeader | undefined
  let lines = new PartLines()
  const rowsOfParts: number[] = []
  const parts = new UnitParts(unit)
  const cut = new PartCut(unit.cutByBytes ? partBytesMax : Number.POSITIVE_INFINITY)
  const endPart = (): FiledPart | undefined => {
    const taken = lines
    lines = new PartLines()
    rowsOfParts.push(taken.rows)
    const declaration = declarationOf(work, amendment, unit, header as RowHeader, taken.lines)
    const rules = rulesOf(policies, declaration)
    const part = parts.next(declaration, rules)
    const { number } = part
    if (number <= unit.partsFiled) return undefined
    const made = { declaration, rules, part, rows: taken.rowsOfLines, by }
    const filing = filingOf(work, amendment, unit, made)
    return { unit, number, rows: taken.rows, lines: taken.lines.length, rowsOfParts, filing }
  }
  const pieces = () => readStagedPieces(pool, keys, work.batch, unit)
  const all = readUnitLines({ prior, journal, pieces, rejected })
  for await (const read of withHeartbeat(dependencies, work, all)) {
    header ??= read.header
    for (const line of read.lines) {
      const full = cut.add(line.line) && cut.parts > 1 ? endPart() : undefined
      if (full !== undefined) yield full
      lines.add(line)
    }
  }
  const last = endPart()
  parts.end()
  if (last !== undefined) yield last
}

/** The lines of the next part. */
class PartLines {
  readonly lines: object[] = []
  /** The first row of each line in the file. */
  readonly rowsOfLines: number[] = []
  rows = 0

  add({ line, rows }: UnitLine): void {
    this.lines.push(line)
    this.rowsOfLines.push(rows[0] ?? rowOfPrior)
    this.rows += rows.length
  }
}

/** The prior declaration that the check named for a unit. */
async function findPrior(
  { pool }: PartDependencies,
  { amendment, journal }: FiledFile,
  unit: UnfiledUnit,
): Promise<PriorDeclaration | undefined> {
  const { priorId } = unit
  if (priorId === undefined) return undefined
  const ofFamily = amendment && (await findPriorInFamily(pool, amendment.first, unit, priorId))
  return ofFamily ?? (await readPrior(journal, { id: priorId, lines: 0 }))
}

/** Declarations that are rows: a row counts as filed with its last part. They amend nothing. */
export async function* partsOfDeclared(
  { pool, keys, policies }: PartDependencies,
  work: LeasedBatch,
  { by }: FiledFile,
  units: readonly UnfiledUnit[],
): AsyncGenerator<FiledPart> {
  for await (const { unit, parts } of partsOfRows(pool, keys, work.batch, units)) {
    const unitParts = new UnitParts(unit)
    for (const declaration of parts) {
      const rules = rulesOf(policies, declaration)
      const part = unitParts.next(declaration, rules)
      const { number } = part
      if (number <= unit.partsFiled) continue
      const lines = declaration.lines?.length ?? 0
      const rowsOfLines = new Array<number>(lines).fill(unit.entry)
      const made = { declaration, rules, part, rows: rowsOfLines, by }
      const filing = filingOf(work, undefined, unit, made)
      const rows = number === parts.length ? 1 : 0
      yield { unit, number, rows, lines, rowsOfParts: [], filing }
    }
    unitParts.end()
  }
}

async function readRejected(
  dependencies: PartDependencies,
  work: LeasedBatch,
  unit: UnfiledUnit,
): Promise<RowSet> {
  const rejected = new RowSet()
  if (unit.rowsSetAside === 0) return rejected
  const all = readRejectedRows(dependencies.pool, dependencies.keys, work.batch, unit)
  for await (const rows of withHeartbeat(dependencies, work, all)) {
    for (const { row } of rows) rejected.add(row)
  }
  return rejected
}

function declarationOf(
  work: LeasedBatch,
  amendment: Amendment | undefined,
  { replaces, priorId }: UnfiledUnit,
  header: RowHeader,
  lines: readonly object[],
): Declaration {
  return {
    ...header,
    kind: filedKindOf(requestedKindOf(work, amendment), priorId),
    ...(replaces !== undefined && { replaces }),
    lines,
  } as unknown as Declaration
}

function rulesOf(policies: Policies, { region, period }: Declaration): PeriodRules {
  const rules = policies.rulesFor(region, period)
  if (rules.kind !== 'rules') throw new Error(`no rules for ${region} any more`)
  return rules
}

/** Expects what the check found. Units from before there were expectations have none. */
function expectationOf(
  { receivedAtMicros }: LeasedBatch,
  amendment: Amendment | undefined,
  { cutByBytes, priorId, latest, replaces }: UnfiledUnit,
): Expectation {
  if (!cutByBytes) return 'anything'
  if (amendment !== undefined || priorId !== undefined) return { latest }
  return { nothingAfterMicros: receivedAtMicros, and: expectationAlone(replaces) }
}

/** Lines of the prior declaration are in no row of the file. */
const rowOfPrior = 0

type MadePart = {
  /** Row of the file, by line. */
  readonly rows: readonly number[]
  readonly declaration: Declaration
  readonly rules: PeriodRules
  readonly part: Part
  readonly by: FiledByToken
}

function filingOf(
  work: LeasedBatch,
  amendment: Amendment | undefined,
  unit: UnfiledUnit,
  { declaration, rules, part, rows, by }: MadePart,
): Filing {
  const { number, count } = part
  const atMicros = amendment?.attemptedAtMicros
  return fileDeclaration({
    ...{ declaration, rules, rows, by },
    key: partKeyOf(unit, number, count),
    acceptedAtMicros: work.receivedAtMicros,
    ...(atMicros !== undefined && { attempt: { atMicros } }),
    ...(count > 1 && { part }),
    expects: expectationOf(work, amendment, unit),
    ...(number === count && { lines: unit.lines }),
  })
}
