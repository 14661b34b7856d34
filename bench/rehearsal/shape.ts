/**
 * A profile and a compression, turned into what is due in each real second: each has the rate of the
 * real day's second at its middle. A burst keeps its rate and lasts one second at the least.
 */
import { daySeconds, keptShares, timesAt } from './load/compression.ts'
import { type Profile, secondsAt } from './profile.ts'

export type Shape = {
  /** Real seconds that the day takes. */
  readonly seconds: number
  /** The time of the day at the start of each real second. */
  readonly timeOfDay: Float64Array
  /** Declarations due in each real second, on average: filings of all kinds, resends not. */
  readonly rates: Float64Array
  /** Times that each filing due in a second is sent again. */
  readonly resends: Float64Array
  /** Declarations in the real day's busiest second, and its busiest hour, a second. */
  readonly peakPerSecond: number
  readonly busiestHourPerSecond: number
  readonly peakSecond: number
}

export function shapeOf(profile: Profile, compress: number): Shape {
  const seconds = Math.ceil(daySeconds / compress)
  const filings = profile.employers.value * profile.lastDayShare.value
  const rateOf = (timeOfDay: number) => rateAt(profile, filings, timeOfDay)
  const kept = keptShares(profile, rateOf, compress)
  const each = (add: number) => Array.from({ length: seconds }, (_, i) => i + add)
  const timeOfDay = Float64Array.from(timesAt(kept, each(0)))
  const middles = timesAt(kept, each(0.5)).map((time) => Math.min(daySeconds - 1, time))
  const rates = Float64Array.from(middles, rateOf)
  for (const burst of burstsIn(profile, filings, kept)) {
    for (let i = burst.from; i < Math.min(seconds, burst.to); i += 1) {
      rates[i] = Math.max(rates[i] ?? 0, burst.rate)
    }
  }
  const resends = Float64Array.from(middles, (time) => resendsAt(profile, time))
  const hours = profile.hours.value.map((share) => (share * filings) / 3_600)
  const peakPerSecond = rates.reduce((most, rate) => Math.max(most, rate), 0)
  return {
    seconds,
    timeOfDay,
    rates,
    resends,
    peakPerSecond,
    busiestHourPerSecond: Math.max(...hours),
    peakSecond: rates.indexOf(peakPerSecond),
  }
}

/** Declarations a second at a time of the day, bursts left out. */
export function rateAt(profile: Profile, filings: number, timeOfDay: number): number {
  const hour = Math.floor(timeOfDay / 3_600)
  const average = ((profile.hours.value[hour] ?? 0) * filings) / 3_600
  const cutOff = cutOffEnding(profile, hour)
  if (cutOff === undefined) return average
  // Up to the rise, the hour is a little below its average, so that its total stays what it is.
  const rise = (cutOff.riseMinutes * 60) / 3_600
  const before = (1 - (rise * cutOff.times) / 2) / (1 - rise / 2)
  const into = (timeOfDay - hour * 3_600) / 3_600 - (1 - rise)
  const risen = Math.max(0, into) / rise
  return average * (before + (cutOff.times - before) * risen)
}

function cutOffEnding({ cutOffs }: Profile, hour: number) {
  return cutOffs.value.find(({ at }) => secondsAt(at) === (hour + 1) * 3_600)
}

function burstsIn({ bursts, hours }: Profile, filings: number, kept: Float64Array) {
  const keptIn = (from: number, to: number) =>
    kept.subarray(from, to).reduce((sum, share) => sum + share, 0)
  return bursts.value.map(({ at, seconds, times }) => {
    const begins = secondsAt(at)
    // Sums of shares miss whole seconds by a hair.
    const from = Math.floor(keptIn(0, begins) + 1e-6)
    const hour = hours.value[Math.floor(begins / 3_600)] ?? 0
    const to = from + Math.max(1, Math.round(keptIn(begins, begins + seconds)))
    return { from, to, rate: (times * hour * filings) / 3_600 }
  })
}

function resendsAt(profile: Profile, timeOfDay: number): number {
  const { usual, beforeCutOff } = profile.resends.value
  const hour = Math.floor(timeOfDay / 3_600)
  return cutOffEnding(profile, hour) === undefined ? usual : beforeCutOff
}

/**
 * When filings are due, in seconds from the start of the day: a Poisson process whose rate is that of
 * each second, or a share of it where several generators divide the day among them.
 * @param random numbers from 0 up to 1
 */
export function* arrivals(
  { rates, seconds }: Pick<Shape, 'rates' | 'seconds'>,
  random: () => number,
  share = 1,
): Generator<number> {
  // In units of expected arrivals, time runs evenly: the next one is an exponential step away.
  let due = -Math.log(1 - random())
  let reached = 0
  for (let second = 0; second < seconds; second += 1) {
    const expected = share * (rates[second] ?? 0)
    while (expected > 0 && due < reached + expected) {
      yield second + (due - reached) / expected
      due += -Math.log(1 - random())
    }
    reached += expected
  }
}

/** How many are due in all, on average. */
export function expectedFilings({ rates }: Pick<Shape, 'rates'>): number {
  return rates.reduce((sum, rate) => sum + rate, 0)
}

/** The real second of a time of the day. */
export function realSecondOf(at: string, { timeOfDay }: Pick<Shape, 'timeOfDay'>): number {
  const time = secondsAt(at) + 1e-6
  return Math.max(
    0,
    timeOfDay.findLastIndex((begins) => begins <= time),
  )
}
