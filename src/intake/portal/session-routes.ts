/**
 * What the portal asks of its session: who is signed in and for how long, another token before the one that it
 * has ends, and the end. Nothing here is kept by a cache, and nothing tells the token itself.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Authentication, Authenticator } from '../auth/authentication.ts'
import { bearerToken, refusals } from '../auth/bearer.ts'
import type { Filer } from '../auth/claims.ts'
import { type Act, acts, roles, scopeOf } from '../auth/roles.ts'
import { problemSchema } from '../present/schemas.ts'
import type { ProblemCode } from '../problems/problem-kinds.ts'
import { sendProblem } from '../problems/problems.ts'
import { keepRenewal, readRenewal } from '../sessions/renewal.ts'
import { isFromOurPages } from '../sessions/same-origin.ts'
import { endSession, keepSession, type SessionRules, sessionStateOf } from '../sessions/session.ts'
import type { SignInWay } from './sign-in.ts'

export type SessionDependencies = {
  readonly session: SessionRules
  readonly signIn: SignInWay | undefined
  readonly authenticator: Authenticator
  /** As receipts have it. */
  readonly environment: string
}

const sessionSchema = Type.Object(
  {
    signedIn: Type.Boolean(),
    environment: Type.String({ description: 'As receipts have it.' }),
    now: Type.String({ format: 'date-time', description: "By this service's clock." }),
    signIn: Type.Optional(
      Type.Object({
        kind: Type.Enum(['provider', 'development']),
        href: Type.String({ description: 'A page to go to; ?returnTo= is where it ends.' }),
      }),
    ),
    code: Type.Optional(
      Type.String({
        description: 'Why a session that was sent is none: a problem, as 401 names it.',
      }),
    ),
    subject: Type.Optional(Type.String()),
    employers: Type.Optional(Type.Array(Type.String())),
    roles: Type.Optional(Type.Array(Type.Enum(Object.keys(roles) as (keyof typeof roles)[]))),
    regions: Type.Optional(
      Type.Array(Type.String(), {
        description: 'Where it has some: the first digits of their codes.',
      }),
    ),
    may: Type.Optional(
      Type.Array(Type.Enum(acts), { description: 'By its roles and its scopes.' }),
    ),
    expiresAt: Type.Optional(Type.String({ format: 'date-time' })),
    renewable: Type.Optional(
      Type.Boolean({ description: 'POST /session/renew gives it another token before it ends.' }),
    ),
  },
  { title: 'Session' },
)

const endedSchema = Type.Object(
  {
    signedIn: Type.Boolean(),
    providerSignOut: Type.Optional(
      Type.String({ description: 'Where to go to sign out of the identity provider, too.' }),
    ),
  },
  { title: 'SessionEnded' },
)

const problems = { '4xx': problemSchema, '5xx': problemSchema }

export function sessionRoutes(app: FastifyInstance, dependencies: SessionDependencies): void {
  app.get('/session', {
    schema: {
      ...{ operationId: 'getSession', tags: ['session'], security: [] },
      summary: 'Who is signed in, for whom, and until when',
      description: 'Of the session of a browser, or of a bearer token. 200 without either, too.',
      response: { 200: sessionSchema, ...problems },
    },
    handler: async (request, reply) => {
      const found = await whoAsks(dependencies, request)
      return send(reply, present(dependencies, request, found))
    },
  })
  app.post('/session/renew', {
    schema: {
      ...{ operationId: 'renewSession', tags: ['session'], security: [] },
      summary: 'Goes on with a session under another token',
      description: 'One at a time: the provider may replace what it is asked with.',
      response: { 200: sessionSchema, ...problems },
    },
    handler: (request, reply) => renew(dependencies, request, reply),
  })
  app.post('/session/end', {
    schema: {
      ...{ operationId: 'endSession', tags: ['session'], security: [] },
      summary: 'Signs out',
      description:
        'A copy of the cookie would serve until its token ends: npm run denials bars it.',
      response: { 200: endedSchema, ...problems },
    },
    handler: (request, reply) => end(dependencies, request, reply),
  })
}

function send(reply: FastifyReply, answer: object): FastifyReply {
  return reply.header('cache-control', 'no-store').send(answer)
}

/** @returns undefined where nobody says */
async function whoAsks(
  { authenticator }: Pick<SessionDependencies, 'authenticator'>,
  request: FastifyRequest,
): Promise<Authentication | undefined> {
  const token = bearerToken(request.headers.authorization)
  if (token === undefined) return undefined
  return authenticator.recall(token) ?? authenticator.verify(token)
}

function present(
  { signIn: way, environment, session }: SessionDependencies,
  request: FastifyRequest,
  found: Authentication | undefined,
) {
  const signIn = way && { kind: way.kind, href: '/sign-in' }
  const always = { environment, now: new Date().toISOString(), ...(signIn && { signIn }) }
  if (found === undefined || 'kind' in found) {
    const code = codeOf(request, found)
    return { signedIn: false, ...always, ...(code && { code }) }
  }
  const isRenewable = readRenewal(session, request.headers.cookie) !== undefined
  return { signedIn: true, ...always, ...presentFiler(found), renewable: isRenewable }
}

function codeOf(
  request: FastifyRequest,
  found: Authentication | undefined,
): ProblemCode | undefined {
  if (found !== undefined && 'kind' in found)
    return found.kind === 'expired' ? 'SESSION_ENDED' : refusals[found.kind]
  const state = sessionStateOf(request.raw)
  return { none: undefined, opened: undefined, foreign: 'ORIGIN_FOREIGN', ended: 'SESSION_ENDED' }[
    state
  ] as ProblemCode | undefined
}

function presentFiler(filer: Filer) {
  const { subject, employers, regions, expiresAtMs } = filer
  const mayDo = (act: Act) => filer.scopes.has(scopeOf[act]) && filer.reach[act] !== undefined
  return {
    subject,
    employers: [...employers],
    roles: filer.roles,
    ...(regions && { regions: regions.map((pattern) => pattern.replace('%', '')) }),
    may: acts.filter(mayDo),
    expiresAt: new Date(expiresAtMs).toISOString(),
  }
}

async function renew(
  dependencies: SessionDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { session, signIn: way, authenticator } = dependencies
  if (!isFromOurPages(request.raw, session.origin))
    return sendProblem(request, reply, 'ORIGIN_FOREIGN')
  const renewal = readRenewal(session, request.headers.cookie)
  if (renewal === undefined || way?.kind !== 'provider')
    return sendProblem(request, reply, 'SESSION_ENDED')
  const granted = await way.provider.renew(renewal.grant)
  if (granted.kind === 'unavailable') return sendProblem(request, reply, 'UNAVAILABLE')
  const found = granted.kind === 'granted' ? await authenticator.verify(granted.token) : undefined
  if (found !== undefined && 'kind' in found && found.kind === 'unavailable')
    return sendProblem(request, reply, 'UNAVAILABLE')
  const kept =
    granted.kind === 'granted' &&
    found !== undefined &&
    !('kind' in found) &&
    keepSession(session, reply, granted.token, found.expiresAtMs)
  if (!kept) {
    endSession(session, reply)
    const code = found !== undefined && 'kind' in found ? refusals[found.kind] : 'SESSION_ENDED'
    return sendProblem(request, reply, code)
  }
  keepRenewal(session, reply, { ...renewal, grant: granted.renewal ?? renewal.grant })
  const answer = present(dependencies, request, found)
  return send(reply, { ...answer, renewable: true })
}

async function end(
  { session, signIn: way }: SessionDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (!isFromOurPages(request.raw, session.origin))
    return sendProblem(request, reply, 'ORIGIN_FOREIGN')
  const renewal = readRenewal(session, request.headers.cookie)
  endSession(session, reply)
  if (way?.kind !== 'provider') return send(reply, { signedIn: false })
  // What the provider can't be told now, ends by itself.
  if (renewal !== undefined) await way.provider.revoke(renewal.grant)
  const providerSignOut = await way.provider.endAddress()
  return send(reply, { signedIn: false, ...(providerSignOut && { providerSignOut }) })
}
