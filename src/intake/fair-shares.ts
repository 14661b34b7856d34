/**
 * Fair shares: where filings crowd, no filer has more under way than its share, which is an equal part
 * for each that filed in the last moments. Where they don't, one filer may have it all. What is under
 * way decides the rate too: as many are answered of each as it has places.
 */
import { crowdedShare, sharesRememberedMax, sharesWindowMs } from '../limits.ts'
import type { FilingLimit } from './filing-limit.ts'

export class FairShares {
  readonly #limit: Pick<FilingLimit, 'limit' | 'underWay'>
  readonly #underWay = new Map<string, number>()
  /** Who filed in this window and in the one before. */
  #now = new Set<string>()
  #before = new Set<string>()
  #windowSince = 0

  constructor(limit: Pick<FilingLimit, 'limit' | 'underWay'>) {
    this.#limit = limit
  }

  /** Whether a filer, or an employer, has all that it may have under way now. */
  exceeds(who: string, now: number): boolean {
    if (this.#limit.underWay < crowdedShare * this.#limit.limit) return false
    return (this.#underWay.get(who) ?? 0) >= this.share(now)
  }

  /** How many filings each may have under way where they crowd; at least one. */
  share(now: number): number {
    this.#turn(now)
    const active = Math.max(1, this.#now.size, this.#before.size)
    return Math.max(1, Math.floor(this.#limit.limit / active))
  }

  /** One more is under way; returns what to call when it is answered. */
  enter(who: string, now: number): () => void {
    this.#turn(now)
    if (this.#now.size < sharesRememberedMax) this.#now.add(who)
    this.#underWay.set(who, (this.#underWay.get(who) ?? 0) + 1)
    return () => {
      const left = (this.#underWay.get(who) ?? 1) - 1
      if (left > 0) this.#underWay.set(who, left)
      else this.#underWay.delete(who)
    }
  }

  #turn(now: number): void {
    if (now - this.#windowSince < sharesWindowMs) return
    this.#before = now - this.#windowSince < 2 * sharesWindowMs ? this.#now : new Set()
    this.#now = new Set()
    this.#windowSince = now
  }
}
