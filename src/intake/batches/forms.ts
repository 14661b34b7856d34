/**
 * A batch in one request, from curl or a page: multipart/form-data with the fields first and the file
 * last, which is streamed into the store and never held. A form can't be taken up where it broke off: what
 * came of one is dropped when it comes again with the same key, and a file is whole only when the
 * form's own end was read.
 */
import { createHash } from 'node:crypto'
import multipart, { type MultipartFile } from '@fastify/multipart'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isDiscarded } from '../../batch/state/stages.ts'
import type { Upload } from '../../batch/state/upload.ts'
import { formFieldBytesMax, formFileBytesMax } from '../../limits.ts'
import { askerOf } from '../auth/asker.ts'
import { chunksOf } from '../bodies/body-chunks.ts'
import { allowSlowBody } from '../bodies/connections.ts'
import { receivePart } from '../bodies/receive-part.ts'
import { batchUrl, presentWithReceipt } from '../present/present-batch.ts'
import type { ProblemCode } from '../problems/problem-kinds.ts'
import { sendProblem } from '../problems/problems.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'
import { readIdempotencyKey } from '../wire/idempotency-key.ts'
import { withoutEmpty } from './batch-request.ts'
import { beginBatch } from './begin-batch.ts'
import {
  enter,
  mandateOf,
  ownUpload,
  partOptions,
  partRefusals,
  receivingOf,
  type UploadContext,
} from './upload-part.ts'

const fieldsMax = 12
const limits = {
  fieldNameSize: 40,
  fieldSize: formFieldBytesMax,
  fields: fieldsMax,
  files: 1,
  parts: fieldsMax + 1,
  fileSize: formFileBytesMax,
  headerPairs: 20,
}

export async function takeForms(scope: FastifyInstance): Promise<void> {
  await scope.register(multipart, { limits, throwFileSizeLimit: false })
}

export async function takeForm(
  context: UploadContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const key = readIdempotencyKey(request.headers['idempotency-key'])
  if (key === 'missing') throw new RefusedRequestError('IDEMPOTENCY_KEY_MISSING')
  if (key === 'invalid') throw new RefusedRequestError('IDEMPOTENCY_KEY_INVALID')
  const leave = enter(context, request, 0)
  const finished = allowSlowBody(request.raw)
  reply.header('connection', 'close') // whatever is left of a form that is refused is not read
  try {
    const parts = request.parts()[Symbol.asyncIterator]()
    const { members, file } = await readFields(parts)
    // A file of a form ends with the form, not with its size.
    const { size, ...others } = members
    const upload = await beginBatch(context, request, reply, withoutEmpty(others), key.value)
    const form = { file, size, isWhole: () => isWhole(request, parts) }
    return await takeFile(context, request, reply, upload, form)
  } finally {
    finished()
    leave()
  }
}

type Parts = ReturnType<ReturnType<FastifyRequest['parts']>[typeof Symbol.asyncIterator]>
type Form = {
  readonly file: MultipartFile
  /** As a field says it. */
  readonly size: unknown
  /** Reads the rest of the form. */
  readonly isWhole: () => Promise<boolean>
}

/** The fields up to the file. */
async function readFields(parts: Parts) {
  const members: Record<string, unknown> & { size?: unknown } = {}
  for (;;) {
    const next = await parts.next().catch(() => undefined)
    if (next === undefined || next.done === true) throw new RefusedRequestError('FORM_INVALID')
    const part = next.value
    if (part.type === 'file') {
      if (part.fieldname !== 'file') throw new RefusedRequestError('FORM_INVALID')
      const filename = part.filename === '' ? undefined : part.filename
      if (isReplaced(filename)) throw new RefusedRequestError('FORM_ENCODING')
      return { members: { ...(filename && { filename }), ...members }, file: part }
    }
    if (Object.hasOwn(members, part.fieldname) || part.valueTruncated)
      throw new RefusedRequestError('FORM_INVALID')
    if (isReplaced(part.fieldname) || isReplaced(part.value))
      throw new RefusedRequestError('FORM_ENCODING')
    if (part.fieldname !== 'size') members[part.fieldname] = part.value
    else if (part.value !== '') members.size = Number(part.value)
  }
}

/** The parser of forms puts this where bytes are no UTF-8, and no field has any use for it. */
const isReplaced = (text: unknown) => typeof text === 'string' && text.includes('\ufffd')

/** Nothing follows the file, and the request was read to its end. */
async function isWhole({ raw }: FastifyRequest, parts: Parts): Promise<boolean> {
  const next = await parts.next().catch(() => undefined)
  return next?.done === true && raw.complete
}

async function takeFile(
  context: UploadContext,
  request: FastifyRequest,
  reply: FastifyReply,
  upload: Upload,
  form: Form,
): Promise<FastifyReply> {
  if (isDiscarded(upload.stage)) throw new RefusedRequestError('UPLOAD_ENDED')
  if (upload.stage !== 'receiving') return again(context, request, reply, upload, form)
  const { uploads } = context
  const receiving = receivingOf(reply, await uploads.restart(upload.id, mandateOf(request)))
  const taken = await receivePart(receiving, form.file.file, partOptions(context, request))
  const { kind } = taken
  if (kind === 'stopped') return sendProblem(request, reply, 'UNAVAILABLE')
  if (kind === 'broken' || kind === 'stalled' || (kind === 'complete' && !(await form.isWhole()))) {
    return sendProblem(request, reply, 'UPLOAD_BROKEN')
  }
  // The batch is another request's now, which brings the same file again: it goes on.
  if (kind === 'overtaken') throw new RefusedRequestError('UPLOAD_OVERTAKEN')
  if (form.file.file.truncated) return giveUp(context, request, upload, 'UPLOAD_TOO_LARGE')
  if (kind !== 'complete')
    return giveUp(
      context,
      request,
      upload,
      kind === 'completed' ? 'FORM_INVALID' : partRefusals[kind],
    )
  const { received } = receiving
  if (received === 0 || (form.size !== undefined && form.size !== received))
    return giveUp(context, request, upload, 'UPLOAD_SIZE_INVALID')
  const ended = await receiving.finish()
  if (ended.kind !== 'completed') throw new RefusedRequestError('UPLOAD_OVERTAKEN')
  if (ended.stage === 'damaged') throw new RefusedRequestError('UPLOAD_DAMAGED')
  return ownBatch(context, request, reply, upload.id)
}

/** What is wrong with a file is wrong when it comes again. */
async function giveUp(
  { uploads }: UploadContext,
  request: FastifyRequest,
  { id }: Upload,
  code: ProblemCode,
): Promise<never> {
  await uploads.cancel(id, askerOf(request))
  throw new RefusedRequestError(code)
}

async function ownBatch(
  context: UploadContext,
  request: FastifyRequest,
  reply: FastifyReply,
  id: string,
): Promise<FastifyReply> {
  const upload = await ownUpload(context, request, id, 'durable')
  return reply
    .code(201)
    .header('location', batchUrl(id))
    .header('cache-control', 'no-store')
    .send(presentWithReceipt({ upload, work: undefined }))
}

/** A file that is here already is read once more, to see that it is the same one. */
async function again(
  context: UploadContext,
  request: FastifyRequest,
  reply: FastifyReply,
  upload: Upload,
  form: Form,
): Promise<FastifyReply> {
  const digest = createHash('sha256')
  const chunks = chunksOf(form.file.file, partOptions(context, request))
  let next = await chunks.next()
  for (; next.done !== true; next = await chunks.next()) digest.update(next.value)
  if (next.value !== 'complete' || !(await form.isWhole()))
    return sendProblem(request, reply, 'UPLOAD_BROKEN')
  if (upload.digest?.equals(digest.digest()) === true)
    return ownBatch(context, request, reply, upload.id)
  return sendProblem(request, reply, 'IDEMPOTENCY_KEY_REUSED', { instance: batchUrl(upload.id) })
}
