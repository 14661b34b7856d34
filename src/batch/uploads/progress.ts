/**
 * The progress of a batch: its upload and its work in one read. It follows from stored data alone, not
 * from the time of the request, so the same state gives the same answer and the same mark.
 */

import type { EnvelopeKey } from '../../journal/envelope.ts'
import type { Queryable } from '../../journal/reading/read-pool.ts'
import type { FileFinding } from '../findings/file-findings.ts'
import type { Owner } from '../state/owner.ts'
import type { Stage } from '../state/stages.ts'
import { type Upload, type UploadRow, uploadOf } from '../state/upload.ts'
import { openFindings } from '../table/read-progress.ts'

/** Rows of the file that completed each step. */
export type RowCounts = {
  readonly read: number
  readonly good: number
  readonly setAside: number
  readonly filed: number
  readonly posted: number
}

/** Microseconds since 1970; undefined: not yet. */
type Instants = Readonly<
  Record<'read' | 'checked' | 'filed' | 'posted' | 'lastPosted', number | undefined>
> & { readonly began: number; readonly changed: number }

export type WorkProgress = {
  /** Bytes of the file; 0 where its format doesn't tell. */
  readonly bytesRead: number
  readonly rows: RowCounts
  readonly declarations: number
  /** Declarations that could not be posted so far and need an operator. */
  readonly deadLetters: number
  readonly at: Instants
  readonly findings: readonly FileFinding[]
  /** For a file of mode check, once checked: what would be filed. */
  readonly wouldFile: WouldFile | undefined
}

export type WouldFile = {
  readonly declarations: number
  readonly lines: number
  readonly employerFen: number
  readonly employeeFen: number
}

export type BatchState = {
  readonly upload: Upload
  /** Undefined until a worker takes the batch. */
  readonly work: WorkProgress | undefined
}

export type BatchProgress = BatchState & {
  /** Differs for each state. */
  readonly mark: string
}

type MarkRow = {
  id: string
  stage: Stage
  received: string
  version: string | null
  rows_posted: string
  dead_letters: string
}

type WorkRow = {
  bytes_read: string
  rows_read: string
  rows_good: string
  rows_set_aside: string
  rows_filed: string
  declarations: number
  findings: Buffer | null
  declarations_good: number | null
  lines_good: string | null
  employer_fen: string | null
  employee_fen: string | null
  changed_at: string
  began_at: string
  read_at: string | null
  checked_at: string | null
  filed_at: string | null
  posted_at: string | null
  last_posted_at: string | null
}

type Row = UploadRow & MarkRow & WorkRow

type Keys = readonly EnvelopeKey[]

/**
 * Reads batches by their ids. The view reads one row of each table by key, and one for each envelope.
 * @param owner leaves out batches of others; without it, all are found
 */
export async function findProgress(
  pool: Queryable,
  keys: Keys,
  ids: readonly string[],
  owner?: Owner,
): Promise<BatchProgress[]> {
  const { rows } = await pool.query<Row>({
    name: 'find-batch-progress',
    text: `
      select p.*, b.sealed_expected, b.sealed_received, s.id as slot
      from seen.progress p
      join batch.batch b on b.id = p.id
      left join batch.slot s on s.batch = p.id
      where p.id = any($1::text[])
        and ($2::text is null or p.subject = $2 and p.issuer in ($3, ''))`,
    values: [ids, owner?.subject, owner?.issuer],
  })
  return rows.map((row) => progressOf(keys, row))
}

export type BatchPage = { readonly before: bigint | undefined; readonly limit: number }

/** An owner's batches, newest first. */
export async function listProgress(
  pool: Queryable,
  keys: Keys,
  { issuer, subject }: Owner,
  { before, limit }: BatchPage,
): Promise<BatchProgress[]> {
  const { rows } = await pool.query<Row>({
    name: 'list-batch-progress',
    text: `
      select p.*, b.sealed_expected, b.sealed_received, s.id as slot
      from seen.progress p
      join batch.batch b on b.id = p.id
      left join batch.slot s on s.batch = p.id
      where p.subject = $1 and p.issuer in ($4, '')
        and p.number < coalesce($2::bigint, 9223372036854775807)
      order by p.number desc
      limit $3`,
    values: [subject, before, limit, issuer],
  })
  return rows.map((row) => progressOf(keys, row))
}

/** Reads the marks alone, to see which batches have changed. */
export async function findMarks(
  pool: Queryable,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const { rows } = await pool.query<MarkRow>({
    name: 'find-batch-marks',
    text: `
      select id, stage, received, version, rows_posted, dead_letters
      from seen.progress
      where id = any($1::text[])`,
    values: [ids],
  })
  return new Map(rows.map((row) => [row.id, markOf(row)]))
}

function markOf({ stage, received, version, rows_posted, dead_letters }: MarkRow): string {
  return [stage, received, version ?? 0, rows_posted, dead_letters].join('.')
}

function progressOf(keys: Keys, row: Row): BatchProgress {
  return {
    upload: uploadOf(keys, row),
    work: row.version === null ? undefined : workOf(keys, row),
    mark: markOf(row),
  }
}

function workOf(keys: Keys, row: Row): WorkProgress {
  const instant = (text: string | null) => (text === null ? undefined : Number(text))
  return {
    bytesRead: Number(row.bytes_read),
    rows: {
      read: Number(row.rows_read),
      good: Number(row.rows_good),
      setAside: Number(row.rows_set_aside),
      filed: Number(row.rows_filed),
      posted: Number(row.rows_posted),
    },
    declarations: row.declarations,
    deadLetters: Number(row.dead_letters),
    at: {
      changed: Number(row.changed_at),
      began: Number(row.began_at),
      read: instant(row.read_at),
      checked: instant(row.checked_at),
      filed: instant(row.filed_at),
      posted: instant(row.posted_at),
      lastPosted: instant(row.last_posted_at),
    },
    findings: openFindings({ all: keys }, row.id, row.findings),
    wouldFile: wouldFileOf(row),
  }
}

function wouldFileOf(row: Row): WouldFile | undefined {
  if (row.declarations_good === null) return undefined
  return {
    declarations: row.declarations_good,
    lines: Number(row.lines_good),
    employerFen: Number(row.employer_fen),
    employeeFen: Number(row.employee_fen),
  }
}
