/**
 * `Content-Digest` (RFC 9530): by which a request names its content before anybody has read it. It is of the
 * bytes as they are sent, so of a compressed body where it is compressed. Compared with what came wherever a
 * body is read into memory: a client whose digests are wrong is told so long before it needs a ticket.
 */
import { createHash, type Hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** One member of the field, as `sha-256=:…:`. */
export type ContentDigest = string

const algorithms = { 'sha-256': 'sha256', 'sha-512': 'sha512' } as const
type Algorithm = keyof typeof algorithms

/**
 * The first digest of an algorithm that is known here; those of others tell us nothing.
 * @returns undefined where there is none; `invalid` where one is not well-formed
 */
export function readContentDigest(
  header: string | string[] | undefined,
): ContentDigest | 'invalid' | undefined {
  if (header === undefined) return undefined
  for (const member of String(header).split(',')) {
    const [, name = '', encoded] =
      /^\s*([a-z*][\w.*-]*)(?:=:([A-Za-z0-9+/]*={0,2}):)?/.exec(member) ?? []
    if (!Object.hasOwn(algorithms, name)) continue
    const digest = Buffer.from(encoded ?? '', 'base64')
    const isWhole = digest.length === (name === 'sha-256' ? 32 : 64)
    return isWhole ? textOf(name as Algorithm, digest) : 'invalid'
  }
  return undefined
}

function textOf(algorithm: Algorithm, digest: Buffer): ContentDigest {
  return `${algorithm}=:${digest.toString('base64')}:`
}

/** What came of a request, by each algorithm. */
class ContentMeter {
  readonly #hashes = Object.entries(algorithms).map(([name, algorithm]): [Algorithm, Hash] => [
    name as Algorithm,
    createHash(algorithm),
  ])
  #digests: readonly ContentDigest[] | undefined

  take(piece: Buffer): void {
    for (const [, hash] of this.#hashes) hash.update(piece)
  }

  /** Whether a digest is of it, once it is whole. */
  is(digest: ContentDigest): boolean {
    this.#digests ??= this.#hashes.map(([algorithm, hash]) => textOf(algorithm, hash.digest()))
    return this.#digests.includes(digest)
  }
}

const meters = new WeakMap<IncomingMessage, ContentMeter>()

/**
 * What is to be given each piece of a request's content as it is sent; undefined where nobody will ask for
 * its digest: neither the request nor a ticket that came with it names one.
 */
export function meterContent(request: IncomingMessage): ContentMeter | undefined {
  const { headers } = request
  const known = meters.get(request)
  if (known !== undefined) return known
  if (headers['content-digest'] === undefined && headers['attempt-ticket'] === undefined)
    return undefined
  const meter = new ContentMeter()
  meters.set(request, meter)
  return meter
}

/** Whether a digest is of what came; true of a request that names none. */
export function isOfContent(request: IncomingMessage, digest: ContentDigest | undefined): boolean {
  return digest === undefined || meters.get(request)?.is(digest) === true
}
