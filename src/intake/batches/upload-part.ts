/**
 * One request's part of a file, from its headers to what became of it: who may send it, whether there
 * is room, and the problem that fits each way in which it can end.
 */
import assert from 'node:assert/strict'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ReadTarget } from '../../access/entry.ts'
import { isDiscarded } from '../../batch/state/stages.ts'
import type { Upload } from '../../batch/state/upload.ts'
import type { BeginOutcome, Mandate, Receiving } from '../../batch/uploads/receive-bytes.ts'
import type { UploadStore } from '../../batch/uploads/upload-store.ts'
import { checkedPartBytesMax } from '../../limits.ts'
import type { Policies } from '../../policy/rules.ts'
import { askerOf } from '../auth/asker.ts'
import { isWithdrawn } from '../auth/bearer.ts'
import type { Filer } from '../auth/claims.ts'
import { allowSlowBody } from '../bodies/connections.ts'
import {
  type PartOptions,
  type PartOutcome,
  receiveChecked,
  receivePart,
} from '../bodies/receive-part.ts'
import { chunksHeldBytes, type UploadPlaces } from '../bodies/upload-places.ts'
import type { Admission, Shed } from '../overload/admission.ts'
import type { HeldBodies } from '../overload/held-bodies.ts'
import type { ProblemCode } from '../problems/problem-kinds.ts'
import { sendProblem } from '../problems/problems.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'
import type { HttpLimits } from '../wire/http-limits.ts'
import { bytesIn, offsetMediaType, readChecksum } from '../wire/tus-headers.ts'

export type UploadDependencies = {
  readonly uploads: UploadStore
  readonly http: HttpLimits
  /** What bodies hold together. */
  readonly bodies: HeldBodies
  readonly policies: Policies
  readonly admission: Admission
  readonly onShed: (shed: Shed, filer: string | undefined) => void
  /** True while nothing may be accepted, as it could be lost. */
  readonly refuses: () => boolean
  /** Microseconds since 1970. */
  readonly nowMicros: () => number
}

export type UploadContext = UploadDependencies & {
  readonly places: UploadPlaces
  /** Aborted when the process is about to end. */
  readonly stop: AbortSignal
}

/** Where the part belongs, and the file's size where this request is the first to say it. */
export type Place = {
  readonly upload: Upload
  readonly offset: number
  readonly size: number | undefined
}

/** A part whose line stood still, or broke; or whose process is about to end. */
export type Cut = { readonly cut: 'UPLOAD_STALLED' | 'UPLOAD_BROKEN' | 'UNAVAILABLE' }

/**
 * Takes a part whose body is bytes and nothing else.
 * @returns the file after it; or why it was cut on the way: then nobody may be there to read it
 * @throws RefusedRequestError for all that is refused
 */
export async function takePart(
  context: UploadContext,
  request: FastifyRequest,
  reply: FastifyReply,
  place: Place,
): Promise<Upload | Cut> {
  const { uploads } = context
  const checksum = checksumOf(request)
  checkLength(context, request, place)
  const bytesMax = await bytesOf(context, request, place)
  const length = bytesIn(request.headers['content-length']) ?? 0
  const leave = enter(context, request, checksum === undefined ? 0 : length)
  const finished = allowSlowBody(request.raw)
  try {
    const { offset, size } = place
    const begun = await uploads.begin(place.upload.id, {
      offset,
      size,
      mandate: mandateOf(request),
    })
    const receiving = receivingOf(reply, begun)
    const options = { ...partOptions(context, request), bytesMax }
    const outcome =
      checksum === undefined
        ? await receivePart(receiving, request.raw, options)
        : await receiveChecked(receiving, request.raw, options, checksum)
    const upload = await uploads.findDurable(place.upload.id)
    if (upload === undefined) throw new RefusedRequestError('NOT_FOUND')
    return settle(reply, outcome, upload)
  } catch (error) {
    // The rest of the body is not read; the next request must not find it.
    reply.header('connection', 'close')
    throw error
  } finally {
    finished()
    leave()
  }
}

export function partOptions(
  { http, admission, stop }: UploadContext,
  request: FastifyRequest,
): PartOptions {
  return {
    isWithdrawn: () => isWithdrawn(request),
    stop,
    bytesMax: http.uploadBytesMax,
    stallMsMax: http.uploadStallMsMax,
    shouldGiveWay: () => admission.check('bulk', performance.now()) !== undefined,
  }
}

/** Takes a place for as long as bytes come. */
export function enter(
  { places, onShed, refuses }: UploadContext,
  { filer }: FastifyRequest,
  checkedBytes: number,
): () => void {
  if (refuses()) throw new RefusedRequestError('UNAVAILABLE')
  const leave = places.enter(filer?.subject ?? '', chunksHeldBytes + checkedBytes)
  if (typeof leave === 'function') return leave
  onShed({ class: 'bulk', reason: leave === 'full' ? 'requests' : 'share' }, filer?.subject)
  throw new RefusedRequestError(leave === 'full' ? 'BUSY' : 'SHARE_EXCEEDED')
}

/** What bytes of this request may be filed for. */
export function mandateOf(request: FastifyRequest): Mandate {
  const { employers, regions } = filerOf(request)
  return { employers: [...employers], regions, by: askerOf(request) }
}

/**
 * A batch that is the asker's, as far as its token sees it (src/batch/uploads/owner-view.ts); whose it is otherwise,
 * nobody learns.
 */
export async function ownUpload(
  { uploads }: Pick<UploadDependencies, 'uploads'>,
  request: FastifyRequest,
  id: string,
  as: 'visible' | 'durable' = 'visible',
): Promise<Upload> {
  const find = as === 'durable' ? uploads.findDurable : uploads.find
  const upload = await find(id, filerOf(request))
  if (upload === undefined) throw new RefusedRequestError('NOT_FOUND')
  request.seen = seenOfUpload(upload)
  return upload
}

/** What the access log has of a file. */
export function seenOfUpload({ employer, period, region }: Upload): ReadTarget {
  return { ...(employer !== undefined && { employer }), period, region }
}

/** Of a route that asks for a token. */
export function filerOf({ filer }: FastifyRequest): Filer {
  assert(filer !== undefined, 'a route about files asks for a token')
  return filer
}

/** What says that a body is bytes of a file, as they are. */
export function checkMediaType({ headers }: FastifyRequest): void {
  const mediaType = headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (mediaType !== offsetMediaType) throw new RefusedRequestError('UPLOAD_MEDIA_TYPE')
  const coding = headers['content-encoding']
  if (coding !== undefined && coding !== 'identity')
    throw new RefusedRequestError('CODING_UNSUPPORTED')
}

function checksumOf({ headers }: FastifyRequest) {
  const checksum = readChecksum(headers['upload-checksum'])
  if (checksum === undefined) return undefined
  const length = bytesIn(headers['content-length'])
  if (checksum === 'invalid' || length === undefined)
    throw new RefusedRequestError('UPLOAD_CHECKSUM_INVALID')
  if (length > checkedPartBytesMax) throw new RefusedRequestError('UPLOAD_PART_TOO_LARGE')
  return checksum
}

/** What a part says of its own length is enough to refuse it before it comes. */
function checkLength(
  { http }: UploadContext,
  { headers }: FastifyRequest,
  { upload, offset, size }: Place,
): void {
  const end = offset + (bytesIn(headers['content-length']) ?? 0)
  const whole = upload.size ?? size
  if (whole !== undefined && end > whole) throw new RefusedRequestError('UPLOAD_BEYOND_SIZE')
  if (end > http.uploadBytesMax) throw new RefusedRequestError('UPLOAD_TOO_LARGE')
}

/**
 * How large the file may become. Of one whose size was not said when it was begun, what its sender's others
 * leave: it would count for nothing until it is here.
 */
async function bytesOf(
  { uploads, http }: UploadContext,
  { headers }: FastifyRequest,
  { upload, size }: Place,
): Promise<number> {
  if (upload.size !== undefined || upload.stage !== 'receiving') return http.uploadBytesMax
  const room = await uploads.room(upload)
  const comes = size === undefined ? bytesIn(headers['content-length']) : size - upload.received
  if ((comes ?? 1) > room) throw new RefusedRequestError('UPLOADS_TOO_MANY_BYTES')
  return Math.min(http.uploadBytesMax, upload.received + room)
}

export function receivingOf(reply: FastifyReply, begun: BeginOutcome): Receiving {
  switch (begun.kind) {
    case 'receiving':
      return begun.receiving
    case 'absent':
      throw new RefusedRequestError('NOT_FOUND')
    case 'closed':
      if (isDiscarded(begun.upload.stage)) throw new RefusedRequestError('UPLOAD_ENDED')
      break
    case 'otherSize':
      throw new RefusedRequestError('UPLOAD_SIZE_INVALID')
    case 'elsewhere':
      break
  }
  reply.header('upload-offset', String(begun.upload.received))
  throw new RefusedRequestError('UPLOAD_OFFSET_CONFLICT')
}

/** What refuses the rest of a body. */
export const partRefusals = {
  overtaken: 'UPLOAD_OVERTAKEN',
  beyondSize: 'UPLOAD_BEYOND_SIZE',
  tooLarge: 'UPLOAD_TOO_LARGE',
  tooManyChunks: 'UPLOAD_PARTS_TOO_MANY',
  mismatch: 'UPLOAD_CHECKSUM_MISMATCH',
  withdrawn: 'TOKEN_WITHDRAWN',
} as const satisfies Partial<Record<PartOutcome['kind'], ProblemCode>>

function settle(reply: FastifyReply, outcome: PartOutcome, upload: Upload): Upload | Cut {
  reply.header('upload-offset', String(upload.received))
  switch (outcome.kind) {
    case 'complete':
      return upload
    case 'completed':
      if (outcome.stage === 'damaged') throw new RefusedRequestError('UPLOAD_DAMAGED')
      return upload
    case 'stalled':
      return { cut: 'UPLOAD_STALLED' }
    case 'broken':
      return { cut: 'UPLOAD_BROKEN' }
    case 'stopped':
      return { cut: 'UNAVAILABLE' }
    default:
      throw new RefusedRequestError(partRefusals[outcome.kind])
  }
}

/** Its sender has sent nothing for long, or is gone: there is nothing to read to its end. */
export function sendCut(
  request: FastifyRequest,
  reply: FastifyReply,
  cut: Cut['cut'],
): FastifyReply {
  return sendProblem(request, reply.header('connection', 'close'), cut)
}
