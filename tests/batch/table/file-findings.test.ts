import { expect, test } from 'vitest'
import {
  endsReading,
  fileCatalogue,
  fileFinding,
  severityOf,
  writeFileFinding,
} from '../../../src/batch/findings/file-findings.ts'
import { catalogue } from '../../../src/declaration/catalogue/catalogue.ts'
import type { CatalogueEntry } from '../../../src/declaration/catalogue/entry.ts'
import { columnLetters } from '../../../src/formats/findings.ts'
import { meaningOf } from '../../../src/intake/problems/meaning.ts'
import { problemKinds } from '../../../src/intake/problems/problem-kinds.ts'

const entries = Object.entries<CatalogueEntry>(fileCatalogue)
const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort()

test.each(entries)('%s is told in both languages, with the same placeholders', (code, entry) => {
  for (const text of [entry.title, entry.message, entry.fix]) {
    expect(text['zh-CN']).toMatch(/\p{Script=Han}/u)
    expect(text.en).not.toMatch(/\p{Script=Han}/u)
    expect(placeholders(text['zh-CN'])).toEqual(placeholders(text.en))
  }
  expect(code).toMatch(/^[A-Z][A-Z_]+$/)
})

test.each(entries)('%s can be looked up, and is no other catalogue’s code', (code, entry) => {
  expect(meaningOf(code)).toMatchObject({ code, title: entry.title })
  expect(code in catalogue || code in problemKinds).toBe(false)
})

test('a finding tells its place in its message, in both languages', () => {
  const finding = fileFinding('CELL_TOO_LONG', { row: 7, column: 'C（姓名）' }, { max: 4_000 })
  expect(writeFileFinding(finding)).toMatchObject({
    severity: 'error',
    message: {
      'zh-CN': '第 7 行 C（姓名） 列超过 4000 个字符。',
      en: 'Row 7, column C（姓名） has more than 4000 characters.',
    },
  })
  expect([severityOf(finding), endsReading(finding)]).toEqual(['error', false])
  expect(endsReading(fileFinding('FILE_BROKEN'))).toBe(true)
})

test('a fault of a declaration can be one of a row', () => {
  expect(writeFileFinding(fileFinding('USCC_LENGTH', { row: 3 })).legalBasis).toBe('GB 32100-2015')
})

test('columns have the letters that spreadsheets give them', () => {
  expect([0, 25, 26, 51, 52, 701, 702].map(columnLetters)).toEqual([
    'A',
    'Z',
    'AA',
    'AZ',
    'BA',
    'ZZ',
    'AAA',
  ])
})
