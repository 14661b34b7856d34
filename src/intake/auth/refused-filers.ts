/**
 * Who was refused: tokens of filings that the gate refuses, where they were not verified before. Verifying
 * costs as much as accepting, so it is bounded: so many tokens a second, each once however many requests it
 * came with, while so many requests wait for it, and for so long. Beyond that a refusal tells nothing but when
 * to come back.
 */
import {
  refusedVerifiedPerSecondMax,
  refusedVerifyingMax,
  refusedVerifyMsMax,
} from '../../limits.ts'
import type { Authenticator } from './authentication.ts'
import { bearerToken } from './bearer.ts'
import type { Filer } from './claims.ts'
import { scopeOf } from './roles.ts'

/** The subject of a token that may file; undefined for any other. */
export function filerNamed(filer: Filer | undefined): string | undefined {
  const mayFile = filer?.scopes.has(scopeOf.file) === true && filer.reach.file !== undefined
  return mayFile ? filer.subject : undefined
}

export class RefusedFilers {
  readonly #authenticator: Authenticator
  readonly #verifying = new Map<string, Promise<string | undefined>>()
  #waiting = 0
  #second = 0
  #verified = 0

  constructor(authenticator: Authenticator) {
    this.#authenticator = authenticator
  }

  /** @returns undefined where there is no token, or no room to verify it */
  verify(
    authorization: string | undefined,
    now = performance.now(),
  ): Promise<string | undefined> | undefined {
    const token = bearerToken(authorization)
    if (token === undefined || this.#waiting >= refusedVerifyingMax) return undefined
    const verifying = this.#verifying.get(token) ?? this.#begin(token, now)
    if (verifying === undefined) return undefined
    this.#waiting += 1
    return verifying.finally(() => {
      this.#waiting -= 1
    })
  }

  #begin(token: string, now: number): Promise<string | undefined> | undefined {
    const second = Math.floor(now / 1_000)
    if (second !== this.#second) this.#verified = 0
    this.#second = second
    if (this.#verified >= refusedVerifiedPerSecondMax) return undefined
    this.#verified += 1
    const verifying = this.#filerOf(token).finally(() => this.#verifying.delete(token))
    this.#verifying.set(token, verifying)
    return verifying
  }

  /** Keys may have to be fetched, from where nobody answers: a refusal does not wait for that. */
  async #filerOf(token: string): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, refusedVerifyMsMax, undefined)
    })
    const verified = this.#authenticator.verify(token).then(
      (found) => ('kind' in found ? undefined : filerNamed(found)),
      () => undefined,
    )
    try {
      return await Promise.race([verified, late])
    } finally {
      clearTimeout(timer)
    }
  }
}
