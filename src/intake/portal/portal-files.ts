/**
 * The portal as its build made it: a folder with `index.html`, and `assets/` whose names have a hash of what is
 * in them. All of it is read once, with what the build compressed beside (`.br`, `.gz`), and answered from
 * memory: once a browser has it, it costs intake nothing. Nothing in it is of anybody. Without a build, the
 * engine runs with the page of home.ts.
 *
 *   assets/NAME-HASH.ext     kept for ever: another content has another name
 *   index.html               never kept: it names the assets of now
 *   all else (sw.js, icons)  kept, and asked for whether it changed
 */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { portalBytesMax } from '../../limits.ts'
import { sendProblem } from '../problems/problems.ts'
import { names } from '../wire/conditional.ts'

type Encoding = 'br' | 'gzip'

type PortalFile = {
  readonly type: string
  readonly cacheControl: string
  readonly etag: string
  readonly bytes: Buffer
  readonly compressed: Readonly<Partial<Record<Encoding, Buffer>>>
}

/** By address, from `/`. */
export type Portal = ReadonlyMap<string, PortalFile>

/** Addresses that show the portal: it finds the screen by them. */
export const portalPages = ['/', '/verify'] as const
/** What a browser looks for beside them. */
const portalOthers = ['/sw.js', '/manifest.webmanifest', '/favicon.svg', '/icons/:file'] as const

/**
 * No script but ours from here, none in the page, none made of text; in no frame, with no plug-in, and
 * nothing is sent to anybody else.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
}

const endings = { br: '.br', gzip: '.gz' } as const

/** @returns undefined where no portal was built */
export function readPortal(folder: string): Portal | undefined {
  if (!existsSync(path.join(folder, 'index.html'))) return undefined
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const found = new Map<string, PortalFile>()
  let bytes = 0
  for (const name of names) {
    const type = types[path.extname(name)]
    if (type === undefined) continue // a folder, what is compressed, or nothing for browsers
    const file = readFile(path.join(folder, name), type)
    bytes += file.bytes.length
    found.set(`/${name.split(path.sep).join('/')}`, file)
  }
  assert(bytes <= portalBytesMax, `the portal in ${folder} has ${bytes} bytes`)
  return found
}

function readFile(file: string, type: string): PortalFile {
  const bytes = readFileSync(file)
  const compressed = Object.entries(endings).flatMap(([encoding, ending]) =>
    existsSync(file + ending) ? [[encoding, readFileSync(file + ending)]] : [],
  )
  return {
    type,
    cacheControl: cacheControlOf(file),
    etag: `"${hash('sha256', bytes, 'base64url').slice(0, 22)}"`,
    bytes,
    compressed: Object.fromEntries(compressed),
  }
}

function cacheControlOf(file: string): string {
  if (file.endsWith('.html')) return 'no-store'
  const isHashed = path.basename(path.dirname(file)) === 'assets'
  return isHashed ? 'public, max-age=31536000, immutable' : 'no-cache'
}

/** @param portal undefined: its addresses answer as any where nothing is */
export function portalRoutes(app: FastifyInstance, portal: Portal | undefined): void {
  const page = portalPages.filter((url) => url !== '/') // home.ts has that one
  for (const url of page)
    app.get(url, {
      schema: { hide: true, summary: 'A page of the portal' },
      handler: async (request, reply) => sendPortalPage(portal, request, reply),
    })
  for (const url of ['/assets/:file', ...portalOthers])
    app.get(url, {
      schema: { hide: true, summary: 'A file of the portal' },
      handler: async (request, reply) => {
        const file = portal?.get(request.url.replace(/[?#].*$/s, ''))
        if (file === undefined) return sendProblem(request, reply, 'NOT_FOUND')
        return sendFile(file, request, reply)
      },
    })
}

export function sendPortalPage(
  portal: Portal | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const index = portal?.get('/index.html')
  if (index === undefined) return sendProblem(request, reply, 'NOT_FOUND')
  reply
    .header('content-security-policy', policy)
    .header('cross-origin-opener-policy', 'same-origin')
    .header('referrer-policy', 'same-origin')
  return sendFile(index, request, reply)
}

function sendFile(
  { type, cacheControl, etag, bytes, compressed }: PortalFile,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  reply
    .header('cache-control', cacheControl)
    .header('cross-origin-resource-policy', 'same-origin')
    .header('vary', 'accept-encoding')
  if (cacheControl !== 'no-store') {
    reply.header('etag', etag)
    if (names(request.headers['if-none-match'], etag)) return reply.code(304).send()
  }
  const accepted = request.headers['accept-encoding'] ?? ''
  const encoding = (['br', 'gzip'] as const).find(
    (one) => compressed[one] !== undefined && accepts(accepted, one),
  )
  if (encoding !== undefined) reply.header('content-encoding', encoding)
  return reply.type(type).send((encoding && compressed[encoding]) ?? bytes)
}

/** `gzip, br;q=0` takes the first alone. */
function accepts(header: string, encoding: Encoding): boolean {
  const weights = header.split(',').flatMap((one) => {
    const [name, weight = 'q=1'] = one.split(';').map((part) => part.trim().toLowerCase())
    return name === encoding ? Number(weight.replace(/^q=/, '')) : []
  })
  return weights.some((weight) => weight > 0)
}
