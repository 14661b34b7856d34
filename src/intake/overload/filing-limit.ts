/**
 * How many filings may be under way at once in an intake process: one is let in while all of them, divided
 * by what the journal brings at that size of group, take no longer than the time target. One half of them
 * is in the commit under way, the other half gathers for the next; so a group is half of the limit, and a
 * journal whose commits are slow has larger groups.
 *
 *   places = target × n / (rest + each · n)          n = places / 2, or a full group where more are let in
 *
 * Two groups always fit, each so large that the journal brings nearly as much as it could at the most:
 * where commits take longer than half of the target, the target is as long as these two take.
 *
 * What the journal brings is measured from its own commits, and not from what was accepted lately: an idle
 * engine accepted nothing, and can do as much as ever.
 */

import type { CommitTimes } from '../../journal/commit-times.ts'
import {
  answerTargetMs,
  filingsUnderWayMax,
  filingsUnderWayMin,
  goodputShare,
} from '../../limits.ts'

const answerSmoothing = 0.05

export class FilingLimit {
  readonly times: CommitTimes
  #underWay = 0
  #smoothMs = 0

  constructor(times: CommitTimes) {
    this.times = times
  }

  get underWay(): number {
    return this.#underWay
  }

  get limit(): number {
    const { restMs, restMsAtWorst } = this.times
    const places = Math.max(this.#inTimeAt(restMs), 2 * this.#thriftyAt(restMs))
    // A commit that is held up lets in no more than before, and less at once if it is the first of many.
    const found = restMsAtWorst > restMs ? Math.min(places, this.#atWorst(restMsAtWorst)) : places
    return Math.min(filingsUnderWayMax, Math.max(filingsUnderWayMin, found))
  }

  #atWorst(restMs: number): number {
    return Math.max(this.#inTimeAt(restMs), 2 * this.#thriftyAt(restMs))
  }

  /** How many are answered within the target. */
  #inTimeAt(restMs: number): number {
    const { eachMs, fullGroup } = this.times
    const fullMs = restMs + eachMs * fullGroup
    return 2 * fullMs <= answerTargetMs
      ? (answerTargetMs * fullGroup) / fullMs
      : (answerTargetMs - 2 * restMs) / eachMs
  }

  /** The smallest group that brings goodputShare of what a full one does. */
  #thriftyAt(restMs: number): number {
    const { eachMs, fullGroup } = this.times
    const most = goodputShare * fullGroup * restMs
    return most / (restMs + (1 - goodputShare) * eachMs * fullGroup)
  }

  /** Filings in a second that the journal brings while the limit is reached, as far as is known now. */
  get perSecond(): number {
    const { restMsAtWorst, eachMs, fullGroup } = this.times
    const group = Math.min(fullGroup, this.limit / 2)
    return (1_000 * group) / Math.max(1, restMsAtWorst + eachMs * group)
  }

  /** How long a filing waits at most for its answer, where the limit is reached. */
  get targetMs(): number {
    return Math.max(answerTargetMs, (1_000 * this.limit) / this.perSecond)
  }

  /** How long an answer takes, on average of late; 0 before the first. */
  get answerMs(): number {
    return this.#smoothMs
  }

  /** A filing is under way; returns what to call when it is answered, as `performance.now()`. */
  enter(): (began: number, now: number, accepted: boolean) => void {
    this.#underWay += 1
    return (began, now, accepted) => {
      this.#underWay -= 1
      if (accepted) this.#smoothMs += (now - began - this.#smoothMs) * answerSmoothing
    }
  }
}
