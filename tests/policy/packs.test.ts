import { expect, test } from 'vitest'
import { isPeriod } from '../../src/declaration/period.ts'
import type { Dated } from '../../src/policy/pack.ts'
import { packs } from '../../src/policy/packs.ts'

const lists = packs.flatMap(({ region, limits, rates, workInjury }) => [
  { name: `limits of ${region}`, rows: limits },
  { name: `pension of ${region}`, rows: rates.pension },
  { name: `medical of ${region}`, rows: rates.medical },
  { name: `unemployment of ${region}`, rows: rates.unemployment },
  { name: `work injury of ${region}`, rows: workInjury },
])

test.each(lists)('$name: rows are in order, do not overlap, and name their sources', ({ rows }) => {
  let last = ''
  for (const { from, to, sources } of rows as readonly (Dated & { sources: readonly object[] })[]) {
    expect(isPeriod(from)).toBe(true)
    expect(from > last).toBe(true)
    if (to !== undefined) expect(isPeriod(to) && to >= from).toBe(true)
    last = to ?? '9999-12'
    expect(sources.length).toBeGreaterThan(0)
    for (const source of sources) expect(source).toHaveProperty('title')
  }
})

test('limits are transcribed, floor below ceiling, and only verified ones are there', () => {
  const [hefei] = packs
  expect(hefei?.limits.map(({ from, to, floor, ceiling }) => [from, to, floor, ceiling])).toEqual([
    ['2019-08', '2020-06', '3017.01', '15085.05'],
    ['2021-01', '2021-12', '3429.11', '17925.42'],
    ['2024-01', '2024-12', '4227', '21133'],
  ])
  for (const { limits } of packs) {
    for (const { floor, ceiling } of limits) expect(Number(floor)).toBeLessThan(Number(ceiling))
  }
})

test('a pack says what is not verified, and that its deadline is assumed', () => {
  const [hefei] = packs
  expect(hefei?.gaps.length).toBeGreaterThan(0)
  expect(hefei?.calendar).toMatchObject({ status: 'assumed', refuseLate: false })
  expect(hefei?.workInjury[0]?.employerByClass).toHaveLength(8)
})
