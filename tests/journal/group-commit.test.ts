import { expect, test, vi } from 'vitest'
import type { Acceptance, AcceptGroup } from '../../src/journal/accept.ts'
import { CommitTimes } from '../../src/journal/commit-times.ts'
import type { Filing } from '../../src/journal/filing.ts'
import { GroupCommit } from '../../src/journal/group-commit.ts'
import {
  acceptStatementMsMax,
  groupDeclarationsMax,
  groupFirst,
  groupGrowth,
  standingQueueMs,
  waitingDeclarationsMax,
} from '../../src/limits.ts'
import { declare, filingOf } from '../support/journal.ts'

/** Accepts in memory; lets a test hold commits back and see the groups. */
function observedCommit() {
  const groups: string[][] = []
  let release: () => void = () => {}
  let held = Promise.resolve()
  const acceptGroup: AcceptGroup = async (filings) => {
    groups.push(filings.map(({ id }) => id))
    await held
    const acceptances = new Map<string, Acceptance>()
    for (const filing of filings) {
      const isOf = (content: Buffer) => filing.digest.equals(content)
      const statement = { ...filing, salted: false }
      acceptances.set(filing.id, { statement, receipt: filing.id, fresh: true, isOf })
    }
    return {
      acceptances,
      envelope: BigInt(groups.length),
      ticketsUsed: new Set(),
      standing: new Map(),
      replacesWrongly: new Map(),
      lookupMs: 0,
    }
  }
  const hold = () => {
    held = new Promise((resolve) => {
      release = resolve
    })
  }
  return { acceptGroup, groups, hold, release: () => release() }
}

const base = filingOf(declare({ lines: 1 }), 'base')
const filing = (id: string, more: Partial<Filing> = {}): Filing => ({ ...base, id, ...more })
const committer = (acceptGroup: AcceptGroup, isTransient = () => false) =>
  new GroupCommit({
    times: new CommitTimes(),
    targetMs: () => 10_000,
    acceptGroup,
    isTransient,
    onCommitted: () => {},
  })

test('what arrives during a commit goes out with the next one', async () => {
  const { acceptGroup, groups, hold, release } = observedCommit()
  const commits = committer(acceptGroup)
  hold()
  const first = commits.submit(filing('a'))
  await expect.poll(() => groups.length).toBe(1)
  const others = ['b', 'c', 'd'].map((id) => commits.submit(filing(id)))
  release()
  await Promise.all([first, ...others])
  expect(groups).toEqual([['a'], ['b', 'c', 'd']])
})

test('a commit is told with what was accepted in it, not with the replays that came along', async () => {
  let now = 0
  const times = new CommitTimes(() => now)
  const { acceptGroup } = observedCommit()
  const told: { fresh: number; commitMs: number }[] = []
  const commits = new GroupCommit({
    times,
    targetMs: () => 10_000,
    acceptGroup: async (filings) => {
      const result = await acceptGroup(filings)
      const known = [...result.acceptances].map(([id, acceptance]): [string, Acceptance] => [
        id,
        { ...acceptance, fresh: !id.startsWith('known') },
      ])
      now += 100
      return { ...result, acceptances: new Map(known), lookupMs: 90 }
    },
    isTransient: () => false,
    onCommitted: ({ fresh, commitMs }) => void told.push({ fresh, commitMs }),
    now: () => now,
  })
  const ids = ['a', ...Array.from({ length: 100 }, (_, i) => `known-${i}`)]
  const outcomes = await Promise.all(ids.map((id) => commits.submit(filing(id))))
  expect(outcomes.filter(({ kind }) => kind === 'accepted')).toHaveLength(1)
  expect(told).toEqual([{ fresh: 1, commitMs: 10 }])
  expect(times.restMs + times.eachMs).toBeCloseTo(10)
})

test('in one group, the same key with the same content is a replay, with other content a conflict', async () => {
  const { acceptGroup, groups } = observedCommit()
  const commits = committer(acceptGroup)
  const outcomes = await Promise.all([
    commits.submit(filing('a')),
    commits.submit(filing('a')),
    commits.submit(filing('a', { digest: Buffer.alloc(32, 1) })),
  ])
  expect(groups).toEqual([['a']])
  expect(outcomes.map(({ kind }) => kind)).toEqual(['accepted', 'replayed', 'conflicting'])
})

test('a filer that sends many at once holds up its own; others go out with the next group', async () => {
  const { acceptGroup, groups, hold, release } = observedCommit()
  const commits = committer(acceptGroup)
  hold()
  const from = (subject: string) => ({ by: { issuer: 'one', subject } })
  const first = commits.submit(filing('first', from('many')))
  await expect.poll(() => groups.length).toBe(1)
  const many = Array.from({ length: 10 * groupFirst }, (_, i) => `many-${i}`)
  const outcomes = many.map((id) => commits.submit(filing(id, from('many'))))
  const others = ['a', 'b', 'c'].map((id) => commits.submit(filing(id, from(id))))
  const bySameEmployer = commits.submit(filing('d'))
  release()
  await Promise.all([first, ...outcomes, ...others, bySameEmployer])
  expect(groups[1]).toEqual(expect.arrayContaining(['a', 'b', 'c', 'd', 'many-0']))
  expect(groups[1]?.length).toBeLessThanOrEqual(groupFirst)
  // One filer's keep their order.
  expect(groups.flat().filter((id) => id.startsWith('many-'))).toEqual(many)
})

test('a group holds at most its limit, and the rest follow; the first ones are smaller', async () => {
  const { acceptGroup, groups } = observedCommit()
  const commits = committer(acceptGroup)
  const count = groupFirst + groupGrowth * groupFirst + groupDeclarationsMax + 1
  await Promise.all(Array.from({ length: count }, (_, i) => commits.submit(filing(`${i}`))))
  expect(groups.map((group) => group.length)).toEqual([
    groupFirst,
    groupGrowth * groupFirst,
    groupDeclarationsMax,
    1,
  ])
})

test('beyond what may wait, a filing is refused at once', async () => {
  const { acceptGroup, hold, release, groups } = observedCommit()
  const commits = committer(acceptGroup)
  hold()
  const first = commits.submit(filing('first'))
  await expect.poll(() => groups.length).toBe(1)
  const waiting = Array.from({ length: waitingDeclarationsMax }, (_, i) =>
    commits.submit(filing(`${i}`)),
  )
  expect(await commits.submit(filing('late'))).toEqual({ kind: 'full' })
  release()
  await Promise.all([first, ...waiting])
})

test('a transient fault is tried again, another one fails the group', async () => {
  const { acceptGroup } = observedCommit()
  let failures = 2
  const failing: AcceptGroup = (group) => {
    failures -= 1
    return failures >= 0 ? Promise.reject(new Error('down')) : acceptGroup(group)
  }
  expect(await committer(failing, () => true).submit(filing('a'))).toMatchObject({
    kind: 'accepted',
  })
  failures = 1
  expect(await committer(failing).submit(filing('b'))).toMatchObject({ kind: 'unavailable' })
})

test('stopping commits what waits and refuses what comes', async () => {
  const { acceptGroup, hold, release, groups } = observedCommit()
  const commits = committer(acceptGroup)
  hold()
  const first = commits.submit(filing('a'))
  await expect.poll(() => groups.length).toBe(1)
  const second = commits.submit(filing('b'))
  const stopped = commits.stop()
  expect(await commits.submit(filing('c'))).toEqual({ kind: 'full' })
  release()
  await stopped
  expect((await Promise.all([first, second])).map(({ kind }) => kind)).toEqual([
    'accepted',
    'accepted',
  ])
})

test('where a queue stands, what waits longest is shed, and nothing of it was stored', async () => {
  const { acceptGroup, groups, hold, release } = observedCommit()
  let nowMs = 0
  const commits = new GroupCommit({
    now: () => nowMs,
    acceptGroup,
    isTransient: () => false,
    onCommitted: () => {},
    times: new CommitTimes(),
    targetMs: () => 20,
  })
  hold()
  const first = commits.submit(filing('first'))
  await expect.poll(() => groups.length).toBe(1)
  // More than a group takes, so that some are left behind, and then nothing new for a while.
  const late = Array.from({ length: groupFirst + 5 }, (_, i) => commits.submit(filing(`late-${i}`)))
  nowMs += 100 // they have waited too long
  release()
  hold()
  await first
  await expect.poll(() => groups.length).toBe(2)
  nowMs += 2 * standingQueueMs // and still do
  release()
  const kinds = (await Promise.all(late)).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'accepted')).toHaveLength(groupFirst)
  expect(kinds.slice(-5)).toEqual(Array(5).fill('shed'))
  expect(groups.flat()).toHaveLength(groupFirst + 1)
})

test('where groups fail for the time that they take, smaller ones are accepted', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] })
  try {
    const sizes: number[] = []
    const { acceptGroup } = observedCommit()
    let eachMs = 90
    const commits = committer(
      async (filings) => {
        sizes.push(filings.length)
        const tookMs = eachMs * filings.length
        await new Promise((resolve) => setTimeout(resolve, Math.min(tookMs, acceptStatementMsMax)))
        if (tookMs > acceptStatementMsMax) throw new Error('the statement took too long')
        return acceptGroup(filings)
      },
      () => true,
    )
    const submit = async (count: number, name: string) => {
      const all = Promise.all(
        Array.from({ length: count }, (_, i) => commits.submit(filing(`${name}-${i}`))),
      )
      await vi.advanceTimersByTimeAsync(60_000)
      const kinds = (await all).map(({ kind }) => kind)
      return kinds.filter((kind) => kind === 'accepted').length
    }
    expect(await submit(60, 'slow')).toBe(0)
    expect(await submit(60, 'again')).toBe(60)
    expect(sizes).toEqual([60, 60, 30, 30])
    eachMs = 1
    expect(await submit(2_000, 'quick')).toBe(2_000)
    expect(sizes.slice(4)).toEqual([40, 160, 640, 1_000, 160])
  } finally {
    vi.useRealTimers()
  }
})
