/**
 * Throttles posting while acceptance is slow. Both write to the same Postgres, but filers wait only for
 * acceptance. While its commits take too long, workers post for a smaller share of the time, down to a
 * fifth; when commits are fast again, for all of it.
 *
 *   full ──slow, four looks long──▶ yielding: the share shrinks by a third, and grows step by step
 *   yielding ──all of the time again, or nothing is accepted──▶ full
 *   yielding, a fifth ──commits no shorter──▶ full, and stays so for a while
 *                     ──shorter, for half a minute──▶ full, to see whether it still helps
 *
 * The last two are for slow disks and large groups: posting can't fix what it does not cause. The throttle
 * sets a share of the time and not a rate, because an envelope holds one declaration or a thousand. Each
 * worker decides alone, from commit times that all of them see.
 */
import {
  throttleEveryMs,
  throttleHoldMs,
  throttlePauseMsMax,
  throttleRestMs,
  throttleShareMin,
  throttleTrialMs,
} from '../limits.ts'

/** The factor of the share after slow commits, and what fast commits add to it. */
const shrinking = 2 / 3
const growing = 0.05
/** Commits this much shorter than before are worth the waiting. */
const worthwhile = 0.8
/** Looks in one average: a single slow commit is no reason to yield. */
const looksAveraged = 4

export class PostingThrottle {
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
    this.#share = Math.max(throttleShareMin, this.#share * shrinking)
    // Counted from when the share was first at its minimum, even with breaks: commits that are slow now and
    // then, whatever posting does, would otherwise keep it low for ever.
    if (this.#share === throttleShareMin) this.#leastSince ??= nowMs
    if (this.#leastSince === undefined) return
    const ms = nowMs - this.#leastSince
    const helps = this.#average() < worthwhile * this.#before
    if (ms < throttleTrialMs || (helps && ms < throttleHoldMs)) return
    this.#share = 1
    this.#leastSince = undefined
    this.#latest = []
    if (!helps) this.#restsUntil = nowMs + throttleRestMs
  }

  #average(): number {
    return this.#latest.reduce((sum, ms) => sum + ms, 0) / Math.max(1, this.#latest.length)
  }
}

export type ThrottleDependencies = {
  /** How long acceptance's commits take now; undefined when there are none. */
  readonly readCommitMs: () => Promise<number | undefined>
  readonly onChange: (share: number) => void
}

export type RunningThrottle = {
  /** Runs one posting when it may begin. */
  run<T>(post: () => Promise<T>): Promise<T>
  stop(): void
}

/** Looks at commits every so often, while there is something to post. */
export function startPostingThrottle(
  giveWay: PostingThrottle,
  { readCommitMs, onChange }: ThrottleDependencies,
): RunningThrottle {
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
  const timer = setInterval(look, throttleEveryMs)
  timer.unref()
  return {
    run: async (post) => {
      posted = true
      const pauseMs = Math.min(throttlePauseMsMax, postingMs * (1 / giveWay.share - 1))
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
