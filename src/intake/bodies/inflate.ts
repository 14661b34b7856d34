/**
 * Request bodies that come compressed (RFC 9110, 8.4): inflated as they arrive, and given up at the
 * first byte above the body's limit or the ratio's, so that a few bytes never cost more memory than
 * an honest body may. Bodies that are not compressed pass untouched.
 */
import type { Readable, TransformCallback } from 'node:stream'
import { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { FastifyRequest, preParsingHookHandler } from 'fastify'
import { inflatedFreeBytes } from '../../limits.ts'
import type { ProblemCode } from '../problems/problem-kinds.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'
import { meterContent } from '../wire/content-digest.ts'
import type { HttpLimits } from '../wire/http-limits.ts'

const decoders = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
} as const

/** Codings that are taken, as a refusal names them. */
export const codingsTaken = 'gzip, deflate, br'

/** Whether a body comes compressed. */
export function isCoded({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  const coding = codingOf(headers['content-encoding'])
  return coding !== undefined && coding !== 'identity'
}

const codingOf = (header: string | undefined) => header?.trim().toLowerCase()

/** A hook that inflates the body of a route. */
export function inflateBody(limits: HttpLimits): preParsingHookHandler {
  return function inflate(request, _reply, payload, done) {
    if (!isCoded(request)) return done(null, payload)
    const coding = codingOf(request.headers['content-encoding']) ?? ''
    const create = Object.hasOwn(decoders, coding) && decoders[coding as keyof typeof decoders]
    if (create === false) return done(new RefusedRequestError('CODING_UNSUPPORTED'))
    const source = payload as Readable
    const meter = meterContent(request.raw)
    if (meter !== undefined) source.on('data', (piece: Buffer) => meter.take(piece))
    done(null, inflating(source, create(), limits))
  }
}

type Decoder = ReturnType<(typeof decoders)[keyof typeof decoders]>

/** @returns what `source` holds, or an error: what is refused is not read any further */
function inflating(source: Readable, decoder: Decoder, limits: HttpLimits): Readable {
  const meter = new Meter(decoder, limits)
  // No pipeline: it would destroy the request, and with it the connection that takes the answer.
  const stop = () => {
    source.unpipe(decoder)
    decoder.unpipe(meter)
    decoder.destroy()
  }
  const fail = (error: Error) => {
    stop()
    meter.destroy(error)
  }
  source.once('error', fail)
  decoder.on('error', () => fail(new RefusedRequestError('CODING_BROKEN')))
  meter.once('close', stop)
  source.pipe(decoder).pipe(meter)
  return meter
}

/** Counts what comes out against what went in. */
class Meter extends Transform {
  private inflatedBytes = 0
  private readonly decoder: Decoder
  private readonly limits: HttpLimits

  constructor(decoder: Decoder, limits: HttpLimits) {
    super()
    this.decoder = decoder
    this.limits = limits
  }

  /** Fastify compares this with Content-Length: what follows the compressed data is no body. */
  get receivedEncodedLength(): number {
    return this.decoder.bytesWritten
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.inflatedBytes += chunk.length
    const refusal = this.refusal()
    if (refusal === undefined) done(null, chunk)
    else done(new RefusedRequestError(refusal))
  }

  private refusal(): ProblemCode | undefined {
    const { bodyBytesMax, inflatedRatioMax } = this.limits
    if (this.inflatedBytes > bodyBytesMax) return 'BODY_TOO_LARGE'
    if (this.inflatedBytes <= inflatedFreeBytes) return undefined
    const bytesMax = inflatedRatioMax * this.decoder.bytesWritten
    return this.inflatedBytes > bytesMax ? 'BODY_INFLATES_TOO_FAR' : undefined
  }
}
