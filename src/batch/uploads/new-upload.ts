/**
 * Begins a batch, once for each Idempotency-Key of a subject.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { isSalting } from '../../journal/salting.ts'
import { uploadsOpenBytesMax, uploadsOpenMax } from '../../limits.ts'
import { assignSlot, lockAndCheckSlot, type SlotRefusal } from '../slots/reserve-slot.ts'
import { sealAct } from '../state/acts.ts'
import { saltedKey, sealExpected } from '../state/file-digest.ts'
import { type Owner, ownerKeyOf } from '../state/owner.ts'
import { sealBytes } from '../state/seal.ts'
import {
  fileNameBinding,
  type NewUpload,
  type Upload,
  type UploadRow,
  uploadOf,
} from '../state/upload.ts'
import { findUpload } from './find-batch.ts'
import type { CreateOutcome, StoreDependencies } from './store-dependencies.ts'

/** A key that exists inserts nothing; a second statement reads its batch. */
export async function createUpload(
  dependencies: StoreDependencies,
  request: NewUpload,
): Promise<CreateOutcome> {
  const existing = await findByKey(dependencies, request)
  if (existing !== undefined) return repeatedOutcome(request, existing)
  const open = await countOpen(dependencies, request)
  if (open.files >= uploadsOpenMax) return { kind: 'tooMany' }
  if (open.bytes + (request.size ?? 0) > uploadsOpenBytesMax) return { kind: 'tooManyBytes' }
  const id = randomUUID()
  const outcome = await insertWithSlot(dependencies, id, request)
  const inserted = outcome === 'inserted'
  const upload = inserted
    ? await findUpload(dependencies, id, 'visible')
    : await findByKey(dependencies, request)
  // Two requests may use the same key. The second may find the slot assigned to the first one's
  // batch.
  if (upload === undefined && !inserted && outcome !== 'there') return { kind: outcome }
  assert(upload !== undefined, 'the inserted or conflicting batch exists')
  return inserted ? { kind: 'created', upload } : repeatedOutcome(request, upload)
}

/** Locks the slot before inserting the batch: of two requests for it, the second finds it assigned. */
async function insertWithSlot(
  dependencies: StoreDependencies,
  id: string,
  request: NewUpload,
): Promise<'inserted' | 'there' | SlotRefusal> {
  const { pool, inTransaction, nowMicros } = dependencies
  const { slot } = request
  if (slot === undefined)
    return (await insert(dependencies, pool, id, request)) ? 'inserted' : 'there'
  return inTransaction(pool, async (client) => {
    const refusal = await lockAndCheckSlot(client, slot, request, nowMicros())
    if (refusal !== undefined) return refusal
    if (!(await insert(dependencies, client, id, request))) return 'there'
    await assignSlot(client, slot, id)
    return 'inserted'
  })
}

function repeatedOutcome(request: NewUpload, upload: Upload): CreateOutcome {
  return { kind: isSame(request, upload) ? 'replayed' : 'conflicting', upload }
}

/** The same key must mean the same file. Only the file name may differ. */
function isSame(request: NewUpload, upload: Upload): boolean {
  const names = ['employer', 'period', 'region', 'kind', 'format', 'mode', 'slot'] as const
  // The file itself may have named its amended batch since.
  if (request.amends !== undefined && request.amends !== upload.amends) return false
  const sameDigest =
    request.expectedDigest?.toString('hex') === upload.expectedDigest?.toString('hex')
  // A later part may have announced the size.
  const sameSize = request.size === undefined || request.size === upload.size
  return names.every((name) => request[name] === upload[name]) && sameDigest && sameSize
}

/**
 * Counts the uploads of a subject that are under way, and their bytes: the announced size, or the
 * received bytes where none is announced. Counting stops at the limit.
 * @param besides the batch to leave out
 */
export async function countOpen(
  { pool }: Pick<StoreDependencies, 'pool'>,
  { issuer, subject }: Owner,
  besides = '',
): Promise<{ readonly files: number; readonly bytes: number }> {
  const { rows } = await pool.query<{ files: string; bytes: string }>({
    name: 'count-open-uploads',
    text: `
      select count(*) as files, coalesce(sum(bytes), 0) as bytes
      from (
        select coalesce(size, received) as bytes
        from batch.batch
        where subject = $1 and issuer in ($2, '') and stage = 'receiving' and id <> $4
        limit $3
      ) open`,
    values: [subject, issuer, uploadsOpenMax, besides],
  })
  return { files: Number(rows[0]?.files), bytes: Number(rows[0]?.bytes) }
}

async function insert(
  { sealingKeys, salts }: StoreDependencies,
  client: pg.Pool | pg.PoolClient,
  id: string,
  request: NewUpload,
): Promise<boolean> {
  const [key] = sealingKeys
  assert(key !== undefined, 'a keyring has a sealing key')
  const { subject, fileName, idempotencyKey, expectedDigest, by } = request
  const storedKey = idempotencyKey && ownerKeyOf(request, idempotencyKey)
  const salting = await isSalting(client)
  const name = fileName && sealBytes(key, fileNameBinding(id), Buffer.from(fileName))
  const { rowCount } = await client.query({
    name: 'create-upload',
    text: `
      with begun as (
        insert into batch.batch (
          id, issuer, subject, may_file_for, named, employer, period, region, kind, format, mode,
          file_name, idempotency_key, size, expected_digest, sealed_expected, amends, may_file_in,
          stage
        )
        values (
          $1, $16, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $17,
          'receiving'
        )
        on conflict (subject, idempotency_key) do nothing
        returning id
      ), noted as (
        insert into batch.act (batch, act, sealed)
        select id, 'begin', $18
        from begun
        where $18::bytea is not null
      )
      select from begun`,
    values: [
      ...[
        id,
        request.subject,
        request.mayFileFor,
        request.employer,
        request.period,
        request.region,
      ],
      ...[request.kind, request.format, request.mode, name || null],
      storedKey && (salting ? saltedKey(salts, subject, storedKey) : storedKey),
      request.size,
      salting ? undefined : expectedDigest,
      salting && expectedDigest ? sealExpected(key, id, expectedDigest) : undefined,
      ...[request.amends, request.issuer, request.mayFileIn],
      by && sealAct(key, id, 'begin', by),
    ],
  })
  return rowCount === 1
}

async function findByKey(
  { pool, sealingKeys, salts }: StoreDependencies,
  request: NewUpload,
): Promise<Upload | undefined> {
  const { issuer, subject, idempotencyKey } = request
  if (idempotencyKey === undefined) return undefined
  const keys = [ownerKeyOf(request, idempotencyKey), idempotencyKey]
  const { rows } = await pool.query<UploadRow>({
    name: 'find-upload-by-key',
    text: `
      select u.*, b.sealed_expected, b.sealed_received, s.id as slot
      from batch.batch b
      join batch.upload u on u.id = b.id
      left join batch.slot s on s.batch = b.id
      where b.subject = $1 and b.idempotency_key = any($2::text[]) and b.issuer in ($3, '')
      order by b.issuer desc
      limit 1`,
    values: [subject, keys.flatMap((one) => [one, saltedKey(salts, subject, one)]), issuer],
  })
  const [row] = rows
  return row && uploadOf(sealingKeys, row)
}
