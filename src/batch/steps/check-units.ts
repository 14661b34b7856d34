/**
 * The second step of a file: checks each employer, period and region as a declaration, by the same
 * rules, and rejects rows with errors. Nothing is filed yet, so that all-or-nothing can be decided. A
 * process that dies costs the units checked since the last results were written.
 *
 * If an operator has a file checked anew, its filed units are not checked again (settle-unfiled.ts). A
 * file of mode check ends here, with a record of what would be filed; no stage that files follows.
 */
import type pg from 'pg'
import { conflictingDeclaration } from '../../journal/accept.ts'
import { JournalReader } from '../../journal/reading/reader.ts'
import { partLinesMax, unitsAtATime } from '../../limits.ts'
import type { Policies } from '../../policy/rules.ts'
import { openRowsAfterCheck, saveOpenRows } from '../amending/claim-amended.ts'
import { type CurrentCheck, checkCurrent } from '../amending/current-declaration.ts'
import { readUnitLines } from '../amending/merge-amendment.ts'
import { deleteUnfiled } from '../amending/settle-unfiled.ts'
import { saveErrorRows, stretchOf } from '../errors/error-rows.ts'
import { type FileFinding, fileFinding } from '../findings/file-findings.ts'
import { advanceStage, type LeasedBatch } from '../lease/batch-lease.ts'
import type { RejectedRow } from '../staging/rejected-rows.ts'
import { listUnchecked, readStagedPieces, type UnitKey } from '../staging/staged-rows.ts'
import { UnitTotals } from '../staging/unit-totals.ts'
import { filedKindOf } from '../state/requested-kind.ts'
import { type Amendment, findAmendment, requestedKindOf } from '../table/amendment.ts'
import type { ReadDependencies } from '../table/leased-rows.ts'
import type { FileLayout } from '../table/read-progress.ts'
import { findLayout } from '../uploads/find-batch.ts'
import { CheckResults } from './check-results.ts'
import { type CheckedRow, checkDeclaredRows, partsOfLines } from './declared-row.ts'
import { checkUnitBase } from './unit-base.ts'
import { UnitCheck } from './unit-check.ts'
import { WarnedRows } from './warned-rows.ts'

export type CheckDependencies = ReadDependencies & { readonly policies: Policies }

/**
 * Checks every unit and stores rejected rows; then the batch is refused, goes on to filing, or ends.
 */
export async function checkUnits(
  dependencies: CheckDependencies,
  work: LeasedBatch,
): Promise<LeasedBatch> {
  const { pool, keys } = dependencies
  if (work.toSettle) await deleteUnfiled(dependencies, work)
  const layout = await findLayout(pool, keys.all, work.batch)
  const warned = work.mode === 'check' ? await openWarned(dependencies, work, layout) : undefined
  const results = new CheckResults(dependencies, work, warned)
  const isErrorsFile = layout?.kind === 'table' && layout.header.columns.position !== undefined
  const amendment = await findAmendment(pool, work)
  const file = {
    amendment,
    isRowsAlone: amendment === undefined && isErrorsFile,
    ...(warned && { warned }),
    journal: new JournalReader(pool, keys.all),
  }
  const warn = (finding: FileFinding) => warned?.add(finding)
  for (let after: UnitKey | undefined; ; ) {
    const units = await listUnchecked(pool, work.batch, after, unitsAtATime)
    if (units.length === 0) break
    // A file has rows or declarations, never both.
    if (units[0]?.entry === 0)
      for (const unit of units) await checkUnit(dependencies, work, file, unit, results)
    else
      for await (const row of checkDeclaredRows(dependencies, work, units, warned && warn))
        await addRow(row, results)
    await results.write()
    after = units.at(-1)
  }
  const { good, setAside, filed } = await countRows(pool, work)
  if (setAside > 0) await saveErrorRows(dependencies, work)
  if (work.mode === 'check')
    return advanceStage(dependencies, work, 'conclude', (client) => noteWouldFile(client, work))
  // A file that is checked anew keeps what was filed, so "nothing" is no longer possible.
  const allOrNothing = work.mode === 'all-or-nothing' && filed === 0
  if (good === 0 || (setAside > 0 && allOrNothing))
    return advanceStage(dependencies, work, 'refuse')
  if (amendment === undefined) return advanceStage(dependencies, work, 'check')
  const open = await openRowsAfterCheck(dependencies, work, amendment)
  return advanceStage(dependencies, work, 'check', (client) =>
    saveOpenRows(client, amendment, open),
  )
}

function openWarned(
  { pool, keys }: CheckDependencies,
  { batch }: LeasedBatch,
  layout: FileLayout | undefined,
): Promise<WarnedRows> {
  return WarnedRows.open(pool, keys, batch, layout?.kind === 'table' ? layout.header : undefined)
}

/** In the transaction that ends a file of mode check: stores what would be filed. */
async function noteWouldFile(client: pg.PoolClient, { batch }: LeasedBatch): Promise<void> {
  await client.query({
    name: 'note-would-file',
    text: `
      update batch.work w
      set declarations_good = u.declarations, lines_good = u.lines,
        employer_fen = u.employer_fen, employee_fen = u.employee_fen
      from (
        select count(*) as declarations, coalesce(sum(lines), 0) as lines,
          coalesce(sum(employer_fen), 0) as employer_fen,
          coalesce(sum(employee_fen), 0) as employee_fen
        from batch.unit
        where batch = $1 and parts > 0
      ) u
      where w.batch = $1`,
    values: [batch],
  })
}

async function countRows(pool: pg.Pool, { batch }: LeasedBatch) {
  const { rows } = await pool.query<Record<'good' | 'aside' | 'filed', string>>(
    `select rows_good as good, rows_set_aside as aside, rows_filed as filed
     from batch.work
     where batch = $1`,
    [batch],
  )
  const [found] = rows
  const [good, setAside] = [Number(found?.good), Number(found?.aside)]
  return { good, setAside, filed: Number(found?.filed) }
}

/** Adds a unit that is a row of NDJSON. */
async function addRow(
  { unit, rejected, lines, replaces, total }: CheckedRow,
  results: CheckResults,
): Promise<void> {
  const { employer, period, region, entry } = unit
  const key = { employer, period, region, entry }
  if (rejected !== undefined)
    await results.reject({ ...key, number: 1, stretch: stretchOf(entry, entry), rows: [rejected] })
  const [good, setAside] = rejected === undefined ? [1, 0] : [0, 1]
  const parts = good === 0 ? 0 : partsOfLines(lines)
  const counts = { good, setAside, lines, parts, pieces: setAside, ...(total && { total }) }
  await results.add({ ...key, ...counts, latest: undefined, replaces })
}

/** What all units of a file share. */
type CheckedFile = {
  readonly amendment: Amendment | undefined
  /** An errors file that names no batch: its rows could be merged with nothing. */
  readonly isRowsAlone: boolean
  /** Only for a file that is only checked. */
  readonly warned?: WarnedRows
  readonly journal: JournalReader
}

async function checkUnit(
  dependencies: CheckDependencies,
  work: LeasedBatch,
  file: CheckedFile,
  unit: StagedUnit,
  results: CheckResults,
): Promise<void> {
  const { pool, keys, policies } = dependencies
  const found = await findUnit(dependencies, work, file, unit)
  const { key, several } = found
  const { finding: _, inForce: __, ...current } = found.current
  const check = openCheck(dependencies, work, file, found)
  const pieces = () => readStagedPieces(pool, keys, work.batch, key)
  const source = { prior: current.prior, journal: file.journal, pieces }
  const read = async function* () {
    for await (const lines of readUnitLines(source)) {
      yield lines
      await results.countChecked(lines.lines.length)
    }
  }
  const below = several ? await checkUnitBase(policies, read()) : undefined
  if (below !== undefined) check.refuse(below)
  let number = 0
  const reject = async (rows: readonly RejectedRow[]) => {
    for (const [stretch, some] of Map.groupBy(rows, ({ row }) => stretchOf(row))) {
      number += 1
      await results.reject({ ...key, number, stretch, rows: some })
    }
  }
  for await (const lines of read()) for (const rows of check.take(lines)) await reject(rows)
  await reject(check.end())
  await results.add({ ...key, ...check.counted(), pieces: number, ...current })
}

type StagedUnit = UnitKey & { readonly rows: number }

/** A unit and its current declaration. */
type FoundUnit = {
  readonly key: UnitKey
  /** The sender may file for its employer. */
  readonly mayFile: boolean
  readonly current: CurrentCheck
  /** Some rows of an employer, not its full declaration: they would replace the others. */
  readonly isPartial: boolean
  /** It has more lines than one round checks. */
  readonly several: boolean
}

async function findUnit(
  { pool }: CheckDependencies,
  work: LeasedBatch,
  { amendment, isRowsAlone, journal }: CheckedFile,
  { employer, period, region, entry, rows }: StagedUnit,
): Promise<FoundUnit> {
  const key = { employer, period, region, entry }
  // The sender may not know the current declaration of an employer that it may not file for.
  const mayFile = work.mayFileFor.has(employer)
  const current: CurrentCheck = mayFile
    ? await checkCurrent(pool, journal, work, amendment, key)
    : { latest: undefined, replaces: undefined }
  const { latest, prior } = current
  return {
    ...{ key, mayFile, current },
    isPartial: isRowsAlone && latest !== undefined && prior === undefined,
    several: rows + (prior?.lines ?? 0) > partLinesMax,
  }
}

/** The check of a unit, with the findings that reject all of its rows. */
function openCheck(
  { keys, policies }: CheckDependencies,
  work: LeasedBatch,
  { amendment, warned }: CheckedFile,
  { mayFile, current, isPartial, several }: FoundUnit,
): UnitCheck {
  const { replaces, prior, inForce, finding } = current
  const check = new UnitCheck({
    ...{ policies, replaces, several, mayFileIn: work.mayFileIn },
    ...(!isPartial && { inForce: inForce && conflictingDeclaration(keys.salts, inForce) }),
    ...(warned && {
      report: { totals: new UnitTotals(policies), warn: (finding) => warned.add(finding) },
    }),
    // A correction that replaces nothing would get one fault more.
    kind: mayFile ? filedKindOf(requestedKindOf(work, amendment), prior) : 'regular',
    nowMicros: amendment?.attemptedAtMicros ?? work.receivedAtMicros,
  })
  if (!mayFile) check.refuse(fileFinding('ROW_EMPLOYER_NOT_YOURS'))
  if (finding !== undefined) check.refuse(finding)
  if (isPartial) check.refuse(fileFinding('ROWS_ALONE'))
  return check
}
