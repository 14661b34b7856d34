/**
 * Decides the outcome of a file when its last byte arrives, in that byte's transaction. The file is the
 * announced one or damaged; it is new, or a duplicate as long as the first batch with the same content
 * still stands. No other code decides this.
 *
 * A new file gets its receipt here, signed once, because keys, rules and the environment may change
 * later. A file of mode check is never a duplicate, and no file is a duplicate of it, because nothing
 * of it is filed. So it has no receipt.
 */
import assert from 'node:assert/strict'
import type pg from 'pg'
import type { FiledByToken } from '../../journal/attribution.ts'
import type { EnvelopeKey } from '../../journal/envelope.ts'
import { isNotReplaced } from '../../journal/latest-declaration.ts'
import { isSalting } from '../../journal/salting.ts'
import { noteAct } from '../state/acts.ts'
import { contentKey, openExpected, sealReceived } from '../state/file-digest.ts'
import { isInProgress, stages } from '../state/stages.ts'
import type { BatchRequest } from '../state/upload.ts'
import { deleteChunks } from './cancel-and-expire.ts'
import type { FinalizeDependencies } from './store-dependencies.ts'

export type FinalizeOutcome =
  | { readonly stage: 'received' | 'damaged' }
  /** The first batch with the same content. */
  | { readonly stage: 'duplicate'; readonly sameAs: string }

type RequestedFile = {
  subject: string
  employer: string | null
  period: string
  region: string
  kind: string
  mode: BatchRequest['mode']
  received: string
  expected_digest: Buffer | null
  sealed_expected: Buffer | null
}

/** A file whose bytes are all here. */
type FullFile = {
  readonly id: string
  readonly digest: Buffer
  readonly request: RequestedFile
  /**
   * Keys that find the content again: the form stored now, and the other form that older batches have.
   */
  readonly contentKeys: readonly [kept: Buffer, other: Buffer]
}

/** The digest of the full file, and who sent its last byte, where that is recorded. */
export type FinishedFile = { readonly digest: Buffer; readonly by?: FiledByToken | undefined }

/**
 * Runs in the caller's transaction, which holds the batch's row. If two files with the same content end
 * at once, the second waits at the content's key for the first one's commit, and then finds it.
 */
export async function finalizeUpload(
  dependencies: FinalizeDependencies,
  client: pg.PoolClient,
  id: string,
  { digest, by }: FinishedFile,
): Promise<FinalizeOutcome> {
  const { salts, nowMicros } = dependencies
  const salting = await isSalting(client)
  const request = await readRequested(client, id)
  const keyed = contentKey(salts, request.subject, digest)
  const contentKeys = salting ? ([keyed, digest] as const) : ([digest, keyed] as const)
  const file = { id, digest, request, contentKeys }
  const completed = await decide(dependencies, client, file)
  const receivedAtMicros = nowMicros()
  const receipt = receiptFor(dependencies, file, completed, receivedAtMicros)
  await client.query({
    name: 'finalize-upload',
    text: `
      update batch.batch
      set stage = $2, same_as = $3, digest_state = null, writer = null,
        received_at = to_timestamp($4::numeric / 1000000),
        digest = $5, receipt = $6, sealed_received = $7
      where id = $1`,
    values: [
      ...[id, completed.stage],
      completed.stage === 'duplicate' ? completed.sameAs : null,
      receivedAtMicros,
      ...(salting
        ? [null, null, sealReceived(sealingKeyOf(dependencies), id, { digest, receipt })]
        : [digest, receipt ?? null, null]),
    ],
  })
  if (by !== undefined)
    await noteAct(client, sealingKeyOf(dependencies), id, { act: 'complete', by })
  if (completed.stage !== 'received') await deleteChunks(client, id)
  return completed
}

function sealingKeyOf({ sealingKeys: [key] }: FinalizeDependencies): EnvelopeKey {
  assert(key !== undefined, 'a keyring has a sealing key')
  return key
}

function receiptFor(
  { receiptOf }: FinalizeDependencies,
  { id, digest, request }: FullFile,
  { stage }: FinalizeOutcome,
  receivedAtMicros: number,
): string | undefined {
  const { employer, period, region, kind, mode, received } = request
  if (stage !== 'received' || mode === 'check') return undefined
  const statement = { employer: employer ?? undefined, period, region, kind }
  return receiptOf({ ...statement, id, digest, size: Number(received), receivedAtMicros })
}

async function decide(
  dependencies: FinalizeDependencies,
  client: pg.PoolClient,
  file: FullFile,
): Promise<FinalizeOutcome> {
  const { id, request, contentKeys } = file
  if (!matchesAnnounced(dependencies, file)) return { stage: 'damaged' }
  if (request.mode === 'check') return { stage: 'received' }
  const first = await findSameContent(client, file)
  if (first?.stands === true) return { stage: 'duplicate', sameAs: first.batch }
  if (first !== undefined)
    await client.query('delete from batch.content where batch = $1', [first.batch])
  const { rowCount } = await client.query({
    name: 'claim-content',
    text: `
      insert into batch.content (issuer, subject, employer, period, region, kind, digest, batch)
      select issuer, subject, coalesce(employer, ''), period, region, kind, $2, id
      from batch.batch
      where id = $1
      on conflict do nothing`,
    values: [id, contentKeys[0]],
  })
  // Another batch claimed the content in between: decide again and find it.
  return rowCount === 1 ? { stage: 'received' } : decide(dependencies, client, file)
}

/** Whether the digest is the announced one; true if none was announced. */
function matchesAnnounced(
  { sealingKeys }: FinalizeDependencies,
  { id, digest, request }: FullFile,
): boolean {
  const { expected_digest: plain, sealed_expected: sealed } = request
  const expected = sealed === null ? plain : openExpected(sealingKeys, id, sealed)
  return expected === null || expected.equals(digest)
}

/**
 * Finds the first batch with the same content, and whether it still stands. It stands while it is
 * worked on, or while what it and its amendments filed is the latest of each employer, period and
 * region, and no declaration of another region replaced it. It does not stand if rows were rejected because its sender might not file for their employer,
 * and now may.
 */
async function findSameContent(
  client: pg.PoolClient,
  { id, contentKeys }: FullFile,
): Promise<{ batch: string; stands: boolean } | undefined> {
  const { rows } = await client.query<{ batch: string; stands: boolean }>({
    name: 'find-same-content',
    text: `
      select c.batch,
        not exists (
          select
          from batch.unit u
          where u.batch = c.batch and u.employer = any(b.may_file_for)
            and u.employer <> all(f.may_file_for)
        ) and (f.stage = any($3::text[]) or not exists (
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
              and ${isNotReplaced('coalesce(a.region, journal.region_of(a.envelope, a.position))')}
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
        )) as stands
      from batch.batch b
      join batch.content c on c.subject = b.subject and c.issuer in (b.issuer, '')
        and c.employer = coalesce(b.employer, '')
        and c.period = b.period and c.region in (b.region, '') and c.kind = b.kind
        and c.digest in ($2, $4)
      join batch.batch f on f.id = c.batch and f.region = b.region
      where b.id = $1
      limit 1`,
    values: [id, contentKeys[0], stages.filter(isInProgress), contentKeys[1]],
  })
  return rows[0]
}

async function readRequested(client: pg.PoolClient, id: string): Promise<RequestedFile> {
  const { rows } = await client.query<RequestedFile>({
    name: 'read-requested-file',
    text: `
      select subject, employer, period, region, kind, mode, received, expected_digest,
        sealed_expected
      from batch.batch
      where id = $1`,
    values: [id],
  })
  const [request] = rows
  assert(request !== undefined, `${id} is finalized in the transaction that holds its row`)
  return request
}
