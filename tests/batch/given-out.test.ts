import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { writeFileFinding } from '../../src/batch/findings/file-findings.ts'
import { countKnownTitles } from '../../src/batch/table/columns.ts'
import {
  amendedBatchOf,
  type ErrorsFileRow,
  type Fault,
  writeErrorsFile,
} from '../../src/batch/table/errors-file.ts'
import { writeTemplate } from '../../src/batch/table/template.ts'
import { readXlsxRows } from '../../src/batch/table/xlsx-rows.ts'
import { checkDeclaration } from '../../src/declaration/check.ts'
import { categories } from '../../src/declaration/schema.ts'
import { guardCell, restoreCell } from '../../src/formats/cell-guard.ts'
import { readCsvRows } from '../../src/formats/csv-rows.ts'
import { writeCsv } from '../../src/formats/csv-writer.ts'
import { writeXlsx } from '../../src/formats/xlsx-writer.ts'
import { Zip } from '../../src/formats/zip.ts'
import { writtenTextsMax } from '../../src/limits.ts'
import { idOf, persons, readAll, readCsv, sourceOf } from './support.ts'

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

async function partOf(workbook: Buffer, part: string): Promise<string> {
  const zip = await Zip.open(sourceOf(workbook))
  return (await collect(zip.read(part))).toString()
}

const formats = ['csv', 'xlsx'] as const
const starts = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']

describe('cells that a spreadsheet would change', () => {
  test.each(starts)('%j gets an apostrophe in CSV, and loses it when read', (start) => {
    for (const cell of [`${start}1+1`, `'${start}1`, `''${start}1`]) {
      expect(guardCell(cell)).toBe(`'${cell}`)
      expect(restoreCell(guardCell(cell))).toBe(cell)
    }
  })

  test('a long number gets one too: opened without it, its last digits would be lost', () => {
    expect(guardCell('340103197211061255')).toBe("'340103197211061255")
    expect(restoreCell("'340103197211061255")).toBe('340103197211061255')
    expect(guardCell('34010319721106125X')).toBe('34010319721106125X')
    expect(guardCell('6500.00')).toBe('6500.00')
  })

  test.each(["王'=", "'王", '王', ''])('%j is left as it is', (cell) => {
    expect(guardCell(cell)).toBe(cell)
    expect(restoreCell(cell)).toBe(cell)
  })

  test('no cell of a written CSV begins like a formula, whatever its quotes', async () => {
    const rows = [starts.map((start) => `${start}cmd|'/c calc'!A1`), ['a,b', 'c"d', ' e', 'f\ng']]
    const text = (await collect(writeCsv(rows))).toString()
    expect(text).not.toMatch(/(^|[,\n])"?[=+\-@\t\r＝＋－＠]/)
    expect(text).toMatch(/^\ufeff'=cmd/)
    expect(text).toMatch(/\r\n"a,b","c""d"," e","f\ng"\r\n$/)
  })

  test('what looks like an escape of workbooks is written so that it is read as it was', async () => {
    const rows = [
      ['姓名', '证件号码'],
      ['_x0041_', '_x005F_x000D_'],
      ['a\rb', '\u0001_x_'],
    ]
    const read = []
    const book = await collect(writeXlsx([{ name: 'a', widths: [], headerRows: 1, rows }]))
    for await (const batch of readXlsxRows(sourceOf(book))) read.push(...batch.rows)
    expect(read.map(({ cells }) => cells)).toEqual(rows)
  })

  test('any table written as CSV or as a workbook is read as the same table', async () => {
    const character = fc.constantFrom(...'=+-@\'"\t\r\n,;中＝𠮷_x0041_ &<>\u0001'.match(/./gsu)!)
    const cell = fc.string({ unit: fc.oneof(character, fc.string({ minLength: 1, maxLength: 1 })) })
    const table = fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), {
      minLength: 1,
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(table, async (filed) => {
        const rows = [
          ['name', 'idNumber', 'wage'],
          ...filed.flatMap((row) => [row, row]).map((row) => ['x', ...row]),
        ].map((row) => row.map((one) => one.toWellFormed()))
        const csv = sourceOf(await collect(writeCsv(rows)))
        const book = await collect(writeXlsx([{ name: 'a', widths: [], headerRows: 1, rows }]))
        const read = []
        for await (const batch of readCsvRows(csv, countKnownTitles)) read.push(...batch.rows)
        expect(read.map(({ cells }) => cells.map(restoreCell))).toEqual(rows)
        const ofBook = []
        for await (const batch of readXlsxRows(sourceOf(book))) ofBook.push(...batch.rows)
        const filled = ofBook.map(({ cells }, i) =>
          (rows[i] as string[]).map((_, column) => restoreCell(cells[column] ?? '')),
        )
        expect(filled).toEqual(rows)
      }),
      { numRuns: 100 },
    )
  })
})

test('what rows of a workbook repeat is in it once, and what they do not, in each', async () => {
  const told = 'This must be an amount in yuan. '
  const rows = Array.from({ length: 3_000 }, (_, i) => [told, `${Math.floor(i / 2)}`, `${i}`])
  const book = await collect(writeXlsx([{ name: 'a', widths: [], headerRows: 0, rows }]))
  const read = []
  for await (const batch of readXlsxRows(sourceOf(book))) read.push(...batch.rows)
  expect(read.map(({ cells }) => cells)).toEqual(rows)
  const [sheet, texts] = await Promise.all([
    partOf(book, 'xl/worksheets/sheet1.xml'),
    partOf(book, 'xl/sharedStrings.xml'),
  ])
  expect(sheet.split(told)).toHaveLength(2)
  expect(texts.split(told)).toHaveLength(2)
  expect(texts.split('<si>').length - 1).toBe(writtenTextsMax)
  expect(texts.length).toBeLessThan(writtenTextsMax * 100)
})

describe('the file of errors', () => {
  const batch = '5b0f4c1e-8f5d-4c57-9c5b-0d9ce2a4f1aa'
  const file = `标题\n部门,姓名,证件号码,申报工资,变动\n研发,${persons[0]?.name},${idOf(0)},6500,无\n=cmd,${persons[1]?.name},1.1E+17,"6,500",借调\n,-王伟,${idOf(2)},x,\n`

  /**
   * The errors file, from the faults of rows and those that the check finds in lines, as the worker
   * writes it.
   */
  async function errorsOf(format: 'csv' | 'xlsx') {
    const { header, rows } = await readCsv(file)
    const refused: ErrorsFileRow[] = rows.flatMap(({ row, cells, line, findings }) => {
      const { findings: ofLine } = checkDeclaration(
        { lines: [line] },
        { today: '2025-08-20', keptMax: 9 },
      )
      const faults: Fault[] =
        line === undefined
          ? findings.map(writeFileFinding)
          : [...ofLine.written()].filter(({ pointer }) => pointer.startsWith('/lines/0'))
      return faults.length === 0 ? [] : [{ row, cells, faults }]
    })
    if (header === undefined) throw new Error('no header')
    return collect(writeErrorsFile({ format, batch, header, rows: refused }))
  }

  test.each(formats)(
    'as %s has the original columns, and what is wrong in both languages',
    async (format) => {
      const bytes = await errorsOf(format)
      const rows = []
      const source = sourceOf(bytes)
      const batches =
        format === 'csv' ? readCsvRows(source, countKnownTitles) : readXlsxRows(source)
      for await (const batch of batches) rows.push(...batch.rows)
      const [titles, first, second] = rows.map(({ cells }) => cells)
      expect(titles).toEqual([
        '部门',
        '姓名',
        '证件号码',
        '申报工资',
        '变动',
        `原行号（批次 ${batch}）`,
        '问题',
        '如何修改',
        '问题（英文）',
        '如何修改（英文）',
      ])
      expect(first?.slice(0, 6).map(restoreCell)).toEqual([
        '=cmd',
        persons[1]?.name,
        '1.1E+17',
        '6,500',
        '借调',
        '4',
      ])
      expect(first?.[6]).toContain('末几位已变成 0')
      expect(first?.[9]).toContain('format Text')
      expect(second?.[5]).toBe('5')
      expect(second?.[8]).toMatch(/amount in yuan/)
    },
  )

  test.each(formats)(
    'as %s, sent back as it is, it is an amendment of those rows',
    async (format) => {
      const reading = await readAll(sourceOf(await errorsOf(format)), { format })
      expect(reading.rows.map(({ position }) => position)).toEqual([4, 5])
      expect(reading.header && amendedBatchOf(reading.header)).toBe(batch)
      expect(reading.codes).toEqual(['COLUMN_UNKNOWN', 'NUMBER_LOST_DIGITS'])
      expect(reading.lines[1]).toMatchObject({ person: { name: '-王伟' }, wage: 'x' })
    },
  )

  test.each(['errors-saved-again.xlsx', 'errors-csv-saved-again.xlsx'])(
    '%s: one that LibreOffice opened and saved has the same values',
    async (name) => {
      const bytes = readFileSync(new URL(`files/${name}`, import.meta.url))
      const { rows, codes, lines } = await readAll(sourceOf(bytes), { format: 'xlsx' })
      expect(rows.map(({ position }) => position)).toEqual([2, 3])
      expect(codes).toEqual(['NUMBER_LOST_DIGITS'])
      expect(rows.map(({ cells }) => restoreCell(cells[0] as string))).toEqual([
        '=王伟',
        persons[1]?.name,
      ])
      expect(lines[1]).toMatchObject({ wage: '-6,500' })
    },
  )

  test('mended and refused again, its columns are not added twice', async () => {
    const { header, rows } = await readCsv(await errorsOf('csv'))
    if (header === undefined) throw new Error('no header')
    const again = rows.map(({ row, position, cells }) => ({
      ...{ row, position: String(position), cells, faults: [] },
    }))
    const bytes = await collect(writeErrorsFile({ format: 'csv', batch, header, rows: again }))
    const reading = await readCsv(bytes)
    expect(reading.header?.titles).toEqual(header.titles)
    expect(reading.rows.map(({ position }) => position)).toEqual([4, 5])
  })

  test('a row number that was changed to words is told; one that is blank is a new row', async () => {
    const line = `${persons[0]?.name},${idOf(0)},1`
    const reading = await readCsv(
      `姓名,证件号码,申报工资,原行号\n${line},三\n${line},\n${line},12\n`,
    )
    expect(reading.codes).toEqual(['POSITION_INVALID'])
    expect(reading.rows.map(({ position }) => position)).toEqual([undefined, undefined, 12])
  })
})

/** An example row with a person of one's own. */
const filledIn = (cells: readonly string[]) =>
  cells.map((cell) => (/^'?110100/.test(cell) ? idOf(0) : cell.replace('示例', '王')))

describe('the template', () => {
  test.each(categories.flatMap((category) => formats.map((format) => [category, format] as const)))(
    'for %s as %s is refused row by row as it is, and right but for its persons',
    async (category, format) => {
      const bytes = await collect(writeTemplate({ format, category }))
      const reading = await readAll(sourceOf(bytes), { format, defaults: {} })
      const codes = reading.codes.filter((code) => code !== 'SHEET_IGNORED')
      expect(codes).toEqual(['ROW_IS_EXAMPLE', 'ROW_IS_EXAMPLE'])
      expect(reading.lines).toEqual([undefined, undefined])
      expect(reading.rows[0]?.header).toMatchObject({ region: '340100', period: '2025-08' })
      const rows = reading.rows.map(({ cells }) => filledIn(cells).join(','))
      const own = await readCsv([reading.header?.titles.join(','), ...rows].join('\n'))
      for (const line of own.lines) {
        const body = {
          ...own.rows[0]?.header,
          kind: 'regular',
          lines: [line],
        }
        const { findings } = checkDeclaration(body, { today: '2025-08-20', keptMax: 9 })
        expect(findings.first(9)).toEqual([])
      }
    },
  )

  test('a workbook offers the words of choices, each of which is understood', async () => {
    const bytes = await collect(writeTemplate({ format: 'xlsx', category: 'employee' }))
    const sheet = await partOf(bytes, 'xl/worksheets/sheet1.xml')
    const lists = [...sheet.matchAll(/<formula1>&#34;([^<]+)&#34;<\/formula1>/g)]
    expect(lists.map(([, list]) => list)).toEqual([
      '居民身份证,港澳台居民居住证,外国人永久居留身份证',
      '职工,灵活就业,新就业形态',
      '无,增员,减员',
    ])
    for (const [, list = ''] of lists) expect(list.length).toBeLessThan(255)
    expect(sheet).toMatch(/sqref="B2:B10001"/)
    const notes = await partOf(bytes, 'xl/worksheets/sheet2.xml')
    for (const named of ['kind addition', 'kind 为 addition', 'npm run check-file', 'mode check'])
      expect(notes).toContain(named)
  })
})
