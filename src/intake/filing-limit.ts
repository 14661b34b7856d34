/**
 * How many filings may be under way at once in an intake process: not a number that somebody set, but
 * as many as are answered within a time, found by looking at how long they take. The time is a
 * multiple of how long an answer takes when hardly anything is under way, so that a slow disk is no
 * overload, and a fast one is not allowed to queue.
 *
 *   answers slow, on average ──▶ the limit becomes what is answered within that time, at the rate of now;
 *                                unless no more than a burst came since nothing was under way: a process
 *                                that has just begun, or a machine that is busy, takes long for it
 *   answers in time, some refused ──▶ it grows by a twentieth
 *   answers in time, none refused ──▶ it grows back to its most: a burst on an idle system is no overload
 *
 * Answers come too late to tell of a flood that has just begun. So it is never more than what the
 * fastest commit of late promises to do in a time and a half.
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

/** With so few under way, an answer takes what it takes at rest. */
const restUnderWay = 8
const restSmoothing = 0.05
/** What a round in time adds, where something was refused and where nothing was. */
const growRefused = 1.05
const growIdle = 1.2
/** How much the last commit says of how fast they are now. */
const commitSmoothing = 0.3
const fastestHalfLifeMs = 60_000
/** Times the target that a flood may wait before it is known for one. */
const burstTargets = 1.5

export class FilingLimit {
  #limit = filingsUnderWayMax
  #underWay = 0
  #refused = 0
  /** At rest, milliseconds; undefined until one was answered so. */
  #restMs: number | undefined
  #smoothMs = 0
  #answered = 0
  #answeredMs = 0
  /** Filings that a commit takes in a millisecond, smoothed. */
  #perMs = 1
  /** Filings in a millisecond that a commit took, at the most; undefined until there was one. */
  #fastest: number | undefined
  #fastestAt = 0
  #roundSince = 0
  #shrunkAt = Number.NEGATIVE_INFINITY
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

  /** How long answers may take on average before the limit shrinks. */
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
    const before = this.#underWay
    this.#underWay += 1
    this.#crowd = before === 0 ? 1 : this.#crowd + 1
    return (began, now, accepted) => {
      this.#underWay -= 1
      if (!accepted) return
      const ms = now - began
      if (before < restUnderWay) {
        this.#restMs = (this.#restMs ?? ms) + restSmoothing * (ms - (this.#restMs ?? ms))
      }
      this.#smoothMs += (ms - this.#smoothMs) * restSmoothing
      this.#answered += 1
      this.#answeredMs += ms
      if (now - this.#roundSince > limitRoundMs) this.#endRound(now)
    }
  }

  /** A commit took so many filings, and so long. */
  observeCommit(filings: number, ms: number, now: number): void {
    const faded = (this.#fastest ?? 0) * 2 ** ((this.#fastestAt - now) / fastestHalfLifeMs)
    const perMs = filings / Math.max(0.1, ms)
    this.#perMs += commitSmoothing * (perMs - this.#perMs)
    this.#fastest = Math.max(faded, perMs)
    this.#fastestAt = now
  }

  /** One was refused because of the limit. */
  refuse(): void {
    this.#refused += 1
  }

  #endRound(now: number): void {
    const averageMs = this.#answeredMs / this.#answered
    const target = this.targetMs
    if (averageMs > target) {
      // What is answered now was let in before the last change: wait for its effect.
      if (this.#crowd > burstFilings && now - this.#shrunkAt > averageMs) {
        this.#limit = Math.max(filingsUnderWayMin, Math.min(this.#limit, this.#perMs * target))
        this.#shrunkAt = now
      }
    } else {
      const grow = this.#refused > 0 ? growRefused : growIdle
      this.#limit = Math.min(filingsUnderWayMax, grow * this.#limit + 1)
    }
    this.#roundSince = now
    this.#answered = 0
    this.#answeredMs = 0
    this.#refused = 0
  }
}
