/**
 * An identity provider as the portal signs people in with it: OpenID Connect, code flow with PKCE. What comes of
 * it is an access token for this service, a JWT that intake verifies as any bearer's; the id token only proves
 * that it is the answer to what was asked here. Metadata is read when it is first needed and every few minutes,
 * so that intake starts and goes on without the provider.
 */
import * as oidc from 'openid-client'
import {
  clockSkewMsMax,
  providerAnswerMsMax,
  providerMetadataMs,
  providerRequestsMax,
} from '../../limits.ts'

export type ProviderSettings = {
  readonly issuer: string
  readonly clientId: string
  /** Undefined: a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined
  readonly clientAuth: 'basic' | 'post'
  readonly scope: string
  /** For which the access token is asked (RFC 8707); undefined: the provider knows by the client. */
  readonly resource: string | undefined
}

/** What an answer is checked with; a browser keeps it, sealed, while its user is with the provider. */
export type Asked = { readonly state: string; readonly nonce: string; readonly verifier: string }

export type Grant = {
  readonly kind: 'granted'
  readonly token: string
  /** By which another token is given without asking anybody, where the provider gives one. */
  readonly renewal: string | undefined
}

/**
 * `declined`: by the user, or by the provider for them. `stale`: the code or the grant was used or has ended.
 * `unavailable`: the provider can't be asked now. `misconfigured`: it refuses what this service asks for.
 */
export type ProviderFault = {
  readonly kind: 'declined' | 'stale' | 'unavailable' | 'misconfigured'
  /** For the log: a code, nothing that was sent. */
  readonly why: string
}

export class Provider {
  readonly #settings: ProviderSettings
  readonly #origin: string
  #known: { readonly config: oidc.Configuration; readonly readAt: number } | undefined
  #reading: Promise<oidc.Configuration> | undefined
  #underWay = 0

  /** @param origin of the portal, `https://host` */
  constructor(settings: ProviderSettings, origin: string) {
    this.#settings = settings
    this.#origin = origin
  }

  /** The provider's address to go to, and what its answer is checked with. */
  begin(): Promise<
    { readonly kind: 'asked'; readonly href: string; readonly asked: Asked } | ProviderFault
  > {
    return this.#ask(async (config) => {
      const asked = {
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        verifier: oidc.randomPKCECodeVerifier(),
      }
      const { href } = oidc.buildAuthorizationUrl(config, {
        ...this.#resource,
        redirect_uri: this.#redirectUri,
        scope: this.#settings.scope,
        // Without it a provider gives nothing to renew with (OpenID Connect Core, 11).
        ...(this.#settings.scope.split(' ').includes('offline_access') && { prompt: 'consent' }),
        state: asked.state,
        nonce: asked.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(asked.verifier),
        code_challenge_method: 'S256',
      })
      return { kind: 'asked', href, asked }
    })
  }

  /** @param query of the address that the provider sent the browser to, with `?` */
  complete(query: string, { state, nonce, verifier }: Asked): Promise<Grant | ProviderFault> {
    return this.#ask(async (config) => {
      const came = new URL(`${this.#redirectUri}${query}`)
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier }
      const answer = await oidc.authorizationCodeGrant(
        config,
        came,
        { ...checks, idTokenExpected: true },
        this.#resource,
      )
      return { kind: 'granted', token: answer.access_token, renewal: answer.refresh_token }
    })
  }

  /** The grant may have been replaced by another: that of before then serves no more. */
  renew(renewal: string): Promise<Grant | ProviderFault> {
    return this.#ask(async (config) => {
      const answer = await oidc.refreshTokenGrant(config, renewal, this.#resource)
      return {
        kind: 'granted',
        token: answer.access_token,
        renewal: answer.refresh_token ?? renewal,
      }
    })
  }

  /** Has the provider forget a grant. */
  revoke(renewal: string): Promise<{ readonly kind: 'revoked' } | ProviderFault> {
    return this.#ask(async (config) => {
      if (config.serverMetadata().revocation_endpoint !== undefined)
        await oidc.tokenRevocation(config, renewal, { token_type_hint: 'refresh_token' })
      return { kind: 'revoked' }
    })
  }

  /** Where somebody signs out of the provider, too; undefined where that can't be told. */
  async endAddress(): Promise<string | undefined> {
    const found = await this.#ask(async (config) => {
      if (config.serverMetadata().end_session_endpoint === undefined) return { href: undefined }
      const back = {
        post_logout_redirect_uri: `${this.#origin}/`,
        client_id: this.#settings.clientId,
      }
      return oidc.buildEndSessionUrl(config, back)
    })
    return 'kind' in found ? undefined : found.href
  }

  get #redirectUri(): string {
    return `${this.#origin}/sign-in/callback`
  }

  get #resource(): Record<string, string> {
    const { resource } = this.#settings
    return resource === undefined ? {} : { resource }
  }

  /** So many requests wait for the provider at a time: whoever invents answers holds no more of us. */
  async #ask<T>(ask: (config: oidc.Configuration) => Promise<T>): Promise<T | ProviderFault> {
    if (this.#underWay >= providerRequestsMax) return { kind: 'unavailable', why: 'many wait' }
    this.#underWay += 1
    try {
      return await ask(await this.#config())
    } catch (error) {
      return faultOf(error)
    } finally {
      this.#underWay -= 1
    }
  }

  async #config(): Promise<oidc.Configuration> {
    const known = this.#known
    if (known !== undefined && performance.now() - known.readAt < providerMetadataMs)
      return known.config
    this.#reading ??= this.#discover().finally(() => {
      this.#reading = undefined
    })
    // What was read last goes on where the provider can't be asked.
    return known === undefined ? this.#reading : this.#reading.catch(() => known.config)
  }

  async #discover(): Promise<oidc.Configuration> {
    const { issuer, clientId, clientSecret, clientAuth } = this.#settings
    const auth =
      clientSecret === undefined
        ? oidc.None()
        : { basic: oidc.ClientSecretBasic, post: oidc.ClientSecretPost }[clientAuth](clientSecret)
    const metadata = { [oidc.clockTolerance]: clockSkewMsMax / 1_000 }
    const config = await oidc.discovery(new URL(issuer), clientId, metadata, auth, {
      timeout: providerAnswerMsMax / 1_000,
      // The configuration takes http: of this machine alone.
      ...(issuer.startsWith('http:') && { execute: [oidc.allowInsecureRequests] }),
    })
    this.#known = { config, readAt: performance.now() }
    return config
  }
}

/** Which of the provider's own codes (RFC 6749, 4.1.2.1 and 5.2) is whose. */
const faults: Readonly<Record<string, ProviderFault['kind']>> = {
  access_denied: 'declined',
  login_required: 'declined',
  consent_required: 'declined',
  interaction_required: 'declined',
  account_selection_required: 'declined',
  invalid_grant: 'stale',
  server_error: 'unavailable',
  temporarily_unavailable: 'unavailable',
  invalid_request: 'misconfigured',
  invalid_client: 'misconfigured',
  invalid_scope: 'misconfigured',
  invalid_target: 'misconfigured',
  unauthorized_client: 'misconfigured',
  unsupported_grant_type: 'misconfigured',
  unsupported_response_type: 'misconfigured',
}

function faultOf(error: unknown): ProviderFault {
  if (error instanceof oidc.AuthorizationResponseError || error instanceof oidc.ResponseBodyError) {
    const kind = Object.hasOwn(faults, error.error) ? faults[error.error] : undefined
    return { kind: kind ?? 'misconfigured', why: kind ? error.error : 'an error of its own' }
  }
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } }
  const why = [code, cause?.code].find((one) => typeof one === 'string') ?? 'no answer'
  // What it answered was read and is wrong; all else is a connection.
  const isAnswer = error instanceof oidc.ClientError && code !== 'OAUTH_TIMEOUT'
  return { kind: isAnswer ? 'misconfigured' : 'unavailable', why: String(why) }
}
