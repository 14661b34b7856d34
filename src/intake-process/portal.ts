/** How an intake process keeps sessions of the portal, and signs people in to it. */
import { scopes } from '../intake/auth/authentication.ts'
import { issueToken } from '../intake/auth/issue-token.ts'
import { Provider } from '../intake/portal/provider.ts'
import type { SignInWay } from '../intake/portal/sign-in.ts'
import { Seals } from '../intake/sessions/seals.ts'
import type { SessionRules } from '../intake/sessions/session.ts'
import { sessionMsMax } from '../limits.ts'
import { readSessionKeys } from '../platform/config/key-store.ts'
import { KeyringError } from '../platform/config/keyring-file.ts'
import type { Installation } from '../platform/installation/installation.ts'

export function openPortal(installation: Installation): {
  readonly session: SessionRules
  readonly signIn: SignInWay | undefined
} {
  const { keyringFile, portal, isRehearsal } = installation.config
  const seals = new Seals(() => readSessionKeys(keyringFile))
  const isSecure = portal.origin?.startsWith('https:') === true
  const session = { seals, isSecure, isRehearsal, origin: portal.origin }
  const signIn = signInOf(installation)
  if (signIn?.kind === 'provider' && !seals.hasKey)
    throw new KeyringError(
      `The keyring at ${keyringFile} is older than the portal and has no key for its sessions: add one with "npm run keyring -- rotate", and copy it where others are.`,
    )
  return { session, signIn }
}

function signInOf({ config, keyring }: Installation): SignInWay | undefined {
  const { portal, token } = config
  const { signIn, origin = '' } = portal
  if (signIn?.kind === 'provider') return { ...signIn, provider: new Provider(signIn, origin) }
  if (signIn === undefined || !keyring.opens('tokens')) return undefined
  const [key] = keyring.tokenKeys
  if (key === undefined) return undefined
  const ttlSeconds = Math.min(sessionMsMax / 1_000, token.secondsMax)
  return {
    kind: 'development',
    issue: ({ subject, employers, role }) =>
      issueToken({ key, ...token }, { subject, employers, scopes, roles: [role], ttlSeconds }),
  }
}
