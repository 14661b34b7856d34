/**
 * Time compression: how much of each second of the day is driven. What is around a burst is kept whole,
 * as it takes its own time; of the rest, as much as its rate is of the others': a busy hour is
 * shortened little, a quiet one much. Rates are never changed, so a compressed day offers fewer
 * declarations, as fast as the real one.
 */
import { type Profile, secondsAt } from '../profile.ts'

export const daySeconds = 86_400

/** Around a burst, so that what it leaves waiting is seen as well. */
const aroundSeconds = 5
/** Of a short rehearsal, bursts may take half; then they are shortened, too. */
const burstsShareMax = 0.5
/** Of the average: an hour in which nobody files is passed fast, and not left out. */
const leastWeight = 0.01

/** @returns the share of each second of the day that is kept; all add up to a day over `compress` */
export function keptShares(
  profile: Profile,
  rateOf: (timeOfDay: number) => number,
  compress: number,
): Float64Array {
  const budget = daySeconds / compress
  const bursts = aroundBursts(profile)
  const whole = Math.min(1, (burstsShareMax * budget) / bursts.size)
  const rates = Float64Array.from({ length: daySeconds }, (_, second) => rateOf(second + 0.5))
  const average = rates.reduce((sum, rate) => sum + rate, 0) / daySeconds
  const weights = rates.map((rate, second) =>
    bursts.has(second) ? 0 : Math.max(rate, leastWeight * average),
  )
  const kept = spread(weights, budget - whole * bursts.size)
  for (const second of bursts) kept[second] = whole
  return kept
}

function aroundBursts({ bursts }: Profile): Set<number> {
  const found = new Set<number>()
  for (const { at, seconds } of bursts.value) {
    const from = Math.max(0, secondsAt(at) - aroundSeconds)
    const to = Math.min(daySeconds, secondsAt(at) + seconds + aroundSeconds)
    for (let second = from; second < to; second += 1) found.add(second)
  }
  return found
}

/** A budget by weights, 1 at most for each: what is beyond goes to the others. */
function spread(weights: Float64Array, budget: number): Float64Array {
  const shares = new Float64Array(weights.length)
  for (;;) {
    let [room, weight, full] = [budget, 0, true]
    for (const [i, one] of weights.entries()) {
      if (shares[i] === 1) room -= 1
      else weight += one
    }
    for (const [i, one] of weights.entries()) {
      if (shares[i] === 1 || one === 0) continue
      shares[i] = Math.min(1, (room * one) / weight)
      if (shares[i] === 1) full = false
    }
    if (full) return shares
  }
}

/** The time of the day at points of the real one, which must rise. */
export function timesAt(kept: Float64Array, points: readonly number[]): number[] {
  let [second, reached] = [0, 0]
  return points.map((point) => {
    while (second < daySeconds && reached + (kept[second] ?? 0) <= point) {
      reached += kept[second] ?? 0
      second += 1
    }
    const into = (point - reached) / (kept[second] || 1)
    return Math.min(daySeconds, second + Math.max(0, into))
  })
}
