/**
 * Settings of the portal: where it lies, where people open it, and how they sign in: with an identity provider;
 * without a password, on this machine in development; or not at all.
 */
import path from 'node:path'
import { isLoopback } from '../../intake/portal/development.ts'
import type { ProviderSettings } from '../../intake/portal/provider.ts'

export type PortalConfig = {
  readonly dir: string
  /** Where people open it, `https://host`; undefined: wherever they do. */
  readonly origin: string | undefined
  readonly signIn:
    | ({ readonly kind: 'provider' } & ProviderSettings)
    | { readonly kind: 'development' }
    | undefined
}

type Read = (
  name:
    | 'PORTAL_DIR'
    | 'PORTAL_URL'
    | 'JWKS_URL'
    | 'TOKEN_ISSUER'
    | 'OIDC_CLIENT_ID'
    | 'OIDC_CLIENT_SECRET'
    | 'OIDC_CLIENT_AUTH'
    | 'OIDC_SCOPE'
    | 'OIDC_RESOURCE',
) => string | undefined

type Installed = {
  readonly host: string
  readonly environment: string
  readonly isRehearsal: boolean
}

const builtDir = path.join(import.meta.dirname, '../../../.portal')

/** @param faults gets what is wrong */
export function readPortalConfig(
  text: Read,
  { host, environment, isRehearsal }: Installed,
  faults: string[],
): PortalConfig {
  const dir = path.resolve(text('PORTAL_DIR') ?? builtDir)
  const origin = readOrigin(text('PORTAL_URL'), faults)
  // Tokens of a rehearsal are of its own keyring.
  if (isRehearsal) return { dir, origin, signIn: undefined }
  const clientId = text('OIDC_CLIENT_ID')
  if (clientId !== undefined)
    return { dir, origin, signIn: { kind: 'provider', ...readProvider(text, clientId, faults) } }
  const isTried = environment === 'development' && isLoopback(host)
  const signIn = isTried && text('JWKS_URL') === undefined
  return { dir, origin, signIn: signIn ? { kind: 'development' } : undefined }
}

function readOrigin(portalUrl: string | undefined, faults: string[]): string | undefined {
  if (portalUrl === undefined) return undefined
  const url = URL.canParse(portalUrl) ? new URL(portalUrl) : undefined
  const isPlain = url !== undefined && url.pathname === '/' && url.search === '' && url.hash === ''
  if (isPlain && /^https?:$/.test(url.protocol) && !isOpenToOthers(url)) return url.origin
  faults.push(
    'PORTAL_URL must be like https://portal.example.cn, without a path; http:// of this machine alone (127.0.0.1)',
  )
  return undefined
}

function readProvider(text: Read, clientId: string, faults: string[]): ProviderSettings {
  const issuer = text('TOKEN_ISSUER') ?? ''
  const isAddress = /^https?:/.test(issuer) && URL.canParse(issuer)
  if (!isAddress || isOpenToOthers(new URL(issuer)))
    faults.push(
      'TOKEN_ISSUER must be the https:// address of the identity provider where OIDC_CLIENT_ID is set',
    )
  for (const name of ['PORTAL_URL', 'JWKS_URL'] as const)
    if (text(name) === undefined) faults.push(`${name} is needed where OIDC_CLIENT_ID is set`)
  const clientAuth = text('OIDC_CLIENT_AUTH') ?? 'basic'
  if (clientAuth !== 'basic' && clientAuth !== 'post')
    faults.push('OIDC_CLIENT_AUTH must be basic or post')
  const scope = text('OIDC_SCOPE') ?? 'openid declarations:read declarations:write'
  if (!scope.split(' ').includes('openid')) faults.push('OIDC_SCOPE must have openid')
  return {
    ...{ issuer, clientId, clientSecret: text('OIDC_CLIENT_SECRET'), scope },
    clientAuth: clientAuth === 'post' ? 'post' : 'basic',
    resource: text('OIDC_RESOURCE'),
  }
}

/** Whoever is on the way to an address could read and change what is sent. */
export function isOpenToOthers({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && !/^(127(\.\d{1,3}){3}|\[::1\]|localhost)$/.test(hostname)
}
