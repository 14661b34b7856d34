/**
 * The class of each route: in which order requests are given up under load. The gate stands in front of the
 * router, so it finds the route by the request's line alone; `canonicalUrl` gives every address one spelling
 * before either of them sees it, so that they find the same one. A route without a row stops the app from
 * starting.
 */
import assert from 'node:assert/strict'
import type { FastifyInstance } from 'fastify'
import type { RequestClass } from './admission.ts'

/** `never`: it costs little, and is needed when all else is refused. */
type RouteClass = RequestClass | 'never'

/** Filings count as due: what is due is known once the body is read. A HEAD is as its GET, unless it has a row. */
export const routeClasses = {
  'POST /v1/declarations': 'filings-due',
  'POST /v1/declarations/check': 'checks',
  'GET /v1/declarations': 'reports',
  'GET /v1/declarations/:id': 'lookups',
  'GET /v1/declarations/:id/receipt': 'lookups',
  'GET /v1/declarations/:id/amounts': 'lookups',
  'GET /v1/declarations/:id/explanation': 'lookups',
  // What brings bytes, or asks for more of them, can wait; asking how far a file came costs little.
  'POST /v1/batches': 'bulk',
  'PATCH /v1/batches/:id/file': 'bulk',
  'GET /v1/batches': 'reports',
  'GET /v1/batches/:id/declarations': 'reports',
  'GET /v1/batches/:id/errors': 'reports',
  'GET /v1/batches/:id': 'lookups',
  'GET /v1/batches/:id/receipt': 'lookups',
  'GET /v1/batches/:id/events': 'lookups',
  'HEAD /v1/batches/:id/file': 'lookups',
  'DELETE /v1/batches/:id': 'lookups',
  'DELETE /v1/batches/:id/file': 'lookups',
  // Made once, and given to everybody.
  'GET /v1/batches/template': 'never',
  'OPTIONS /v1/batches': 'never',
  'OPTIONS /v1/batches/:id/file': 'never',
  'GET /v1/slots': 'reports',
  'POST /v1/slots': 'lookups',
  'GET /v1/slots/:id': 'lookups',
  'DELETE /v1/slots/:id': 'lookups',
  'GET /v1/employers/:uscc/draft': 'lookups',
  // From memory, the same to everybody, and kept by browsers.
  'GET /': 'never',
  'GET /verify': 'never',
  'GET /assets/:file': 'never',
  'GET /sw.js': 'never',
  'GET /manifest.webmanifest': 'never',
  'GET /favicon.svg': 'never',
  'GET /icons/:file': 'never',
  // Who waits for the identity provider is bounded (limits.ts), and a person is told by a page.
  'GET /sign-in': 'never',
  'GET /sign-in/callback': 'never',
  'POST /sign-in': 'never',
  'GET /session': 'lookups',
  'POST /session/renew': 'lookups',
  'POST /session/end': 'lookups',
  'GET /v1/policies': 'never',
  'GET /v1/policies/:region': 'never',
  'GET /v1/policies/:region/changes': 'never',
  'GET /v1/policies/:region/pack': 'never',
  'GET /v1/findings/:code': 'never',
  'GET /.well-known/jwks.json': 'never',
  'GET /v1/service/status': 'never',
  'GET /livez': 'never',
  'GET /readyz': 'never',
  // Of a library, which has routes of its own below it.
  'GET /documentation': 'never',
  'GET /documentation/*': 'never',
} as const satisfies Record<string, RouteClass>

/** What no route takes is answered with 404, and given up as what costs as little. */
const unrouted: RequestClass = 'lookups'

/** Routes of one method by the segments of their paths. */
class Branch {
  readonly #named = new Map<string, Branch>()
  #any: Branch | undefined
  #rest: RouteClass | undefined
  #here: RouteClass | undefined

  add([segment, ...more]: readonly string[], of: RouteClass): void {
    if (segment === undefined) this.#here = of
    else if (segment === '*') this.#rest = of
    else if (segment.startsWith(':')) {
      this.#any ??= new Branch()
      this.#any.add(more, of)
    } else {
      const named = this.#named.get(segment) ?? new Branch()
      this.#named.set(segment, named)
      named.add(more, of)
    }
  }

  find(segments: readonly string[], at = 0): RouteClass | undefined {
    const segment = segments[at]
    if (segment === undefined) return this.#here
    const named = this.#named.get(segment)?.find(segments, at + 1)
    return named ?? this.#any?.find(segments, at + 1) ?? this.#rest
  }
}

const byMethod = new Map<string, Branch>()
for (const [name, of] of Object.entries(routeClasses)) {
  const [method = '', url = ''] = name.split(' ')
  const routes = byMethod.get(method) ?? new Branch()
  byMethod.set(method, routes)
  routes.add(url.split('/'), of)
}

/**
 * The class of a request, by its line alone.
 * @param url in its canonical spelling
 * @returns undefined for what is never given up
 */
export function classOf(method: string, url: string): RequestClass | undefined {
  const segments = pathOf(url).split('/')
  const find = (of: string) => byMethod.get(of)?.find(segments)
  const found = find(method) ?? (method === 'HEAD' ? find('GET') : undefined) ?? unrouted
  return found === 'never' ? undefined : found
}

/** An address without its query. */
export function pathOf(url: string): string {
  const end = url.search(/[?#]/)
  return end < 0 ? url : url.slice(0, end)
}

/**
 * One spelling for all of an address (RFC 3986, 6.2.2; RFC 9112, 3.2.2): a path without scheme and host, in
 * which no letter, digit, `-`, `.`, `_` or `~` is percent-encoded. Names of routes have no other characters.
 */
export function canonicalUrl(url: string): string {
  const local = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?#]+\/?/i, '/')
  const path = pathOf(local)
  if (!path.includes('%')) return local
  return path.replace(/%[2-7][0-9a-f]/gi, unreserved) + local.slice(path.length)
}

function unreserved(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
  return /[\w.~-]/.test(character) ? character : encoded
}

/** Stops an app from starting that has a route whose class nobody said. */
export function requireClasses(app: FastifyInstance): void {
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) {
      const name = `${one} ${url}`
      const isKnown = Object.hasOwn(routeClasses, name) || url.startsWith('/documentation')
      const isWithGet = one === 'HEAD' && Object.hasOwn(routeClasses, `GET ${url}`)
      assert(isKnown || isWithGet, `${name} has no class: give it one in route-classes.ts`)
    }
  })
}
