import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readXlsxRows } from '../../src/batch/table/xlsx-rows.ts'
import { writeXlsx } from '../../src/formats/xlsx-writer.ts'
import { writeZip } from '../../src/formats/zip-writer.ts'
import {
  collect,
  endlessSource,
  idOf,
  inline,
  persons,
  readAll,
  readXlsx,
  rowOf,
  sheetOf,
  sourceOf,
  workbookOf,
  written,
} from '../batch/support.ts'

/** Files that LibreOffice saved. */
const saved = (name: string) => readFileSync(new URL(`../batch/files/${name}`, import.meta.url))

const header = ['姓名', '证件号码', '申报工资', '变动', '所属期']
const filed = (i: number, wage: string, change = 'none') => ({
  person: persons[i],
  category: 'employee',
  wage,
  change,
})

const titles = rowOf(...header.map(inline))
const good = rowOf(inline('王伟'), inline(idOf(0)), '<c><v>6500</v></c>')

async function rowsOf(file: Uint8Array) {
  const rows = []
  for await (const batch of readXlsxRows(sourceOf(file))) rows.push(...batch.rows)
  return rows
}

describe('a workbook that a spreadsheet saved', () => {
  test('texts, numbers, formulas, dates: each line as the sheet shows it', async () => {
    const reading = await readXlsx(saved('plain.xlsx'))
    expect(reading.lines).toEqual([
      filed(0, '6500'),
      filed(1, '8123.45', 'join'),
      filed(2, '7150', 'leave'),
    ])
    expect(reading.rows.map(({ row, header: of }) => [row, of.period])).toEqual([
      [3, '2025-08'],
      [4, '2025-08'],
      [5, '2025-08'],
    ])
    expect(reading.positions.at(-1)?.rows).toMatchObject({ sheet: '申报' })
    expect(reading.codes.sort()).toEqual([
      'CELL_FORMULA',
      'NOTE_SKIPPED',
      'SHEET_HIDDEN',
      'SHEET_IGNORED',
      'TOTALS_SKIPPED',
    ])
    expect(written(reading, 'CELL_FORMULA').message.en).toContain('row 5, column C')
    expect(written(reading, 'SHEET_HIDDEN').message['zh-CN']).toContain('“旧数据”')
  })

  test.each(['plain.csv', 'plain-gb18030.tsv'])('the same table saved as %s', async (name) => {
    const reading = await readAll(sourceOf(saved(name)))
    expect(reading.rows.map(({ row }) => row)).toEqual([3, 4, 5])
    expect(reading.lines[2]).toEqual(filed(2, '7150', 'leave'))
    // A date in the order of its country, which is ambiguous.
    expect(reading.codes).toEqual([
      'TOTALS_SKIPPED',
      'NOTE_SKIPPED',
      'FIELD_FORMAT',
      'FIELD_FORMAT',
    ])
  })

  test('each fault is told with its row and column, and the other rows are read', async () => {
    const reading = await readXlsx(saved('faults.xlsx'))
    const faults = reading.rows.map(({ row, findings }) => [
      row,
      ...findings.map(({ code }) => code),
    ])
    expect(faults).toEqual([[2, 'NUMBER_LOST_DIGITS'], [3, 'CELL_ERROR_VALUE'], [4], [5], [6], [7]])
    expect(written(reading, 'CELL_ERROR_VALUE').message.en).toBe(
      'Row 3, column C（申报工资） is a formula error (#N/A).',
    )
    expect(written(reading, 'CELLS_MERGED').message.en).toContain('D5:D6')
    expect(written(reading, 'ROW_HIDDEN')).toMatchObject({ severity: 'warning', place: { row: 7 } })
  })

  test('two sheets with lines are not guessed between', async () => {
    const reading = await readXlsx(saved('two-sheets.xlsx'))
    expect(reading.codes).toEqual(['SHEETS_SEVERAL'])
    expect(written(reading, 'SHEETS_SEVERAL').message['zh-CN']).toBe(
      '工作表“在职”和“灵活”都有明细。',
    )
  })

  test('an empty workbook is told', async () => {
    expect((await readXlsx(saved('empty.xlsx'))).codes).toEqual(['FILE_EMPTY'])
  })
})

describe('a file that is no workbook to read', () => {
  test.each([
    ['an old one', saved('plain.xls'), 'FILE_LEGACY_SPREADSHEET'],
    ['one with a password', saved('password.xlsx'), 'FILE_PASSWORD'],
    ['one of OpenDocument', saved('empty.ods'), 'FILE_NOT_WORKBOOK'],
    ['a PDF', Buffer.from('%PDF-1.7\n'), 'FILE_KIND_UNKNOWN'],
    ['half of one', saved('plain.xlsx').subarray(0, 4_000), 'FILE_BROKEN'],
    ['nothing', Buffer.alloc(0), 'FILE_EMPTY'],
  ])('%s is refused with how to save it', async (_, file, code) => {
    const reading = await readXlsx(file)
    expect(reading.codes).toEqual([code])
    expect(written(reading, code).fix['zh-CN']).not.toBe('')
  })

  test('another archive, and one with macros', async () => {
    const zip = await collect(writeZip([{ name: 'a.txt', content: ['x'] }]))
    expect((await readXlsx(zip)).codes).toEqual(['FILE_NOT_WORKBOOK'])
    const macros = await workbookOf(sheetOf(titles, good), { parts: { 'xl/vbaProject.bin': 'x' } })
    expect((await readXlsx(macros)).codes).toEqual(['FILE_MACROS'])
  })

  test('of a large one no more is read than says that it is none', async () => {
    let pieces = 0
    const large = endlessSource(async function* () {
      for (; pieces < 1_000; pieces += 1) yield Buffer.alloc(65_536, 'PK')
    })
    expect((await readAll(large, { format: 'xlsx' })).codes).toEqual(['FILE_BROKEN'])
    expect(pieces).toBeLessThan(10)
  })

  test('a sheet with nothing but its header is empty', async () => {
    expect((await readXlsx(await workbookOf(sheetOf(titles)))).codes).toEqual(['FILE_EMPTY'])
  })

  test('a file that ends anywhere too early is refused', async () => {
    const whole = saved('plain.xlsx')
    for (let length = 2; length < whole.length; length += 101) {
      const { codes, lines } = await readXlsx(whole.subarray(0, length))
      expect([length, codes, lines]).toEqual([length, ['FILE_BROKEN'], []])
    }
  })

  test('any file with a byte changed is read or refused, and never throws', async () => {
    const whole = saved('plain.xlsx')
    for (let at = 0; at < whole.length; at += 7) {
      const broken = Buffer.from(whole)
      broken[at] = (broken[at] as number) ^ 0xff
      const { codes, lines } = await readXlsx(broken)
      expect(codes.length + lines.length).toBeGreaterThan(0)
    }
  })
})

describe('cells', () => {
  const cellsOf = async (row: string, options = {}) =>
    (await rowsOf(await workbookOf(sheetOf(row), options))).flatMap(({ cells }) => cells)

  test('texts shared, in pieces, with how they are pronounced, and with escapes', async () => {
    const strings =
      '<sst><si><t>姓名</t></si><si><r><rPr><b/></rPr><t>王</t></r><r><t xml:space="preserve"> 伟</t></r><rPh><t>wang</t></rPh></si><si><t>a_x000D_&#10;&amp;&lt;</t></si></sst>'
    const row = rowOf(
      ...[0, 1, 2].map((i) => `<c t="s"><v>${i}</v></c>`),
      inline('<![CDATA[<x>]]>'),
    )
    const parts = { 'xl/strings.xml': strings }
    expect(await cellsOf(row, { parts })).toEqual(['姓名', '王 伟', 'a\r\n&<', '<x>'])
  })

  test('a boolean is a word', async () => {
    const row = '<row><c t="b"><v>1</v></c><c t="b"><v>0</v></c></row>'
    expect(await cellsOf(row)).toEqual(['TRUE', 'FALSE'])
  })

  test.each([
    ['6500', '6500'],
    ['8123.4499999999998', '8123.45'],
    ['7150.000000000001', '7150'],
    ['6500.125', '6500.125'],
    ['1.1010519491231E+17', '110105194912310000'],
    ['-5', '-5'],
    ['1e-7', '0'],
  ])('the number %s is %s', async (value, text) => {
    expect(await cellsOf(`<row><c><v>${value}</v></c></row>`)).toEqual([text])
  })

  const styles = (code: string) => ({
    parts: {
      'xl/styles.xml': `<styleSheet><numFmts><numFmt numFmtId="170" formatCode="${code}"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/></cellXfs></styleSheet>`,
    },
  })
  test.each([
    [1, '', '2025-08-01'],
    [2, 'yyyy&quot;年&quot;m&quot;月&quot;', '2025-08-01'],
    [2, '[$-804]mmm\\-yy', '2025-08-01'],
    [2, '#,##0.00&quot;yd&quot;', '45870'],
    [2, 'General', '45870'],
    [0, '', '45870'],
  ])('a day as a number with style %i %s is %s', async (style, code, text) => {
    const row = `<row><c s="${style}"><v>45870</v></c></row>`
    expect(await cellsOf(row, styles(code))).toEqual([text])
  })

  test('days are counted from 1904 where the workbook says so', async () => {
    const { parts } = styles('')
    const book = {
      'xl/workbook.xml':
        '<workbook xmlns:r="x"><workbookPr date1904="1"/><sheets><sheet name="S" sheetId="1" r:id="a"/></sheets></workbook>',
    }
    const row = '<row><c s="1"><v>44408</v></c></row>'
    expect(await cellsOf(row, { parts: { ...parts, ...book } })).toEqual(['2025-08-01'])
  })

  test('a formula without a result is told; one with an empty text is a blank', async () => {
    const wage = (cell: string) => rowOf(inline('王伟'), inline(idOf(0)), cell)
    const sheet = sheetOf(titles, wage('<c><f>A1</f></c>'), wage('<c t="str"><f>""</f><v></v></c>'))
    const reading = await readXlsx(await workbookOf(sheet))
    expect(written(reading, 'CELL_FORMULA_EMPTY').place).toEqual({
      row: 2,
      column: 'C（申报工资）',
    })
    expect(reading.lines.map((line) => line !== undefined)).toEqual([false, true])
  })

  test('an error in a column that is not read does no harm', async () => {
    const sheet = sheetOf(
      rowOf(...[...header, '备注'].map(inline)),
      rowOf(
        inline('王伟'),
        inline(idOf(0)),
        '<c r="C2"><v>1</v></c>',
        '<c r="F2" t="e"><v>#REF!</v></c>',
      ),
    )
    const reading = await readXlsx(await workbookOf(sheet))
    expect(reading.codes).toEqual(['COLUMN_UNKNOWN'])
    expect(reading.lines).toHaveLength(1)
  })

  test('prefixes of names and attributes in quotes of either kind are read', async () => {
    const sheet =
      "<?xml version='1.0' encoding='UTF-8'?><!-- a > b --><x:worksheet><x:sheetData><x:row r='3'><x:c r='B3' t='str' q='>'><x:v>a</x:v></x:c></x:row></x:sheetData></x:worksheet>"
    expect(await rowsOf(await workbookOf(sheet))).toEqual([{ row: 3, cells: ['', 'a'] }])
  })

  test('a cell beyond the last column ends the reading, a blank one does not', async () => {
    const cell = (ref: string, value: string) => `<row><c r="${ref}" s="1">${value}</c></row>`
    expect(await rowsOf(await workbookOf(sheetOf(cell('XFD1', ''))))).toEqual([])
    const reading = await readXlsx(await workbookOf(sheetOf(cell('XFD1', '<v>1</v>'))))
    expect(reading.codes).toEqual(['COLUMNS_TOO_MANY'])
  })
})

test('a file in pieces of any size is read', async () => {
  const file = await workbookOf(sheetOf(titles, good))
  for (const pieceBytes of [1, 100]) {
    const reading = await readAll(sourceOf(file, pieceBytes), { format: 'xlsx' })
    expect(reading.lines).toHaveLength(1)
  }
})

test('reading a workbook goes on behind any batch', async () => {
  const rows = Array.from({ length: 5_000 }, (_, i) => ['王伟', idOf(i % 40), `${i}`])
  const file = await collect(
    writeXlsx([{ name: '申报', widths: [], headerRows: 1, rows: [header, ...rows] }]),
  )
  const all = await readXlsx(file)
  expect(all.rows).toHaveLength(5_000)
  expect(all.positions.length).toBeGreaterThan(2)
  for (const position of all.positions) {
    const rest = await readXlsx(file, { from: JSON.parse(JSON.stringify(position)) })
    expect(rest.rows).toEqual(all.rows.slice(position.lines))
  }
})
