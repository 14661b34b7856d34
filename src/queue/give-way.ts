/**
 * Posting gives way to acceptance. Both write to the same Postgres, and a filer waits for the one and
 * nobody for the other: while acceptance's commits take longer than they should, each posting waits a
 * little before it begins; when they are fast again, it stops waiting.
 *
 *   full ──slow──▶ yielding: waits grow, doubled ──fast──▶ waits shrink, step by step ──▶ full
 *   yielding, waits at their most for a while, and commits no shorter ──▶ resting: full, for a while
 *
 * Resting is for slow disks and large groups: what posting does not cause, it can not mend. Each
 * worker decides for itself, from what all of them see.
 */
import {
  giveWayEveryMs,
  giveWayMsMax,
  giveWayMsMin,
  giveWayRestMs,
  giveWayStepMs,
  giveWayTrialMs,
} from '../limits.ts'

/** Commits this much shorter than before are worth the waiting. */
const worthwhile = 0.8

export class GiveWay {
  readonly #slowMs: number
  #pauseMs = 0
  /** How long commits took when it began to give way. */
  #before = 0
  #fullSince: number | undefined
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
    if (commitMs === undefined || commitMs <= this.#slowMs) {
      this.#pauseMs = Math.max(0, this.#pauseMs - giveWayStepMs)
      this.#fullSince = undefined
      return
    }
    if (this.#pauseMs === 0) this.#before = commitMs
    this.#pauseMs = Math.min(giveWayMsMax, Math.max(giveWayMsMin, 2 * this.#pauseMs))
    if (this.#pauseMs < giveWayMsMax) return
    this.#fullSince ??= nowMs
    if (nowMs - this.#fullSince < giveWayTrialMs || commitMs < worthwhile * this.#before) return
    this.#pauseMs = 0
    this.#fullSince = undefined
    this.#restsUntil = nowMs + giveWayRestMs
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
