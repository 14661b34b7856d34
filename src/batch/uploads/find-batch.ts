/**
 * Looks up batches.
 */
import type { Queryable } from '../../journal/reading/read-pool.ts'
import { type Upload, type UploadRow, uploadOf } from '../state/upload.ts'
import { type FileLayout, openLayout } from '../table/read-progress.ts'
import { type Viewer, visibleUpload } from './owner-view.ts'
import type { StoreDependencies } from './store-dependencies.ts'

/**
 * @param durability `durable` waits until every commit visible here has also reached the standby
 * @param viewer sees the batch as far as `owner-view.ts` allows, or not at all; without it, all is
 *   visible
 */
export async function findUpload(
  { pool, sealingKeys, confirm }: Pick<StoreDependencies, 'pool' | 'sealingKeys' | 'confirm'>,
  id: string,
  durability: 'visible' | 'durable',
  viewer?: Viewer,
): Promise<Upload | undefined> {
  const { rows } = await pool.query<UploadRow>({
    name: 'find-upload',
    text: `
      select u.*, b.sealed_expected, b.sealed_received, s.id as slot
      from batch.upload u
      join batch.batch b on b.id = u.id
      left join batch.slot s on s.batch = u.id
      where u.id = $1 and ($2::text is null or u.subject = $2 and u.issuer in ($3, ''))`,
    values: [id, viewer?.subject, viewer?.issuer],
  })
  const [row] = rows
  if (durability === 'durable') await confirm()
  const upload = row && uploadOf(sealingKeys, row)
  return upload && viewer ? visibleUpload(pool, viewer, upload) : upload
}

/** The layout of a file that was read; undefined if no header was found. */
export async function findLayout(
  pool: Queryable,
  all: StoreDependencies['sealingKeys'],
  id: string,
): Promise<FileLayout | undefined> {
  const { rows } = await pool.query<{ position: Buffer | null }>({
    name: 'find-batch-position',
    text: 'select position from batch.work where batch = $1',
    values: [id],
  })
  return openLayout({ all }, id, rows[0]?.position ?? undefined)
}
