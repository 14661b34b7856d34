/**
 * What a request's body may be: JSON in UTF-8 of a size, depth and number of entries, without keys that
 * are there twice or reach for prototypes. Routes that take a declaration say so with `declarationBody`;
 * elsewhere a body has no purpose and must be small. All of it costs an ordinary request 1.8 µs.
 */

import assert from 'node:assert/strict'
import type { FastifyInstance, FastifyRequest, preParsingHookHandler } from 'fastify'
import { excessOf } from '../../declaration/json-limits.ts'
import type { HeldBodies, HeldBody } from '../overload/held-bodies.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'
import type { HttpLimits } from '../wire/http-limits.ts'
import { onceClosed } from '../wire/once-closed.ts'
import { isTusCreation } from '../wire/tus-headers.ts'
import { inflateBody } from './inflate.ts'
import { readBody } from './read-body.ts'

/** Options of a route that takes a declaration, compressed or not. */
export function declarationBody(http: HttpLimits): {
  readonly bodyLimit: number
  readonly preParsing: preParsingHookHandler
} {
  return { bodyLimit: http.bodyBytesMax, preParsing: inflateBody(http) }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route whose handler reads a body of any size itself. */
    takesFile?: boolean
  }
}

const texts = new WeakMap<object, string>()

/** The body as it was sent, inflated; undefined where none was read. */
export function bodyTextOf({ raw }: FastifyRequest): string | undefined {
  return texts.get(raw)
}

const held = new WeakMap<object, HeldBody>()

/**
 * Makes JSON within the limits the only body that is read. It counts among what all bodies hold until
 * its request is answered, or its connection ends.
 */
export function takeJson(app: FastifyInstance, http: HttpLimits, bodies: HeldBodies): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (request.headers['content-type'] !== undefined) {
      const body = bodies.open(request.filer?.subject ?? '')
      held.set(request.raw, body)
      onceClosed(reply, body.release)
    }
    done(null, payload)
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', (request, payload, done) => {
    // Many clients name a type in every request, a body or none.
    const mayBeEmpty = request.method === 'DELETE' || isTusCreation(request)
    if (mayBeEmpty && isEmpty(request)) return done(null, undefined)
    const body = held.get(request.raw)
    assert(body !== undefined, 'a body of a type was opened')
    if (!isOfUtf8(request)) return done(new RefusedRequestError('CHARSET_UNSUPPORTED'))
    readBody(request, payload, body, (error, text = '') => {
      if (error !== null) return done(error)
      texts.set(request.raw, text)
      const excess = excessOf(text, http)
      if (excess === undefined) return parse(request, text, done)
      if (typeof excess === 'object')
        done(new RefusedRequestError('JSON_KEY_REPEATED', { pointer: excess.repeated }))
      else
        done(new RefusedRequestError(excess === 'depth' ? 'JSON_TOO_DEEP' : 'JSON_TOO_MANY_ITEMS'))
    })
  })
}

/** There is no body, whatever type it is said to have. */
export function isEmpty({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
}

/** JSON is UTF-8 whatever is declared (RFC 8259, 8.1); who declares another charset sends another. */
function isOfUtf8({ headers }: FastifyRequest): boolean {
  const [, charset = 'utf-8'] =
    /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(headers['content-type'] ?? '') ?? []
  return /^(?:utf-?8|us-ascii)$/i.test(charset)
}

/**
 * Refuses requests with more headers than a limit, and large bodies where none is read: Node would
 * drop the former unseen, and read the latter to its end.
 */
export function refuseExcess(app: FastifyInstance, http: HttpLimits): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { rawHeaders } = request.raw
    // Name and value, in turn.
    if (rawHeaders.length > 2 * http.headersMax)
      return done(new RefusedRequestError('HEADERS_TOO_MANY'))
    const { takesFile } = request.routeOptions.config
    if (request.method !== 'POST' && !takesFile && hasLargeBody(request, http.otherBodyBytesMax))
      return done(new RefusedRequestError('BODY_UNEXPECTED'))
    done()
  })
}

/** Of a body in chunks, nobody knows how large it will be. */
function hasLargeBody({ headers }: FastifyRequest, bytesMax: number): boolean {
  return (
    headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > bytesMax
  )
}
