/**
 * The bytes of a file, by the tus 1.0 protocol (https://tus.io/protocols/resumable-upload): how many are
 * here (HEAD), the next ones (PATCH), no more of them (DELETE). Beginning one is src/intake/batches/batches.ts.
 *
 * The protocol is spoken here and not by @tus/server: that keeps a lock for each upload in a process's
 * memory or in one of its lockers, so a part would wait for a dead connection's; it answers in plain
 * text; and it takes the request from Fastify before tokens, shares and limits have seen it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { isDiscarded } from '../../batch/state/stages.ts'
import type { Upload } from '../../batch/state/upload.ts'
import { visibilityOf } from '../../batch/uploads/owner-view.ts'
import { askerOf } from '../auth/asker.ts'
import { requireAct } from '../auth/bearer.ts'
import { abilityHeaders, nothing, offsetHeaders, versionHeader } from '../present/answers.ts'
import { problemSchema } from '../present/schemas.ts'
import { sendProblem } from '../problems/problems.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'
import { bytesIn, tusExtensions, tusVersion, uploadHeaders } from '../wire/tus-headers.ts'
import {
  checkMediaType,
  filerOf,
  ownUpload,
  sendCut,
  takePart,
  type UploadContext,
} from './upload-part.ts'

export const batchIdSchema = Type.Object({ id: Type.String({ pattern: '^[0-9a-f-]{36}$' }) })
type WithId = { Params: Static<typeof batchIdSchema> }

const url = '/v1/batches/:id/file'
const bytesSchema = Type.String({ format: 'binary' })
const partHeadersSchema = Type.Object({
  'upload-offset': Type.String({
    description: 'Bytes that are here already, as HEAD tells.',
    examples: ['0'],
  }),
  'upload-checksum': Type.Optional(
    Type.String({ description: 'sha1 or sha256 of this part, and the digest in base64.' }),
  ),
})
const problems = { '4xx': problemSchema, '5xx': problemSchema }

export function tusRoutes(app: FastifyInstance, context: UploadContext): void {
  const onRequest = [speakVersion, requireAct('file')]
  const schemaOf = (status: 200 | 204, answer: object) => ({
    params: batchIdSchema,
    response: { [status]: answer, ...problems },
  })
  app.route<WithId>({
    method: 'HEAD',
    url,
    onRequest,
    config: { swagger: { exposeHeadRoute: true } },
    schema: {
      ...schemaOf(200, nothing('So many are here.', offsetHeaders)),
      operationId: 'getFileOffset',
      tags: ['batches'],
      summary: 'How many bytes of a file are here',
    },
    handler: async (request, reply) => {
      const upload = await ownUpload(context, request, request.params.id, 'durable')
      if (isDiscarded(upload.stage)) return sendProblem(request, reply, 'UPLOAD_ENDED')
      return reply.code(200).headers(uploadHeaders(upload)).send()
    },
  })
  app.route<WithId>({
    method: 'PATCH',
    url,
    onRequest,
    config: { takesFile: true },
    // The handler checks the rest itself, to tell each fault by its own code.
    validatorCompiler: ({ httpPart, schema }) =>
      httpPart === 'params' ? (app.validatorCompiler?.({ schema } as never) as never) : () => true,
    schema: {
      ...schemaOf(204, nothing('They are here.', offsetHeaders)),
      operationId: 'sendFilePart',
      tags: ['batches'],
      summary: 'The next bytes of a file',
      description:
        'Upload-Offset says where they belong. What came is kept when the line breaks, except of a part with Upload-Checksum, which is kept whole or not at all.',
      headers: partHeadersSchema,
      body: { content: { 'application/offset+octet-stream': { schema: bytesSchema } } },
    },
    handler: (request, reply) => patch(context, request, reply),
  })
  app.route<WithId>({
    method: 'DELETE',
    url,
    onRequest,
    schema: {
      ...schemaOf(204, nothing('It is cancelled.', versionHeader)),
      operationId: 'endFile',
      tags: ['batches'],
      summary: 'Cancels a batch, with what came of its file',
    },
    handler: (request, reply) => cancel(context, request, reply),
  })
  const places = { beginAbilities: '/v1/batches', fileAbilities: url }
  for (const [operationId, path] of Object.entries(places)) {
    app.route({
      method: 'OPTIONS',
      url: path,
      schema: {
        operationId,
        tags: ['batches'],
        summary: 'What is spoken here of tus 1.0',
        security: [],
        response: { 204: nothing('What is spoken.', abilityHeaders), ...problems },
      },
      handler: async (_request, reply) => reply.code(204).headers(abilities(context)).send(),
    })
  }
}

/** A client may leave the version out; another one than ours is refused. */
export function speakVersion(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  reply.header('tus-resumable', tusVersion)
  const asked = request.headers['tus-resumable']
  if (asked === undefined || asked === tusVersion) done()
  else sendProblem(request, reply.header('tus-version', tusVersion), 'TUS_VERSION_UNSUPPORTED')
}

function abilities({ http }: UploadContext): Record<string, string> {
  return {
    'tus-resumable': tusVersion,
    'tus-version': tusVersion,
    'tus-extension': tusExtensions,
    'tus-max-size': String(http.uploadBytesMax),
    'tus-checksum-algorithm': 'sha1,sha256',
  }
}

async function patch(
  context: UploadContext,
  request: FastifyRequest<WithId>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  checkMediaType(request)
  const offset = bytesIn(request.headers['upload-offset'])
  if (offset === undefined) throw new RefusedRequestError('UPLOAD_OFFSET_INVALID')
  const size = sizeOf(context, request)
  const upload = await ownUpload(context, request, request.params.id)
  if (isDiscarded(upload.stage)) throw new RefusedRequestError('UPLOAD_ENDED')
  if (isRepeat(request, upload, offset)) return here(reply, upload)
  const taken = await takePart(context, request, reply, { upload, offset, size })
  return 'cut' in taken ? sendCut(request, reply, taken.cut) : here(reply, taken)
}

/** Whoever had no answer to the last part may ask with an empty one. */
function isRepeat({ headers }: FastifyRequest, upload: Upload, offset: number): boolean {
  const empty = bytesIn(headers['content-length']) === 0
  return empty && upload.stage !== 'receiving' && upload.received === offset
}

function here(reply: FastifyReply, upload: Upload): FastifyReply {
  const { 'upload-metadata': _, ...headers } = uploadHeaders(upload)
  return reply.code(204).headers(headers).send()
}

/** Upload-Length, of a file whose size was not known when it was begun. */
export function sizeOf({ http }: UploadContext, { headers }: FastifyRequest): number | undefined {
  if (headers['upload-length'] === undefined) return undefined
  const size = bytesIn(headers['upload-length'])
  if (size === undefined || size === 0) throw new RefusedRequestError('UPLOAD_SIZE_INVALID')
  if (size > http.uploadBytesMax) throw new RefusedRequestError('UPLOAD_TOO_LARGE')
  return size
}

export async function cancel(
  context: Pick<UploadContext, 'uploads'>,
  request: FastifyRequest<WithId>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const upload = await ownUpload(context, request, request.params.id)
  // Who sees a part of it can't say what becomes of the rest.
  if (visibilityOf(filerOf(request), upload) !== 'all')
    return sendProblem(request, reply, 'EMPLOYER_NOT_YOURS')
  const { id } = upload
  const outcome = await context.uploads.cancel(id, askerOf(request))
  switch (outcome) {
    case 'cancelled':
      return reply.code(204).send()
    case 'tooLate':
      return sendProblem(request, reply, 'BATCH_UNDER_WAY')
    case 'absent':
      return sendProblem(request, reply, 'NOT_FOUND')
  }
}
