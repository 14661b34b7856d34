/**
 * Posting gives way to acceptance. Both write to the same Postgres, and a filer waits for the one and
 * nobody for the other: while acceptance's commits take longer than they should, each posting waits a
 * little before it begins; when they are fast again, it stops waiting.
 *
 *   full ──slow, four looks long──▶ yielding: waits grow, doubled, and shrink step by step
 *   yielding ──no wait left, or nothing is accepted──▶ full
 *   yielding, waits at their most ──commits no shorter──▶ full, and stays so for a while
 *                                 ──shorter, for half a minute──▶ full, to see whether it still helps
 *
 * The last two are for slow disks and large groups: what posting does not cause, it can not mend.
 * Each worker decides for itself, from what all of them see.
 */
import {
  giveWayEveryMs,
  giveWayHoldMs,
  giveWayMsMax,
  giveWayMsMin,
  giveWayRestMs,
  giveWayStepMs,
  giveWayTrialMs,
} from '../limits.ts'

/** Commits this much shorter than before are worth the waiting. */
const worthwhile = 0.8
/** Looks that one average is made of: a single slow commit is no reason. */
const looksAveraged = 4

export class GiveWay {
  readonly #slowMs: number
  #pauseMs = 0
  /** How long commits took, on average, when it began to give way. */
  #before = 0
  #latest: number[] = []
  #atMostSince: number | undefined
  #restsUntil = Number.NEGATIVE_INFINITY

  /** @param slowMs commits that take longer are slow */
  constructor(slowMs: number) {
    this.#slowMs = slowMs
  }

  /** How long a posting waits before it begins. */
  get pauseMs(): number {
    return this.#pauseMs
  }

  /** Takes how long commits take; undefined when nothing is being accepted. */
  observe(commitMs: number | undefined, nowMs: number): void {
    if (nowMs < this.#restsUntil) return
    this.#latest = commitMs === undefined ? [] : [...this.#latest, commitMs].slice(-looksAveraged)
    if (this.#pauseMs === 0) this.#beginWhenSlow()
    else if (commitMs === undefined || commitMs <= this.#slowMs) this.#shrink()
    else this.#grow(nowMs)
  }

  #beginWhenSlow(): void {
    const average = this.#average()
    if (this.#latest.length < looksAveraged || average <= this.#slowMs) return
    this.#before = average
    this.#pauseMs = giveWayMsMin
  }

  #shrink(): void {
    this.#atMostSince = undefined
    this.#pauseMs = Math.max(0, this.#pauseMs - giveWayStepMs)
  }

  #grow(nowMs: number): void {
    this.#pauseMs = Math.min(giveWayMsMax, 2 * this.#pauseMs)
    if (this.#pauseMs < giveWayMsMax) return
    this.#atMostSince ??= nowMs
    const ms = nowMs - this.#atMostSince
    const helps = this.#average() < worthwhile * this.#before
    if (ms < giveWayTrialMs || (helps && ms < giveWayHoldMs)) return
    this.#pauseMs = 0
    this.#atMostSince = undefined
    this.#latest = []
    if (!helps) this.#restsUntil = nowMs + giveWayRestMs
  }

  #average(): number {
    return this.#latest.reduce((sum, ms) => sum + ms, 0) / Math.max(1, this.#latest.length)
  }
}

/** Looks at commits every so often, while there is something to post. */
export function startGivingWay(
  giveWay: GiveWay,
  { readCommitMs, onChange }: GivingWayDependencies,
): GivingWay {
  let posted = false
  let looking = false
  const look = async () => {
    if (looking || (!posted && giveWay.pauseMs === 0)) return
    looking = true
    posted = false
    // Away: nothing is known, and nothing can be posted either.
    const commitMs = await readCommitMs().catch(() => undefined)
    giveWay.observe(commitMs, performance.now())
    onChange(giveWay.pauseMs)
    looking = false
  }
  const timer = setInterval(look, giveWayEveryMs)
  timer.unref()
  return {
    turn: async () => {
      posted = true
      const ms = giveWay.pauseMs
      if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
    },
    stop: () => clearInterval(timer),
  }
}

export type GivingWayDependencies = {
  /** How long acceptance's commits take now; undefined when there are none. */
  readonly readCommitMs: () => Promise<number | undefined>
  readonly onChange: (pauseMs: number) => void
}

export type GivingWay = {
  /** Resolves when a posting may begin. */
  turn(): Promise<void>
  stop(): void
}
