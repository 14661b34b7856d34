import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countKnownTitles } from '../../src/batch/table/columns.ts'
import { readCsvRows } from '../../src/formats/csv-rows.ts'
import type { CsvPosition, FileSource, Row } from '../../src/formats/rows.ts'
import { fileRowsMax } from '../../src/limits.ts'
import { endlessSource, idOf, readAll, readCsv, sourceOf, written } from '../batch/support.ts'

async function rowsOf(source: FileSource, from?: CsvPosition): Promise<Row[]> {
  const rows: Row[] = []
  for await (const batch of readCsvRows(source, countKnownTitles, from)) rows.push(...batch.rows)
  return rows
}

const cellsOf = async (text: string | Uint8Array, pieceBytes?: number) =>
  (await rowsOf(sourceOf(text, pieceBytes))).map(({ cells }) => cells)

/** `中文,王伟` and the like in GB18030, as spreadsheets in China save it. */
const chinese: Readonly<Record<string, number[]>> = {
  姓: [0xd0, 0xd5],
  名: [0xc3, 0xfb],
  证: [0xd6, 0xa4],
  件: [0xbc, 0xfe],
  号: [0xba, 0xc5],
  码: [0xc2, 0xeb],
  申: [0xc9, 0xea],
  报: [0xb1, 0xa8],
  工: [0xb9, 0xa4],
  资: [0xd7, 0xca],
  王: [0xcd, 0xf5],
  伟: [0xce, 0xb0],
  𠮷: [0x95, 0x34, 0xb2, 0x35],
}
const gb18030 = (text: string) =>
  Buffer.from([...text].flatMap((one) => chinese[one] ?? [...Buffer.from(one)]))

const header = '姓名,证件号码,申报工资\n'

describe('records', () => {
  test.each([
    ['a,b\nc,d\n', 'line feeds'],
    ['a,b\r\nc,d\r\n', 'carriage returns and line feeds'],
    ['a,b\rc,d\r', 'carriage returns'],
    ['a,b\r\nc,d', 'no line end at the end'],
    ['\ufeffa,b\nc,d\n', 'a byte-order mark'],
    ['"a","b"\n"c","d"\n', 'quotes around everything'],
    ['"a",b\nc,"d"\n', 'quotes around some'],
  ])('%j is two rows of two cells: %s', async (text) => {
    for (const pieceBytes of [1, 2, 3, 100]) {
      expect(await cellsOf(text, pieceBytes)).toEqual([
        ['a', 'b'],
        ['c', 'd'],
      ])
    }
  })

  test('quotes hold separators, line breaks and doubled quotes; one inside a cell is text', async () => {
    expect(await cellsOf('"a,1","b\r\n2","c ""3"""\n5" pipe,"d" ,\n')).toEqual([
      ['a,1', 'b\r\n2', 'c "3"'],
      ['5" pipe', 'd', ''],
    ])
  })

  test('a row is numbered as a spreadsheet shows it: blank rows count, line breaks in cells do not', async () => {
    const rows = await rowsOf(sourceOf('a,b\n\n,,\n"x\ny",z\nlast,1\n'))
    expect(rows.map(({ row }) => row)).toEqual([1, 4, 5])
  })

  test.each([',', ';', '\t'])('the separator %j is told by the header', async (separator) => {
    const line = ['王伟', idOf(0), '6500.00'].join(separator)
    const reading = await readCsv(
      `填报说明,第一行;是\t标题\n${header.replaceAll(',', separator)}${line}\n`,
    )
    expect(reading.lines).toEqual([
      {
        person: { idType: 'resident-id', idNumber: idOf(0), name: '王伟' },
        category: 'employee',
        wage: '6500.00',
        change: 'none',
      },
    ])
  })

  test('a block may end anywhere in a record, also between the two characters of a line end', async () => {
    const text = Array.from({ length: 10_000 }, (_, i) => `${i},"a""\r\nb"\r\n`).join('')
    for (let pieceBytes = 131_072; pieceBytes < 131_092; pieceBytes += 1) {
      const rows = await rowsOf(sourceOf(text, pieceBytes))
      expect(rows).toHaveLength(10_000)
      expect(rows.at(-1)).toEqual({ row: 10_000, cells: ['9999', 'a"\r\nb'] })
    }
  })

  test('any cells, written with quotes and read in pieces of any size, are the same cells', async () => {
    const cell = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'a,;"\t\n\r 中𠮷é='.match(/./gsu)!) }),
      fc.string({ unit: 'binary' }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 8 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.integer({ min: 1, max: 40 }),
        async (table, lineEnd, pieceBytes) => {
          const rows = table.map((row) => row.map((one) => one.toWellFormed().replaceAll('\0', '')))
          const text = rows
            .map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(','))
            .join(lineEnd)
          const read = await cellsOf(`\ufeff${text}`, pieceBytes)
          expect(read).toEqual(rows.filter((row) => row.some((one) => one !== '')))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('reading goes on at any position that a batch gave, with the same rows', async () => {
    const lines = Array.from({ length: 9_000 }, (_, i) => `王伟,"${i}\n",6500\n`)
    const source = sourceOf(header + lines.join(''), 30_000)
    const batches: { rows: readonly Row[]; next: CsvPosition }[] = []
    for await (const batch of readCsvRows(source, countKnownTitles)) batches.push(batch)
    const all = batches.flatMap(({ rows }) => rows)
    expect(batches.length).toBeGreaterThan(1)
    expect(all).toHaveLength(9_001)
    let read = 0
    for (const { rows, next } of batches) {
      read += rows.length
      const stored = JSON.parse(JSON.stringify(next)) as CsvPosition
      expect(await rowsOf(source, stored)).toEqual(all.slice(read))
    }
  })
})

describe('encodings', () => {
  test('GB18030 is recognised, also with a character cut between two pieces', async () => {
    const file = gb18030(`${header}王伟,1,6500\n𠮷,2,6500\n`)
    for (const pieceBytes of [1, 7, 1_000]) {
      expect(await cellsOf(file, pieceBytes)).toEqual([
        ['姓名', '证件号码', '申报工资'],
        ['王伟', '1', '6500'],
        ['𠮷', '2', '6500'],
      ])
    }
  })

  test('GB18030 after a long ASCII beginning, where a block ends within a name', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => `${i},王伟,6500\n`).join('')
    const file = gb18030(`name,idNumber,wage\n${'x,1,1\n'.repeat(30_000)}${rows}`)
    for (let pieceBytes = 140_000; pieceBytes < 140_016; pieceBytes += 1) {
      const reading = await rowsOf(sourceOf(file, pieceBytes))
      expect(reading).toHaveLength(50_001)
      expect(reading.at(-1)?.cells).toEqual(['19999', '王伟', '6500'])
    }
  })

  test.each([
    ['UTF-8 then GB18030', Buffer.from(`${header}王伟,1,1\n`), gb18030('王伟,2,2\n'), 'UTF-8'],
    [
      'GB18030 then UTF-8',
      gb18030(`${header}王伟,1,1\n`),
      Buffer.from('王伟王伟,2,2\n'),
      'GB18030',
    ],
  ])('%s: the finding names the row, and no garbage is read', async (_, start, end, encoding) => {
    const reading = await readCsv(Buffer.concat([start, end, end]))
    expect(reading.rows.map(({ row }) => row)).toEqual([2])
    expect(written(reading, 'ENCODING_CHANGES').message.en).toBe(
      `Row 3 has another encoding than the rows before it (${encoding}); from there on nothing was read.`,
    )
  })

  test.each([
    ['with a mark', Buffer.from(`\ufeff${header}`, 'utf16le')],
    ['with a mark and nothing of ASCII', Buffer.from('fffed359', 'hex')],
    ['without a mark', Buffer.from('name\tidNumber\n', 'utf16le')],
  ])('UTF-16 %s is refused, with how to save it', async (_, file) => {
    const reading = await readCsv(file)
    expect(reading.codes).toEqual(['ENCODING_WIDE'])
    expect(written(reading, 'ENCODING_WIDE').fix['zh-CN']).toContain('CSV UTF-8')
  })

  /** 卢伟 in GB18030, valid in UTF-8 by chance as `¬ΰ`; 石平, 毛强, 施然 and 史雪 are too. */
  test.each([
    ['c2acceb0', ['卢伟']],
    ['c2acceb00d0acaafc6bd', ['卢伟', '石平']],
    ['caafc6bd0d0ac3abc7bf0d0acaa9c8bb0d0acab7d1a9', ['石平', '毛强', '施然', '史雪']],
  ])(
    'short GB18030 that is UTF-8 by chance is read as Chinese, and told: %s',
    async (hex, names) => {
      const file = Buffer.concat([Buffer.from('name,idNumber,wage\r\n'), Buffer.from(hex, 'hex')])
      for (const pieceBytes of [1, 1_000]) {
        const rows = await rowsOf(sourceOf(file, pieceBytes))
        expect(rows.slice(1).map(({ cells: [name] }) => name)).toEqual(names)
      }
      const reading = await readCsv(file)
      expect(reading.codes).toContain('ENCODING_GUESSED')
      expect(written(reading, 'ENCODING_GUESSED').severity).toBe('warning')
    },
  )

  test.each([
    "O'Brien Seán,1,6500",
    'Müller,1,6500',
    'Ali·Khan,1,6500',
    'Иван Петров,1,6500',
    'x,1,¥6500',
    'x,1,¥ 6500',
    '·,1,6500',
    'Ñandú Ávila,1,6500',
    '王伟,1,6500',
    '¬ΰ王,1,6500',
  ])('what is UTF-8 and no Chinese by chance stays as it is: %s', async (row) => {
    const reading = await readCsv(`name,idNumber,wage\n${row}\n`)
    expect(reading.codes).not.toContain('ENCODING_GUESSED')
    expect(await cellsOf(`name,idNumber,wage\n${row}\n`)).toContainEqual(row.split(','))
  })

  test('the marks of DOS at the end are no row', async () => {
    for (const [marks, pieceBytes] of [
      ['\u001a', 1],
      ['\u001a', 1_000],
      ['\u001a'.repeat(120), 7],
    ] as const) {
      const file = `${header}王伟,${idOf(1)},6500\r\n${marks}`
      expect(await cellsOf(file, pieceBytes)).toHaveLength(2)
      expect((await readCsv(file)).codes).toEqual([])
    }
  })

  test.each([
    ['at the end', `${header}王伟,1,6500\r\n${'\0'.repeat(600)}`, 3],
    ['far behind', `${header}${'王伟,1,6500\r\n'.repeat(1_000)}王${'\0'.repeat(9_000)}`, 1_002],
    ['for megabytes', `${header}王伟,1,6500\n${'\0'.repeat(3_000_000)}`, 3],
  ])('null characters %s are told as such, not as UTF-16', async (_, file, row) => {
    const reading = await readCsv(file)
    expect(reading.findings.map(({ code, place }) => [code, place.row])).toEqual([
      ['NULL_CHARACTERS', row],
    ])
    expect(reading.rows).toHaveLength(row - 2)
  })

  test('bytes of no encoding are refused', async () => {
    expect((await readCsv(Buffer.from([0xff, 0x31, 0xff, 0x0a]))).codes).toEqual([
      'ENCODING_UNKNOWN',
    ])
  })
})

describe('limits', () => {
  test('a line without end uses no memory and is told', async () => {
    let pieces = 0
    const endless = endlessSource(async function* () {
      yield Buffer.from(header)
      for (; pieces < 100_000; pieces += 1) yield Buffer.alloc(65_536, 'a')
    })
    const reading = await readAll(endless)
    expect(reading.codes).toContain('RECORD_TOO_LONG')
    expect(pieces).toBeLessThan(10)
  })

  test('a quote that is not closed is told with its row', async () => {
    const reading = await readCsv(`${header}王伟,${idOf(0)},1\n"王伟,2,2\n王伟,3,3\n`)
    expect(reading.lines).toHaveLength(1)
    expect(written(reading, 'QUOTE_UNCLOSED').place.row).toBe(3)
    const long = await readCsv(`${header}"王伟,2,2\n${'王伟,3,3\n'.repeat(30_000)}`)
    expect(written(long, 'RECORD_TOO_LONG').place.row).toBe(2)
  })

  test('a cell that is too long is told with its column, its row left out and the next one read', async () => {
    const reading = await readCsv(
      `${header}${'王'.repeat(5_000)},${idOf(0)},1\n王伟,${idOf(1)},1\n`,
    )
    expect(reading.lines.map((line) => line !== undefined)).toEqual([false, true])
    expect(written(reading, 'CELL_TOO_LONG').message['zh-CN']).toBe(
      '第 2 行 A（姓名） 列超过 4000 个字符。',
    )
  })

  test('a row of thousands of columns ends the reading', async () => {
    expect((await readCsv(`${header}${'a,'.repeat(300)}\n`)).codes).toContain('COLUMNS_TOO_MANY')
  })

  test('a row of a million columns ends the reading, named, and is not held', async () => {
    let pieces = 0
    const file = endlessSource(async function* () {
      yield Buffer.from(`${header}王伟,${idOf(0)},1\n`)
      for (; pieces < 1_000; pieces += 1) yield Buffer.from('a,'.repeat(1_000))
    })
    const reading = await readAll(file)
    expect(reading.codes).toEqual(['RECORD_TOO_LONG'])
    expect(written(reading, 'RECORD_TOO_LONG').place).toEqual({ row: 3 })
    expect(reading.lines).toHaveLength(1)
    expect(pieces).toBeLessThan(100)
  })

  test('more rows than a file may have end the reading, and as many as that do not', async () => {
    const blankRows = (count: number) =>
      endlessSource(async function* () {
        yield Buffer.from(header)
        for (let left = count; left > 0; left -= 50_000)
          yield Buffer.from('\n'.repeat(Math.min(left, 50_000)))
        yield Buffer.from('王伟,1,1\n')
      })
    expect((await readAll(blankRows(fileRowsMax))).codes).toEqual(['ROWS_TOO_MANY'])
    expect((await readAll(blankRows(1_200_000))).codes).not.toContain('ROWS_TOO_MANY')
  })
})
