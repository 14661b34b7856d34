/**
 * The keys that bearer tokens are verified with: those of a keyring, or those that an identity provider
 * publishes. Both are looked at every few seconds (access-watch.ts), so that a key that was withdrawn stops
 * without a restart. While a provider can't be asked, what it published last counts, for some minutes.
 */
import { createLocalJWKSet, createRemoteJWKSet, type JWTVerifyGetKey } from 'jose'
import { publishedKeysMsMax, tokenKeysFetchMsMax, unknownKeyFetchMs } from '../../limits.ts'

export type TokenKeys = {
  readonly find: JWTVerifyGetKey
  /** Whether there are any that count: those of a provider that can't be asked do for some minutes. */
  readonly usable: boolean
  /**
   * Looks at them again.
   * @returns whether they are others than before
   * @throws where they can't be read; those that were read last go on, of a provider for a while
   */
  refresh(): Promise<boolean>
}

type PublicJwk = { readonly kid: string }

/** @param source `readPublicJwk` is asked at each look; `publicJwk` are the same for ever */
export function tokenKeys(
  source:
    | { readonly jwksUrl: string }
    | { readonly publicJwk: readonly PublicJwk[] }
    | { readonly readPublicJwk: () => readonly PublicJwk[] },
): TokenKeys {
  if ('jwksUrl' in source) return publishedKeys(source.jwksUrl)
  return ownKeys('publicJwk' in source ? () => source.publicJwk : source.readPublicJwk)
}

function ownKeys(read: () => readonly PublicJwk[]): TokenKeys {
  const setOf = (keys: readonly PublicJwk[]) =>
    createLocalJWKSet({ keys: keys.map((jwk) => ({ kty: 'OKP', ...jwk })) })
  let known = read()
  let set = setOf(known)
  return {
    find: (header, token) => set(header, token),
    usable: true,
    refresh: async () => {
      const before = known
      known = read()
      if (JSON.stringify(known) === JSON.stringify(before)) return false
      set = setOf(known)
      return true
    },
  }
}

function publishedKeys(jwksUrl: string): TokenKeys {
  const set = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: tokenKeysFetchMsMax,
    cooldownDuration: unknownKeyFetchMs,
    cacheMaxAge: publishedKeysMsMax,
  })
  let known: string | undefined
  const isOther = () => {
    // Those that no longer count are as none: what was verified with them is not, either.
    const before = known
    known = set.fresh ? JSON.stringify(set.jwks()) : undefined
    return known !== before
  }
  return {
    find: set,
    get usable() {
      return set.fresh && (set.jwks()?.keys.length ?? 0) > 0
    },
    refresh: async () => {
      try {
        await set.reload()
      } catch (error) {
        if (isOther()) return true
        throw error
      }
      return isOther()
    },
  }
}
