/**
 * The bearer token of a request, checked before its body is read: who is refused costs nothing.
 */
import assert from 'node:assert/strict'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import type { Reach } from '../../journal/reading/reach.ts'
import type { Queryable, ReadPool } from '../../journal/reading/read-pool.ts'
import type { ProblemCode } from '../problems/problem-kinds.ts'
import { sendProblem } from '../problems/problems.ts'
import { sessionStateOf } from '../sessions/session.ts'
import type { Authenticator, Refusal } from './authentication.ts'
import type { Filer } from './claims.ts'
import { RefusedTokens } from './refused-tokens.ts'
import { type Act, scopeOf } from './roles.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `requireAct` before any handler runs. */
    filer: Filer | undefined
    /** Whose declarations the act of the route may be about; set with it. */
    reach: Reach | undefined
  }
  interface FastifyInstance {
    authenticator: Authenticator
    refusedTokens: RefusedTokens
  }
}

/** Makes `request.filer` known to the app. */
export function useBearerTokens(app: FastifyInstance, authenticator: Authenticator): void {
  app.decorate('authenticator', authenticator)
  app.decorate('refusedTokens', new RefusedTokens())
  app.decorateRequest('filer', undefined)
  app.decorateRequest('reach', undefined)
}

/** Reads for who asks: what is not theirs is not there, whatever a statement asks for. */
export function readsOf({ reach }: FastifyRequest, pool: ReadPool): Queryable {
  assert(reach !== undefined, 'who asks has passed requireAct')
  return pool.within(reach)
}

/** A hook that refuses whoever has no valid token with this act's scope, or none of its roles. */
export function requireAct(act: Act): onRequestHookHandler {
  return function authenticate(request, reply, done) {
    const token = bearerToken(request.headers.authorization)
    if (token === undefined) return void sendProblem(request, reply, missing(request))
    const known = request.server.authenticator.recall(token)
    if (known !== undefined) return void enter(request, reply, known, act, done)
    request.server.authenticator.verify(token).then((verified) => {
      if ('kind' in verified) return refuse(request, reply, verified)
      return enter(request, reply, verified, act, done)
    }, done)
  }
}

/** Of a request without a token: whether it came with a session that is none, or was sent from elsewhere. */
function missing({ raw }: FastifyRequest): ProblemCode {
  const state = sessionStateOf(raw)
  if (state === 'foreign') return 'ORIGIN_FOREIGN'
  return state === 'ended' ? 'SESSION_ENDED' : 'TOKEN_MISSING'
}

function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const { kind, claim, secondsMax } = refusal
  const isSession = sessionStateOf(request.raw) === 'opened'
  request.server.refusedTokens.refused(request.log, refusal, performance.now())
  const code = isSession && kind === 'expired' ? 'SESSION_ENDED' : refusals[kind]
  return sendProblem(request, reply, code, {
    ...(claim !== undefined && { claim }),
    ...(secondsMax !== undefined && { secondsMax }),
  })
}

export const refusals = {
  invalid: 'TOKEN_INVALID',
  expired: 'TOKEN_EXPIRED',
  lifetime: 'TOKEN_LIFETIME',
  withdrawn: 'TOKEN_WITHDRAWN',
  rehearsal: 'TOKEN_FOR_REHEARSAL',
  unavailable: 'UNAVAILABLE',
} as const satisfies Record<Refusal['kind'], ProblemCode>

/** Whether the token that a request was let in with still holds, of an answer that goes on for long. */
export async function stillHolds(request: FastifyRequest): Promise<boolean> {
  const { authenticator } = request.server
  const token = bearerToken(request.headers.authorization)
  if (token === undefined) return false
  return (
    authenticator.recall(token) !== undefined || !('kind' in (await authenticator.verify(token)))
  )
}

/**
 * Whether the token that a request was let in with was taken back since, of a body that comes slowly. One
 * that has expired meanwhile was good when the body began.
 */
export async function isWithdrawn(request: FastifyRequest): Promise<boolean> {
  const { authenticator } = request.server
  const token = bearerToken(request.headers.authorization) ?? ''
  if (request.filer !== undefined && authenticator.denies(request.filer)) return true
  if (authenticator.recall(token) !== undefined) return false
  const found = await authenticator.verify(token)
  return 'kind' in found && (found.kind === 'withdrawn' || found.kind === 'invalid')
}

export function bearerToken(header = ''): string | undefined {
  return /^bearer /i.test(header) ? header.slice(7).trim() || undefined : undefined
}

function enter(
  request: FastifyRequest,
  reply: FastifyReply,
  filer: Filer,
  act: Act,
  done: () => void,
): void {
  request.filer = filer // who asks is known, and noted, also where it may not
  if (!filer.scopes.has(scopeOf[act])) return void sendProblem(request, reply, 'SCOPE_MISSING')
  const reach = filer.reach[act]
  if (reach === undefined) return void sendProblem(request, reply, 'ROLE_MISSING')
  request.reach = reach
  done()
}
