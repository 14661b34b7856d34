/**
 * What the owner of a file may see, by the employers that the requesting token names. A file contains
 * rows of the employers that the uploading tokens named, and by mistake of others.
 *
 *   the requesting token names       | sees
 *   all employers of the file        | all of the file
 *   some of them                     | counts, declarations and rows of their units
 *   none, or not the one employer    | nothing: the file is not found
 *   that the file is for             |
 *
 * Rows that name no employer, or one that no token named, may be anybody's, so a partial view has none
 * of them. It also lacks what describes the full file: its name, digest, receipt and findings.
 */
import type { Queryable } from '../../journal/reading/read-pool.ts'
import type { Owner } from '../state/owner.ts'
import type { Stage } from '../state/stages.ts'
import type { Upload } from '../state/upload.ts'
import type { BatchProgress, WouldFile } from './progress.ts'

export type Viewer = Owner & { readonly employers: ReadonlySet<string> }

export type Visibility = 'all' | 'part' | 'nothing'

export function visibilityOf(
  { issuer, subject, employers }: Viewer,
  upload: Pick<Upload, 'issuer' | 'subject' | 'employer' | 'named'>,
): Visibility {
  const isOwn = subject !== '' && subject === upload.subject
  if (!isOwn || (issuer !== upload.issuer && upload.issuer !== '')) return 'nothing'
  if (upload.employer !== undefined && !employers.has(upload.employer)) return 'nothing'
  if (upload.named.every((employer) => employers.has(employer))) return 'all'
  return upload.named.some((employer) => employers.has(employer)) ? 'part' : 'nothing'
}

/** The visible part of an upload; undefined if it is not found. */
export async function visibleUpload(
  pool: Queryable,
  viewer: Viewer,
  upload: Upload,
): Promise<Upload | undefined> {
  const visibility = visibilityOf(viewer, upload)
  if (visibility === 'nothing') return undefined
  if (visibility === 'all') return upload
  const { id, stage } = upload
  const hasRowsOfViewer =
    isUnread(stage) || (await countForViewer(pool, [id], [...viewer.employers])).has(id)
  return hasRowsOfViewer ? partOf(upload) : undefined
}

/** Before the rows are read, nobody knows whose they are. */
function isUnread(stage: Stage): boolean {
  return stage === 'receiving' || stage === 'received' || stage === 'reading'
}

function partOf(upload: Upload): Upload {
  return { ...upload, fileName: undefined, digest: undefined, receipt: undefined }
}

/** The same for several batches, in their order; those not found are left out. */
export async function visibleProgress(
  pool: Queryable,
  viewer: Viewer,
  all: readonly BatchProgress[],
): Promise<BatchProgress[]> {
  const visibilities = new Map(all.map((one) => [one.upload.id, visibilityOf(viewer, one.upload)]))
  const ids = [...visibilities].flatMap(([id, sight]) => (sight === 'part' ? [id] : []))
  const counts =
    ids.length === 0 ? undefined : await countForViewer(pool, ids, [...viewer.employers])
  return all.flatMap((progress) => {
    const { id } = progress.upload
    if (visibilities.get(id) === 'all') return [progress]
    const part =
      visibilities.get(id) === 'part' ? partOfProgress(progress, counts?.get(id)) : undefined
    return part ?? []
  })
}

/** Once the file is read, it is known whether it has rows of the viewer. */
function partOfProgress(
  { upload, work, mark }: BatchProgress,
  counts: ViewerCounts | undefined,
): BatchProgress | undefined {
  if (counts === undefined && !isUnread(upload.stage)) return undefined
  if (work === undefined) return { upload: partOf(upload), work, mark }
  if (counts === undefined) {
    const rows = { read: 0, good: 0, setAside: 0, filed: 0, posted: 0 }
    return { upload: partOf(upload), work: { ...work, ...noneKnown, rows }, mark }
  }
  const { good, setAside, filed, declarations, wouldFile } = counts
  const posted = upload.stage === 'posted' ? filed : 0
  const rows = { read: good + setAside, good, setAside, filed, posted }
  const known = work.wouldFile && { wouldFile }
  return {
    ...{ upload: partOf(upload), mark },
    work: { ...work, ...noneKnown, rows, declarations, ...known },
  }
}

const noneKnown = { declarations: 0, deadLetters: 0, findings: [], wouldFile: undefined } as const

type ViewerCounts = {
  readonly good: number
  readonly setAside: number
  readonly filed: number
  readonly declarations: number
  readonly wouldFile: WouldFile
}

/** Files with units of these employers, or with unchecked rows of theirs. */
async function countForViewer(
  pool: Queryable,
  ids: readonly string[],
  employers: readonly string[],
): Promise<ReadonlyMap<string, ViewerCounts>> {
  const { rows } = await pool.query<{ id: string } & Record<Counted, string>>({
    name: 'count-units-of-employers',
    text: `
      select b.id, u.*
      from unnest($1::text[]) as b (id)
      cross join lateral (
        select
          count(*) as units,
          coalesce(sum(rows_good), 0) as good,
          coalesce(sum(rows_set_aside), 0) as set_aside,
          coalesce(sum(rows_good) filter (where parts > 0 and parts_filed = parts), 0) as filed,
          count(*) filter (where parts > 0 and parts_filed = parts) as declarations,
          count(*) filter (where parts > 0) as would_file,
          coalesce(sum(lines) filter (where parts > 0), 0) as lines,
          coalesce(sum(employer_fen), 0) as employer_fen,
          coalesce(sum(employee_fen), 0) as employee_fen
        from batch.unit
        where batch = b.id and employer = any($2::text[])
      ) u
      where u.units > 0 or exists (
        select from batch.piece where batch = b.id and employer = any($2::text[])
      )`,
    values: [ids, employers],
  })
  return new Map(rows.map((row) => [row.id, viewerCountsOf(row)]))
}

type Counted =
  | 'good'
  | 'set_aside'
  | 'filed'
  | 'declarations'
  | 'would_file'
  | 'lines'
  | 'employer_fen'
  | 'employee_fen'

function viewerCountsOf(row: Record<Counted, string>): ViewerCounts {
  return {
    good: Number(row.good),
    setAside: Number(row.set_aside),
    filed: Number(row.filed),
    declarations: Number(row.declarations),
    wouldFile: {
      declarations: Number(row.would_file),
      lines: Number(row.lines),
      employerFen: Number(row.employer_fen),
      employeeFen: Number(row.employee_fen),
    },
  }
}
