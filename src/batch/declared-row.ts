/**
 * A row of NDJSON: one declaration, as it would be filed alone. It is checked by the same functions as a
 * request, with the same findings, and filed as it is, whole or in parts.
 */
import type pg from 'pg'
import type { Declaration } from '../declaration/schema.ts'
import { checkReplaced } from '../journal/replaced.ts'
import { findingsPerAnswerMax, partLinesMax } from '../limits.ts'
import { checkFiling } from '../policy/check.ts'
import type { Policies } from '../policy/rules.ts'
import { type FileFinding, fileFinding } from './file-findings.ts'
import { type PieceKeys, readPieces, type UncheckedUnit, type UnitKey } from './pieces.ts'
import type { SetAsideRow } from './set-aside.ts'
import type { BatchWork } from './work.ts'

export type DeclaredRow = {
  /** Undefined: it is set aside. */
  readonly declaration: Declaration | undefined
  readonly aside: SetAsideRow | undefined
}

export type CheckRowDependencies = {
  readonly pool: pg.Pool
  readonly keys: PieceKeys
  readonly policies: Policies
}

/** What a row comes to: a declaration, or all that is wrong with it. */
export async function checkDeclaredRow(
  { pool, keys, policies }: CheckRowDependencies,
  work: BatchWork,
  unit: UncheckedUnit,
): Promise<DeclaredRow> {
  const { body, findings } = await readDeclaredRow(pool, keys, work.batch, unit)
  const row = unit.entry
  const found = [...findings, ...unitFaults(work, unit, body)]
  if (body !== undefined) found.push(...(await bodyFaults(pool, policies, work, row, body)))
  return found.length === 0
    ? { declaration: body as Declaration, aside: undefined }
    : { declaration: undefined, aside: { row, findings: found } }
}

/** What a request is asked before its content, and what only a file can have. */
function unitFaults(
  { mayFileFor }: BatchWork,
  { employer, period, entry, firstEntry }: UncheckedUnit,
  body: object | undefined,
): FileFinding[] {
  const faults: FileFinding[] = []
  const { employer: named } = (body ?? {}) as { employer?: unknown }
  if (typeof named === 'string' && !mayFileFor.has(named))
    faults.push(fileFinding('ROW_EMPLOYER_NOT_YOURS', { row: entry, pointer: '/employer' }))
  // The later one would replace all of the earlier one.
  if (firstEntry < entry && employer !== '' && period !== '')
    faults.push(fileFinding('DECLARATION_REPEATED', { row: entry }, { first: firstEntry }))
  return faults
}

async function bodyFaults(
  pool: pg.Pool,
  policies: Policies,
  { receivedAtMicros: nowMicros }: BatchWork,
  row: number,
  body: object,
): Promise<FileFinding[]> {
  const { findings, valid } = checkFiling(body, {
    policies,
    nowMicros,
    keptMax: findingsPerAnswerMax,
  })
  if (valid !== undefined) await checkReplaced(pool, valid.declaration, findings)
  const faults = [...findings.faults()]
    .sort((one, other) => one.line - other.line)
    .map(({ line, field, code, params, suggestion }) => ({
      code,
      place: { row, pointer: line < 0 ? field : `/lines/${line}${field}` },
      ...((params || suggestion) && { params: { ...params, ...(suggestion && { suggestion }) } }),
    }))
  const count = findings.errors - faults.length
  return count === 0 ? faults : [...faults, fileFinding('FINDINGS_MORE', { row }, { count })]
}

type ReadRow = { readonly body: object | undefined; readonly findings: readonly FileFinding[] }

/** It is the only row of its only piece. */
async function readDeclaredRow(
  pool: pg.Pool,
  keys: PieceKeys,
  batch: string,
  unit: UnitKey,
): Promise<ReadRow> {
  for await (const { rows } of readPieces(pool, keys, batch, unit)) {
    const [row] = rows
    if (row !== undefined)
      return row[1] === null
        ? { body: undefined, findings: row[2] }
        : { body: row[1], findings: [] }
  }
  throw new Error(`batch ${batch} lacks its row ${unit.entry}`)
}

/** The parts of a row that was found good: itself, unless it has more lines than a part. */
export async function partsOfRow(
  pool: pg.Pool,
  keys: PieceKeys,
  batch: string,
  unit: UnitKey,
): Promise<Declaration[]> {
  const { body } = await readDeclaredRow(pool, keys, batch, unit)
  const declaration = body as Declaration
  const { lines = [] } = declaration
  if (lines.length <= partLinesMax) return [declaration]
  const parts: Declaration[] = []
  for (let at = 0; at < lines.length; at += partLinesMax)
    parts.push({ ...declaration, lines: lines.slice(at, at + partLinesMax) })
  return parts
}
