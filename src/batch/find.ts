/**
 * Looks up batches. Who may see one is decided by the caller.
 */
import { confirmDurable } from '../journal/find.ts'
import { type Upload, type UploadRow, uploadOf } from './upload.ts'
import type { StoreDependencies } from './upload-store.ts'

export type UploadPage = { readonly before: bigint | undefined; readonly limit: number }

/** @param as `durable`: what a commit left behind that reached no standby yet is waited for */
export async function findUpload(
  { pool, sealingKeys }: Pick<StoreDependencies, 'pool' | 'sealingKeys'>,
  id: string,
  as: 'visible' | 'durable',
): Promise<Upload | undefined> {
  const { rows } = await pool.query<UploadRow>({
    name: 'find-upload',
    text: 'select * from batch.upload where id = $1',
    values: [id],
  })
  const [row] = rows
  if (as === 'durable') await confirmDurable(pool)
  return row && uploadOf(sealingKeys, row)
}

export async function listUploads(
  { pool, sealingKeys }: Pick<StoreDependencies, 'pool' | 'sealingKeys'>,
  subject: string,
  { before, limit }: UploadPage,
): Promise<Upload[]> {
  const { rows } = await pool.query<UploadRow>({
    name: 'list-uploads',
    text: `
      select *
      from batch.upload
      where subject = $1 and number < coalesce($2::bigint, 9223372036854775807)
      order by number desc
      limit $3`,
    values: [subject, before, limit],
  })
  return rows.map((row) => uploadOf(sealingKeys, row))
}
