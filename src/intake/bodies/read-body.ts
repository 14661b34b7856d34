/**
 * Reads the body of a request into memory, within its own limit and that of all bodies together. A small
 * one takes what it says it is at once; a large one takes room as it comes, so that who says much and
 * sends nothing holds nothing. What is not UTF-8 is refused: a decoder that replaces what it can't read
 * makes the same text of two names, and with it the same receipt.
 */
import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { whereNotUtf8 } from '../../declaration/utf8.ts'
import { smallBodyBytesMax } from '../../limits.ts'
import { bodyCame, entryOf } from '../overload/gate.ts'
import type { HeldBody, NoRoom } from '../overload/held-bodies.ts'
import { ShedError } from '../overload/shed-error.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'
import { isOfContent, meterContent, readContentDigest } from '../wire/content-digest.ts'
import { isCoded } from './inflate.ts'

type Payload = Readable & { readonly receivedEncodedLength?: number }

/** Of a body that is read: its text, or why it is not. */
export type BodyRead = (error: Error | null, text?: string) => void

/** @param payload what is to be read of the request: its body, inflated */
export function readBody(
  request: FastifyRequest,
  payload: Payload,
  held: HeldBody,
  done: BodyRead,
): void {
  const bytesMax = request.routeOptions.bodyLimit ?? 0
  const length = Number(request.headers['content-length'] ?? Number.NaN)
  const ahead = isCoded(request) || !(length <= smallBodyBytesMax) ? 0 : length
  const pieces: Buffer[] = []
  let bytes = 0
  const end = (error: Error | null, text?: string) => {
    payload.off('data', take).off('end', finish).off('error', fail)
    if (error !== null) {
      held.release()
      // Nothing more is inflated; the request itself is needed for its answer.
      if (payload !== request.raw) payload.destroy()
    }
    done(error, text)
  }
  const meter = payload === request.raw ? meterContent(request.raw) : undefined
  const wasWhole = request.raw.complete
  const take = (piece: Buffer) => {
    bytes += piece.length
    meter?.take(piece)
    pieces.push(piece)
    const isTooLarge = Math.max(bytes, payload.receivedEncodedLength ?? 0) > bytesMax
    if (isTooLarge) return end(new RefusedRequestError('BODY_TOO_LARGE'))
    const noRoom = bytes > ahead ? held.grow(bytes) : undefined
    if (noRoom !== undefined) end(shedOf(request, noRoom))
  }
  const finish = () => {
    const received = payload.receivedEncodedLength ?? bytes
    const isWhole = Number.isNaN(length) || received === length
    const body = Buffer.concat(pieces, bytes)
    if (!wasWhole) bodyCame(request.raw)
    if (!isWhole) end(new RefusedRequestError('BODY_MALFORMED'))
    else if (!isNamed(request)) end(new RefusedRequestError('CONTENT_DIGEST_WRONG'))
    else if (isUtf8(body)) end(null, body.toString())
    else end(new RefusedRequestError('BODY_ENCODING', { notUtf8: whereNotUtf8(body) }))
  }
  /** The line broke; or what came can't be inflated. */
  const fail = (error: Error) =>
    end(error instanceof RefusedRequestError ? error : new RefusedRequestError('BODY_MALFORMED'))

  const noRoom = ahead > 0 ? held.grow(ahead) : held.lacks(isCoded(request) ? 0 : length || 0)
  if (length > bytesMax) end(new RefusedRequestError('BODY_TOO_LARGE'))
  else if (noRoom !== undefined) end(shedOf(request, noRoom))
  else payload.on('data', take).on('end', finish).on('error', fail)
}

/** What came is what the request says it is, where it says so. */
function isNamed({ raw }: FastifyRequest): boolean {
  const named = readContentDigest(raw.headers['content-digest'])
  return named !== 'invalid' && isOfContent(raw, named)
}

function shedOf({ raw }: FastifyRequest, reason: NoRoom): Error {
  const { class: of } = entryOf(raw)
  if (of !== undefined) return new ShedError({ class: of, reason })
  return new RefusedRequestError(reason === 'memory' ? 'BUSY' : 'SHARE_EXCEEDED')
}
