/**
 * Checks a file without a server, with the readers and row checks of the batch worker and the same
 * findings. It can't check what only the server knows: current declarations, and which employers a
 * token may file for.
 *
 * Rows of tables go by unit through a spool, declarations are checked one by one, and findings are
 * reported as they are found, so a file of a million rows takes little memory.
 */

import type { FileSource } from '../../formats/rows.ts'
import { partLinesMax } from '../../limits.ts'
import type { Policies } from '../../policy/rules.ts'
import { assembleLines } from '../amending/merge-amendment.ts'
import { type FileFinding, fileFinding } from '../findings/file-findings.ts'
import { FindingList, fileFindingsMax } from '../findings/finding-list.ts'
import type { RejectedRow } from '../staging/rejected-rows.ts'
import { RowBuffer, unitKeyOf } from '../staging/row-buffer.ts'
import { RowSpool } from '../staging/spool.ts'
import type { UnitKey } from '../staging/staged-rows.ts'
import { UnitTotals } from '../staging/unit-totals.ts'
import { filedKindOf, type RequestedKind } from '../state/requested-kind.ts'
import type { ReaderDefect } from '../table/content-faults.ts'
import type { FileBatch, FileRow } from '../table/file-batch.ts'
import { type FileRequest, readRows } from '../table/file-rows.ts'
import { columnsRead, type Header } from '../table/header.ts'
import type { FileContent } from '../table/reported-finding.ts'
import { checkBody, partsOfLines } from './declared-row.ts'
import { checkUnitBase } from './unit-base.ts'
import { UnitCheck, type UnitCounts } from './unit-check.ts'
import { withColumn } from './warned-rows.ts'

export type LocalRequest = FileRequest & { readonly kind: RequestedKind }

export type LocalUnit = UnitKey & UnitCounts

export type LocalDependencies = {
  readonly policies: Policies
  /** The time of filing, microseconds since 1970. */
  readonly nowMicros: number
  /** Called with each finding of a row, in the file's order within a unit; the check waits for it. */
  readonly report: (finding: FileFinding, content: FileContent) => void | Promise<void>
  /** Called with each unit, or declaration, once it is checked. */
  readonly reportUnit: (unit: LocalUnit) => void | Promise<void>
  /** Called with the numbers of rows read and checked. */
  readonly onRows?: (rows: { readonly read: number; readonly checked: number }) => void
  /** Called if a reader throws on a file's content. */
  readonly onDefect?: (defect: ReaderDefect) => void
  readonly spool?: RowSpool
}

export type LocalResult = {
  /** Findings of the file as a whole, with its recognised and unknown columns. */
  readonly findings: readonly FileFinding[]
  /** The file can't be read to its end: nothing of it would be filed. */
  readonly unreadable: boolean
  readonly header: Header | undefined
  readonly content: FileContent
  /** Rows of the file, however many of them are checked. */
  readonly rowsRead: number
}

export async function checkLocally(
  source: FileSource,
  request: LocalRequest,
  dependencies: LocalDependencies,
): Promise<LocalResult> {
  const { spool = new RowSpool() } = dependencies
  const once = { ...dependencies, report: reportingOnce(dependencies.report) }
  try {
    const result = await readAll(source, request, once, spool)
    for (const unit of spool.units()) await checkUnit(request, once, result.header, spool, unit)
    return result
  } finally {
    spool.close()
  }
}

/** A finding about no row is the same for many employers, so it is reported once. */
function reportingOnce(report: LocalDependencies['report']): LocalDependencies['report'] {
  const known = new Set<string>()
  return (finding, content) => {
    const { code, place, params } = finding
    if (place.row !== undefined) return report(finding, content)
    const key = `${code} ${JSON.stringify(params)}`
    if (known.has(key)) return
    if (known.size < fileFindingsMax) known.add(key)
    return report(finding, content)
  }
}

/** Stages rows of tables in the spool; checks declarations as they come. */
async function readAll(
  source: FileSource,
  request: LocalRequest,
  dependencies: LocalDependencies,
  spool: RowSpool,
): Promise<LocalResult> {
  const found = new FindingList([])
  const buffer = new RowBuffer({ pieces: 0, byRegion: true })
  const declared = new DeclaredRows(dependencies)
  let header: Header | undefined
  let rowsRead = 0
  for await (const read of readRows(source, request, undefined, dependencies.onDefect)) {
    header = read.header ?? header
    for (const row of read.rows) {
      if (row.entry === undefined) buffer.add(row)
      else await declared.check(row)
    }
    rowsRead += read.rows.length
    report(found, request, read)
    if (buffer.isFull) spool.add(buffer.take().pieces)
    dependencies.onRows?.({ read: read.rows.length, checked: 0 })
    if (found.ended) break
  }
  spool.add(buffer.take().pieces)
  const content = header === undefined && declared.any ? 'declarations' : 'table'
  return { findings: found.findings, unreadable: found.ended, header, content, rowsRead }
}

function report(
  found: FindingList,
  { kind }: LocalRequest,
  { rows, findings, header }: FileBatch,
): void {
  if (kind === 'addition' && rows.some(({ entry }) => entry !== undefined))
    found.reportOnce(fileFinding('ADDITION_OF_TABLES'))
  for (const finding of findings) found.report(finding)
  if (header !== undefined) found.reportOnce(columnsRead(header))
}

/**
 * Checks each declaration as if it were filed alone, and reports a repeated employer, period and
 * region.
 */
class DeclaredRows {
  readonly #dependencies: LocalDependencies
  readonly #first = new Map<string, number>()
  any = false

  constructor(dependencies: LocalDependencies) {
    this.#dependencies = dependencies
  }

  async check({ row, header, entry = row, line, findings }: FileRow): Promise<void> {
    const { report, reportUnit, onRows } = this.#dependencies
    this.any = true
    const unit = unitKeyOf(header, entry)
    const bodyCheck = line && checkBody(line, row, this.#dependencies)
    const faults = [...findings, ...this.#repeated(unit, row), ...(bodyCheck?.faults ?? [])]
    for (const finding of [...faults, ...(bodyCheck?.warnings ?? [])])
      await report({ ...finding, place: { ...finding.place, row } }, 'declarations')
    const lines = faults.length > 0 ? 0 : linesOf(line)
    const [good, parts] = faults.length > 0 ? [0, 0] : [1, partsOfLines(lines)]
    const total = good === 1 ? bodyCheck?.total() : undefined
    await reportUnit({ ...unit, good, setAside: 1 - good, lines, parts, ...(total && { total }) })
    onRows?.({ read: 0, checked: 1 })
  }

  /** The later one would replace all of the earlier one. */
  #repeated({ employer, period, region }: UnitKey, row: number): FileFinding[] {
    if (employer === '' || period === '') return []
    const key = `${employer} ${period} ${region}`
    const first = this.#first.get(key)
    if (first !== undefined) return [fileFinding('DECLARATION_REPEATED', { row }, { first })]
    this.#first.set(key, row)
    return []
  }
}

function linesOf(declaration: object | undefined): number {
  const { lines } = (declaration ?? {}) as { lines?: readonly unknown[] }
  return lines?.length ?? 0
}

async function checkUnit(
  { kind }: LocalRequest,
  dependencies: LocalDependencies,
  header: Header | undefined,
  spool: RowSpool,
  unit: UnitKey & { readonly rows: number },
): Promise<void> {
  const { policies, nowMicros, report, reportUnit, onRows } = dependencies
  const { rows, ...key } = unit
  const several = rows > partLinesMax
  const warnings: FileFinding[] = []
  const check = new UnitCheck({
    ...{ policies, nowMicros, several },
    kind: filedKindOf(kind, undefined),
    replaces: anyOf(unit),
    report: { totals: new UnitTotals(policies), warn: (finding) => warnings.push(finding) },
  })
  const read = () => assembleLines(spool.pieces(unit))
  const below = several ? await checkUnitBase(policies, read()) : undefined
  if (below !== undefined) check.refuse(below)
  const reportAll = async (rejected: readonly RejectedRow[]) => {
    for (const { findings } of rejected)
      for (const finding of findings) await report(withColumn(finding, header), 'table')
    for (const finding of warnings.splice(0)) await report(withColumn(finding, header), 'table')
  }
  for await (const lines of read()) {
    for (const aside of check.take(lines)) await reportAll(aside)
    onRows?.({ read: 0, checked: lines.lines.length + lines.faulty.length })
  }
  await reportAll(check.end())
  await reportUnit({ ...key, ...check.counted() })
}

/** The replaced declaration is known only on the server: any id of the period takes its place here. */
function anyOf({ period }: UnitKey): string {
  return `${period.replace('-', '')}-${'0'.repeat(26)}`
}
