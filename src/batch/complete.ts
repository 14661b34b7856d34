/**
 * Decides what a file is whose last byte has come, in that byte's transaction: the file that was
 * announced, or a damaged one; new, or here already, as long as what the first one filed stands. This is the one place that decides it. What is
 * new gets its receipt, which is signed once: keys, rules and the environment may change. A file that is only
 * checked is never here already, and nothing is the same as it: nothing of it is filed. So it has no receipt.
 */
import assert from 'node:assert/strict'
import type pg from 'pg'
import type { BatchStatement } from '../journal/batch-receipt.ts'
import { dropChunks } from './end.ts'
import { isWorkedOn, stages } from './stages.ts'
import type { BatchRequest } from './upload.ts'

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
  mode: BatchRequest['mode']
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
      returning employer, period, region, kind, mode, received`,
    values: [
      ...[id, completed.stage, digest],
      completed.stage === 'duplicate' ? completed.sameAs : null,
      receivedAtMicros,
    ],
  })
  const [asked] = rows
  if (completed.stage !== 'received' || asked === undefined) await dropChunks(client, id)
  else if (asked.mode !== 'check') {
    const { received, employer, mode: _, ...more } = asked
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
  const { announced, mode } = await findAnnounced(client, id, digest)
  if (!announced) return { stage: 'damaged' }
  if (mode === 'check') return { stage: 'received' }
  const first = await findFirst(client, id, digest)
  if (first?.stands === true) return { stage: 'duplicate', sameAs: first.batch }
  if (first !== undefined)
    await client.query('delete from batch.content where batch = $1', [first.batch])
  const { rowCount } = await client.query({
    name: 'claim-content',
    text: `
      insert into batch.content (subject, employer, period, region, kind, digest, batch)
      select subject, coalesce(employer, ''), period, region, kind, $2, id
      from batch.batch
      where id = $1
      on conflict do nothing`,
    values: [id, digest],
  })
  // Another came in between: asked again, it is the first.
  return rowCount === 1 ? { stage: 'received' } : decide(client, id, digest)
}

/**
 * The batch that brought the same content first, and whether that stands: it is worked on, or what was
 * filed of it, by it or by the files that amend it, is the latest of each employer, period and region.
 */
async function findFirst(
  client: pg.PoolClient,
  id: string,
  digest: Buffer,
): Promise<{ batch: string; stands: boolean } | undefined> {
  const { rows } = await client.query<{ batch: string; stands: boolean }>({
    name: 'find-content',
    text: `
      select c.batch,
        f.stage = any($3::text[]) or not exists (
          select
          from batch.unit u
          left join journal.acceptance o on o.id = u.id
          left join lateral (
            select a.id
            from journal.acceptance a
            where a.employer = u.employer and a.period = u.period
              -- True also where one of them is not known.
              and (
                coalesce(a.region, journal.region_of(a.envelope, a.position))
                  = coalesce(o.region, journal.region_of(o.envelope, o.position))
              ) is not false
              and a.kind <> 'reassessment' and a.part_of is null
            order by a.envelope desc, a.position desc
            limit 1
          ) l on true
          where u.batch = c.batch and u.parts > 0 and l.id is distinct from u.id
            and not exists (
              select
              from batch.batch m
              join batch.unit k
                on k.batch = m.id and k.employer = u.employer and k.period = u.period
              where m.first = c.batch and k.id = l.id
            )
        ) as stands
      from batch.batch b
      join batch.content c on c.subject = b.subject and c.employer = coalesce(b.employer, '')
        and c.period = b.period and c.region in (b.region, '') and c.kind = b.kind
        and c.digest = $2
      join batch.batch f on f.id = c.batch and f.region = b.region
      where b.id = $1
      limit 1`,
    values: [id, digest, stages.filter(isWorkedOn)],
  })
  return rows[0]
}

type Announced = Pick<Asked, 'mode'> & { announced: boolean }

/** Whether the digest is the one that was said before; true where none was. */
async function findAnnounced(
  client: pg.PoolClient,
  id: string,
  digest: Buffer,
): Promise<Announced> {
  const { rows } = await client.query<Announced>({
    name: 'find-announced',
    text: `
      select coalesce(expected_digest = $2, true) as announced, mode
      from batch.batch
      where id = $1`,
    values: [id, digest],
  })
  const [found] = rows
  assert(found !== undefined, `${id} ends in the transaction that holds its row`)
  return found
}
