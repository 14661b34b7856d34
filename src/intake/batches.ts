/**
 * Batches, files with many declarations: POST begins one, as JSON, as a tus 1.0 upload, or as a form that
 * brings the file itself; GET tells what is known of it; DELETE cancels it. Intake never reads what is in
 * a file: it keeps the bytes, and the batch is worked on elsewhere.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Upload } from '../batch/upload.ts'
import { pageBatchesMax } from '../limits.ts'
import { batchRequestSchema } from './batch-request.ts'
import { requireScope } from './bearer.ts'
import { beginBatch } from './begin-batch.ts'
import { sendUnlessKnown } from './conditional.ts'
import { takeForm, takeForms } from './forms.ts'
import { readIdempotencyKey } from './idempotency-key.ts'
import { batchListSchema, batchSchema, fileUrl, presentBatch } from './present-batch.ts'
import { sendProblem } from './problems.ts'
import { RefusedRequestError } from './refused-request.ts'
import { notModifiedSchema, problemSchema } from './schemas.ts'
import { batchIdSchema, cancel, sizeOf, speakVersion, tusRoutes } from './tus.ts'
import {
  bytesIn,
  expiryHeader,
  isTusCreation,
  offsetMediaType,
  readMetadata,
} from './tus-headers.ts'
import {
  checkMediaType,
  ownUpload,
  sendCut,
  takePart,
  type UploadContext,
  type UploadDependencies,
} from './upload-part.ts'
import { UploadPlaces } from './upload-places.ts'

type WithId = { Params: Static<typeof batchIdSchema> }

const listSchema = Type.Object(
  {
    before: Type.Optional(Type.String({ pattern: '^[0-9]{1,18}$' })),
    limit: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,2}$' })),
  },
  { additionalProperties: false },
)

const problems = { '4xx': problemSchema, '5xx': problemSchema }

/** Bodies that bring a file are read by these routes alone. */
export async function batchRoutes(
  app: FastifyInstance,
  dependencies: UploadDependencies,
): Promise<void> {
  const stopping = new AbortController()
  app.addHook('preClose', async () => stopping.abort())
  const places = new UploadPlaces(dependencies.http.uploadsMax)
  const context = { ...dependencies, places, stop: stopping.signal }
  await app.register(async (scope) => {
    scope.addContentTypeParser(offsetMediaType, (_request, payload, done) => done(null, payload))
    await takeForms(scope)
    scope.addContentTypeParser('*', (_request, _payload, done) =>
      done(new RefusedRequestError('UPLOAD_MEDIA_TYPE')),
    )
    beginRoute(scope, context)
    tusRoutes(scope, context)
    lookupRoutes(scope, context)
  })
}

function beginRoute(app: FastifyInstance, context: UploadContext): void {
  app.route({
    method: 'POST',
    url: '/v1/batches',
    validatorCompiler: () => () => true,
    onRequest: [speakVersion, requireScope('declarations:write')],
    schema: {
      summary: 'Begin a batch: a file with many declarations',
      description:
        'As JSON; or as a tus 1.0 creation, with the same members in Upload-Metadata; or as multipart/form-data with the fields first and the file last, for small files. Location is where the bytes go.',
      headers: {
        type: 'object',
        properties: {
          'idempotency-key': {
            type: 'string',
            description: 'The same for retries; a tus client may leave it out.',
          },
        },
      },
      body: batchRequestSchema,
      response: { 201: batchSchema, ...problems },
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
  const bringsBytes = headers['content-type'] !== undefined
  if (bringsBytes) checkMediaType(request)
  const members = { ...known(metadata), ...(size !== undefined && { size }) }
  const value = key === 'missing' ? undefined : key.value
  const upload = await beginBatch(context, request, reply, members, value)
  // Whoever asks again is told how far it came, and goes on from there.
  const asksAgain = upload.received > 0 || upload.stage !== 'receiving'
  if (!bringsBytes || asksAgain || bytesIn(headers['content-length']) === 0) {
    return begun(reply, upload)
  }
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
    .send(presentBatch(upload))
}

function lookupRoutes(app: FastifyInstance, context: UploadContext): void {
  const onRequest = requireScope('declarations:read')
  app.get<WithId>('/v1/batches/:id', {
    onRequest,
    schema: {
      summary: 'What is known of a batch',
      params: batchIdSchema,
      response: { 200: batchSchema, 304: notModifiedSchema, ...problems },
    },
    handler: async (request, reply) =>
      sendUnlessKnown(
        request,
        reply,
        presentBatch(await ownUpload(context, request, request.params.id)),
      ),
  })
  app.get<{ Querystring: Static<typeof listSchema> }>('/v1/batches', {
    onRequest,
    schema: {
      summary: "One's own batches, newest first",
      querystring: listSchema,
      response: { 200: batchListSchema, 304: notModifiedSchema, ...problems },
    },
    handler: (request, reply) => list(context, request, reply),
  })
  app.delete<WithId>('/v1/batches/:id', {
    onRequest: requireScope('declarations:write'),
    schema: { summary: 'Cancels a batch', params: batchIdSchema, response: problems },
    handler: (request, reply) => cancel(context, request, reply),
  })
}

async function list(
  { uploads }: UploadContext,
  request: FastifyRequest<{ Querystring: Static<typeof listSchema> }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { filer, query } = request
  if (filer === undefined || filer.subject === '')
    return sendProblem(request, reply, 'SUBJECT_MISSING')
  const limit = Math.min(Number(query.limit ?? pageBatchesMax), pageBatchesMax)
  const before = query.before === undefined ? undefined : BigInt(query.before)
  const found = await uploads.list(filer.subject, { before, limit: limit + 1 })
  const page = found.slice(0, limit)
  const last = page.at(-1)
  const more = found.length > limit && last !== undefined
  // A token may name fewer employers than the one that began a batch did.
  const mine = page.filter(
    ({ employer }) => employer === undefined || filer.employers.has(employer),
  )
  return sendUnlessKnown(request, reply, {
    batches: mine.map((upload) => presentBatch(upload)),
    links: more ? { next: `/v1/batches?limit=${limit}&before=${last.number}` } : {},
  })
}
