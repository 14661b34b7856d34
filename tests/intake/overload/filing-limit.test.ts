/** How admission and group commit do in front of journals of many speeds; time is simulated. */
import { describe, expect, test } from 'vitest'
import { answerTargetMs, groupDeclarationsMax } from '../../../src/limits.ts'
import {
  type Answer,
  type JournalTimes,
  journalOf,
  mostOf,
  SimulatedIntake,
} from '../../support/simulated-intake.ts'

const quick = journalOf(2, 0.15)
/** Of a slow disk, as in bench:overload. */
const slow = journalOf(20, 1)

/** Commits vary by a third, and one of thirty takes three times as long. */
function restless(journal: JournalTimes): JournalTimes {
  let state = 7
  return (declarations, now) => {
    state = (state * 16_807) % 2_147_483_647
    const chance = state / 2_147_483_647
    return journal(declarations, now) * (0.7 + 0.6 * chance + (chance > 0.97 ? 2 : 0))
  }
}

/** An intake that is idle: a filing now and then for some seconds. */
async function idle(journal: JournalTimes): Promise<SimulatedIntake> {
  const intake = new SimulatedIntake(journal)
  for (let ms = 0; ms < 5_000; ms += 50) intake.at(ms, () => intake.file('idle', `${ms}`))
  await intake.run(5_000)
  intake.forget()
  return intake
}

/** So many at once, from so many filers, who honour Retry-After; returns how long until all are in. */
async function burst(intake: SimulatedIntake, filings: number, filers: number): Promise<number> {
  const began = intake.now
  intake.at(began, () => {
    for (let i = 0; i < filings; i += 1) intake.file(`filer-${i % filers}`, `${i}`)
  })
  await intake.run()
  expect(intake.tries.size).toBe(filings)
  return intake.now - began
}

/** Filings at an open rate, of two hundred filers who don't come back. */
async function load(intake: SimulatedIntake, perSecond: number, forMs: number): Promise<void> {
  const began = intake.now
  for (let i = 0; i < (perSecond * forMs) / 1_000; i += 1) {
    const name = `${began}-${i}`
    intake.at(Math.floor(began + (1_000 * i) / perSecond), () =>
      intake.send(`filer-${i % 200}`, name),
    )
  }
  await intake.run(began + forMs)
}

/** What whole commits brought, in a second. */
function goodput({ commits }: SimulatedIntake): number {
  const began = (commits[0]?.endedAt ?? 0) - (commits[0]?.ms ?? 0)
  const committed = commits.reduce((sum, { size }) => sum + size, 0)
  return (1_000 * committed) / ((commits.at(-1)?.endedAt ?? 0) - began)
}

const acceptedMs = (answers: readonly Answer[]) =>
  answers.flatMap((answer) => (answer.kind === 'accepted' ? answer.ms : [])).sort((a, b) => a - b)
const refused = (answers: readonly Answer[]) => answers.filter(({ kind }) => kind === 'refused')
const p99 = (ms: readonly number[]) => ms[Math.floor(0.99 * ms.length)] ?? 0

describe('a burst on an idle engine', () => {
  test.each([
    ['a quick journal', quick],
    ['a slow disk', slow],
    ['commits of 200 ms', journalOf(200, 0.15)],
    ['restless commits', restless(journalOf(20, 0.15))],
  ])('of 900 from one filer waits in line and is in within 3 s: %s', async (_, journal) => {
    const intake = await idle(journal)
    expect(await burst(intake, 900, 1)).toBeLessThan(3_000)
    expect(Math.max(...intake.tries.values())).toBe(1)
  })

  test.each([
    ['a quick journal', quick],
    ['a slow disk', slow],
    ['commits of 700 ms', journalOf(700, 0.15)],
    ['restless commits', restless(journalOf(20, 0.15))],
  ])('of 20,000 from 200 filers keeps the journal busy until it is in: %s', async (_, journal) => {
    const intake = await idle(journal)
    const ms = await burst(intake, 20_000, 200)
    expect(ms).toBeLessThan((1.5 * 1_000 * 20_000) / mostOf(journal))
    const busyMs = intake.commits.reduce((sum, commit) => sum + commit.ms, 0)
    expect(busyMs / ms).toBeGreaterThan(0.8)
  })
})

test('a lone filer with 100 connections, for many employers, is refused nothing', async () => {
  const intake = await idle(slow)
  let filed = 0
  const client = (of: number) => {
    filed += 1
    // Two thirds are of one employer.
    const employer = filed % 3 === 0 ? `employer-${filed % 16}` : 'largest'
    if (intake.now < 15_000) intake.file('portal', `${filed}`, () => client(of), employer)
  }
  for (let of = 0; of < 100; of += 1) client(of)
  await intake.run()
  expect(filed).toBeGreaterThan(5_000)
  expect(refused(intake.answers)).toEqual([])
})

test('nobody is refused for the journal while a place is empty, and for its share only beside others', async () => {
  const intake = await idle(slow)
  await load(intake, 3_000, 5_000)
  const reasons = new Set(
    refused(intake.answers).map((answer) => (answer as { reason: string }).reason),
  )
  expect(reasons).toContain('journal')
  for (const { reason, underWay, limit, filers } of intake.refusals) {
    if (reason === 'journal') expect(underWay).toBeGreaterThanOrEqual(Math.floor(limit))
    else expect(filers).toBeGreaterThan(1)
  }
})

test('under up to five times what it takes, a slow disk accepts 0.95 of its most, within a second', async () => {
  const intake = await idle(slow)
  await load(intake, 5 * mostOf(slow), 5_000)
  for (const times of [1.5, 2, 3, 5]) {
    intake.forget()
    await load(intake, times * mostOf(slow), 8_000)
    const accepted = acceptedMs(intake.answers)
    expect(goodput(intake) / mostOf(slow)).toBeGreaterThan(0.95)
    expect(p99(accepted)).toBeLessThan(1_000)
  }
})

test('clients that send the next after each answer do not hide what a declaration adds', async () => {
  const intake = new SimulatedIntake(journalOf(20, 20))
  const client = (name: string, number: number) =>
    intake.send(name, `${number}`, ({ kind }) => {
      const pauseMs = kind === 'accepted' ? 2 : 20
      intake.at(intake.now + pauseMs, () => client(name, number + (kind === 'accepted' ? 1 : 0)))
    })
  for (let i = 0; i < 6; i += 1) client(`calm-${i}`, 0)
  await intake.run(5_000)
  for (let i = 0; i < 114; i += 1) client(`storm-${i}`, 0)
  await intake.run(20_000)
  intake.forget()
  await intake.run(40_000)
  expect(refused(intake.answers).length).toBeGreaterThan(acceptedMs(intake.answers).length)
  expect(intake.limit.times.eachMs).toBeGreaterThan(15)
  expect(intake.limit.times.eachMs).toBeLessThan(25)
  // Who sends far less than the others finds twice the room.
  expect(p99(acceptedMs(intake.answers))).toBeLessThan(2.5 * answerTargetMs)
})

describe('when commits get slower', () => {
  test.each([
    [50, 0.15],
    [200, 0.15],
    [700, 0.15],
    [2_500, 0.15],
    [50, 1],
    [700, 1],
    [2_500, 0.5],
  ])(
    'to %i ms and %f for each, 0.9 of the most is accepted, and all again in 5 s',
    async (restMs, eachMs) => {
      let isSlow = false
      const slower = journalOf(restMs, eachMs)
      const intake = await idle((count, now) => (isSlow ? slower : quick)(count, now))
      await load(intake, 1_000, 3_000)
      isSlow = true
      const most = mostOf(slower)
      await load(intake, 3 * most, 6 * slower(groupDeclarationsMax, 0))
      intake.forget()
      await load(intake, 3 * most, 12 * slower(groupDeclarationsMax, 0))
      expect(goodput(intake) / most).toBeGreaterThan(0.9)
      const { commits } = intake
      expect(Math.min(...commits.map(({ size }) => size))).toBeGreaterThan(100)
      const twoCommits = 2 * slower(groupDeclarationsMax, 0)
      expect(p99(acceptedMs(intake.answers))).toBeLessThan(Math.max(1_000, 1.1 * twoCommits))
      isSlow = false
      await load(intake, 0.9 * mostOf(quick), 4_000)
      intake.forget()
      await load(intake, 0.9 * mostOf(quick), 1_000)
      expect(refused(intake.answers)).toEqual([])
      expect(p99(acceptedMs(intake.answers))).toBeLessThan(1_000)
    },
  )

  test('commits that fail for their time are known, and forgotten once they don’t', async () => {
    let isStuck = false
    const intake = await idle((count, now) => (isStuck ? 60_000 : quick(count, now)))
    isStuck = true
    await load(intake, 1_000, 20_000)
    expect(intake.answers.filter(({ kind }) => kind === 'failed').length).toBeGreaterThan(0)
    expect(intake.limit.times.restMs).toBeGreaterThan(1_000)
    expect(intake.limit.perSecond).toBeLessThan(500)
    isStuck = false
    await load(intake, 1_000, 5_000)
    expect(intake.limit.perSecond).toBeGreaterThan(2_000)
  })

  test('one commit that is held up changes nothing', async () => {
    let heldUp = false
    const intake = await idle((count, now) => (heldUp ? 500 : quick(count, now)))
    const { limit } = intake.limit
    heldUp = true
    intake.send('filer', 'held up')
    await intake.run(intake.now + 100)
    heldUp = false
    await intake.run()
    expect(intake.limit.limit).toBe(limit)
  })
})

test('what a declaration adds is found, and what a commit takes at rest', async () => {
  for (const [restMs, eachMs] of [
    [5, 0.1],
    [20, 1],
  ] as const) {
    const intake = await idle(journalOf(restMs, eachMs))
    for (const times of [0.3, 0.9, 2])
      await load(intake, times * mostOf(journalOf(restMs, eachMs)), 8_000)
    const { times } = intake.limit
    const found = (count: number) => times.restMs + times.eachMs * count
    for (const count of [300, 600]) {
      expect(found(count) / (restMs + eachMs * count)).toBeGreaterThan(0.7)
      expect(found(count) / (restMs + eachMs * count)).toBeLessThan(1.4)
    }
  }
})
