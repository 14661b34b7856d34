/**
 * The bearer token of a request, checked before its body is read: who is refused costs nothing.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import type { Authenticator, Filer, Scope } from './authentication.ts'
import type { ProblemCode } from './problem-kinds.ts'
import { sendProblem } from './problems.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `requireScope` before any handler runs. */
    filer: Filer | undefined
  }
  interface FastifyInstance {
    authenticator: Authenticator
  }
}

/** Makes `request.filer` known to the app. */
export function useBearerTokens(app: FastifyInstance, authenticator: Authenticator): void {
  app.decorate('authenticator', authenticator)
  app.decorateRequest('filer', undefined)
}

/** A hook that refuses whoever has no valid token with this scope. */
export function requireScope(scope: Scope): onRequestHookHandler {
  return function authenticate(request, reply, done) {
    const token = bearerToken(request.headers.authorization)
    if (token === undefined) return void sendProblem(request, reply, 'TOKEN_MISSING')
    const known = request.server.authenticator.recall(token)
    if (known !== undefined) return void enter(request, reply, known, scope, done)
    request.server.authenticator.verify(token).then((verified) => {
      if (typeof verified === 'string') return sendProblem(request, reply, refusals[verified])
      return enter(request, reply, verified, scope, done)
    }, done)
  }
}

const refusals = {
  invalid: 'TOKEN_INVALID',
  expired: 'TOKEN_EXPIRED',
  unavailable: 'UNAVAILABLE',
} as const satisfies Record<string, ProblemCode>

export function bearerToken(header = ''): string | undefined {
  return /^bearer /i.test(header) ? header.slice(7).trim() || undefined : undefined
}

function enter(
  request: FastifyRequest,
  reply: FastifyReply,
  filer: Filer,
  scope: Scope,
  done: () => void,
): void {
  if (!filer.scopes.has(scope)) return void sendProblem(request, reply, 'SCOPE_MISSING')
  request.filer = filer
  done()
}
