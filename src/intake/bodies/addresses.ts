/**
 * Addresses that no route should see, and methods that an address does not have: each is told as such.
 */
import type { FastifyInstance } from 'fastify'
import { canonicalUrl, pathOf } from '../overload/route-classes.ts'
import { sendProblem } from '../problems/problems.ts'
import { RefusedRequestError } from '../problems/refused-request.ts'

const methods = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** A NUL is a character of nothing that is named here, and Postgres takes none. */
export function refuseNul(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    done(request.url.includes('%00') ? new RefusedRequestError('ADDRESS_MALFORMED') : undefined)
  })
}

/** Answers what no route takes: 405 with `Allow` where other methods are taken there, else 404. */
export function answerUnrouted(app: FastifyInstance): void {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    routes.push({ pattern: patternOf(url), methods: [method].flat() })
  })
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(canonicalUrl(request.url))
    const there = routes.filter(({ pattern }) => pattern.test(path))
    const allowed = methods.filter((one) => there.some((route) => route.methods.includes(one)))
    if (allowed.length === 0) return sendProblem(request, reply, 'NOT_FOUND')
    return sendProblem(request, reply.header('allow', allowed.join(', ')), 'METHOD_NOT_ALLOWED')
  })
}

/** Of a route's address: `:name` is one segment, `*` the rest. */
function patternOf(url: string): RegExp {
  const escaped = url.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replace(/:[A-Za-z]+/g, '[^/]+').replace('*', '.*')}$`)
}
