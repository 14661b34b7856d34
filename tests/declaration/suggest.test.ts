/** What is suggested is what was meant, or nothing: it passes as it is, and nobody would see a slip. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { meantAmount } from '../../src/declaration/meant-amount.ts'
import {
  categories,
  changes,
  declarationKinds,
  flexibleMedical,
  identityTypes,
  wagePattern,
} from '../../src/declaration/schema.ts'
import { suggestOneOf, suggestText } from '../../src/declaration/suggest.ts'

const amount = (filed: unknown) => suggestText('wage', filed, new RegExp(wagePattern))

test.each([
  ['6500,50', '6500.50'],
  ['4227,00', '4227.00'],
  ['6500,00', '6500.00'],
  ['6,500.00元', '6500.00'],
  ['1,500', '1500'],
  ['1.500,00', '1500.00'],
  ['1.234,50', '1234.50'],
  ['1 500,00', '1500.00'],
  ['1\u00a0500,00', '1500.00'],
  ['1\u202f500', '1500'],
  ["1'500.00", '1500.00'],
  ['1’500.00', '1500.00'],
  ['６，５００．５０', '6500.50'],
  ['￥ 12,345,678.9 元', '12345678.9'],
  ['RMB 6500', '6500'],
])('%s is %s', (filed, meant) => {
  expect(amount(filed)).toBe(meant)
})

/** A digit may be lost, a mark may be either: each may be another amount. */
test.each([
  '13,75',
  '6500,5',
  '6,5',
  '1,23',
  '1.500',
  '0,500',
  '6,50,0',
  '65 00',
  '1,500 000',
  '1.500.00',
  '1,500,00',
  '6500元50',
  '6500 50',
  '6,5000',
  '-6500',
  '(6500)',
  '6500.001',
  '6500-7200',
  '6.5万',
])('of %s nothing is suggested', (filed) => {
  expect(amount(filed)).toBeUndefined()
})

const groupMarks = [',', ' ', "'", '’', '.', '\u00a0']

test('an amount written in any way is suggested as that amount, or not at all', () => {
  const fen = fc.oneof(
    fc.integer({ min: 1, max: 99_999 }),
    fc.integer({ min: 1, max: 10 ** 11 - 1 }),
  )
  fc.assert(
    fc.property(
      fen,
      fc.constantFrom('', ...groupMarks),
      fc.constantFrom('.', ','),
      fc.constantFrom('', '¥', '￥ ', 'CNY '),
      fc.constantFrom('', '元', ' 元', ' '),
      (filedFen, group, point, before, after) => {
        if (group === point) return
        const [yuan, decimals] = [Math.floor(filedFen / 100), filedFen % 100]
        const grouped = String(yuan).replace(/\B(?=(\d{3})+$)/g, group)
        const text = `${before}${grouped}${point}${String(decimals).padStart(2, '0')}${after}`
        const meant = amount(text)
        if (meant === undefined) return
        expect(meant, text).toBe(`${yuan}.${String(decimals).padStart(2, '0')}`)
      },
    ),
    { numRuns: 3_000 },
  )
})

/** Marks, digits and what is around an amount, put together by chance. */
const scribble = fc
  .array(
    fc.constantFrom(...'0123456789', ...'0123456789', ',', '.', ' ', "'", '元', '¥', '-', '%'),
    {
      minLength: 1,
      maxLength: 14,
    },
  )
  .map((characters) => characters.join(''))

test('no suggestion changes a digit, and the point stays where a mark stood', () => {
  fc.assert(
    fc.property(scribble, (text) => {
      const meant = amount(text)
      if (meant === undefined) return
      const digits = (one: string) => one.replace(/[^0-9]/g, '')
      expect(digits(meant), text).toBe(digits(text))
      const [, decimals = ''] = meant.split('.')
      // Behind the last mark of what was filed are as many digits, or three, which are thousands.
      const behind = /[.,](\d+)[^\d.,]*$/.exec(text)?.[1] ?? ''
      if (decimals === '') expect([0, 3], text).toContain(behind.length)
      else expect(behind, text).toBe(decimals)
    }),
    { numRuns: 5_000 },
  )
})

test('a suggestion for an amount is its own', () => {
  fc.assert(
    fc.property(scribble, (text) => {
      const meant = meantAmount(text)
      if (meant !== undefined) expect(meantAmount(meant)).toBe(meant)
    }),
  )
})

const day = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/
const month = /^[0-9]{4}-(0[1-9]|1[0-2])$/

test.each([
  ['date', '2025111', undefined],
  ['date', '20251101', '2025-11-01'],
  ['date', '2025-1101', undefined],
  ['date', '2025年7月3日', '2025-07-03'],
  ['date', '2025/7/3', '2025-07-03'],
  ['period', '20251', undefined],
  ['period', '2025.1', undefined],
  ['period', 2025.1, undefined],
  ['period', '2025.2', '2025-02'],
  ['period', '2025.10', '2025-10'],
  ['period', '2025/1', '2025-01'],
  ['period', '202511', '2025-11'],
  ['period', '2025年1月', '2025-01'],
] as const)('as %s, %s is %s', (field, filed, meant) => {
  expect(suggestText(field, filed, field === 'date' ? day : month)).toBe(meant)
})

test('a day or month that is suggested has the digits of what was filed, zeros aside', () => {
  const digits = fc.array(fc.constantFrom(...'0123456789', '-', '/', '.', '年', '月', '日'), {
    minLength: 5,
    maxLength: 11,
  })
  fc.assert(
    fc.property(digits, fc.constantFrom('date', 'period'), (characters, field) => {
      const text = `20${characters.join('')}`
      const meant = suggestText(field, text, field === 'date' ? day : month)
      if (meant === undefined) return
      const bare = (one: string) => one.replace(/[^0-9]/g, '')
      if (/^[0-9]+$/.test(text)) expect(bare(meant), text).toBe(text)
      else {
        const numbers = (one: string) =>
          one
            .split(/[^0-9]+/)
            .filter(Boolean)
            .map(Number)
        if (/^[0-9]{4}\D/.test(text)) expect(numbers(meant), text).toEqual(numbers(text))
      }
    }),
    { numRuns: 5_000 },
  )
})

test('of choices, a slip is never a digit: the tier 110 is not 100', () => {
  expect(suggestOneOf('110', ['60', '100', '300'])).toBeUndefined()
  expect(suggestOneOf('tier-1', ['tier-2', 'tier-10'])).toBeUndefined()
  expect(suggestOneOf('ride-haling', ['ride-hailing', 'delivery'])).toBe('ride-hailing')
})

test('of choices, the one suggested is the only one as near', () => {
  const lists = [categories, changes, declarationKinds, flexibleMedical, identityTypes]
  const slip = fc.record({
    list: fc.constantFrom<readonly string[]>(...lists),
    index: fc.nat(4),
    at: fc.nat(20),
    letter: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz-', ''),
    removed: fc.nat(2),
  })
  fc.assert(
    fc.property(slip, ({ list, index, at, letter, removed }) => {
      const one = list[index % list.length] as string
      const text = one.slice(0, at) + letter + one.slice(at + removed)
      const meant = suggestOneOf(text, list)
      // Two slips or fewer from one of them: never another one.
      if (meant !== undefined) expect(meant, text).toBe(one)
    }),
    { numRuns: 3_000 },
  )
})
