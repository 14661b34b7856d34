import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Part } from '../../src/declaration/part.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import type { GroupResult } from '../../src/journal/accept.ts'
import { CommitTimes } from '../../src/journal/commit-times.ts'
import type { Filing } from '../../src/journal/filing.ts'
import { GroupCommit } from '../../src/journal/group-commit.ts'
import {
  conflictWith,
  type Expectation,
  findCurrentDeclaration,
} from '../../src/journal/latest-declaration.ts'
import { findReplacedFaults } from '../../src/journal/replaced.ts'
import { declare, filingOf, type Journal, openJournal } from '../support/journal.ts'
import { waitFor } from '../support/wait.ts'

let journal: Journal
beforeAll(async () => {
  journal = await openJournal()
})
afterAll(() => journal.close())

/** Another declaration of the same employer and period. */
function another(of: Declaration, more: Partial<Declaration> = {}): Declaration {
  return { ...declare({ employer: of.employer, lines: 3 }), ...more }
}

function cancellationOf(of: Declaration, replaces: string): Declaration {
  const { employer, period, region } = of
  return { employer, period, region, kind: 'cancellation', replaces }
}

const alone = (declaration: Declaration, key: string): Filing =>
  filingOf(declaration, key, undefined, 'nothingStands')

const isFresh = (result: GroupResult, { id }: Filing) => result.acceptances.get(id)?.fresh === true

test('a regular one is refused where a declaration stands, with what stands; nothing of it is stored', async () => {
  const first = alone(declare({ lines: 2 }), 'first')
  const second = alone(another(declare(), { employer: first.employer }), 'second')
  const beside = alone(declare(), 'beside')
  const write = journal.openWriter()
  await write([first])
  const result = await write([second, beside])
  expect(result.standing.get(second.id)).toEqual({
    id: first.id,
    kind: 'regular',
    digest: journal.keyring.salts.digestOf(first.id, first.digest),
    salted: true,
    acceptedAtMicros: first.acceptedAtMicros,
    lines: 2,
    isOf: expect.any(Function),
  })
  expect([isFresh(result, second), isFresh(result, beside)]).toEqual([false, true])
  expect(result.acceptances.has(second.id)).toBe(false)
  const { rows } = await journal.pool.query('select from journal.acceptance where id = $1', [
    second.id,
  ])
  expect(rows).toHaveLength(0)
})

test('a replay gets its receipt whatever stands by now, and other content under its key is a conflict', async () => {
  const declaration = declare()
  const filing = alone(declaration, 'mine')
  const correction = filingOf(
    another(declaration, { kind: 'correction', replaces: filing.id }),
    'correction',
  )
  const write = journal.openWriter()
  const first = await write([filing])
  await write([correction])
  const committer = new GroupCommit({
    times: new CommitTimes(),
    targetMs: () => 10_000,
    acceptGroup: journal.openWriter(),
    isTransient: () => false,
    onCommitted: () => {},
  })
  const again = await committer.submit(filing)
  expect(again).toMatchObject({
    kind: 'replayed',
    acceptance: { receipt: first.acceptances.get(filing.id)?.receipt },
  })
  const conflicting = await committer.submit(alone(another(declaration), 'mine'))
  expect(conflicting.kind).toBe('conflicting')
  expect(await committer.submit(alone(declaration, 'other'))).toMatchObject({
    kind: 'standing',
    sameContent: false,
    standing: { id: correction.id },
  })
})

test('the same content under another key is told as filed already', async () => {
  const declaration = declare()
  const committer = new GroupCommit({
    times: new CommitTimes(),
    targetMs: () => 10_000,
    acceptGroup: journal.openWriter(),
    isTransient: () => false,
    onCommitted: () => {},
  })
  await committer.submit(alone(declaration, 'one-key'))
  expect(await committer.submit(alone(declaration, 'another-key'))).toMatchObject({
    kind: 'standing',
    sameContent: true,
  })
})

test('after a cancellation a regular one is welcome, and stands then', async () => {
  const declaration = declare()
  const [first, second, third] = ['1', '2', '3'].map((key) => alone(another(declaration), key))
  const write = journal.openWriter()
  await write([first as Filing])
  await write([filingOf(cancellationOf(declaration, first?.id ?? ''), 'cancel')])
  expect(await findCurrentDeclaration(journal.pool, declaration)).toBeUndefined()
  expect(isFresh(await write([second as Filing]), second as Filing)).toBe(true)
  expect((await write([third as Filing])).standing.get(third?.id ?? '')?.id).toBe(second?.id)
  expect((await findCurrentDeclaration(journal.pool, declaration))?.id).toBe(second?.id)
})

test('two of one group race: both are accepted', async () => {
  const declaration = declare()
  const both = [alone(another(declaration), 'a'), alone(another(declaration), 'b')]
  const result = await journal.openWriter()(both)
  expect(both.map((filing) => isFresh(result, filing))).toEqual([true, true])
})

/** Until so many have looked at the journal and wait for a lock on it. */
async function waitForCommits(count: number): Promise<void> {
  await waitFor(`${count} commits to wait`, async () => {
    const { rows } = await journal.database.owner.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    )
    return rows.length === count
  })
}

test('two of two writers race where neither can see the other’s commit: both are accepted', async () => {
  const declaration = declare()
  const holder = await journal.database.owner.connect()
  await holder.query('begin; lock table journal.acceptance in share mode')
  const slow = alone(another(declaration), 'slow')
  const quick = alone(another(declaration), 'quick')
  const underWay = [journal.openWriter()([slow])]
  await waitForCommits(1)
  underWay.push(journal.openWriter()([quick]))
  await waitForCommits(2)
  await holder.query('commit')
  holder.release()
  const [one, other] = await Promise.all(underWay)
  expect(isFresh(one as GroupResult, slow) && isFresh(other as GroupResult, quick)).toBe(true)
  const next = alone(another(declaration), 'next')
  // The later by sequence, whichever of them committed last.
  expect((await journal.openWriter()([next])).standing.get(next.id)?.id).toBe(quick.id)
})

test('parts stand for nothing and meet each other nowhere; their head stands for all', async () => {
  const declaration = declare({ lines: 6 })
  const lines = declaration.lines ?? []
  const head = filingOf(declaration, 'file')
  const part = (number: number): Part => ({ of: head.id, number, count: 3 })
  const filings = [1, 2, 3].map((number) => ({
    ...filingOf(
      { ...declaration, lines: lines.slice(2 * number - 2, 2 * number) },
      number === 3 ? 'file' : `file/part ${number}`,
      part(number),
      'nothingStands',
    ),
    ...(number === 3 && { lines: 6 }),
  }))
  const write = journal.openWriter()
  const results = [await write(filings.slice(0, 1)), await write(filings.slice(1))]
  expect(results.map(({ standing }) => standing.size)).toEqual([0, 0])
  expect(await findCurrentDeclaration(journal.pool, declaration)).toMatchObject({
    id: head.id,
    lines: 6,
  })
  const other = declare({ lines: 2 })
  const one = filingOf(other, 'f/part 1', { of: 'another', number: 1, count: 2 })
  await write([one])
  expect(await findCurrentDeclaration(journal.pool, other)).toBeUndefined()
})

test('a correction of what its employer and period does not have is refused, once accepted a replay', async () => {
  const [declaration, other] = [declare(), declare()]
  const first = alone(declaration, 'first')
  const ofAnother = alone(other, 'first')
  const correction = (replaces: string, key: string) =>
    filingOf(another(declaration, { kind: 'correction', replaces }), key, undefined, { replaces })
  const [good, bad] = [correction(first.id, 'good'), correction(ofAnother.id, 'bad')]
  const write = journal.openWriter()
  await write([first, ofAnother])
  const result = await write([good, bad])
  expect([...result.replacesWrongly]).toEqual([[bad.id, { code: 'REPLACES_NOTHING' }]])
  expect([isFresh(result, good), result.acceptances.has(bad.id)]).toEqual([true, false])
  const again = await journal.openWriter()([good])
  expect([again.replacesWrongly.size, again.acceptances.get(good.id)?.fresh]).toEqual([0, false])
})

test('a correction or cancellation of what another one replaced is refused with what stands', async () => {
  const declaration = declare()
  const first = alone(declaration, 'first')
  const naming = (replaces: string, key: string) =>
    filingOf(another(declaration, { kind: 'correction', replaces }), key, undefined, { replaces })
  const second = naming(first.id, 'second')
  const write = journal.openWriter()
  await write([first])
  await write([second])
  const [stale, next] = [naming(first.id, 'stale'), naming(second.id, 'next')]
  const voiding = filingOf(cancellationOf(declaration, first.id), 'void', undefined, {
    replaces: first.id,
  })
  const { standing, replacesWrongly, envelope } = await write([stale, voiding])
  expect([stale, voiding].map(({ id }) => standing.get(id)?.id)).toEqual([second.id, second.id])
  expect([replacesWrongly.size, envelope]).toEqual([0, undefined])
  // Those that race are accepted; so is a retry of what was accepted, whatever stands by now.
  const racing = naming(second.id, 'racing')
  const result = await write([next, racing])
  expect([next, racing].map((filing) => isFresh(result, filing))).toEqual([true, true])
  expect((await write([second])).acceptances.get(second.id)?.fresh).toBe(false)
  const cancellation = filingOf(cancellationOf(declaration, racing.id), 'cancel', undefined, {
    replaces: racing.id,
  })
  expect(isFresh(await write([cancellation]), cancellation)).toBe(true)
  // Nothing stands, so nothing is lost.
  expect(isFresh(await write([stale]), stale)).toBe(true)
})

describe('declarations of an employer and period to the agencies of two regions', () => {
  const inWuhu = (of: Declaration, more: Partial<Declaration> = {}) =>
    another(of, { region: '340200', ...more })

  test('each stands in its own alone, and so does its cancellation', async () => {
    const declaration = declare()
    const [first, second] = [alone(declaration, 'first'), alone(inWuhu(declaration), 'second')]
    const write = journal.openWriter()
    await write([first])
    expect(isFresh(await write([second]), second)).toBe(true)
    const again = [alone(another(declaration), 'again'), alone(inWuhu(declaration), 'again too')]
    const { standing } = await write(again)
    expect(again.map(({ id }) => standing.get(id)?.id)).toEqual([first.id, second.id])
    const cancellation = cancellationOf({ ...declaration, region: '340200' }, second.id)
    await write([filingOf(cancellation, 'cancel')])
    expect((await findCurrentDeclaration(journal.pool, declaration))?.id).toBe(first.id)
    expect(await findCurrentDeclaration(journal.pool, inWuhu(declaration))).toBeUndefined()
  })

  test('a correction that names one of the other region is refused with that region', async () => {
    const declaration = declare()
    const first = alone(declaration, 'first')
    const write = journal.openWriter()
    await write([first])
    const replaces = first.id
    const correction = inWuhu(declaration, { kind: 'correction', replaces })
    const filing = filingOf(correction, 'correction', undefined, { replaces })
    const fault = { code: 'REPLACES_OTHER_REGION', params: { region: '340100' } }
    const { replacesWrongly, envelope } = await write([filing])
    expect([...replacesWrongly]).toEqual([[filing.id, fault]])
    expect(envelope).toBeUndefined()
    const { employer, period } = declaration
    const of = (region: string) => ({ employer, period, region, replaces })
    const nothing = { ...of('340200'), replaces: 'nothing' }
    const asked = [of('340100'), of('340200'), nothing]
    expect(await findReplacedFaults(journal.pool, asked)).toEqual([
      undefined,
      fault,
      { code: 'REPLACES_NOTHING' },
    ])
  })

  test('what an earlier program accepted may be of any until it is posted, and is then of its own', async () => {
    const declaration = declare()
    const filing = alone(declaration, 'first')
    const write = journal.openWriter()
    const { envelope } = await write([filing])
    const forget = 'update journal.acceptance set region = null where id = $1'
    await journal.database.owner.query(forget, [filing.id])
    const replaces = filing.id
    const second = alone(inWuhu(declaration), 'second')
    const correction = filingOf(
      inWuhu(declaration, { kind: 'correction', replaces }),
      'correction',
      undefined,
      { replaces },
    )
    expect((await write([second])).standing.get(second.id)?.id).toBe(filing.id)
    await journal.post(envelope as bigint)
    expect((await write([correction])).replacesWrongly.size).toBe(1)
    expect(isFresh(await write([second]), second)).toBe(true)
    expect((await findCurrentDeclaration(journal.pool, declaration))?.id).toBe(filing.id)
  })
})

test('what was merged with the latest declaration is refused once that one is of no more there', async () => {
  const declaration = declare()
  const filing = alone(declaration, 'first')
  const write = journal.openWriter()
  const { envelope } = await write([filing])
  const forget = 'update journal.acceptance set region = null where id = $1'
  await journal.database.owner.query(forget, [filing.id])
  const correction = { region: '340200', kind: 'correction', replaces: filing.id } as const
  const expects = { latest: filing.id }
  // Until an earlier program's declaration is posted it may be of any region: the check met it here.
  const [merged, late] = ['merged', 'late'].map((key) =>
    filingOf(another(declaration, correction), key, undefined, expects),
  ) as [Filing, Filing]
  await journal.post(envelope as bigint)
  const { standing, acceptances, envelope: stored } = await write([merged])
  expect([...standing].map(([id, { id: met }]) => [id, met])).toEqual([[merged.id, filing.id]])
  expect([acceptances.size, stored]).toEqual([0, undefined])
  const other = alone(another(declaration, { region: '340200' }), 'other')
  await write([other])
  expect((await write([late])).standing.get(late.id)?.id).toBe(other.id)
  // Who expects nothing finds nothing, and is accepted.
  const beside = filingOf(declare(), 'beside', undefined, { latest: undefined })
  expect(isFresh(await write([beside]), beside)).toBe(true)
})

test('a reassessment does not stand', async () => {
  const declaration = declare()
  await journal.openWriter()([{ ...filingOf(declaration, 'order'), kind: 'reassessment' }])
  expect(await findCurrentDeclaration(journal.pool, declaration)).toBeUndefined()
})

test('each expectation refuses what its table says', () => {
  const stands = {
    id: 'a',
    kind: 'correction',
    digest: Buffer.alloc(32),
    salted: true,
    acceptedAtMicros: 10,
  }
  const latest = { ...stands, lines: 3 }
  const cancelled = { ...latest, kind: 'cancellation' }
  const since = (nothingAfterMicros: number, and: 'anything' | 'nothingStands') => ({
    nothingAfterMicros,
    and,
  })
  const table: readonly [Expectation, refusedForOne: boolean, refusedForCancellation: boolean][] = [
    ['anything', false, false],
    ['nothingStands', true, false],
    [{ latest: 'a' }, false, false],
    [{ latest: 'b' }, true, true],
    [{ latest: undefined }, true, true],
    [since(10, 'anything'), false, false],
    [since(9, 'anything'), true, true],
    [since(10, 'nothingStands'), true, false],
    [since(9, 'nothingStands'), true, true],
    [{ replaces: 'a' }, false, false],
    [{ replaces: 'b' }, true, false],
    [{ nothingAfterMicros: 10, and: { replaces: 'a' } }, false, false],
    [{ nothingAfterMicros: 10, and: { replaces: 'b' } }, true, false],
    [{ nothingAfterMicros: 9, and: { replaces: 'a' } }, true, true],
  ]
  for (const [expects, one, cancellation] of table) {
    expect(conflictWith(expects, undefined), JSON.stringify(expects)).toBeUndefined()
    expect(conflictWith(expects, latest)).toBe(one ? latest : undefined)
    expect(conflictWith(expects, cancelled)).toBe(cancellation ? cancelled : undefined)
  }
})
