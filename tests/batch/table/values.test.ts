import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { columnNames } from '../../../src/batch/table/columns.ts'
import {
  choiceWords,
  readAmount,
  readChoice,
  readDay,
  readIndustryClass,
  readPeriod,
} from '../../../src/batch/table/values.ts'

test('every word for a choice means one value of its field', () => {
  for (const [field, choices] of Object.entries(choiceWords)) {
    for (const [value, words] of Object.entries(choices)) {
      for (const word of [value, ...(words as readonly string[])]) {
        expect(readChoice(field as keyof typeof choiceWords, ` ${word}`), `${field} ${word}`).toBe(
          value,
        )
      }
    }
  }
})

test.each([
  ['category', 'EMPLOYEE', 'employee'],
  ['category', '职 工', 'employee'],
  ['idType', 'Resident ID', 'resident-id'],
  ['change', '(增员)', 'join'],
  ['change', '借调', '借调'],
] as const)('as %s, %s is %s', (field, word, value) => {
  expect(readChoice(field, word)).toBe(value)
})

test.each([
  ['6500.00', '6500.00'],
  ['6,500.00', '6500.00'],
  ['￥6,500', '6500'],
  ['¥ 1,234,567.8', '1234567.8'],
  ['６５００．００', '6500.00'],
  ['6500元', '6500'],
  [' 6500 ', '6500'],
  ['6,50', '6,50'],
  ['65,00.00', '65,00.00'],
  ['六千五', '六千五'],
  ["'-5", '-5'],
  ['-5', '-5'],
])('the amount %j is %j: nothing is guessed', (cell, amount) => {
  expect(readAmount(cell)).toBe(amount)
})

test('a cell of nothing but spaces takes no time', () => {
  const spaces = `1${' '.repeat(100_000)}1`
  const before = process.threadCpuUsage()
  expect(readAmount(spaces)).toBe(spaces)
  // CPU time, so that other processes don't count.
  expect(process.threadCpuUsage(before).user / 1_000).toBeLessThan(500)
})

test.each([
  ['2025-08', '2025-08'],
  ['202508', '2025-08'],
  ['2025年8月', '2025-08'],
  ['2025/8', '2025-08'],
  ['2025.08', '2025-08'],
  ['２０２５－０８', '2025-08'],
  ['2025-08-31', '2025-08'],
  ['2025年08月01日', '2025-08'],
  ['2025.10', '2025-10'],
  ['2025.1', '2025.1'], // a number 2025.10 looks like this
  ['2025-13', '2025-13'],
  ['8月', '8月'],
  ['', ''],
])('the period %j is %j', (cell, period) => {
  expect(readPeriod(cell)).toBe(period)
})

test.each([
  ['2025-07-03', '2025-07-03'],
  ['2025/7/3', '2025-07-03'],
  ['20250703', '2025-07-03'],
  ['2025年7月3日', '2025-07-03'],
  ['7月3日', '7月3日'],
])('the day %j is %j', (cell, day) => {
  expect(readDay(cell)).toBe(day)
})

test.each([
  ['二类', 2],
  ['第3类', 3],
  ['3.0', 3],
  ['高', '高'],
])('the industry class %j is %j', (cell, value) => {
  expect(readIndustryClass(cell)).toBe(value)
})

test('the published list has every name of a column and every word for a value', () => {
  const list = readFileSync(new URL('../../../src/batch/README.md', import.meta.url), 'utf8')
  for (const [field, names] of Object.entries(columnNames)) {
    const known = names.filter((name) => name !== field).join('、')
    expect(list).toContain(`| \`${field}\` | ${known} |`)
  }
  for (const [field, choices] of Object.entries(choiceWords)) {
    for (const [value, words] of Object.entries<readonly string[]>(choices)) {
      expect(list).toContain(`| \`${field}\` | \`${value}\` | ${words.join('、')} |`)
    }
  }
})
