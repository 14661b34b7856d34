/**
 * A file of fixed rows amends what an earlier file filed. Its sender names the batch to amend, or the
 * title over the row numbers of the errors file does. The first batch and all that amend it are a
 * family. The family records which rejected rows of the first file are still open, so that no row is
 * filed twice. One batch of a family is worked on at a time and the others wait, because each merges
 * with the current declaration.
 *
 * If the process dies
 *  - before the claim's commit: nothing is recorded; the next worker claims;
 *  - after it: the family belongs to this batch until it is filed or has ended; the next worker
 *    continues;
 *  - before the check is committed: the rows are still open; after it, they are closed, and the batch
 *    will be filed.
 */
import type pg from 'pg'
import { type ErrorRow, readErrorRows, rowsOfEmployers } from '../errors/error-rows.ts'
import { type FileFinding, fileFinding } from '../findings/file-findings.ts'
import {
  type LeasedBatch,
  RetryLaterError,
  type StepDependencies,
  writeStep,
} from '../lease/batch-lease.ts'
import { withHeartbeat } from '../lease/lease-heartbeat.ts'
import { RowSet } from '../staging/row-set.ts'
import type { SealingKeys } from '../state/seal.ts'
import { isInProgress, type Stage, stages } from '../state/stages.ts'
import { type Amendment, findAmendment } from '../table/amendment.ts'
import { amendedBatchOf } from '../table/errors-file.ts'
import type { Header } from '../table/header.ts'
import type { FiledRow } from '../table/row-line.ts'

type AmendedBatch = {
  id: string
  first: string
  issuer: string
  subject: string
  mode: LeasedBatch['mode']
  stage: Stage
  period: string
  region: string
  employer: string | null
  /** Its rows are declarations, which a table can't amend. */
  of_declarations: boolean
}

export type ClaimDependencies = StepDependencies & { readonly keys: SealingKeys }

export type AmendmentClaim = {
  /** Filters the file's rows; undefined if the file amends nothing or can't be merged. */
  readonly amendedRows?: AmendedRows
  readonly finding?: FileFinding
}

/**
 * Claims the family of a file as soon as its header is known.
 * @param header undefined: the file has none
 * @throws RetryLaterError while another batch of the family is worked on
 */
export async function claimAmended(
  dependencies: ClaimDependencies,
  work: LeasedBatch,
  header: Header | undefined,
): Promise<AmendmentClaim> {
  const { pool } = dependencies
  const { requested, taken } = await findRequested(pool, work.batch)
  const ids = [requested, header && amendedBatchOf(header)].filter((id) => id !== undefined)
  if (ids.length === 0) return {}
  if (header?.columns.position === undefined)
    return { finding: fileFinding('AMENDED_ROWS_UNKNOWN') }
  const named = await findAmendedBatches(pool, ids)
  const finding = refusalOf(work, ids, named)
  if (finding !== undefined) return { finding }
  const one = named.find(({ id }) => id === ids[0]) as AmendedBatch
  const family = await findFamily(pool, one.first)
  // There is no errors file before all is checked; and two files that name each other would wait
  // for ever.
  if (family.stage !== 'filing' && isInProgress(family.stage))
    return { finding: fileFinding('AMENDED_UNKNOWN') }
  if (family.stage === 'filing') throw new RetryLaterError(`batch ${one.first} is worked on`)
  if (family.rows_open === null && family.forgotten)
    return { finding: fileFinding('AMENDED_FORGOTTEN') }
  const known = family.rows_open ?? (await rejectedRowsOf(dependencies, work, one.first)).bytes
  const open =
    work.mode === 'check'
      ? await linkAmended(dependencies, work, one, known)
      : await claim(dependencies, work, one, known)
  const fixable = await rowsSenderMayFix(dependencies, work, one.first, family)
  const { attemptedAtMicros } = (await findAmendment(pool, work)) as Amendment
  return {
    amendedRows: new AmendedRows(open, new RowSet(taken ?? undefined), fixable),
    ...(attemptedAtMicros === undefined && { finding: fileFinding('AMENDED_LATE') }),
  }
}

async function findRequested(pool: pg.Pool, batch: string) {
  const { rows } = await pool.query<{ amends: string | null; rows_mended: Buffer | null }>({
    name: 'find-requested-amendment',
    text: `
      select b.amends, w.rows_mended
      from batch.batch b
      left join batch.work w on w.batch = b.id
      where b.id = $1`,
    values: [batch],
  })
  return { requested: rows[0]?.amends ?? undefined, taken: rows[0]?.rows_mended }
}

async function findAmendedBatches(pool: pg.Pool, ids: readonly string[]): Promise<AmendedBatch[]> {
  const { rows } = await pool.query<AmendedBatch>({
    name: 'find-amended',
    text: `
      select b.id, coalesce(b.first, b.id) as first, b.issuer, b.subject, b.mode, b.stage, b.period,
        b.region, b.employer,
        exists (select from batch.unit u where u.batch = b.id and u.entry > 0) as of_declarations
      from batch.batch b
      where b.id = any($1::text[])`,
    values: [ids],
  })
  return rows
}

/** All named batches must belong to the sender and to one family. */
function refusalOf(
  work: LeasedBatch,
  ids: readonly string[],
  named: readonly AmendedBatch[],
): FileFinding | undefined {
  const known = named.filter(({ issuer, subject, stage, id }) => {
    const isOwn = subject === work.subject && (issuer === work.issuer || issuer === '')
    return isOwn && stage !== 'receiving' && id !== work.batch
  })
  const families = new Set(known.map(({ first }) => first))
  if (known.length < new Set(ids).size || families.size > 1) return fileFinding('AMENDED_UNKNOWN')
  if (known.some((one) => one.of_declarations)) return fileFinding('AMENDED_ROWS_UNKNOWN')
  if (known.some(({ mode }) => mode === 'all-or-nothing')) return fileFinding('AMENDED_WHOLE')
  if (known.some(({ mode }) => mode === 'check')) return fileFinding('AMENDED_CHECK')
  const differs = known.some(
    ({ period, region, employer }) =>
      period !== work.period || region !== work.region || (employer ?? undefined) !== work.employer,
  )
  return differs ? fileFinding('AMENDED_OTHERWISE') : undefined
}

const workedOn = stages.filter(isInProgress)

/**
 * Claims in one transaction, at the family's row: of two at once, the second sees the first one's
 * claim.
 * @param known the rejected rows of the first file. They are not stored if rows were deleted meanwhile,
 *   because some may be missing then; the next worker finds that out
 */
async function claim(
  dependencies: ClaimDependencies,
  work: LeasedBatch,
  { id, first }: AmendedBatch,
  known: Buffer,
): Promise<RowSet> {
  let open: Buffer | undefined
  await writeStep(dependencies, work, {}, async (client) => {
    await client.query({
      name: 'insert-open-rows',
      text: `
        insert into batch.amended (first, rows_open)
        select batch, $2
        from batch.work
        where batch = $1 and not (errors_position is null and rows_set_aside > 0)
        on conflict (first) do nothing`,
      values: [first, known],
    })
    const { rows } = await client.query<{ rows_open: Buffer }>({
      name: 'claim-amended',
      text: `
        update batch.amended a
        set holder = $2
        where a.first = $1
          and (
            a.holder = $2
            or not exists (
              select from batch.batch h where h.id = a.holder and h.stage = any($3::text[])
            )
          )
        returning rows_open`,
      values: [first, work.batch, workedOn],
    })
    open = rows[0]?.rows_open
    if (open === undefined) throw new RetryLaterError(`another batch amends ${first} now`)
    await client.query('update batch.batch set amends = $2, first = $3 where id = $1', [
      work.batch,
      id,
      first,
    ])
  })
  return new RowSet(open)
}

/** A file that is only checked files nothing, so the others of the family need not wait for it. */
async function linkAmended(
  dependencies: ClaimDependencies,
  work: LeasedBatch,
  { id, first }: AmendedBatch,
  known: Buffer,
): Promise<RowSet> {
  await writeStep(dependencies, work, {}, async (client) => {
    await client.query('update batch.batch set amends = $2, first = $3 where id = $1', [
      ...[work.batch, id, first],
    ])
  })
  return new RowSet(known)
}

type Family = {
  stage: Stage
  /** Null: nothing amends the first file yet. */
  rows_open: Buffer | null
  /** The rejected rows of the first file are deleted. */
  forgotten: boolean
  /** Employers that the uploading tokens of the first file named. */
  named: string[]
}

async function findFamily(pool: pg.Pool, first: string): Promise<Family> {
  const { rows } = await pool.query<Family>({
    name: 'find-family',
    text: `
      select b.stage, a.rows_open, coalesce(b.named, b.may_file_for) as named,
        coalesce(w.errors_position is null and w.rows_set_aside > 0, false) as forgotten
      from batch.batch b
      left join batch.amended a on a.first = b.id
      left join batch.work w on w.batch = b.id
      where b.id = $1`,
    values: [first],
  })
  return rows[0] as Family
}

async function rejectedRowsOf(
  dependencies: ClaimDependencies,
  work: LeasedBatch,
  first: string,
): Promise<RowSet> {
  const open = new RowSet()
  const all = readErrorRows(dependencies.pool, dependencies.keys.all, first)
  for await (const { row } of withHeartbeat(dependencies, work, all)) open.add(row)
  return open
}

/**
 * The open rows that a sender may fix who may not file for all employers of the first file: rows of its
 * own employers. Undefined if it may fix all.
 */
async function rowsSenderMayFix(
  dependencies: ClaimDependencies,
  work: LeasedBatch,
  first: string,
  { named }: Family,
): Promise<RowSet | undefined> {
  if (named.every((employer) => work.mayFileFor.has(employer))) return undefined
  const fixable = new RowSet()
  const all = readErrorRows(dependencies.pool, dependencies.keys.all, first)
  const some = rowsOfEmployers(all, work.mayFileFor)
  for await (const { row } of withHeartbeat(dependencies, work, some)) fixable.add(row)
  return fixable
}

/** Filters the rows of an amendment: each must be open, and come once. */
export class AmendedRows {
  readonly #open: RowSet
  readonly #taken: RowSet
  readonly #fixable: RowSet | undefined

  /** @param fixable the rows that the sender may fix; all, unless given */
  constructor(open: RowSet, taken: RowSet, fixable?: RowSet) {
    this.#open = open
    this.#taken = taken
    this.#fixable = fixable
  }

  /** Rows taken so far, stored with the reading position. */
  get bytes(): Buffer {
    return this.#taken.bytes
  }

  #isLeft(position: number): boolean {
    const isOpen = this.#open.has(position) && !this.#taken.has(position)
    return isOpen && this.#fixable?.has(position) !== false
  }

  /** Returns the row, with a finding if it is not open. */
  take(filed: FiledRow): FiledRow {
    const { row, position, findings } = filed
    if (position !== undefined && this.#isLeft(position)) {
      this.#taken.add(position)
      return filed
    }
    if (findings.some(({ code }) => code === 'POSITION_INVALID')) return filed
    const params = { position: position ?? '' }
    const found = fileFinding('ROW_NOT_SET_ASIDE', { row }, params)
    return { ...filed, line: undefined, findings: [...findings, found] }
  }
}

/** The rows of the first file that stay open once the good rows of this file are filed. */
export async function openRowsAfterCheck(
  dependencies: ClaimDependencies,
  work: LeasedBatch,
  { first }: Amendment,
): Promise<RowSet> {
  const { pool, keys } = dependencies
  const { batch } = work
  const open = new RowSet((await findFamily(pool, first)).rows_open ?? undefined)
  const good = new RowSet((await findRequested(pool, batch)).taken ?? undefined)
  const all = readErrorRows(pool, keys.all, batch)
  for await (const row of withHeartbeat(dependencies, work, all))
    if (row.position !== undefined && !hasInvalidPosition(row)) good.delete(Number(row.position))
  open.deleteAll(good)
  return open
}

/** The rows of the first file that are open again, because filing rejected them. */
export async function openRowsAfterFiling(
  dependencies: ClaimDependencies,
  work: LeasedBatch,
  { first }: Amendment,
): Promise<RowSet> {
  const { pool, keys } = dependencies
  const open = new RowSet((await findFamily(pool, first)).rows_open ?? undefined)
  const all = readErrorRows(pool, keys.all, work.batch)
  for await (const row of withHeartbeat(dependencies, work, all))
    if (row.position !== undefined && !hasInvalidPosition(row)) open.add(Number(row.position))
  return open
}

/** A row with the number of another row leaves that one as it is. */
function hasInvalidPosition({ findings }: Pick<ErrorRow, 'findings'>): boolean {
  return findings.some(({ code }) => code === 'ROW_NOT_SET_ASIDE' || code === 'POSITION_INVALID')
}

/** In the transaction that ends checking or filing. */
export async function saveOpenRows(
  client: pg.PoolClient,
  { first }: Amendment,
  open: RowSet,
): Promise<void> {
  await client.query('update batch.amended set rows_open = $2 where first = $1', [
    first,
    open.bytes,
  ])
}
