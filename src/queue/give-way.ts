/**
 * Posting gives way to acceptance. Both write to the same Postgres, and a filer waits for the one and
 * nobody for the other: while acceptance's commits take longer than they should, workers post for a
 * smaller share of the time, down to a fifth; when commits are fast again, for all of it.
 *
 *   full ──slow, four looks long──▶ yielding: the share shrinks by a third, and grows step by step
 *   yielding ──all of the time again, or nothing is accepted──▶ full
 *   yielding, a fifth ──commits no shorter──▶ full, and stays so for a while
 *                     ──shorter, for half a minute──▶ full, to see whether it still helps
 *
 * The last two are for slow disks and large groups: what posting does not cause, it can not mend.
 * A share of the time, and not so many a second, as envelopes hold one declaration or a thousand.
 * Each worker decides for itself, from what all of them see.
 */
import {
  giveWayEveryMs,
  giveWayHoldMs,
  giveWayPauseMsMax,
  giveWayRestMs,
  giveWayShareMin,
  giveWayTrialMs,
} from '../limits.ts'

/** What a look at slow commits makes of the share, and what one at fast commits adds to it. */
const shrinking = 2 / 3
const growing = 0.05
/** Commits this much shorter than before are worth the waiting. */
const worthwhile = 0.8
/** Looks that one average is made of: a single slow commit is no reason. */
const looksAveraged = 4

export class GiveWay {
  readonly #slowMs: number
  #share = 1
  /** How long commits took, on average, when it began to give way. */
  #before = 0
  #latest: number[] = []
  #leastSince: number | undefined
  #restsUntil = Number.NEGATIVE_INFINITY

  /** @param slowMs commits that take longer are slow */
  constructor(slowMs: number) {
    this.#slowMs = slowMs
  }

  /** The share of the time in which to post: 1 is all of it. */
  get share(): number {
    return this.#share
  }

  /** Takes how long commits take; undefined when nothing is being accepted. */
  observe(commitMs: number | undefined, nowMs: number): void {
    if (nowMs < this.#restsUntil) return
    this.#latest = commitMs === undefined ? [] : [...this.#latest, commitMs].slice(-looksAveraged)
    if (this.#share === 1) this.#beginWhenSlow()
    else if (commitMs === undefined || commitMs <= this.#slowMs) this.#grow()
    else this.#shrink(nowMs)
  }

  #beginWhenSlow(): void {
    const average = this.#average()
    if (this.#latest.length < looksAveraged || average <= this.#slowMs) return
    this.#before = average
    this.#share *= shrinking
  }

  #grow(): void {
    this.#share = Math.min(1, this.#share + growing)
    if (this.#share === 1) this.#leastSince = undefined
  }

  #shrink(nowMs: number): void {
    this.#share = Math.max(giveWayShareMin, this.#share * shrinking)
    // From when it first was the least, even if it is not all the time: commits that are slow now and
    // then, whatever posting does, would keep it low for ever.
    if (this.#share === giveWayShareMin) this.#leastSince ??= nowMs
    if (this.#leastSince === undefined) return
    const ms = nowMs - this.#leastSince
    const helps = this.#average() < worthwhile * this.#before
    if (ms < giveWayTrialMs || (helps && ms < giveWayHoldMs)) return
    this.#share = 1
    this.#leastSince = undefined
    this.#latest = []
    if (!helps) this.#restsUntil = nowMs + giveWayRestMs
  }

  #average(): number {
    return this.#latest.reduce((sum, ms) => sum + ms, 0) / Math.max(1, this.#latest.length)
  }
}

export type GivingWayDependencies = {
  /** How long acceptance's commits take now; undefined when there are none. */
  readonly readCommitMs: () => Promise<number | undefined>
  readonly onChange: (share: number) => void
}

export type GivingWay = {
  /** Runs one posting when it may begin. */
  run<T>(post: () => Promise<T>): Promise<T>
  stop(): void
}

/** Looks at commits every so often, while there is something to post. */
export function startGivingWay(
  giveWay: GiveWay,
  { readCommitMs, onChange }: GivingWayDependencies,
): GivingWay {
  let posted = false
  let looking = false
  /** How long a posting takes, smoothed. */
  let postingMs = 0
  const look = async () => {
    if (looking || (!posted && giveWay.share === 1)) return
    looking = true
    posted = false
    // Away: nothing is known, and nothing can be posted either.
    const commitMs = await readCommitMs().catch(() => undefined)
    giveWay.observe(commitMs, performance.now())
    onChange(giveWay.share)
    looking = false
  }
  onChange(giveWay.share)
  const timer = setInterval(look, giveWayEveryMs)
  timer.unref()
  return {
    run: async (post) => {
      posted = true
      const pauseMs = Math.min(giveWayPauseMsMax, postingMs * (1 / giveWay.share - 1))
      if (pauseMs > 1) await new Promise((resolve) => setTimeout(resolve, pauseMs))
      const began = performance.now()
      try {
        return await post()
      } finally {
        postingMs += (performance.now() - began - postingMs) / 8
      }
    },
    stop: () => clearInterval(timer),
  }
}
