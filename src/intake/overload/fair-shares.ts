/**
 * Fair shares: where filings of several filers crowd, none has more under way than its share, which is an
 * equal part for each that filed in the last moments. Where they don't crowd, or all are of one filer,
 * one may have it all. An employer has a share as well, whoever files for it; but employers are no filers:
 * one that files for many is alone where nobody else files. What is under way decides the rate too: as many
 * are answered of each as it has places. What other intake processes tell counts as well: a filer that
 * spreads over all of them has one share.
 */
import { hash } from 'node:crypto'
import { crowdedShare, sharesRememberedMax, sharesWindowMs } from '../../limits.ts'
import type { FilingLimit } from './filing-limit.ts'

/** Who sends less than the average by so many times is modest. */
const modestTimes = 4

export class FairShares {
  readonly #limit: Pick<FilingLimit, 'limit' | 'underWay'>
  readonly #underWay = new Map<string, number>()
  /** Filers that filed in this window and in the one before. */
  #now = new Set<string>()
  #before = new Set<string>()
  #windowSince = 0
  /** Requests of each in this window, let in or not, and in the one before. */
  #came = new Map<string, number>()
  #cameBefore = new Map<string, number>()
  #cameSum = 0
  #cameSumBefore = 0
  /** What the others told last. */
  #others: readonly SharesTold[] = []
  #elsewhere: ReadonlyMap<string, number> = new Map()

  constructor(limit: Pick<FilingLimit, 'limit' | 'underWay'>) {
    this.#limit = limit
  }

  /** Whether a filer, or an employer, has all that it may have under way now. */
  exceeds(who: string, now: number): boolean {
    if (this.#limit.underWay < crowdedShare * this.#limit.limit) return false
    const elsewhere = this.#elsewhere.size === 0 ? 0 : (this.#elsewhere.get(nameOf(who)) ?? 0)
    return (this.#underWay.get(who) ?? 0) + elsewhere >= this.share(now)
  }

  /** A request of a filer came, whatever becomes of it. */
  arrive(who: string, now: number): void {
    this.#turn(now)
    if (this.#came.size >= sharesRememberedMax && !this.#came.has(who)) return
    this.#came.set(who, (this.#came.get(who) ?? 0) + 1)
    this.#cameSum += 1
  }

  /**
   * Whether a filer sends far less than the average of them: others crowd, and it should not pay for
   * them. Where all send about the same, nobody is modest.
   */
  isModest(who: string, now: number): boolean {
    this.#turn(now)
    const came = (this.#came.get(who) ?? 0) + (this.#cameBefore.get(who) ?? 0)
    const filers = Math.max(1, this.#came.size, this.#cameBefore.size)
    return modestTimes * came * filers < this.#cameSum + this.#cameSumBefore
  }

  /** How many filings each may have under way where they crowd: rounded up, so that no place stays free. */
  share(now: number): number {
    this.#turn(now)
    // The same filers come to all processes, more or less: the most that one of them sees.
    const active = Math.max(this.#activeHere(), ...this.#others.map((other) => other.active))
    const limit = this.#others.reduce((sum, other) => sum + other.limit, this.#limit.limit)
    return Math.ceil(limit / active)
  }

  /** What the others should know. */
  told(now: number, filersMax: number): SharesTold {
    this.#turn(now)
    const most = [...this.#underWay].sort(([, one], [, other]) => other - one).slice(0, filersMax)
    return {
      limit: Math.floor(this.#limit.limit),
      active: this.#activeHere(),
      underWay: most.map(([who, count]) => [nameOf(who), count]),
    }
  }

  /** Takes what the others told; nothing when they can't be heard. */
  hear(others: readonly SharesTold[]): void {
    const elsewhere = new Map<string, number>()
    for (const { underWay } of others) {
      for (const [who, count] of underWay) elsewhere.set(who, (elsewhere.get(who) ?? 0) + count)
    }
    this.#others = others
    this.#elsewhere = elsewhere
  }

  /** Other processes that are known of. */
  get heard(): number {
    return this.#others.length
  }

  #activeHere(): number {
    return Math.max(1, this.#now.size, this.#before.size)
  }

  /** One more of a filer is under way; returns what to call when it is answered. */
  enter(filer: string, now: number): () => void {
    this.#turn(now)
    if (this.#now.size < sharesRememberedMax) this.#now.add(filer)
    return this.hold(filer)
  }

  /** The same of an employer, for which anybody may have filed. */
  hold(who: string): () => void {
    this.#underWay.set(who, (this.#underWay.get(who) ?? 0) + 1)
    return () => {
      const left = (this.#underWay.get(who) ?? 1) - 1
      if (left > 0) this.#underWay.set(who, left)
      else this.#underWay.delete(who)
    }
  }

  #turn(now: number): void {
    if (now - this.#windowSince < sharesWindowMs) return
    const recent = now - this.#windowSince < 2 * sharesWindowMs
    this.#before = recent ? this.#now : new Set()
    this.#cameBefore = recent ? this.#came : new Map()
    this.#cameSumBefore = recent ? this.#cameSum : 0
    this.#now = new Set()
    this.#came = new Map()
    this.#cameSum = 0
    this.#windowSince = now
  }
}

/** A filer among processes: a hash, as the store needs no names. */
function nameOf(who: string): string {
  return hash('sha256', who, 'hex').slice(0, 16)
}

/** What one process tells the others. */
export type SharesTold = {
  readonly limit: number
  /** Filers of the last moments. */
  readonly active: number
  /** Filings under way by filer, the most first. */
  readonly underWay: readonly (readonly [who: string, count: number])[]
}
