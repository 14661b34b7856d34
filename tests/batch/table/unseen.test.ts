/**
 * Cells as chats, spreadsheets and programs leave them: invisible characters are removed and reported,
 * in any table.
 */
import { expect, test } from 'vitest'
import { checkDeclaration } from '../../../src/declaration/check.ts'
import { defaults, idOf, readCsv, written } from '../support.ts'

const header = '姓名,证件号码,申报工资\n'
const lineOf = (line: object | undefined) => {
  const { person, wage } = line as { person: { name: string; idNumber: string }; wage: string }
  return [person.name, person.idNumber, wage]
}

function findingsOf(lines: readonly (object | undefined)[]) {
  const body = { ...defaults, kind: 'regular', lines }
  return checkDeclaration(body, { today: '2025-11-23', keptMax: 100 }).findings.first(100)
}

test.each(['\u200b', '\u200e', '\u202d', '\u2060', '\u00ad', '\ufeff', '\u2066', '\u180e'])(
  '%j is taken off names, numbers and amounts, and told with place and code point',
  async (unseen) => {
    const row = `王${unseen}伟,${unseen}${idOf(1)},6500${unseen}\n`
    const reading = await readCsv(`${header}${row}李娜,${idOf(2)},7200\n`)
    expect(reading.lines.map(lineOf)).toEqual([
      ['王伟', idOf(1), '6500'],
      ['李娜', idOf(2), '7200'],
    ])
    expect(findingsOf(reading.lines)).toEqual([])
    const code = `U+${unseen.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
    const told = reading.findings.map(({ code, place, params }) => [code, place, params])
    expect(told).toEqual([
      ['CELL_INVISIBLE', { row: 2, column: 'A（姓名）' }, { position: 2, character: code }],
      ['CELL_INVISIBLE', { row: 2, column: 'B（证件号码）' }, { position: 1, character: code }],
      ['CELL_INVISIBLE', { row: 2, column: 'C（申报工资）' }, { position: 5, character: code }],
    ])
    expect(written(reading, 'CELL_INVISIBLE')).toMatchObject({ severity: 'warning' })
    // The errors file returns the original text.
    expect(reading.rows[0]?.cells[0]).toBe(`王${unseen}伟`)
  },
)

test('a title with what nobody sees is the title', async () => {
  const reading = await readCsv(`\u200b姓名,证件\u00ad号码,申报工资\u202c\n王伟,${idOf(1)},6500\n`)
  expect(reading.codes).toEqual([])
  expect(reading.lines.map(lineOf)).toEqual([['王伟', idOf(1), '6500']])
})

test('a tab behind a pasted name is no part of it', async () => {
  const reading = await readCsv(`${header}"王伟\t",${idOf(1)},6500\n`)
  expect(findingsOf(reading.lines)).toEqual([])
})

test.each([
  ['#N/A', 'PERSON_PLACEHOLDER'],
  ['NULL', 'PERSON_PLACEHOLDER'],
  ['.', 'PERSON_PLACEHOLDER'],
  ['王\ufffd', 'NAME_CHARACTERS'],
  ['锟斤拷', 'NAME_CHARACTERS'],
])('the name %s refuses its row', async (name, code) => {
  const { lines } = await readCsv(`${header}${name},${idOf(1)},6500\n`)
  expect(findingsOf(lines)).toMatchObject([{ code, severity: 'error' }])
})

test.each([
  ['6500,50', '6500.50'],
  ['4227,00', '4227.00'],
  ['6500,00', '6500.00'],
  ['1.234,50', '1234.50'],
  ['6 500,50', '6500.50'],
  ['13,75', undefined],
  ['6500,5', undefined],
  ['6,5', undefined],
  ['1,23', undefined],
])(
  'in a file with semicolons the wage %s is refused, and %s suggested',
  async (wage, suggestion) => {
    const { lines } = await readCsv(`姓名;证件号码;申报工资\n王伟;${idOf(1)};${wage}\n`)
    expect(lines.map(lineOf)).toEqual([['王伟', idOf(1), wage]])
    const [found, ...others] = findingsOf(lines)
    expect([found?.code, found?.suggestion, others]).toEqual(['FIELD_FORMAT', suggestion, []])
  },
)

test.each(['#N/A', '#REF!', 'NULL', '-', '.'])('the wage %s stands for nothing', async (wage) => {
  const { lines } = await readCsv(`${header}王伟,${idOf(1)},${wage}\n`)
  expect(findingsOf(lines)).toMatchObject([{ code: 'TEXT_PLACEHOLDER' }])
})
