/**
 * What the owner of a file may see of it now, by the employers that the token names which asks. A file has
 * rows of the employers that the tokens named with which it came, and of others by mistake.
 *
 *   the token that asks names        | sees
 *   all of those employers           | all of the file
 *   some of them                     | the units of those that it names: their counts, declarations and rows
 *   none; or the one employer that   | nothing: the file is not there
 *   the file is for is not named     |
 *
 * Rows that name no employer, or one that nobody named, may be anybody's: who sees a part sees none of them.
 * Neither does it see what is of the file as a whole: its name, digest, receipt and findings.
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

/** As far as it is seen; undefined where it is not there. */
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

/** Nobody knows yet whose rows are in it. */
function isUnread(stage: Stage): boolean {
  return stage === 'receiving' || stage === 'received' || stage === 'reading'
}

function partOf(upload: Upload): Upload {
  return { ...upload, fileName: undefined, digest: undefined, receipt: undefined }
}

/** The same of several, in their order; those that are not there are left out. */
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

/** Once the file is read, it is known whether anything in it is theirs. */
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

/** Of each file with units of these employers, or with rows that are not checked yet. */
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
