/**
 * Signing in to the portal in a browser:
 *
 *   GET /sign-in ──a provider is set──▶ the provider ──▶ GET /sign-in/callback ──▶ returnTo, with a session
 *   GET /sign-in ──in development──▶ a form ──▶ POST /sign-in ──▶ returnTo, with a session
 *
 * What was asked of the provider is in a short sealed cookie, which serves for one answer: an answer that this
 * browser did not ask for, or brings again, begins nothing. If the process dies on the way, nothing is kept
 * anywhere: the person signs in again.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { developmentFormBytesMax, signInMsMax } from '../../limits.ts'
import type { Authenticator } from '../auth/authentication.ts'
import { languageOf } from '../problems/language.ts'
import { cookieName, readCookie, setCookie } from '../sessions/cookies.ts'
import { keepRenewal } from '../sessions/renewal.ts'
import { isFromOurPages } from '../sessions/same-origin.ts'
import { keepSession, type SessionRules } from '../sessions/session.ts'
import {
  type DevelopmentUser,
  developmentPage,
  developmentUserOf,
  isOfThisMachine,
} from './development.ts'
import { type SignInProblem, sendPage, sendSignInProblem } from './pages.ts'
import type { Asked, Grant, Provider, ProviderFault } from './provider.ts'
import { returnToOf } from './return-to.ts'

/** How people sign in; undefined: not here. */
export type SignInWay =
  | { readonly kind: 'provider'; readonly provider: Provider }
  | {
      readonly kind: 'development'
      /** A token of the engine's own. */
      readonly issue: (user: DevelopmentUser) => Promise<string>
    }

export type SignInDependencies = {
  readonly session: SessionRules
  readonly signIn: SignInWay | undefined
  readonly authenticator: Authenticator
}

type AskedReturn = { Querystring: { returnTo?: unknown } }

export function signInRoutes(app: FastifyInstance, dependencies: SignInDependencies): void {
  app.get<AskedReturn>('/sign-in', {
    schema: { hide: true, summary: 'Signs in to the portal, in a browser' },
    handler: (request, reply) => begin(dependencies, request, reply),
  })
  app.get('/sign-in/callback', {
    schema: { hide: true, summary: 'Where the identity provider sends the browser back to' },
    handler: (request, reply) => complete(dependencies, request, reply),
  })
  app.register(async (scope) => {
    const parsing = { parseAs: 'string', bodyLimit: developmentFormBytesMax } as const
    scope.addContentTypeParser<string>(
      'application/x-www-form-urlencoded',
      parsing,
      (_request, body, done) => done(null, new URLSearchParams(body)),
    )
    scope.post('/sign-in', {
      schema: {
        hide: true,
        summary: 'Signs in without a password, on this machine in development',
      },
      handler: (request, reply) => signInHere(dependencies, request, reply),
    })
  })
}

async function begin(
  { session, signIn: way }: SignInDependencies,
  request: FastifyRequest<AskedReturn>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const asked = request.query.returnTo
  const returnTo = returnToOf(typeof asked === 'string' ? asked : undefined)
  if (way === undefined || !session.seals.hasKey) return refuse(request, reply, 'SIGN_IN_ABSENT')
  if (way.kind === 'development') {
    if (!isOfThisMachine(request.raw)) return refuse(request, reply, 'SIGN_IN_ABSENT')
    return sendPage(reply, developmentPage(languageOf(request), returnTo))
  }
  const begun = await way.provider.begin()
  if (begun.kind !== 'asked') return refuseFault(request, reply, begun)
  const kept = { asked: begun.asked, returnTo, untilMs: Date.now() + signInMsMax }
  const sealed = session.seals.seal('sign-in', Buffer.from(JSON.stringify(kept)))
  if (sealed === undefined) return refuse(request, reply, 'SIGN_IN_ABSENT')
  setCookie(reply, cookieName('sign-in', session), sealed, {
    ...session,
    maxAgeSeconds: signInMsMax / 1_000,
  })
  return reply.header('cache-control', 'no-store').redirect(begun.href, 303)
}

type Kept = { readonly asked: Asked; readonly returnTo: string; readonly untilMs: number }

async function complete(
  dependencies: SignInDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { session, signIn: way } = dependencies
  if (way?.kind !== 'provider') return refuse(request, reply, 'SIGN_IN_ABSENT')
  const kept = takeKept(session, request, reply)
  const query = request.url.slice(request.url.indexOf('?'))
  const isAnswer = kept && new URLSearchParams(query).get('state') === kept.asked.state
  if (kept === undefined || !isAnswer) return refuse(request, reply, 'SIGN_IN_STALE')
  const grant = await way.provider.complete(query, kept.asked)
  if (grant.kind !== 'granted') return refuseFault(request, reply, grant)
  return enter(dependencies, request, reply, grant, kept.returnTo)
}

/** What this browser asked the provider, once: an answer takes it away. */
function takeKept(
  session: SessionRules,
  request: FastifyRequest,
  reply: FastifyReply,
): Kept | undefined {
  const name = cookieName('sign-in', session)
  const sealed = readCookie(request.headers.cookie, name)
  if (sealed === undefined) return undefined
  setCookie(reply, name, '', { ...session, maxAgeSeconds: 0 })
  const opened = session.seals.open('sign-in', sealed)
  const kept = opened && (JSON.parse(opened.toString()) as Kept)
  return kept !== undefined && kept.untilMs > Date.now() ? kept : undefined
}

async function enter(
  { session, authenticator }: SignInDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  { token, renewal }: Omit<Grant, 'kind'>,
  returnTo: string,
): Promise<FastifyReply> {
  const filer = await authenticator.verify(token)
  if ('kind' in filer) {
    const { kind, claim, why } = filer
    logRefusal(request, kind, { ...why }, 'sign-ins were refused for their tokens')
    const code = kind === 'unavailable' ? 'SIGN_IN_UNAVAILABLE' : 'SIGN_IN_TOKEN'
    return sendSignInProblem(request, reply, code, claim)
  }
  if (!keepSession(session, reply, token, filer.expiresAtMs))
    return refuse(request, reply, 'SIGN_IN_TOO_LARGE')
  keepRenewal(
    session,
    reply,
    renewal === undefined ? undefined : { grant: renewal, sinceMs: Date.now() },
  )
  return reply
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .redirect(returnTo, 303)
}

async function signInHere(
  dependencies: SignInDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { signIn: way, session } = dependencies
  if (way?.kind !== 'development' || !isOfThisMachine(request.raw))
    return refuse(request, reply, 'SIGN_IN_ABSENT')
  if (!isFromOurPages(request.raw, session.origin)) return refuse(request, reply, 'ORIGIN_FOREIGN')
  const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
  const returnTo = returnToOf(form.get('returnTo') ?? undefined)
  const user = developmentUserOf(form)
  if (typeof user === 'string') {
    const page = developmentPage(languageOf(request), returnTo, { form, fault: user })
    return sendPage(reply.code(422), page)
  }
  const token = await way.issue(user)
  return enter(dependencies, request, reply, { token, renewal: undefined }, returnTo)
}

const codes = {
  declined: 'SIGN_IN_DECLINED',
  stale: 'SIGN_IN_STALE',
  unavailable: 'SIGN_IN_UNAVAILABLE',
  misconfigured: 'SIGN_IN_MISCONFIGURED',
} as const satisfies Record<ProviderFault['kind'], SignInProblem>

function refuseFault(
  request: FastifyRequest,
  reply: FastifyReply,
  { kind, why }: ProviderFault,
): FastifyReply {
  logRefusal(request, kind, { code: why }, 'sign-ins did not come about')
  return refuse(request, reply, codes[kind])
}

/** Once in a while: whoever comes while a provider is away fills no log. */
function logRefusal(
  { server, log }: FastifyRequest,
  kind: string,
  why: Readonly<Record<string, unknown>>,
  what: string,
): void {
  server.refusedTokens.refused(log, { kind, why }, performance.now(), what)
}

function refuse(request: FastifyRequest, reply: FastifyReply, code: SignInProblem): FastifyReply {
  return sendSignInProblem(request, reply, code)
}
