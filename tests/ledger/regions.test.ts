/** An employer with branches in two regions: what is in force in one has nothing to do with the other. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Declaration } from '../../src/declaration/schema.ts'
import type { Filing } from '../../src/journal/filing.ts'
import { recordPacks } from '../../src/journal/policy-packs.ts'
import { findPersons } from '../../src/ledger/previous.ts'
import { findStanding, listStandings } from '../../src/ledger/status.ts'
import { declare, filingOf, type Journal, openJournal, policies } from '../support/journal.ts'
import { policiesOf } from '../support/packs.ts'
import { reassess, withFloor } from '../support/reassess.ts'

let journal: Journal
beforeAll(async () => {
  journal = await openJournal()
  await recordPacks(journal.pool, policies)
})
afterAll(() => journal.close())

const inWuhu = { region: '340200' }

async function file(declaration: Declaration, key: string, post = true): Promise<string> {
  const filing: Filing = filingOf(declaration, key)
  const { envelope } = await journal.openWriter()([filing])
  if (post) await journal.post(envelope as bigint)
  return filing.id
}

async function statusesOf(ids: readonly string[]) {
  const found = await Promise.all(ids.map((id) => findStanding(journal.pool, id)))
  return found.map((standing) => standing?.status)
}

const cancellationOf = (of: Declaration, replaces: string): Declaration => {
  const { employer, period, region } = of
  return { employer, period, region, kind: 'cancellation', replaces }
}

test('both are in force; a correction and a cancellation are of their own region alone', async () => {
  const hefei = declare({ lines: 2 })
  const wuhu = declare({ employer: hefei.employer, lines: 3 }, inWuhu)
  const ids = [await file(hefei, 'hefei'), await file(wuhu, 'wuhu')]
  expect(await statusesOf(ids)).toEqual(['posted', 'posted'])
  const [first = '', second = ''] = ids
  const corrected = { ...wuhu, kind: 'correction', replaces: second } as const
  const correction = await file(corrected, 'correction')
  expect(await statusesOf([...ids, correction])).toEqual(['posted', 'superseded', 'posted'])
  expect((await findStanding(journal.pool, second))?.after?.id).toBe(correction)
  expect((await findStanding(journal.pool, first))?.after).toBeUndefined()
  const cancellation = await file(cancellationOf(hefei, first), 'cancellation')
  expect(await statusesOf([...ids, correction, cancellation])).toEqual([
    ...['cancelled', 'superseded', 'posted', 'posted'],
  ])
  expect(await findPersons(journal.pool, hefei)).toBeUndefined()
  expect((await findPersons(journal.pool, wuhu))?.size).toBe(
    wuhu.lines?.filter((line) => !('change' in line) || line.change !== 'leave').length,
  )
})

test('a list is of all regions, or of the one that is asked for, also before anything is posted', async () => {
  const hefei = declare()
  const { employer, period } = hefei
  const ids = [
    await file(hefei, 'hefei', false),
    await file({ ...hefei, ...inWuhu }, 'wuhu', false),
  ]
  const list = async (region?: string) => {
    const asked = { employer, period, region, before: undefined, limit: 10 }
    const found = await listStandings(journal.pool, asked)
    return found.map(({ id, region }) => [id, region])
  }
  const [first, second] = ids
  expect(await list()).toEqual([
    [second, '340200'],
    [first, '340100'],
  ])
  expect(await list('340100')).toEqual([[first, '340100']])
  expect(await list('340200')).toEqual([[second, '340200']])
})

test('parts of one region come into force beside the other region’s', async () => {
  const whole = declare({ lines: 4 }, inWuhu)
  const lines = whole.lines ?? []
  const { id: of } = filingOf(whole, 'wuhu')
  const other = await file(declare({ employer: whole.employer }), 'hefei')
  const parts = [1, 2].map((number) =>
    filingOf(
      { ...whole, lines: lines.slice(2 * number - 2, 2 * number) },
      number === 2 ? 'wuhu' : 'wuhu/part 1',
      { of, number, count: 2 },
    ),
  )
  for (const part of parts) {
    const { envelope } = await journal.openWriter()([part])
    await journal.post(envelope as bigint)
  }
  expect(await statusesOf([of, other])).toEqual(['posted', 'posted'])
})

test('a region is reassessed alone, whatever is in force or waits in the other', async () => {
  const period = '2024-09'
  const hefei = declare({ period, lines: 2 })
  const [first = {}] = hefei.lines ?? []
  const poor = { ...hefei, lines: [{ ...first, wage: '3000.00' }] } as Declaration
  const ids = [await file(poor, 'hefei'), await file({ ...poor, ...inWuhu }, 'wuhu')]
  const later = policiesOf(withFloor('4400'))
  const { changes, skipped } = await reassess(journal, later, { from: period, to: period })
  expect([changes.length, skipped]).toEqual([1, []])
  expect(await statusesOf(ids)).toEqual(['posted', 'posted'])
  const reassessed = await Promise.all(ids.map((id) => findStanding(journal.pool, id)))
  expect(reassessed.map((standing) => standing?.reassessed)).toEqual([true, false])
})
