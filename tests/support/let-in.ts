/** What a process of intake knows of who may come in, looked at often. */
import type pg from 'pg'
import { watchAccess } from '../../src/intake/auth/access-watch.ts'
import { type Authenticator, createAuthenticator } from '../../src/intake/auth/authentication.ts'
import type { TokenKeys } from '../../src/intake/auth/token-keys.ts'
import { Seals } from '../../src/intake/sessions/seals.ts'
import { Denials } from '../../src/journal/denials.ts'

export type LetIn = {
  readonly authenticator: Authenticator
  readonly errors: unknown[]
  ageSeconds(): number
}

export type LetInRules = {
  readonly keys: TokenKeys
  readonly issuer?: string
  readonly now?: () => number
  readonly pool?: Pick<pg.Pool, 'query'>
}

/** @param ends where what stops it is put */
export async function openLetIn(
  ownPool: Pick<pg.Pool, 'query'>,
  ends: (() => Promise<void> | void)[],
  { keys, issuer = 'spillway', now = Date.now, pool = ownPool }: LetInRules,
): Promise<LetIn> {
  const denials = new Denials(pool)
  await denials.refresh()
  const denies = (filer: Parameters<typeof denials.denies>[0]) => denials.denies(filer)
  const errors: unknown[] = []
  const authenticator = createAuthenticator({ issuer, audience: 'spillway', keys, denies, now })
  const watch = watchAccess({
    ...{ authenticator, keys, denials, seals: new Seals(() => []) },
    ...{ everyMs: { keys: 20, denials: 20, sessions: 20 } },
    onError: (_source, error) => errors.push(error),
  })
  ends.push(() => watch.stop())
  return { authenticator, errors, ageSeconds: () => watch.ageSeconds('denials') }
}
