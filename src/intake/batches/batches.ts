/**
 * Batches, files with many declarations: POST begins one, as JSON, as a tus 1.0 upload, or as a form that
 * brings the file itself. Intake never reads what is in a file: it keeps the bytes, and the batch is
 * worked on elsewhere. What is told of it: batch-status.ts, batch-events.ts and batch-results.ts.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Upload } from '../../batch/state/upload.ts'
import { findMarks, findProgress } from '../../batch/uploads/progress.ts'
import { batchWatchersMax, batchWatchersOfOneMax } from '../../limits.ts'
import { requireAct } from '../auth/bearer.ts'
import { isEmpty } from '../bodies/bodies.ts'
import { UploadPlaces } from '../bodies/upload-places.ts'
import { Places } from '../overload/keyed-semaphore.ts'
import { locationHeader, offsetHeaders, replayedHeader, withHeaders } from '../present/answers.ts'
import { batchSchema, fileUrl, presentBatch } from '../present/present-batch.ts'
import { problemSchema } from '../present/schemas.ts'
import { sendProblem } from '../problems/problems.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'
import { readIdempotencyKey } from '../wire/idempotency-key.ts'
import { expiryHeader, isTusCreation, offsetMediaType, readMetadata } from '../wire/tus-headers.ts'
import { batchEventsRoute } from './batch-events.ts'
import { batchRequestSchema, withoutEmpty } from './batch-request.ts'
import { batchResultRoutes } from './batch-results.ts'
import { type BatchLookupDependencies, batchStatusRoutes } from './batch-status.ts'
import { BatchWatch } from './batch-watch.ts'
import { beginBatch } from './begin-batch.ts'
import { takeForm, takeForms } from './forms.ts'
import { sizeOf, speakVersion, tusRoutes } from './tus.ts'
import {
  checkMediaType,
  sendCut,
  takePart,
  type UploadContext,
  type UploadDependencies,
} from './upload-part.ts'

const problems = { '4xx': problemSchema, '5xx': problemSchema }

/** Bodies that bring a file are read by these routes alone. */
export async function batchRoutes(
  app: FastifyInstance,
  dependencies: UploadDependencies & BatchLookupDependencies,
): Promise<void> {
  const stopping = new AbortController()
  app.addHook('preClose', async () => stopping.abort())
  const places = new UploadPlaces(dependencies.http.uploadsMax, dependencies.bodies)
  const context = { ...dependencies, places, stop: stopping.signal }
  await app.register(async (scope) => {
    scope.addContentTypeParser(offsetMediaType, (_request, payload, done) => done(null, payload))
    await takeForms(scope)
    scope.addContentTypeParser('*', (request, _payload, done) =>
      done(isEmpty(request) ? null : new RefusedRequestError('UPLOAD_MEDIA_TYPE')),
    )
    beginRoute(scope, context)
    tusRoutes(scope, context)
  })
  const { watchPool, sealingKeys } = dependencies
  const watch = new BatchWatch({
    findMarks: (ids) => findMarks(watchPool, ids),
    findProgress: (ids) => findProgress(watchPool, sealingKeys, ids),
    places: new Places(batchWatchersMax, batchWatchersOfOneMax),
  })
  app.addHook('preClose', async () => watch.stop())
  const lookups = { ...dependencies, watch }
  batchStatusRoutes(app, lookups)
  batchEventsRoute(app, lookups)
  batchResultRoutes(app, lookups, stopping.signal)
}

function beginRoute(app: FastifyInstance, context: UploadContext): void {
  app.route({
    method: 'POST',
    url: '/v1/batches',
    // Below it, what reads forms logs every header, the token among them.
    logLevel: 'warn',
    validatorCompiler: () => () => true,
    onRequest: [speakVersion, requireAct('file')],
    schema: {
      operationId: 'beginBatch',
      tags: ['batches'],
      summary: 'Begin a batch: a file with many declarations',
      description:
        'As JSON; or as a tus 1.0 creation, with the same members in Upload-Metadata; or as multipart/form-data with the fields first and the file last, for small files. Location is where the bytes go.',
      headers: {
        type: 'object',
        required: ['idempotency-key'],
        properties: {
          'idempotency-key': {
            type: 'string',
            examples: ['2025-08-file-1'],
            description: 'The same for retries; a tus client may leave it out.',
          },
        },
      },
      body: batchRequestSchema,
      response: {
        201: withHeaders(batchSchema, { ...locationHeader, ...replayedHeader, ...offsetHeaders }),
        ...problems,
      },
    },
    handler: (request, reply) => {
      if (request.filer?.subject === '') return sendProblem(request, reply, 'SUBJECT_MISSING')
      if (request.isMultipart()) return takeForm(context, request, reply)
      return isTusCreation(request)
        ? beginTus(context, request, reply)
        : beginJson(context, request, reply)
    },
  })
}

async function beginJson(
  context: UploadContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const key = readIdempotencyKey(request.headers['idempotency-key'])
  if (key === 'missing') return sendProblem(request, reply, 'IDEMPOTENCY_KEY_MISSING')
  if (key === 'invalid') return sendProblem(request, reply, 'IDEMPOTENCY_KEY_INVALID')
  const upload = await beginBatch(context, request, reply, request.body, key.value)
  return begun(reply, upload)
}

/** With creation-with-upload, the first bytes come with it. */
async function beginTus(
  context: UploadContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { headers } = request
  const key = readIdempotencyKey(headers['idempotency-key'])
  if (key === 'invalid') throw new RefusedRequestError('IDEMPOTENCY_KEY_INVALID')
  const size = sizeOf(context, request)
  if (size === undefined && headers['upload-defer-length'] !== '1')
    throw new RefusedRequestError('UPLOAD_SIZE_INVALID')
  const metadata = readMetadata(headers['upload-metadata'])
  if (metadata === undefined) throw new RefusedRequestError('UPLOAD_METADATA_INVALID')
  const bringsBytes = headers['content-type'] !== undefined && !isEmpty(request)
  if (bringsBytes) checkMediaType(request)
  const members = { ...withoutEmpty(known(metadata)), ...(size !== undefined && { size }) }
  const value = key === 'missing' ? undefined : key.value
  const upload = await beginBatch(context, request, reply, members, value)
  // Whoever asks again is told how far it came, and goes on from there.
  const asksAgain = upload.received > 0 || upload.stage !== 'receiving'
  if (!bringsBytes || asksAgain) return begun(reply, upload)
  reply.header('location', fileUrl(upload.id))
  const taken = await takePart(context, request, reply, { upload, offset: 0, size: undefined })
  return 'cut' in taken ? sendCut(request, reply, taken.cut) : begun(reply, taken)
}

/** Clients add members of their own, such as filetype. */
function known(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const names = Object.keys(batchRequestSchema.properties)
  return Object.fromEntries(
    Object.entries(metadata).filter(([name]) => names.includes(name) && name !== 'size'),
  )
}

/** Location is where the bytes go. */
function begun(reply: FastifyReply, upload: Upload): FastifyReply {
  return reply
    .code(201)
    .header('location', fileUrl(upload.id))
    .header('cache-control', 'no-store')
    .header('upload-offset', String(upload.received))
    .headers(expiryHeader(upload))
    .send(presentBatch({ upload, work: undefined }))
}
