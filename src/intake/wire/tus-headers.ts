/**
 * Headers of tus 1.0 (https://tus.io/protocols/resumable-upload): what a request says in them, and
 * what an answer tells.
 */
import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Upload } from '../../batch/state/upload.ts'
import { expiryMicros } from '../../batch/state/upload.ts'
import { uploadMetadataCharactersMax } from '../../limits.ts'

export const tusVersion = '1.0.0'

export const tusExtensions =
  'creation,creation-defer-length,creation-with-upload,expiration,checksum,termination'

export const offsetMediaType = 'application/offset+octet-stream'

/** Whether a request to begin is a tus client's. */
export function isTusCreation({ headers }: { readonly headers: IncomingHttpHeaders }): boolean {
  return ['tus-resumable', 'upload-length', 'upload-defer-length', 'upload-metadata'].some(
    (name) => headers[name] !== undefined,
  )
}

/**
 * What a client asks for that can send GET and POST alone (tus 1.0, X-HTTP-Method-Override). Read before
 * anything else sees the request, and at the addresses of files only.
 */
export function overriddenMethod({ method, url = '', headers }: IncomingMessage): string {
  const asked = headers['x-http-method-override']
  const known = typeof asked === 'string' && /^(?:PATCH|DELETE|HEAD)$/i.test(asked)
  const isFile = /^\/v1\/batches\/[0-9a-f-]{36}\/file$/.test(url)
  return known && isFile && method === 'POST' ? asked.toUpperCase() : (method ?? '')
}

/** A whole number of bytes; undefined where there is none. */
export function bytesIn(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string' || !/^\d{1,15}$/.test(header)) return undefined
  return Number(header)
}

/** Keys and values of Upload-Metadata; undefined where it is not well-formed. */
export function readMetadata(
  header: string | string[] | undefined,
): Record<string, string> | undefined {
  if (header === undefined || header === '') return {}
  if (typeof header !== 'string' || header.length > uploadMetadataCharactersMax) return undefined
  const members: Record<string, string> = Object.create(null)
  for (const pair of header.split(',')) {
    const [, key, value = ''] =
      /^\s*([\x21-\x2b\x2d-\x7e]+)(?: ([A-Za-z0-9+/]*={0,2}))?\s*$/.exec(pair) ?? []
    if (key === undefined || key in members) return undefined
    const bytes = Buffer.from(value, 'base64')
    if (!isUtf8(bytes)) return undefined
    members[key] = bytes.toString()
  }
  return members
}

/** `invalid`: not well-formed, or of an algorithm that is not known. */
export function readChecksum(
  header: string | string[] | undefined,
): Checksum | 'invalid' | undefined {
  if (header === undefined) return undefined
  const [, algorithm, digest] = /^(sha1|sha256) ([A-Za-z0-9+/]+={0,2})$/.exec(String(header)) ?? []
  if (digest === undefined) return 'invalid'
  return { algorithm: algorithm as Checksum['algorithm'], digest: Buffer.from(digest, 'base64') }
}

/** What HEAD tells of a file. */
export function uploadHeaders(upload: Upload): Record<string, string> {
  const { received, size } = upload
  return {
    'cache-control': 'no-store',
    'upload-offset': String(received),
    ...(size === undefined ? { 'upload-defer-length': '1' } : { 'upload-length': String(size) }),
    'upload-metadata': metadataOf(upload),
    ...expiryHeader(upload),
    ...sameAsHeader(upload),
  }
}

export function expiryHeader(upload: Upload): Record<string, string> {
  if (upload.stage !== 'receiving') return {}
  return { 'upload-expires': new Date(expiryMicros(upload) / 1_000).toUTCString() }
}

/** RFC 6249: the other has the same bytes. */
function sameAsHeader({ sameAs }: Upload): Record<string, string> {
  return sameAs === undefined ? {} : { link: `</v1/batches/${sameAs}>; rel="duplicate"` }
}

function metadataOf({ employer, period, region, kind, format, mode, fileName }: Upload): string {
  const members = { employer, period, region, kind, format, mode, filename: fileName }
  return Object.entries(members)
    .flatMap(([key, value]) =>
      value === undefined ? [] : [`${key} ${Buffer.from(value).toString('base64')}`],
    )
    .join(',')
}

export type Checksum = { readonly algorithm: 'sha1' | 'sha256'; readonly digest: Buffer }
