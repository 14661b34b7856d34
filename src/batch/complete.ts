/**
 * Decides what a file is whose last byte has come, in that byte's transaction: the file that was
 * announced, or a damaged one; new, or here already. This is the one place that decides it. What is
 * new gets its receipt, which is signed once: keys, rules and the environment may change.
 */
import type pg from 'pg'
import type { BatchStatement } from '../journal/batch-receipt.ts'
import { dropChunks } from './end.ts'

export type Completed =
  | { readonly stage: 'received' | 'damaged' }
  /** The batch that brought the same content first. */
  | { readonly stage: 'duplicate'; readonly sameAs: string }

export type CompleteDependencies = {
  /** Microseconds since 1970. */
  readonly nowMicros: () => number
  /** The signed receipt of a file that is here. */
  readonly receiptOf: (file: Omit<BatchStatement, 'deadlineMicros'>) => string
}

type Asked = {
  employer: string | null
  period: string
  region: string
  kind: string
  received: string
}

/**
 * The caller's transaction holds the batch's row. Of two that end with the same content at once, the
 * second waits for the first one's commit at the content's key, and then finds it.
 */
export async function completeUpload(
  { nowMicros, receiptOf }: CompleteDependencies,
  client: pg.PoolClient,
  id: string,
  digest: Buffer,
): Promise<Completed> {
  const completed = await decide(client, id, digest)
  const receivedAtMicros = nowMicros()
  const { rows } = await client.query<Asked>({
    name: 'complete-upload',
    text: `
      update batch.batch
      set stage = $2, digest = $3, same_as = $4, digest_state = null, writer = null,
        received_at = to_timestamp($5::numeric / 1000000)
      where id = $1
      returning employer, period, region, kind, received`,
    values: [
      ...[id, completed.stage, digest],
      completed.stage === 'duplicate' ? completed.sameAs : null,
      receivedAtMicros,
    ],
  })
  const [asked] = rows
  if (completed.stage !== 'received' || asked === undefined) await dropChunks(client, id)
  else {
    const { received, employer, ...more } = asked
    const size = Number(received)
    const file = { ...more, employer: employer ?? undefined, id, digest, size, receivedAtMicros }
    await client.query({
      name: 'keep-receipt',
      text: 'update batch.batch set receipt = $2 where id = $1',
      values: [id, receiptOf(file)],
    })
  }
  return completed
}

async function decide(client: pg.PoolClient, id: string, digest: Buffer): Promise<Completed> {
  if (!(await isAnnounced(client, id, digest))) return { stage: 'damaged' }
  const { rowCount } = await client.query({
    name: 'claim-content',
    text: `
      insert into batch.content (subject, employer, period, kind, digest, batch)
      select subject, coalesce(employer, ''), period, kind, $2, id
      from batch.batch
      where id = $1
      on conflict do nothing`,
    values: [id, digest],
  })
  if (rowCount === 1) return { stage: 'received' }
  const { rows } = await client.query<{ batch: string }>({
    name: 'find-content',
    text: `
      select c.batch
      from batch.batch b
      join batch.content c on c.subject = b.subject and c.employer = coalesce(b.employer, '')
        and c.period = b.period and c.kind = b.kind and c.digest = $2
      where b.id = $1`,
    values: [id, digest],
  })
  const [first] = rows
  // Who had it may have been cancelled in between: asked again, this one is the first.
  return first === undefined
    ? decide(client, id, digest)
    : { stage: 'duplicate', sameAs: first.batch }
}

/** Whether the digest is the one that was said before; true where none was. */
async function isAnnounced(client: pg.PoolClient, id: string, digest: Buffer): Promise<boolean> {
  const { rows } = await client.query<{ announced: boolean }>({
    name: 'is-announced',
    text: `
      select coalesce(expected_digest = $2, true) as announced
      from batch.batch
      where id = $1`,
    values: [id, digest],
  })
  return rows[0]?.announced === true
}
