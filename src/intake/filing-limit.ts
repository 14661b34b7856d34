/**
 * How many filings may be under way at once in an intake process: not a number that somebody set, but
 * as many as are answered within a time, found by looking at how long they take. The time is a
 * multiple of what a commit of hardly anything takes, so that a slow disk is no overload, and a fast one
 * is not allowed to queue.
 *
 *   a tenth of answers slow ──▶ the limit shrinks by as much as they are too slow, at most by half; unless
 *                               no more than a burst came since nothing was under way: a process that has
 *                               just begun, or a machine that is busy, takes long for it
 *   answers in time, some refused ──▶ it grows by a tenth
 *   answers in time, none refused ──▶ it grows back to its most: a burst on an idle system is no overload
 *
 * The slowest tenth, and not the average, because that would let in less the more come: those of a flood
 * all come just after a commit, and wait for the whole of the next. What was let in before a change tells
 * nothing of it: the next one waits for answers to what came after.
 *
 * Answers come too late to tell of a flood that has just begun. So it is never more than what the
 * fastest commit of late promises to do in a time and a quarter.
 */

import {
  answerGain,
  answerTargetMsMax,
  answerTargetMsMin,
  burstFilings,
  filingsUnderWayMax,
  filingsUnderWayMin,
  limitRoundMs,
} from '../limits.ts'

/** A commit of so few takes what one takes at rest. */
const restFilings = 8
/** A faster one says more of that than a slower one: a machine may be busy with other things. */
const restFalls = 0.3
const restRises = 0.02
/** The answer that is looked at: the fastest of the slowest tenth. */
const slowFrom = 0.9
const answerSmoothing = 0.05
/** What a round in time adds, where something was refused and where nothing was. */
const growRefused = 1.1
const growIdle = 1.2
const shrinkMost = 0.5
const fastestHalfLifeMs = 60_000
/** Times the target that a flood may wait before it is known for one. */
const burstTargets = 1.25

export class FilingLimit {
  #limit = filingsUnderWayMax
  #underWay = 0
  #refused = 0
  /** What a commit takes at rest, milliseconds; undefined until there was one. */
  #restMs: number | undefined
  #smoothMs = 0
  /** How long the answers of this round took. */
  #answersMs: number[] = []
  /** Filings in a millisecond that a commit took, at the most; undefined until there was one. */
  #fastest: number | undefined
  #fastestAt = 0
  /** When the first answer of this round came. */
  #roundSince = 0
  #changedAt = 0
  /** Filings since nothing was under way. */
  #crowd = 0

  get underWay(): number {
    return this.#underWay
  }

  get limit(): number {
    if (this.#fastest === undefined) return this.#limit
    const burst = Math.max(burstFilings, burstTargets * this.targetMs * this.#fastest)
    return Math.min(this.#limit, burst)
  }

  /** How long a tenth of the answers may take before the limit shrinks. */
  get targetMs(): number {
    return Math.min(
      answerTargetMsMax,
      Math.max(answerTargetMsMin, answerGain * (this.#restMs ?? 0)),
    )
  }

  /** How long an answer takes, on average of late; 0 before the first. */
  get answerMs(): number {
    return this.#smoothMs
  }

  /** A filing is under way; returns what to call when it is answered, as `performance.now()`. */
  enter(): (began: number, now: number, accepted: boolean) => void {
    this.#crowd = this.#underWay === 0 ? 1 : this.#crowd + 1
    this.#underWay += 1
    return (began, now, accepted) => {
      this.#underWay -= 1
      if (!accepted) return
      const ms = now - began
      this.#smoothMs += (ms - this.#smoothMs) * answerSmoothing
      if (began < this.#changedAt) return
      if (this.#answersMs.length === 0) this.#roundSince = now
      this.#answersMs.push(ms)
      if (now - this.#roundSince > limitRoundMs) this.#endRound(now)
    }
  }

  /** A commit of so many filings took so long, in milliseconds. */
  observeCommit(filings: number, ms: number, now: number): void {
    const faded = (this.#fastest ?? 0) * 2 ** ((this.#fastestAt - now) / fastestHalfLifeMs)
    const perMs = filings / Math.max(0.1, ms)
    this.#fastest = Math.max(faded, perMs)
    this.#fastestAt = now
    const rest = this.#restMs ?? ms
    if (filings <= restFilings)
      this.#restMs = rest + (ms < rest ? restFalls : restRises) * (ms - rest)
  }

  /** One was refused as too many are under way, of all or of its filer. */
  refuse(): void {
    this.#refused += 1
  }

  #endRound(now: number): void {
    const sorted = this.#answersMs.sort((one, other) => one - other)
    const inTime = this.targetMs / (sorted[Math.floor(slowFrom * sorted.length)] as number)
    if (inTime >= 1) {
      const grow = this.#refused > 0 ? growRefused : growIdle
      this.#limit = Math.min(filingsUnderWayMax, grow * this.#limit + 1)
    } else if (this.#crowd > burstFilings) {
      const shrunk = this.limit * Math.max(shrinkMost, inTime)
      this.#limit = Math.max(filingsUnderWayMin, shrunk)
    }
    this.#changedAt = now
    this.#answersMs = []
    this.#refused = 0
  }
}
