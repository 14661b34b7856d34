/** A profile and a compression, as arrivals. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkProfile, readProfile, shippedProfiles } from '../../bench/rehearsal/profile.ts'
import {
  arrivals,
  expectedFilings,
  rateAt,
  realSecondOf,
  shapeOf,
} from '../../bench/rehearsal/shape.ts'
import { createGenerator } from '../../bench/support/generator.ts'

const city = readProfile('city')
const compressions = fc.integer({ min: 1, max: 2_880 })
const profiles = fc.constantFrom(...shippedProfiles).map(readProfile)

test('the busiest second has the rate of the real day’s, however the day is compressed', () => {
  const real = new Map(shippedProfiles.map((name) => [name, shapeOf(readProfile(name), 1)]))
  const some = fc.integer({ min: 10, max: 2_880 })
  fc.assert(
    fc.property(fc.constantFrom(...shippedProfiles), some, (name, compress) => {
      const { peakPerSecond } = shapeOf(readProfile(name), compress)
      expect(peakPerSecond).toBe(real.get(name)?.peakPerSecond)
    }),
    { numRuns: 40 },
  )
  expect(shapeOf(city, 240).peakPerSecond).toBeCloseTo(7.95, 2)
  expect(shapeOf(readProfile('province'), 60).peakPerSecond).toBeCloseTo(39.7, 1)
  expect(shapeOf(readProfile('nation'), 60).peakPerSecond).toBeCloseTo(1_324, 0)
})

test('a day compressed 240 times takes six minutes, and each second has a real second’s rate', () => {
  const { seconds, rates, timeOfDay } = shapeOf(city, 240)
  expect(seconds).toBe(360)
  const filings = city.employers.value * city.lastDayShare.value
  const between = (i: number) => [timeOfDay[i] ?? 0, timeOfDay[i + 1] ?? 86_400] as const
  const usual = [...rates].filter((rate, i) => {
    const [from, to] = between(i)
    const some = [from, to - 1e-9, (from + to) / 2].map((time) => rateAt(city, filings, time))
    return rate >= 0.99 * Math.min(...some) && rate <= 1.01 * Math.max(...some)
  })
  const inBursts = city.bursts.value.reduce((sum, burst) => sum + burst.seconds, 0)
  expect(usual.length).toBeGreaterThanOrEqual(seconds - inBursts)
})

test('the quiet hours are shortened, and the minute before a cut-off is not', () => {
  const shape = shapeOf(city, 240)
  const longFrom = (from: string, to: string) => realSecondOf(to, shape) - realSecondOf(from, shape)
  expect(longFrom('11:59', '12:00')).toBe(60)
  expect(longFrom('16:59', '17:00')).toBe(60)
  expect(longFrom('00:00', '07:00')).toBeLessThan(5)
  expect(longFrom('18:00', '23:59')).toBeLessThan(longFrom('10:00', '11:00'))
  // Of a plain cut, 200 filings would come.
  expect(expectedFilings(shape)).toBeGreaterThan(500)
})

test('every second of the real day is there, in order, unless it is compressed', () => {
  const { timeOfDay } = shapeOf(city, 1)
  expect(timeOfDay.every((time, second) => Math.abs(time - second) < 0.000_5)).toBe(true)
  fc.assert(
    fc.property(profiles, compressions, (profile, compress) => {
      const { timeOfDay: times, seconds } = shapeOf(profile, compress)
      expect(times).toHaveLength(seconds)
      expect(times.every((time, i) => time >= (times[i - 1] ?? 0) && time < 86_400)).toBe(true)
    }),
    { numRuns: 20 },
  )
})

test('the real day has all filings of the last day, hour by hour, and the bursts besides', () => {
  const { rates } = shapeOf({ ...city, bursts: { ...city.bursts, value: [] } }, 1)
  const filings = city.employers.value * city.lastDayShare.value
  for (const [hour, share] of city.hours.value.entries()) {
    const sum = rates.slice(hour * 3_600, (hour + 1) * 3_600).reduce((one, other) => one + other)
    expect(sum / (share * filings)).toBeCloseTo(1, 3)
  }
  expect(expectedFilings(shapeOf(city, 1)) / filings).toBeCloseTo(1, 2)
})

test('busy hours keep more of their filings than quiet ones, however the day is compressed', () => {
  fc.assert(
    fc.property(profiles, fc.integer({ min: 10, max: 720 }), (profile, compress) => {
      const shape = shapeOf(profile, compress)
      const all = profile.employers.value * profile.lastDayShare.value
      expect(expectedFilings(shape)).toBeGreaterThan((2 * all) / compress)
      expect(expectedFilings(shape)).toBeLessThan(shape.seconds * 1.2 * shape.busiestHourPerSecond)
    }),
    { numRuns: 40 },
  )
})

test('arrivals rise in time, within the day, as many as the rates say', () => {
  fc.assert(
    fc.property(compressions, fc.nat(), fc.integer({ min: 1, max: 8 }), (compress, seed, share) => {
      const shape = shapeOf(readProfile('province'), compress)
      const times = [...arrivals(shape, createGenerator(seed).random, 1 / share)]
      const expected = expectedFilings(shape) / share
      expect(Math.abs(times.length - expected)).toBeLessThan(6 * Math.sqrt(expected) + 6)
      expect(times.every((time, i) => time >= (times[i - 1] ?? 0))).toBe(true)
      expect(times.every((time) => time < shape.seconds)).toBe(true)
    }),
    { numRuns: 30 },
  )
})

test('generators that divide the day offer its rate together', () => {
  const shape = { seconds: 1_000, rates: new Float64Array(1_000).fill(50) }
  const each = [1, 2, 3].map((seed) => [...arrivals(shape, createGenerator(seed).random, 1 / 3)])
  const inAll = each.reduce((sum, { length }) => sum + length, 0)
  expect(Math.abs(inAll - 50_000)).toBeLessThan(6 * Math.sqrt(50_000))
  const counts = Array.from({ length: 1_000 }, () => 0)
  for (const time of each.flat()) counts[Math.floor(time)] = (counts[Math.floor(time)] ?? 0) + 1
  const variance = counts.reduce((sum, count) => sum + (count - 50) ** 2, 0) / 1_000
  expect(variance / 50).toBeGreaterThan(0.8) // of a Poisson process it is the mean
  expect(variance / 50).toBeLessThan(1.2)
})

test('a profile with faults is refused with all of them', () => {
  const { title: _, ...untitled } = city
  const sums = {
    ...city,
    hours: { ...city.hours, value: city.hours.value.map((share) => share / 2) },
    lines: { ...city.lines, value: [{ share: 1, min: 9, max: 3 }] },
    cutOffs: { ...city.cutOffs, value: [{ at: '12:30', riseMinutes: 5, times: 1 }] },
  }
  expect(() => checkProfile(untitled, 'mine.json')).toThrow(/mine\.json[\s\S]*title/)
  expect(() => checkProfile({ ...city, employers: { value: -1, from: 'x' } }, 'mine.json')).toThrow(
    /\/employers\/value[\s\S]*\/employers\/from/,
  )
  expect(() => checkProfile(sums, 'mine.json')).toThrow(
    /add up to 0\.5[\s\S]*min is above max[\s\S]*full hour/,
  )
})

test('each figure of a shipped profile says what it follows from', () => {
  for (const name of shippedProfiles) {
    const figures = Object.values(readProfile(name)).filter((one) => typeof one === 'object')
    expect(figures.length).toBeGreaterThan(10)
    for (const { from } of figures) expect(from.length).toBeGreaterThan(40)
  }
})
