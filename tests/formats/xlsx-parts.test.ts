/**
 * The parts of a workbook as other programs write them: names in another case, text in UTF-16.
 */
import { expect, test } from 'vitest'
import { persons, readXlsx, written } from '../batch/support.ts'
import { archiveOf, type Parts, workbookParts } from './archive.ts'

const parts = workbookParts([
  ['姓名', '证件号码', '申报工资', '变动', '所属期'],
  ...persons.slice(0, 2).map(({ name, idNumber }) => [name, idNumber, 6_500, '无', 45_870]),
])
const filed = persons
  .slice(0, 2)
  .map((person) => ({ person, category: 'employee', wage: '6500', change: 'none' }))

const renamed = (from: string, to: string): Parts =>
  Object.fromEntries(Object.entries(parts).map(([name, text]) => [name.replace(from, to), text]))

// box/spout#441 and #418: relations say sharedStrings.xml, the archive has SharedStrings.xml.
test.each([
  ['shared texts', 'sharedStrings', 'SharedStrings'],
  ['a sheet', 'sheet1', 'Sheet1'],
  ['the workbook', 'workbook.xml', 'WorkBook.xml'],
  ['styles', 'styles.xml', 'STYLES.XML'],
  ['a folder', 'xl/', 'Xl/'],
  ['relations', '_rels/.rels', '_Rels/.RELS'],
])('%s under a name in another case are the same part', async (_, from, to) => {
  const reading = await readXlsx(archiveOf(renamed(from, to)))
  expect(reading.lines).toEqual(filed)
  expect(reading.rows.map(({ header }) => header.period)).toEqual(['2025-08', '2025-08'])
})

test('two parts whose names differ by case alone are not guessed between', async () => {
  const twice = { ...parts, 'xl/SharedStrings.xml': parts['xl/sharedStrings.xml'] as string }
  expect((await readXlsx(archiveOf(twice))).codes).toEqual(['FILE_BROKEN'])
})

test('a workbook without the styles that it names is refused: its days would be numbers', async () => {
  const { 'xl/styles.xml': _, ...without } = parts
  expect((await readXlsx(archiveOf(without))).codes).toEqual(['FILE_BROKEN'])
})

/** XML with the declaration that such parts have. */
function wide(text: string, order: 'LE' | 'BE', mark: boolean): Buffer {
  const whole = `${mark ? '\ufeff' : ''}<?xml version="1.0" encoding="UTF-16"?>${text}`
  const bytes = Buffer.from(whole, 'utf16le')
  return order === 'LE' ? bytes : bytes.swap16()
}

// EPPlus#1388, office_oxide#229; ECMA-376-2 (9.1.4) allows UTF-8 and UTF-16.
test.each([
  ['LE', true],
  ['BE', true],
  ['LE', false],
  ['BE', false],
] as const)('parts in UTF-16%s are read, with a mark: %s', async (order, mark) => {
  const all = Object.fromEntries(
    Object.entries(parts).map(([name, text]) => [name, wide(text, order, mark)]),
  )
  expect((await readXlsx(archiveOf(all))).lines).toEqual(filed)
})

test('a part in UTF-16 that is cut in a character is damaged', async () => {
  const sheet = wide(parts['xl/worksheets/sheet1.xml'] as string, 'LE', true)
  const cut = { ...parts, 'xl/worksheets/sheet1.xml': sheet.subarray(0, -1) }
  expect((await readXlsx(archiveOf(cut))).codes).toContain('FILE_BROKEN')
})

test('a part in another encoding is told with its name, not as damaged', async () => {
  const strings = `<?xml version="1.0" encoding="GBK"?>${parts['xl/sharedStrings.xml']}`
  const reading = await readXlsx(archiveOf({ ...parts, 'xl/sharedStrings.xml': strings }))
  expect(written(reading, 'FILE_PART_ENCODING').message.en).toContain('is in GBK')
})

test('a part whose bytes were changed is named', async () => {
  const whole = archiveOf(parts, /sharedStrings/)
  whole[whole.indexOf(`<t>${persons[0]?.idNumber}`) + 9] = 0x78
  const reading = await readXlsx(whole)
  expect(reading.codes).toEqual(['FILE_CHECKSUM'])
  expect(written(reading, 'FILE_CHECKSUM').message.en).toContain('xl/sharedStrings.xml')
})
