/**
 * Keeps what an intake process knows of who may come in: the keys of tokens and of sessions, and who is denied. Each is
 * looked at every few seconds, by one small file, request or query, whatever comes in meanwhile; what
 * was verified with a key that is withdrawn, or is denied, is forgotten at once.
 *
 *   looking ──it answers──▶ pausing: what it says counts
 *   looking ──it fails──▶ pausing: what it said last counts on; told once, and by its age
 *   pausing ──its time is over──▶ looking
 *   any ──stop──▶ stopped
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Denials } from '../../journal/denials.ts'
import { denialsLookMs, tokenKeysLookMs } from '../../limits.ts'
import type { Seals } from '../sessions/seals.ts'
import type { Authenticator } from './authentication.ts'
import type { TokenKeys } from './token-keys.ts'

/** What is looked at. */
export const accessSources = ['keys', 'denials', 'sessions'] as const
export type AccessSource = (typeof accessSources)[number]

export type AccessWatchDependencies = {
  readonly authenticator: Authenticator
  readonly keys: TokenKeys
  readonly denials: Denials
  readonly seals: Seals
  /** Where one can't be read, at the first time in a row. */
  readonly onError: (source: AccessSource, error: unknown) => void
  /** How often each is looked at; as limits say unless given. */
  readonly everyMs?: Readonly<Record<AccessSource, number>>
}

export type AccessWatch = {
  /** Seconds since it was read. */
  ageSeconds(source: AccessSource): number
  stop(): Promise<void>
}

export function watchAccess(dependencies: AccessWatchDependencies): AccessWatch {
  const { authenticator, keys, denials, seals } = dependencies
  const everyMs = dependencies.everyMs ?? {
    ...{ keys: tokenKeysLookMs, denials: denialsLookMs, sessions: tokenKeysLookMs },
  }
  const look = {
    keys: async () => {
      if (await keys.refresh()) authenticator.forget()
    },
    denials: async () => {
      if (await denials.refresh()) authenticator.forget((filer) => denials.denies(filer))
    },
    sessions: async () => seals.refresh(),
  }
  const stopping = new AbortController()
  const { signal } = stopping
  const startedAt = performance.now()
  const readAt = { keys: startedAt, denials: startedAt, sessions: startedAt }
  const run = async (source: AccessSource) => {
    let failing = false
    while (!signal.aborted) {
      await look[source]().then(
        () => {
          readAt[source] = performance.now()
          failing = false
        },
        (error) => {
          if (!failing && !signal.aborted) dependencies.onError(source, error)
          failing = true
        },
      )
      await pause(everyMs[source], undefined, { signal }).catch(() => {})
    }
  }
  const running = accessSources.map(run)
  return {
    ageSeconds: (source) => (performance.now() - readAt[source]) / 1_000,
    stop: async () => {
      stopping.abort()
      await Promise.all(running)
    },
  }
}
