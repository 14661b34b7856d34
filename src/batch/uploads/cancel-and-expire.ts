/**
 * Ends a batch before it is worked on, and deletes its bytes afterwards. Each is one transaction that
 * locks the batch first, as finalizing does.
 */
import type pg from 'pg'
import type { FiledByToken } from '../../journal/attribution.ts'
import { uploadExpiryPage, uploadIdleMsMax } from '../../limits.ts'
import { noteAct } from '../state/acts.ts'
import { stagesBefore, transitions } from '../state/stages.ts'
import type { CancelOutcome, StoreDependencies } from './store-dependencies.ts'

type Dependencies = Pick<StoreDependencies, 'pool' | 'inTransaction'>

/** Cancels an upload. Cancelling twice is no fault. A batch that is being filed or is done stays. */
export function cancelUpload(
  {
    pool,
    inTransaction,
    sealingKeys: [key],
  }: Dependencies & Pick<StoreDependencies, 'sealingKeys'>,
  id: string,
  by?: FiledByToken,
): Promise<CancelOutcome> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ before: keyof typeof transitions }>({
      name: 'cancel-upload',
      text: `
        update batch.batch b
        set stage = case when b.stage = any($2) then 'cancelled' else b.stage end, writer = null
        from (select id, stage from batch.batch where id = $1 for update) before
        where b.id = before.id
        returning before.stage as before`,
      values: [id, stagesBefore('cancel')],
    })
    const before = rows[0]?.before
    if (before === undefined) return 'absent'
    if (before === 'cancelled') return 'cancelled'
    if (transitions[before].cancel === undefined) return 'tooLate'
    await deleteContent(client, id)
    if (by !== undefined && key !== undefined) await noteAct(client, key, id, { act: 'cancel', by })
    return 'cancelled'
  })
}

/** Expires one page of uploads; processes that do the same skip locked ones. */
export function expireUploads({ pool, inTransaction }: Dependencies): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>({
      name: 'expire-uploads',
      text: `
        update batch.batch
        set stage = 'expired', writer = null
        where id in (
          select id
          from batch.batch
          where stage = 'receiving' and touched_at < now() - $1 * interval '1 millisecond'
          limit $2
          for update skip locked
        )
        returning id`,
      values: [uploadIdleMsMax, uploadExpiryPage],
    })
    for (const { id } of rows) await deleteContent(client, id)
    return rows.length
  })
}

export function deleteBytes({ pool, inTransaction }: Dependencies, id: string): Promise<void> {
  return inTransaction(pool, (client) => deleteChunks(client, id))
}

/**
 * Deletes the bytes of a batch that nobody works on. The next batch with the same content counts as the
 * first.
 */
async function deleteContent(client: pg.PoolClient, id: string): Promise<void> {
  await deleteChunks(client, id)
  await client.query({
    name: 'delete-content',
    text: 'delete from batch.content where batch = $1',
    values: [id],
  })
}

export async function deleteChunks(client: pg.PoolClient, id: string): Promise<void> {
  await client.query({
    name: 'delete-chunks',
    text: 'delete from batch.chunk where batch = $1',
    values: [id],
  })
}
