/**
 * GET /v1/batches/{id}: how far a file is, from its first byte to its last row posted; its receipt; the
 * list of one's own; and DELETE, which cancels one. Who asks to wait is answered when something has changed.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type pg from 'pg'
import Type, { type Static } from 'typebox'
import { isEnded } from '../../batch/state/stages.ts'
import { visibilityOf, visibleProgress } from '../../batch/uploads/owner-view.ts'
import { type BatchProgress, findProgress, listProgress } from '../../batch/uploads/progress.ts'
import type { Confirm } from '../../journal/durable.ts'
import type { EnvelopeKey } from '../../journal/envelope.ts'
import type { ReadPool } from '../../journal/reading/read-pool.ts'
import { batchReceiptText } from '../../journal/receipts/batch-receipt.ts'
import { pageBatchesMax, statusWaitSecondsMax } from '../../limits.ts'
import { isWithdrawn, requireAct } from '../auth/bearer.ts'
import { entityTagHeader, nothing, retryHeader, withHeaders } from '../present/answers.ts'
import {
  batchListSchema,
  batchReceiptSchema,
  batchSchema,
  presentBatch,
  presentWithReceipt,
} from '../present/present-batch.ts'
import { notModifiedSchema, problemSchema } from '../present/schemas.ts'
import { sendProblem } from '../problems/problems.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'
import { sendUnlessKnown } from '../wire/conditional.ts'
import { limitSchema } from '../wire/parameters.ts'
import { waitSecondsOf } from '../wire/prefer.ts'
import type { BatchWatch } from './batch-watch.ts'
import { batchIdSchema, cancel } from './tus.ts'
import { filerOf, ownUpload, seenOfUpload, type UploadDependencies } from './upload-part.ts'

export type BatchLookupDependencies = Pick<UploadDependencies, 'uploads'> & {
  /** For reading: lookups never take a connection that acceptance needs. */
  readonly readPool: ReadPool
  /** Sees everything: for what is looked up once for all who watch it, each of whom was let in before. */
  readonly watchPool: pg.Pool
  /** Waits until all that can be seen is durable. */
  readonly confirm: Confirm
  readonly sealingKeys: readonly EnvelopeKey[]
}

export type BatchLookupContext = BatchLookupDependencies & { readonly watch: BatchWatch }

export type WithBatchId = { Params: Static<typeof batchIdSchema> }

const listSchema = Type.Object(
  {
    before: Type.Optional(Type.String({ pattern: '^[0-9]{1,18}$' })),
    limit: Type.Optional(limitSchema),
  },
  { additionalProperties: false },
)
type Listed = { Querystring: Static<typeof listSchema> }

const headersSchema = Type.Object({
  prefer: Type.Optional(
    Type.String({
      description: `wait=N: answer when something has changed, or after N seconds (${statusWaitSecondsMax} at most). Preference-Applied tells what was granted.`,
      examples: ['wait=10'],
    }),
  ),
  'if-none-match': Type.Optional(
    Type.String({ description: 'ETag of an answer that the asker has: 304 if it still stands.' }),
  ),
})

const problems = { '4xx': problemSchema, '5xx': problemSchema }

export function batchStatusRoutes(app: FastifyInstance, context: BatchLookupContext): void {
  const onRequest = requireAct('look')
  app.get<WithBatchId>('/v1/batches/:id', {
    onRequest,
    schema: {
      operationId: 'getBatch',
      tags: ['batches'],
      summary: 'How far a file is',
      description:
        'Its stage, the bytes received, rows read, good, set aside, filed and posted, the rate of the stage and the estimated end, when each stage was over, and what is wrong with the file as a whole. Prefer: wait=N has the answer wait for a change; links.events streams them. ETag and If-None-Match save reading it twice.',
      params: batchIdSchema,
      headers: headersSchema,
      response: {
        200: withHeaders(batchSchema, { ...entityTagHeader, ...retryHeader }),
        304: notModifiedSchema,
        ...problems,
      },
    },
    handler: (request, reply) => tell(context, request, reply),
  })
  app.get<WithBatchId>('/v1/batches/:id/receipt', {
    onRequest,
    schema: {
      operationId: 'getBatchReceipt',
      tags: ['batches'],
      summary: 'The signed receipt of a file, to the byte',
      description:
        'That all of its bytes were here, and when. 404 while some are missing, and of a file that was here before: the first batch has it.',
      params: batchIdSchema,
      response: { 200: batchReceiptSchema, ...problems },
    },
    handler: (request, reply) => sendReceipt(context, request, reply),
  })
  app.get<Listed>('/v1/batches', {
    onRequest,
    schema: {
      operationId: 'listBatches',
      tags: ['batches'],
      summary: "One's own batches, newest first",
      description: 'In pages: links.next is the next one.',
      querystring: listSchema,
      response: {
        200: withHeaders(batchListSchema, entityTagHeader),
        304: notModifiedSchema,
        ...problems,
      },
    },
    handler: (request, reply) => list(context, request, reply),
  })
  app.delete<WithBatchId>('/v1/batches/:id', {
    onRequest: requireAct('file'),
    schema: {
      operationId: 'cancelBatch',
      tags: ['batches'],
      summary: 'Cancels a batch',
      description: '409 once its declarations are being filed.',
      params: batchIdSchema,
      response: { 204: nothing('It is cancelled.'), ...problems },
    },
    handler: (request, reply) => cancel(context, request, reply),
  })
}

/**
 * A batch that is the asker's, as far as its token sees it; whose it is otherwise, nobody learns.
 * @returns it with the mark by which it is watched
 */
export async function ownProgress(
  { readPool, sealingKeys }: BatchLookupDependencies,
  request: FastifyRequest,
  id: string,
): Promise<BatchProgress> {
  const filer = filerOf(request)
  const reads = readPool.of(filer)
  const found = await findProgress(reads, sealingKeys, [id], filer)
  const [seen] = await visibleProgress(reads, filer, found)
  if (seen === undefined) throw new RefusedRequestError('NOT_FOUND')
  request.seen = seenOfUpload(seen.upload)
  return seen
}

/** The same of what a watcher found. */
export async function seenChange(
  { readPool }: BatchLookupDependencies,
  request: FastifyRequest,
  change: BatchProgress,
): Promise<BatchProgress | undefined> {
  const filer = filerOf(request)
  const [seen] = await visibleProgress(readPool.of(filer), filer, [change])
  return seen
}

async function tell(
  context: BatchLookupContext,
  request: FastifyRequest<WithBatchId>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const found = await ownProgress(context, request, request.params.id)
  const wanted = Math.min(waitSecondsOf(request.headers) ?? 0, statusWaitSecondsMax)
  const waits = wanted > 0 && !isEnded(found.upload.stage)
  const progress = waits ? await wait(context, request, reply, { found, seconds: wanted }) : found
  if (waits && (await isWithdrawn(request))) return sendProblem(request, reply, 'TOKEN_WITHDRAWN')
  if (!isEnded(progress.upload.stage)) {
    reply.header('retry-after', String(1 + Math.floor(Math.random() * 3)))
  }
  await confirmReceived(context, progress)
  return sendUnlessKnown(request, reply, presentWithReceipt(progress))
}

/** Who is told that a file is here must not lose it with this server: it may be on no standby yet. */
export async function confirmReceived(
  { confirm }: BatchLookupDependencies,
  { upload: { id, receipt } }: BatchProgress,
): Promise<void> {
  if (receipt !== undefined) await confirm.once(id)
}

async function sendReceipt(
  context: BatchLookupContext,
  request: FastifyRequest<WithBatchId>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const upload = await ownUpload(context, request, request.params.id, 'durable')
  // It is of the file as a whole: who sees a part of it does not even learn whether there is one.
  if (visibilityOf(filerOf(request), upload) !== 'all')
    return sendProblem(request, reply, 'NOT_FOUND')
  const { receipt } = upload
  if (receipt === undefined) return sendProblem(request, reply, 'BATCH_RECEIPT_ABSENT')
  return reply
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .send(batchReceiptText(receipt))
}

/** @returns how far it is once that has changed, or in time; at once where too many wait */
async function wait(
  context: BatchLookupContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { found, seconds }: { readonly found: BatchProgress; readonly seconds: number },
): Promise<BatchProgress> {
  const { watch } = context
  const watcher = watch.watch(found.upload.id, found.upload.subject)
  if (typeof watcher === 'string') return found
  reply.raw.once('close', () => watcher.end())
  const change = await watcher.changed(found.mark, 1_000 * seconds)
  watcher.end()
  if (change !== 'stopped') reply.header('preference-applied', `wait=${seconds}`)
  if (typeof change === 'string') return found
  const seen = await seenChange(context, request, change)
  if (seen === undefined) throw new RefusedRequestError('NOT_FOUND')
  return seen
}

async function list(
  { readPool, sealingKeys }: BatchLookupContext,
  request: FastifyRequest<Listed>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { filer, query } = request
  if (filer === undefined || filer.subject === '')
    return sendProblem(request, reply, 'SUBJECT_MISSING')
  const limit = Math.min(Number(query.limit ?? pageBatchesMax), pageBatchesMax)
  const before = query.before === undefined ? undefined : BigInt(query.before)
  const place = { before, limit: limit + 1 }
  const reads = readPool.of(filer)
  const found = await listProgress(reads, sealingKeys, filer, place)
  const page = found.slice(0, limit)
  const seen = await visibleProgress(reads, filer, page)
  const last = page.at(-1)
  request.seen = {
    count: seen.length,
    ...(page[0] && last && { from: page[0].upload.id, to: last.upload.id }),
  }
  const more = found.length > limit && last !== undefined
  return sendUnlessKnown(request, reply, {
    batches: seen.map(presentBatch),
    links: more ? { next: `/v1/batches?limit=${limit}&before=${last.upload.number}` } : {},
  })
}
