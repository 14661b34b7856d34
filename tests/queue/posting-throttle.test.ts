/** Posting gives way to acceptance while its commits are slow, and no longer. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCommitMs } from '../../src/journal/reading/unposted.ts'
import {
  throttleEveryMs,
  throttleHoldMs,
  throttleRestMs,
  throttleShareMin,
  throttleTrialMs,
} from '../../src/limits.ts'
import { PostingThrottle, startPostingThrottle } from '../../src/queue/posting-throttle.ts'
import { declare, filingOf, type Journal, openJournal } from '../support/journal.ts'
import { waitFor } from '../support/wait.ts'

let journal: Journal
beforeAll(async () => {
  journal = await openJournal()
})
afterAll(() => journal.close())

/** Looks at commits that take so long, one after another; returns the share after each. */
function look(
  giveWay: PostingThrottle,
  commitMs: readonly (number | undefined)[],
  fromMs = 0,
): number[] {
  return commitMs.map((ms, i) => {
    giveWay.observe(ms, fromMs + i * throttleEveryMs)
    return giveWay.share
  })
}

test('the share shrinks while commits are slow, to a fifth, and grows when they are fast again', () => {
  const giveWay = new PostingThrottle(25)
  const slow = look(giveWay, [10, 10, 24, 26, 60, 40, 40, 40, 40, 40, 40, 40, 19])
  expect(slow.slice(3, 6).map((share) => share.toFixed(2))).toEqual(['1.00', '0.67', '0.44'])
  expect(Math.min(...slow)).toBe(throttleShareMin)
  expect(slow.at(-1)).toBeGreaterThan(throttleShareMin)
  const fast = look(giveWay, Array(20).fill(5), 10_000)
  expect(fast.at(-1)).toBe(1)
})

test('a single slow commit is no reason', () => {
  const giveWay = new PostingThrottle(25)
  expect(look(giveWay, [5, 5, 5, 80, 5, 5, 5, 5])).toEqual(Array(8).fill(1))
})

test('when nothing is being accepted, posting goes back to full speed', () => {
  const giveWay = new PostingThrottle(25)
  look(giveWay, Array(8).fill(100))
  expect(giveWay.share).toBeLessThan(1)
  expect(look(giveWay, Array(20).fill(undefined), 2_000).at(-1)).toBe(1)
})

test('what giving way does not mend, it does not go on for: it rests, then tries again', () => {
  const giveWay = new PostingThrottle(25)
  const looks = Math.ceil((throttleTrialMs + throttleRestMs) / throttleEveryMs)
  const shares = look(giveWay, Array(looks).fill(80))
  expect(Math.min(...shares)).toBe(throttleShareMin)
  const yielding = shares.filter((share) => share < 1).length * throttleEveryMs
  expect(yielding).toBeLessThan(2 * throttleTrialMs)
  expect(look(giveWay, Array(12).fill(80), 2 * throttleRestMs).at(-1)).toBeLessThan(1)
})

test('where commits become shorter by it, giving way goes on, and is tried again now and then', () => {
  const giveWay = new PostingThrottle(25)
  const looks = Math.ceil(throttleHoldMs / throttleEveryMs)
  const shares = look(giveWay, [...Array(4).fill(80), ...Array(looks - 4).fill(40)])
  expect(shares.at(-1)).toBe(throttleShareMin)
  // It looks at full speed, and they are as long as with waiting: it was not posting after all.
  const later = look(giveWay, Array(looks).fill(40), throttleHoldMs)
  expect(later.at(-1)).toBe(1)
})

test('how long commits take is read from what waits to be posted', async () => {
  const accept = journal.openWriter()
  expect(await readCommitMs(journal.pool)).toBeUndefined()
  await accept([filingOf(declare(), 'first')])
  const blocker = await journal.database.owner.connect()
  await blocker.query('begin; lock table journal.acceptance in exclusive mode')
  const slow = accept([filingOf(declare(), 'slow')])
  await waitFor('the commit to wait', async () => {
    const { rows } = await journal.database.owner.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%insert into journal.acceptance%'
       and query_start < now() - interval '400 milliseconds'`,
    )
    return rows.length > 0
  })
  await blocker.query('rollback')
  blocker.release()
  await slow
  const { envelope } = await accept([filingOf(declare(), 'after')])
  expect(await readCommitMs(journal.pool)).toBeGreaterThan(150) // of 400 and a fast one

  const shares: number[] = []
  const givingWay = startPostingThrottle(new PostingThrottle(25), {
    readCommitMs: () => readCommitMs(journal.pool),
    onChange: (share) => shares.push(share),
  })
  const taking = (ms: number) => () => new Promise((resolve) => setTimeout(resolve, ms))
  await waitFor('posting to give way', async () => {
    await givingWay.run(taking(40))
    return shares.at(-1) === throttleShareMin
  })
  // A fifth of the time: four times as long as a posting takes, it waits.
  const began = performance.now()
  await givingWay.run(async () => {})
  expect(performance.now() - began).toBeGreaterThan(80)

  // What is posted is no sign any more, and an older commit tells nothing of now.
  await journal.post(envelope as bigint)
  await journal.database.owner.query(
    "update journal.unposted set committed_at = now() - interval '1 minute'",
  )
  expect(await readCommitMs(journal.pool)).toBeUndefined()
  await waitFor('posting to go on', () => shares.at(-1) === 1)
  givingWay.stop()
})
