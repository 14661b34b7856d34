/**
 * Rows of NDJSON: each is a declaration as it would be filed alone. The functions that check a request
 * check it, with the same findings, and it is filed as it is, in one piece or in parts. Rows are read
 * many at a time and opened one by one.
 */
import assert from 'node:assert/strict'
import type pg from 'pg'
import { canonicalDeclaration } from '../../declaration/canonical.ts'
import type { FoundFault } from '../../declaration/findings.ts'
import type { Declaration } from '../../declaration/schema.ts'
import { digestOf } from '../../journal/digest.ts'
import {
  conflictWith,
  expectationAlone,
  type LatestDeclaration,
} from '../../journal/latest-declaration.ts'
import { isWithin } from '../../journal/reading/reach.ts'
import { findReplacedFaults, type Replacing } from '../../journal/replaced.ts'
import type { Salts } from '../../journal/salting.ts'
import { findingsPerAnswerMax, partLinesMax } from '../../limits.ts'
import { checkFiling } from '../../policy/check.ts'
import type { Policies } from '../../policy/rules.ts'
import { findLatest } from '../amending/current-declaration.ts'
import { filedSince, supersededBy, unitInForce } from '../amending/in-force-findings.ts'
import { type FileFinding, fileFinding } from '../findings/file-findings.ts'
import type { LeasedBatch, StepDependencies } from '../lease/batch-lease.ts'
import { withHeartbeat } from '../lease/lease-heartbeat.ts'
import type { RejectedRow } from '../staging/rejected-rows.ts'
import { readSingleStagedPieces, type UncheckedUnit, type UnitKey } from '../staging/staged-rows.ts'
import { type TotalFen, UnitTotals } from '../staging/unit-totals.ts'
import type { SealingKeys } from '../state/seal.ts'

/** The result of a row: what is filed of it, or all of its findings. */
export type CheckedRow = {
  readonly unit: UncheckedUnit
  readonly rejected: RejectedRow | undefined
  readonly lines: number
  readonly replaces: string | undefined
  /** Only for a file that is only checked. */
  readonly total?: TotalFen
}

export type CheckRowDependencies = StepDependencies & {
  readonly keys: SealingKeys
  readonly policies: Policies
}

/**
 * Checks rows with one statement for the rows read at a time, one for the current declarations of their
 * employers, and one for all declarations that they replace. Rows that replace something come last;
 * only they are held.
 */
export async function* checkDeclaredRows(
  dependencies: CheckRowDependencies,
  work: LeasedBatch,
  units: readonly UncheckedUnit[],
  warn?: (finding: FileFinding) => void,
): AsyncGenerator<CheckedRow> {
  const { pool, keys, policies } = dependencies
  const replacing: (CheckedRow & Replacing & { readonly ofCurrent: readonly FileFinding[] })[] = []
  // The sender may not know the current declaration of an employer that it may not file for.
  const theirs = units.filter(({ employer }) => work.mayFileFor.has(employer))
  const latest = new Map((await findLatest(pool, theirs)).map((one, i) => [theirs[i], one]))
  const entries = withHeartbeat(dependencies, work, readEntries(pool, keys, work.batch, units))
  for await (const { unit, body, findings } of entries) {
    const found = [...findings, ...unitFaults(work, unit, body)]
    const checking = { policies, nowMicros: work.receivedAtMicros }
    const bodyCheck = body && checkBody(body, unit.entry, checking)
    if (bodyCheck !== undefined) found.push(...bodyCheck.faults)
    if (warn !== undefined) for (const warning of bodyCheck?.warnings ?? []) warn(warning)
    const ofCurrent =
      found.length > 0
        ? []
        : inForceFaults(keys.salts, work, unit.entry, body as Declaration, latest.get(unit))
    const replacesAny = (body as Partial<Declaration> | undefined)?.replaces !== undefined
    if (!replacesAny) found.push(...ofCurrent)
    if (found.length > 0) {
      yield rejectedRow(unit, found)
      continue
    }
    const { employer, period, region, lines = [], replaces } = body as Declaration
    const total = work.mode === 'check' ? bodyCheck?.total() : undefined
    const checked = {
      unit,
      rejected: undefined,
      lines: lines.length,
      replaces,
      ...(total && { total }),
    }
    if (replaces === undefined) yield checked
    else replacing.push({ ...checked, employer, period, region, replaces, ofCurrent })
  }
  const faults = await findReplacedFaults(pool, replacing)
  for (const [
    i,
    { employer: _, period: __, region: ___, ofCurrent, ...checked },
  ] of replacing.entries()) {
    const { unit } = checked
    const fault = faults[i]
    const place = { row: unit.entry, pointer: '/replaces' }
    // Where what it names was never accepted, that alone is told.
    const found = fault === undefined ? ofCurrent : [fileFinding(fault.code, place, fault.params)]
    yield found.length === 0 ? checked : rejectedRow(unit, found)
  }
}

function rejectedRow(unit: UncheckedUnit, findings: readonly FileFinding[]): CheckedRow {
  return { unit, rejected: { row: unit.entry, findings }, lines: 0, replaces: undefined }
}

/** Faults that a request meets before its content is checked, and faults that only a file can have. */
function unitFaults(
  { mayFileFor, mayFileIn }: LeasedBatch,
  { employer, period, entry, firstEntry }: UncheckedUnit,
  body: object | undefined,
): FileFinding[] {
  const faults: FileFinding[] = []
  const { employer: named, region } = (body ?? {}) as { employer?: unknown; region?: unknown }
  if (typeof named === 'string' && !mayFileFor.has(named))
    faults.push(fileFinding('ROW_EMPLOYER_NOT_YOURS', { row: entry, pointer: '/employer' }))
  if (!isWithin(mayFileIn, region))
    faults.push(fileFinding('ROW_REGION_NOT_YOURS', { row: entry, pointer: '/region' }))
  // The later one would replace all of the earlier one.
  if (firstEntry < entry && employer !== '' && period !== '')
    faults.push(fileFinding('DECLARATION_REPEATED', { row: entry }, { first: firstEntry }))
  return faults
}

/** Checks early what filing will expect of the current declaration. */
function inForceFaults(
  salts: Salts,
  { receivedAtMicros: nothingAfterMicros }: LeasedBatch,
  row: number,
  declaration: Declaration,
  latest: LatestDeclaration | undefined,
): FileFinding[] {
  const and = expectationAlone(declaration.replaces)
  const against = conflictWith({ nothingAfterMicros, and }, latest)
  if (against === undefined) return []
  if (against.acceptedAtMicros > nothingAfterMicros)
    return [{ ...filedSince(against), place: { row } }]
  const digest = digestOf(Buffer.from(canonicalDeclaration(declaration)))
  const sameContent = salts.isOf(against, digest)
  if (and === 'nothingStands' || sameContent)
    return [{ ...unitInForce(against, sameContent), place: { row } }]
  return [supersededBy(against, { row, pointer: '/replaces' })]
}

export type BodyCheck = {
  readonly faults: readonly FileFinding[]
  readonly warnings: readonly FileFinding[]
  /** The amounts; undefined if there are faults. */
  readonly total: () => TotalFen | undefined
}

/** Checks a declaration as if it were filed alone, without the current declaration. */
export function checkBody(
  body: object,
  row: number,
  { policies, nowMicros }: { readonly policies: Policies; readonly nowMicros: number },
): BodyCheck {
  const checking = { policies, nowMicros, keptMax: findingsPerAnswerMax }
  const { findings, valid } = checkFiling(body, checking)
  const faults = ofRow(findings.faults(), row)
  const count = findings.errors - faults.length
  if (count > 0) faults.push(fileFinding('FINDINGS_MORE', { row }, { count }))
  const total = () => {
    if (valid === undefined) return undefined
    const totals = new UnitTotals(policies)
    totals.add(valid.declaration)
    return totals.end()
  }
  return { faults, warnings: ofRow(findings.warnings(), row), total }
}

function ofRow(found: readonly FoundFault[], row: number): FileFinding[] {
  return [...found]
    .sort((one, other) => one.line - other.line)
    .map(({ line, field, code, params, suggestion }) => ({
      code,
      place: { row, pointer: line < 0 ? field : `/lines/${line}${field}` },
      ...((params || suggestion) && { params: { ...params, ...(suggestion && { suggestion }) } }),
    }))
}

type ReadEntry<Unit extends UnitKey> = {
  readonly unit: Unit
  readonly body: object | undefined
  readonly findings: readonly FileFinding[]
}

/** Declarations by their units, in order; each is the only row of its only piece. */
async function* readEntries<Unit extends UnitKey>(
  pool: pg.Pool,
  keys: SealingKeys,
  batch: string,
  units: readonly Unit[],
): AsyncGenerator<ReadEntry<Unit>> {
  let at = 0
  for await (const piece of readSingleStagedPieces(pool, keys, batch, units)) {
    const unit = units[at] as Unit
    const [row] = piece.rows
    assert(row !== undefined && piece.entry === unit.entry, `${batch} lacks row ${unit.entry}`)
    at += 1
    if (row[1] === null) yield { unit, body: undefined, findings: row[2] }
    else yield { unit, body: row[1], findings: [] }
  }
}

/** The parts of good rows: a row is filed as it is unless it has more lines than a part may have. */
export async function* partsOfRows<Unit extends UnitKey>(
  pool: pg.Pool,
  keys: SealingKeys,
  batch: string,
  units: readonly Unit[],
): AsyncGenerator<{ readonly unit: Unit; readonly parts: readonly Declaration[] }> {
  for await (const { unit, body } of readEntries(pool, keys, batch, units))
    yield { unit, parts: partsOf(body as Declaration) }
}

/** How many parts these lines travel in. A part never exceeds the bytes of one NDJSON line. */
export function partsOfLines(lines: number): number {
  return Math.max(1, Math.ceil(lines / partLinesMax))
}

function partsOf(declaration: Declaration): Declaration[] {
  const { lines = [] } = declaration
  if (lines.length <= partLinesMax) return [declaration]
  const parts: Declaration[] = []
  for (let at = 0; at < lines.length; at += partLinesMax)
    parts.push({ ...declaration, lines: lines.slice(at, at + partLinesMax) })
  return parts
}
