/**
 * What one client can hold of an intake process, as settings: connections, time, headers, bodies.
 * Each has a default in src/limits.ts, which says what happens at it, and a variable of the
 * environment.
 */
import {
  answerMsMax,
  bodiesHeldBytesMax,
  connectionsMax,
  connectionsPerAddressMax,
  headerBytesMax,
  headersMax,
  headersMsMax,
  idleMsMax,
  inflatedRatioMax,
  jsonDepthMax,
  jsonItemsMax,
  otherBodyBytesMax,
  requestBodyBytesMax,
  requestReceiveMsMax,
  uploadBytesMax,
  uploadStallMsMax,
  uploadsMax,
} from '../../limits.ts'

export type HttpLimits = {
  readonly connectionsMax: number
  /** 0: none but `connectionsMax`. */
  readonly connectionsPerAddressMax: number
  readonly headersMax: number
  readonly headerBytesMax: number
  readonly headersMsMax: number
  /** Of a whole request, from its first byte to its last. */
  readonly receiveMsMax: number
  readonly idleMsMax: number
  readonly answerMsMax: number
  /** Of a declaration, as sent and as inflated. */
  readonly bodyBytesMax: number
  readonly otherBodyBytesMax: number
  /** Of all bodies that a process holds. */
  readonly bodiesHeldBytesMax: number
  readonly inflatedRatioMax: number
  readonly jsonDepthMax: number
  readonly jsonItemsMax: number
  /** Of a file, in as many requests as it takes. */
  readonly uploadBytesMax: number
  readonly uploadsMax: number
  readonly uploadStallMsMax: number
}

export const httpDefaults: HttpLimits = Object.freeze({
  connectionsMax,
  connectionsPerAddressMax,
  headersMax,
  headerBytesMax,
  headersMsMax,
  receiveMsMax: requestReceiveMsMax,
  idleMsMax,
  answerMsMax,
  bodyBytesMax: requestBodyBytesMax,
  otherBodyBytesMax,
  bodiesHeldBytesMax,
  inflatedRatioMax,
  jsonDepthMax,
  jsonItemsMax,
  uploadBytesMax,
  uploadsMax,
  uploadStallMsMax,
})
