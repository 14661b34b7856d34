/**
 * Begins a batch, whatever form the request has: what is said of the file is checked as a whole, and the
 * same key begins it once.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { NewUpload, Upload } from '../../batch/state/upload.ts'
import type { Viewer } from '../../batch/uploads/owner-view.ts'
import { isWithin } from '../../journal/reading/reach.ts'
import { askerOf } from '../auth/asker.ts'
import { batchUrl } from '../present/present-batch.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'
import { readBatchRequest } from './batch-request.ts'
import { filerOf, type UploadContext } from './upload-part.ts'

/**
 * Begins a batch, or finds the one that this key began.
 * @throws RefusedRequestError for all that is in its way
 */
export async function beginBatch(
  context: UploadContext,
  request: FastifyRequest,
  reply: FastifyReply,
  members: unknown,
  idempotencyKey: string | undefined,
): Promise<Upload> {
  const { policies, uploads, http } = context
  const filer = filerOf(request)
  const read = readBatchRequest(members, policies, context.nowMicros())
  if ('errors' in read) throw new RefusedRequestError('BATCH_INVALID', read)
  const { asked } = read
  if (asked.employer !== undefined && !filer.employers.has(asked.employer))
    throw new RefusedRequestError('EMPLOYER_NOT_YOURS')
  if (!isWithin(filer.regions, asked.region)) throw new RefusedRequestError('REGION_NOT_YOURS')
  if ((asked.size ?? 0) > http.uploadBytesMax) throw new RefusedRequestError('UPLOAD_TOO_LARGE')
  if (context.refuses()) throw new RefusedRequestError('UNAVAILABLE')
  const { issuer, subject, employers } = filer
  const mayFileFor = [...employers]
  const mayFileIn = filer.regions
  const owned = { issuer, subject, by: askerOf(request), mayFileFor, mayFileIn }
  const wanted: NewUpload = { ...asked, ...owned, idempotencyKey }
  const outcome = await uploads.create(wanted)
  switch (outcome.kind) {
    case 'tooMany':
      throw new RefusedRequestError('UPLOADS_TOO_MANY_OPEN')
    case 'tooManyBytes':
      throw new RefusedRequestError('UPLOADS_TOO_MANY_BYTES')
    case 'slotUnknown':
      throw new RefusedRequestError('SLOT_UNKNOWN')
    case 'slotDiffers':
      throw new RefusedRequestError('SLOT_DIFFERS')
    case 'slotOver':
      throw new RefusedRequestError('SLOT_OVER')
    case 'conflicting':
      throw await keyReused(context, filer, outcome.upload)
    case 'replayed': {
      const seen = await uploads.find(outcome.upload.id, filer)
      if (seen === undefined) throw await keyReused(context, filer, outcome.upload)
      reply.header('idempotency-replayed', 'true')
      return seen
    }
    case 'created':
      return outcome.upload
  }
}

/** Which file it is of is told to who may see that. */
async function keyReused(
  { uploads }: UploadContext,
  filer: Viewer,
  { id }: Upload,
): Promise<RefusedRequestError> {
  const instance = (await uploads.find(id, filer)) && batchUrl(id)
  return new RefusedRequestError('IDEMPOTENCY_KEY_REUSED', instance ? { instance } : {})
}
