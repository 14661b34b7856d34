/** A real identity provider (oidc-provider) in this process, and a browser that goes between it and intake. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { type InteractionResults, Provider as OidcProvider } from 'oidc-provider'

export const portalOrigin = 'https://portal.example.cn'
export const clientId = 'portal'
export const clientSecret = 'a secret of the portal'
export const resource = 'https://filing.example.cn'

/** What the provider says of whoever signs in; tests change it. */
export type Said = {
  subject: string
  claims: Record<string, unknown>
  audience: string
  scope: string
  /** Whether people let the portal in. */
  allows: boolean
}

export async function openIdentityProvider(said: Said) {
  let provider: OidcProvider
  const server = createServer((request, response) => void handle(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith('/interaction/')) await interact(provider, said, request, response)
    else await provider.callback()(request, response)
  }
  /** Keys of before are gone: what they signed is not to be believed any more. */
  const rotate = async (...more: JWK[]) => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    const kid = `key-${crypto.randomUUID()}`
    const jwk = { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' } as JWK
    provider = providerOf(issuer, [jwk, ...more], said)
    return jwk
  }
  const key = await rotate()
  return {
    issuer,
    key,
    rotate,
    close: () => {
      server.closeAllConnections()
      return new Promise((closed) => server.close(closed))
    },
  }
}

function providerOf(issuer: string, keys: JWK[], said: Said): OidcProvider {
  const provider = new OidcProvider(issuer, {
    clients: [
      {
        ...{ client_id: clientId, client_secret: clientSecret },
        redirect_uris: [`${portalOrigin}/sign-in/callback`],
        post_logout_redirect_uris: [`${portalOrigin}/`],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    jwks: { keys: keys as never },
    scopes: ['openid', 'offline_access'],
    cookies: { keys: ['of a test'] },
    pkce: { required: () => true },
    ttl: {
      ...{ Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
      ...{ RefreshToken: 600, AuthorizationCode: 60 },
    },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    extraTokenClaims: () => said.claims,
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          ...{ scope: said.scope, audience: said.audience },
          ...{ accessTokenFormat: 'jwt', accessTokenTTL: 600 },
        }),
      },
    },
  })
  provider.on('server_error', (_context, error) => {
    throw error
  })
  return provider
}

/** Signs people in, and lets the portal in, as they would. */
async function interact(
  provider: OidcProvider,
  said: Said,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(request, response)
  const finish = (result: InteractionResults) =>
    provider.interactionFinished(request, response, result)
  if (!said.allows) return finish({ error: 'access_denied' })
  if (prompt.name === 'login') return finish({ login: { accountId: said.subject } })
  const grant = new provider.Grant({
    accountId: session?.accountId as string,
    clientId: params.client_id as string,
  })
  grant.addOIDCScope('openid offline_access')
  grant.addResourceScope(resource, said.scope)
  return finish({ consent: { grantId: await grant.save() } })
}

/** One browser: it keeps cookies, follows redirects, and stops where `until` says. */
export class Browser {
  readonly #app: FastifyInstance
  readonly #jars = { portal: new Map<string, string>(), provider: new Map<string, string>() }
  /** Addresses of the portal that it was sent to, in turn. */
  readonly visited: string[] = []

  constructor(app: FastifyInstance) {
    this.#app = app
  }

  get cookie(): string {
    return [...this.#jars.portal].map((pair) => pair.join('=')).join('; ')
  }

  set cookie(text: string) {
    this.#jars.portal = new Map(
      text.split('; ').map((pair) => pair.split('=', 2) as [string, string]),
    )
  }

  /** @param until an address of the portal that it is not let to */
  async visit(address: string, until?: string) {
    let href = new URL(address, portalOrigin).href
    for (let hops = 0; hops < 20; hops += 1) {
      const url = new URL(href)
      const isPortal = url.origin === portalOrigin
      if (isPortal) this.visited.push(url.href)
      if (until !== undefined && isPortal && url.pathname === until)
        return { href, status: 0, body: '' }
      const answer = isPortal ? await this.#portal(url) : await this.#provider(url)
      if (answer.location === undefined) return { href, ...answer }
      href = new URL(answer.location, url).href
    }
    throw new Error('it is sent around in circles')
  }

  async #portal({ pathname, search }: URL) {
    const answer = await this.#app.inject({
      url: `${pathname}${search}`,
      headers: { cookie: this.cookie, accept: 'text/html', host: 'portal.example.cn' },
    })
    this.keep('portal', [answer.headers['set-cookie'] ?? []].flat())
    return { status: answer.statusCode, body: answer.body, location: answer.headers.location }
  }

  async #provider(url: URL) {
    const cookie = [...this.#jars.provider].map((pair) => pair.join('=')).join('; ')
    const answer = await fetch(url, { redirect: 'manual', headers: { cookie } })
    this.keep('provider', answer.headers.getSetCookie())
    const location = answer.headers.get('location') ?? undefined
    return { status: answer.status, body: await answer.text(), location }
  }

  keep(of: 'portal' | 'provider', set: readonly string[]): void {
    for (const one of set) {
      const [name = '', value = ''] = (one.split(';')[0] ?? '').split('=', 2)
      if (value === '') this.#jars[of].delete(name)
      else this.#jars[of].set(name, value)
    }
  }
}
