/** What a commit takes at rest and what each declaration adds is found from commits alone. */
import { expect, test } from 'vitest'
import { CommitTimes } from '../../src/journal/commit-times.ts'
import { commitEachMsExpected, groupBytesMax, groupDeclarationsMax } from '../../src/limits.ts'

function observed() {
  let now = 0
  const times = new CommitTimes(() => now)
  return {
    times,
    wait: (ms: number) => {
      now += ms
    },
    commit: (declarations: number, ms: number, bytesEach = 1_000) => {
      times.begin(declarations, declarations * bytesEach)
      now += ms
      times.end(true)
    },
  }
}

test('at rest a commit tells what one takes, and nothing of what a declaration adds', () => {
  const { times, commit } = observed()
  for (const ms of [3, 4, 3, 9, 2, 5, 3]) commit(1 + (ms % 4), ms)
  expect(times.restMs).toBeGreaterThan(1)
  expect(times.restMs).toBeLessThan(6)
  expect(times.eachMs).toBeCloseTo(commitEachMsExpected, 1)
})

test('what was accepted before counts as no part of a commit: neither in number nor in bytes, nor its time', () => {
  const [plain, replayed] = [observed(), observed()]
  for (let i = 0; i < 20; i += 1) {
    const size = i % 2 === 0 ? 2 : 300
    plain.commit(size, 20 + size)
    replayed.times.begin(size + 600, (size + 600) * 100_000)
    replayed.wait(20 + size + 500)
    replayed.times.end(true, { declarations: size, bytes: size * 1_000, lookupMs: 500 })
    // A group that is known as a whole.
    replayed.times.begin(900, 900 * 100_000)
    replayed.wait(3)
    replayed.times.end(true, { declarations: 0, bytes: 0, lookupMs: 1 })
  }
  expect(replayed.times.eachMs).toBe(plain.times.eachMs)
  expect(replayed.times.restMs).toBe(plain.times.restMs)
  expect(replayed.times.fullGroup).toBe(plain.times.fullGroup)
})

test('larger commits tell both', () => {
  const { times, commit } = observed()
  for (let i = 0; i < 20; i += 1) commit(i % 2 === 0 ? 2 : 300, i % 2 === 0 ? 20 + 2 : 20 + 300)
  expect(times.restMs).toBeGreaterThan(10)
  expect(times.restMs).toBeLessThan(30)
  expect(times.eachMs).toBeGreaterThan(0.9)
  expect(times.eachMs).toBeLessThan(1.1)
})

test('one commit that is held up is no change, two in a row are; a quick one is at once', () => {
  const { times, commit } = observed()
  for (let i = 0; i < 10; i += 1) commit(500, 80)
  const before = times.restMs
  commit(500, 2_500)
  expect(times.restMs).toBe(before)
  commit(500, 80)
  commit(500, 2_500)
  commit(500, 2_500)
  expect(times.restMs + 500 * times.eachMs).toBeGreaterThan(1_500)
  commit(500, 80)
  expect(times.restMs + 500 * times.eachMs).toBeLessThan(500)
})

test('while a commit is held up, it is known at the worst; what failed tells nothing', () => {
  const { times, commit, wait } = observed()
  for (let i = 0; i < 10; i += 1) commit(2, 5)
  times.begin(2, 2)
  wait(3_000)
  expect(times.restMs).toBeLessThan(10)
  expect(times.restMsAtWorst).toBeGreaterThan(2_900)
  times.end(false)
  expect(times.restMsAtWorst).toBe(times.restMs)
})

test('large declarations of one count in groups by their bytes, not as a group each', () => {
  const { times, commit } = observed()
  for (let i = 0; i < 10; i += 1) {
    commit(500, 80, 1_000)
    commit(1, 80, 3_500_000)
  }
  expect(times.fullGroup).toBeGreaterThan(500)
})

test('commits that are given up as they take too long make groups larger, not smaller', () => {
  const { times, wait } = observed()
  for (let i = 0; i < 10; i += 1) {
    times.begin(100, 100_000)
    wait(4_000)
    times.end(true)
  }
  expect(times.restMs + 100 * times.eachMs).toBeGreaterThan(3_000)
  expect(times.fullGroup).toBe(groupDeclarationsMax)
})

test('a group is full by its number, its bytes, or the time of its statement', () => {
  const plain = observed()
  plain.commit(2, 5)
  expect(plain.times.fullGroup).toBe(groupDeclarationsMax)
  const large = observed()
  large.commit(2, 5, groupBytesMax / 50)
  expect(large.times.fullGroup).toBe(50)
  const slow = observed()
  for (let i = 0; i < 20; i += 1) slow.commit(i % 2 === 0 ? 2 : 100, i % 2 === 0 ? 20 : 2_000)
  expect(slow.times.fullGroup).toBeGreaterThan(150)
  expect(slow.times.fullGroup).toBeLessThan(200)
})

test('whatever comes, both stay what a time can be', () => {
  const { times, commit } = observed()
  let state = 3
  for (let i = 0; i < 5_000; i += 1) {
    state = (state * 16_807) % 2_147_483_647
    const chance = state / 2_147_483_647
    commit(1 + Math.floor(chance * 999), 10 ** (4 * ((chance * 7) % 1) - 1))
    for (const ms of [times.restMs, times.eachMs]) {
      expect(ms).toBeGreaterThan(0)
      expect(ms).toBeLessThan(20_000)
    }
  }
})

test('a commit whose end is seen late took what was expected, and no less than was seen of it', () => {
  let now = 0
  let readsSince: number | undefined
  const times = new CommitTimes(
    () => now,
    () => readsSince ?? now,
  )
  /** The process waits for a commit, then reads for so long before it sees the end. */
  const commit = (waitsMs: number, readsMs: number) => {
    times.begin(50, 50_000)
    now += waitsMs
    readsSince = now
    now += readsMs
    times.end(true)
    readsSince = undefined
  }
  const took = () => times.restMs + 50 * times.eachMs
  for (let i = 0; i < 20; i += 1) commit(20, 0)
  for (let i = 0; i < 20; i += 1) commit(5, 2_000)
  expect(took()).toBeCloseTo(20, 0)
  for (let i = 0; i < 20; i += 1) commit(300, 2_000)
  expect(took()).toBeGreaterThan(250)
  expect(took()).toBeLessThan(350)
  times.begin(50, 50_000)
  readsSince = now
  now += 2_000
  expect(times.restMsAtWorst).toBe(times.restMs)
})
