import { expect, test } from 'vitest'
import { cellOf, fileFinding, writeFileFinding } from '../../../src/batch/findings/file-findings.ts'
import { type Field, fields } from '../../../src/batch/table/columns.ts'
import { columnsRead } from '../../../src/batch/table/header.ts'
import { writeInSheetWords } from '../../../src/batch/table/sheet-words.ts'
import { choiceWords } from '../../../src/batch/table/values.ts'
import { catalogue } from '../../../src/declaration/catalogue/catalogue.ts'
import type { CatalogueEntry } from '../../../src/declaration/catalogue/entry.ts'
import { checkDeclaration } from '../../../src/declaration/check.ts'
import { idOf, inline, persons, readCsv, readXlsx, rowOf, sheetOf, workbookOf } from '../support.ts'

/** The message for a line of a table that is wrong in one field. */
async function toldOf(titles: string, cells: string) {
  const reading = await readCsv(
    `姓名,证件号码,${titles}\n${persons[0]?.name},${idOf(0)},${cells}\n`,
  )
  const body = { ...reading.rows[0]?.header, kind: 'regular', lines: reading.lines }
  const { findings } = checkDeclaration(body, { today: '2025-08-20', keptMax: 9 })
  return [...findings.faults()].map(({ field, code, params, suggestion }) =>
    writeInSheetWords({
      code,
      place: { row: 2, pointer: field },
      params: { ...params, ...(suggestion !== undefined && { suggestion }) },
    }),
  )
}

test.each([
  ['申报工资,变动情况', '6500,借调', '无、增员、减员'],
  ['申报工资,参保类别', '6500,外包', '职工、灵活就业、新就业形态'],
  ['申报工资,证件类型', '6500,军官证', '居民身份证、港澳台居民居住证、外国人永久居留身份证'],
  ['参保类别,缴费档次,医疗保险', '灵活就业,60,随便', '有个人账户、无个人账户、不参加'],
])(
  'what is allowed in %s is told in the sheet’s own words, in both languages',
  async (titles, cells, words) => {
    const told = await toldOf(titles, cells)
    const { message } = told.find(({ message: one }) => one['zh-CN'].includes('只能是')) ?? {}
    expect(message?.['zh-CN']).toContain(words)
    expect(message?.en).toContain(words.replaceAll('、', ', '))
    expect(JSON.stringify(told)).not.toMatch(/none|join|leave|employee|resident-id|account/)
  },
)

test('a suggestion is what is to be written in the cell, by its column', () => {
  const suggest = (pointer: string, suggestion: string) =>
    writeInSheetWords({
      code: 'VALUE_NOT_ALLOWED',
      place: { row: 2, pointer },
      params: { suggestion },
    }).suggestion
  expect(suggest('/change', 'join')).toBe('增员')
  expect(suggest('/change', 'none')).toBe('无')
  expect(suggest('/medical', 'none')).toBe('不参加')
  expect(suggest('/wage', '6500.00')).toBe('6500.00')
  expect(suggest('/person/idType', 'resident-id')).toBe('居民身份证')
})

const values = Object.values(choiceWords).flatMap((words) => Object.keys(words))
const apiWords = new Set<string>([...fields, ...values])
const ofLines = Object.entries<CatalogueEntry>(catalogue).filter(([, { field }]) =>
  field.startsWith('/lines'),
)

test('there are findings of lines to be told', () => {
  expect(ofLines.length).toBeGreaterThan(10)
})

test.each(ofLines)('%s names no field or value of the API to who fills in a sheet', (code) => {
  const { message, fix } = writeInSheetWords(
    fileFinding(code as 'VALUE_NOT_ALLOWED', { row: 2 }, {}),
  )
  const text = `${message['zh-CN']} ${fix['zh-CN']}`.replace(/\{\w+\}/g, '')
  expect(text.match(/[a-zA-Z-]+/g)?.filter((word) => apiWords.has(word)) ?? []).toEqual([])
  expect(fix.en).not.toMatch(/\bset (change|medical|category|idType) to/i)
})

test('an API’s findings keep the API’s words', () => {
  const finding = fileFinding(
    'VALUE_NOT_ALLOWED',
    { row: 2, pointer: '/lines/0/change' },
    { allowed: 'none' },
  )
  expect(writeFileFinding(finding).message.en).toContain('none')
})

test('what was recognised of a header is told column by column, and what was not', async () => {
  const { header } = await readCsv('姓名,部门,身份证,工资,实发\n')
  const { message } = writeFileFinding(columnsRead(header as NonNullable<typeof header>))
  expect(message).toEqual({
    'zh-CN':
      '表头在第 1 行。读取的列：A（姓名） → 姓名、C（身份证） → 证件号码、D（工资） → 申报工资。未读取的列：B（部门）、E（实发）。',
    en: 'The header is in row 1. Columns read: A（姓名） → name, C（身份证） → idNumber, D（工资） → wage. Not read: B（部门）, E（实发）.',
  })
})

test('a finding about one cell names it as a spreadsheet does, and its sheet', async () => {
  expect(cellOf({ row: 3, column: 'AB（申报工资）' })).toBe('AB3')
  expect(cellOf({ row: 3, column: 'C' })).toBe('C3')
  expect([cellOf({ row: 3 }), cellOf({ column: 'C' })]).toEqual([undefined, undefined])
  const titles = rowOf(...['姓名', '证件号码', '申报工资', '部门'].map(inline))
  const line = rowOf(inline('王伟'), inline(idOf(0)), '<c><v>1</v></c>')
  const reading = await readXlsx(await workbookOf(sheetOf(titles, line)))
  expect(reading.findings.map(({ place }) => place)).toEqual([
    { sheet: 'S', row: 1, column: 'D（部门）' },
  ])
  const known: readonly Field[] = fields
  expect(known).toContain('wage')
})
