/**
 * Whether a difference between two rehearsals is more than what a rehearsal differs from itself.
 *
 * The day is cut into 48 half-hours. As many of them are drawn, with replacement and the same ones of
 * both rehearsals, a thousand times, and the figure is taken of each draw: so a half-hour that both
 * find hard doesn't count as a difference. The change is more than noise if it keeps its sign in 99 of
 * 100 draws, and if it is at least 5 %: less than that differs between two runs of the same engine, of
 * which the spread within a run knows nothing.
 */
import type { RehearsalRecord } from '../record.ts'

export const windowsOfDay = 48
const windowsMin = 12
const draws = 1000
const sure = 0.99
/** Of a figure with windows; and of one that is measured once and has no spread of its own. */
export const leastChange = 0.05
export const leastSingleChange = 0.25

export type Judgement = 'better' | 'worse' | 'within noise'

/** A figure of some half-hours of a record; null where they have none. */
export type WindowFigure = (record: RehearsalRecord, windows: readonly number[]) => number | null

/** What of the change is sure to be more than noise: its sign, or 0. */
export function signOfChange(
  of: WindowFigure,
  a: RehearsalRecord,
  b: RehearsalRecord,
  change: number,
): -1 | 0 | 1 {
  const both = sharedWindows(of, a, b)
  if (both.length < windowsMin || Math.abs(change) < leastChange) return 0
  const chance = generator()
  let agreeing = 0
  for (let draw = 0; draw < draws; draw += 1) {
    const drawn = both.map(() => both[Math.floor(chance() * both.length)] as number)
    const [one, other] = [of(a, drawn) ?? 0, of(b, drawn) ?? 0]
    if (Math.sign(other - one) === Math.sign(change)) agreeing += 1
  }
  return agreeing / draws >= sure ? (Math.sign(change) as -1 | 1) : 0
}

function sharedWindows(of: WindowFigure, a: RehearsalRecord, b: RehearsalRecord): number[] {
  const all = Array.from({ length: windowsOfDay }, (_, window) => window)
  return all.filter((window) => of(a, [window]) !== null && of(b, [window]) !== null)
}

/** The same draws each time: two comparisons of the same records say the same. */
function generator(): () => number {
  let state = 1
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** The half-hour of the simulated day in which a real second lies; its end belongs to the last. */
export function windowOf(timeOfDay: number): number {
  return Math.min(windowsOfDay - 1, Math.floor((timeOfDay * windowsOfDay) / 86_400))
}
