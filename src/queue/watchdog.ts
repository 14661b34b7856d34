/**
 * The progress watchdog: a process that answers every ping may still do nothing. It checks whether waiting
 * work is taken and finished. A process is stuck if a check fails twice in a row, so that a process that
 * only stood still for a while is left alone.
 */
import { stuckIdleMs, stuckUnderWayMs, watchEveryMs } from '../limits.ts'
import type { LaneQueue } from './backend.ts'

/** Why nothing moves; undefined while it does. May reject: then it is not known. */
export type ProgressCheck = () => Promise<string | undefined>

export type Watchdog = { stop(): void }

/** Checks every few seconds; reports once, with the reason. */
export function startWatchdog(
  checks: readonly ProgressCheck[],
  onStuck: (reason: string) => void,
  everyMs = watchEveryMs,
): Watchdog {
  const suspected = new Set<ProgressCheck>()
  const look = async (check: ProgressCheck) => {
    const reason = await check().catch(() => undefined)
    if (reason === undefined) suspected.delete(check)
    else if (suspected.has(check)) {
      clearInterval(timer)
      onStuck(reason)
    } else suspected.add(check)
  }
  const timer = setInterval(() => {
    for (const check of checks) void look(check)
  }, everyMs)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}

/** The name of a unit of work in reports, singular and plural. */
export type TakenUnit = readonly [one: string, several: string]

/** The progress of a worker that takes and finishes one unit of work after another. */
export class LaneProgress {
  readonly #unit: TakenUnit
  readonly #underWay = new Set<number>()
  #movedAt = performance.now()

  constructor(unit: TakenUnit = ['an envelope', 'envelopes']) {
    this.#unit = unit
  }

  /** One is taken; returns what to call when it is finished. */
  take(): () => void {
    // Unique within the process: two at the same instant would count as one.
    let at = performance.now()
    while (this.#underWay.has(at)) at += 0.001
    this.#underWay.add(at)
    this.#movedAt = at
    return () => {
      this.#underWay.delete(at)
      this.#movedAt = performance.now()
    }
  }

  /** Whether it takes what waits, and finishes what it takes. */
  check(
    queue: Pick<LaneQueue, 'waiting'>,
    { idleMs, underWayMs } = { idleMs: stuckIdleMs, underWayMs: stuckUnderWayMs },
  ): ProgressCheck {
    const [one, several] = this.#unit
    return async () => {
      const now = performance.now()
      const oldest = Math.min(...this.#underWay)
      if (now - oldest > underWayMs) {
        return `${one} is under way for ${Math.round((now - oldest) / 1_000)} s`
      }
      if (this.#underWay.size > 0 || now - this.#movedAt < idleMs) return undefined
      const waiting = await queue.waiting()
      if (waiting === 0) {
        this.#movedAt = performance.now()
        return undefined
      }
      const idle = Math.round((now - this.#movedAt) / 1_000)
      return `${waiting} ${several} wait, and none was taken for ${idle} s`
    }
  }
}
