/**
 * Workbooks made to take memory or time, or to claim rows that don't exist; archives of unusual
 * structure.
 */
import { inflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { readXlsxRows } from '../../src/batch/table/xlsx-rows.ts'
import { SharedStrings } from '../../src/formats/shared-strings.ts'
import { xlsxRelationCharactersMax } from '../../src/limits.ts'
import {
  idOf,
  inline,
  readAll,
  readXlsx,
  rowOf,
  sheetOf,
  sourceOf,
  workbookOf,
  written,
} from '../batch/support.ts'

const header = ['姓名', '证件号码', '申报工资', '变动', '所属期']

const titles = rowOf(...header.map(inline))
const good = rowOf(inline('王伟'), inline(idOf(0)), '<c><v>6500</v></c>')

describe('a workbook that means harm', () => {
  test.each([
    [
      'entities within each other (a billion laughs)',
      `<!DOCTYPE l [<!ENTITY l0 "laugh">${Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('')}]>${sheetOf(rowOf(inline('&l9;')))}`,
    ],
    [
      'an entity that is a file',
      `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>${sheetOf(rowOf(inline('&f;')))}`,
    ],
    [
      'an entity that is an address',
      `<!DOCTYPE x [<!ENTITY % e SYSTEM "http://127.0.0.1/e.dtd">%e;]>${sheetOf(titles, good)}`,
    ],
    ['a DOCTYPE elsewhere', '<!DOCTYPE worksheet SYSTEM "http://127.0.0.1/w.dtd"><worksheet/>'],
    ['a DOCTYPE', '<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet><sheetData/></worksheet>'],
    ['an entity of its own', sheetOf(rowOf(inline('&a;')))],
    ['an entity with a file', sheetOf(rowOf(inline('&xxe;')))],
    ['a character that there is not', sheetOf(rowOf(inline('&#x110000;')))],
  ])('%s is refused', async (_, sheet) => {
    expect((await readXlsx(await workbookOf(sheet))).codes).toEqual(['FILE_XML_FORBIDDEN'])
  })

  test.each([
    ['a tag that does not end', `<worksheet><sheetData><row ${'a'.repeat(400_000)}`],
    ['text that does not end', sheetOf(rowOf(inline('a'.repeat(400_000))))],
    ['an end too many', '<worksheet></worksheet></worksheet><worksheet>'],
    ['an end too few', '<worksheet><sheetData>'],
    ['rows in the wrong order', sheetOf('<row r="5"><c r="A5"><v>1</v></c></row>', '<row r="5"/>')],
    ['a cell twice', sheetOf('<row><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>')],
    ['a row between two', sheetOf('<row r="5"><c><v>1</v></c></row>', '<row r="5.5"/>')],
    ['a row in a row', sheetOf('<row><row><c><v>1</v></c></row></row>')],
    ['a row that ends twice', '<worksheet><sheetData><row><c><v>1</v></c></row></row></worksheet>'],
    ['a cell in a cell', sheetOf('<row><c><c><v>1</v></c></c></row>')],
    ['a cell in no row', sheetOf('<row><c><v>1</v></c></row><c r="B1"><v>2</v></c>')],
    ['a thousand tags within each other', '<a>'.repeat(1_000)],
    ['a text that there is not', sheetOf('<row><c t="s"><v>7</v></c></row>')],
    ['a number that is none', sheetOf('<row><c><v>six</v></c></row>')],
    ['a cell without a column', sheetOf('<row><c r="7"><v>1</v></c></row>')],
    ['no XML', 'PK'],
  ])('%s is told as a damaged file', async (_, sheet) => {
    expect((await readXlsx(await workbookOf(sheet))).codes).toEqual(['FILE_BROKEN'])
  })

  test('a value in a million pieces is cut like one that is too long', async () => {
    const value = '<![CDATA[aaaaaaaaaa]]>'.repeat(1_000)
    const sheet = sheetOf(rowOf(...header.map(inline)), `<row><c t="str"><v>${value}</v></c></row>`)
    const reading = await readXlsx(await workbookOf(sheet))
    expect(reading.codes).toEqual(['CELL_TOO_LONG'])
    expect(reading.rows[0]?.cells[0]).toHaveLength(4_000)
  })

  test('styles without number are refused', async () => {
    const parts = {
      'xl/styles.xml': `<styleSheet><cellXfs>${'<xf numFmtId="0"/>'.repeat(70_000)}</cellXfs></styleSheet>`,
    }
    const file = await workbookOf(sheetOf(titles, good), { parts })
    expect((await readXlsx(file)).codes).toEqual(['FILE_BROKEN'])
  })

  test('a sheet that inflates to hundreds of times its size is given up', async () => {
    const rows = (function* () {
      yield '<worksheet><sheetData>'
      for (let i = 0; i < 120_000; i += 1) yield `<row>${' '.repeat(1_000)}</row>`
      yield '</sheetData></worksheet>'
    })()
    const file = await workbookOf(rows)
    expect(file.length).toBeLessThan(400_000)
    expect((await readXlsx(file)).codes).toEqual(['FILE_INFLATES_TOO_FAR'])
  })

  test.each([
    [xlsxRelationCharactersMax, ['FILE_BROKEN']],
    [xlsxRelationCharactersMax - 100, []],
  ])('what a part says of another is held up to a limit: %i characters', async (length, codes) => {
    const relation = `<Relationship Id="a" Type="x/worksheet" Target="s.xml" Note="${'n'.repeat(length)}"/>`
    const parts = { 'xl/_rels/workbook.xml.rels': `<Relationships>${relation}</Relationships>` }
    const file = await workbookOf(sheetOf(titles, good), { parts })
    expect((await readXlsx(file)).codes).toEqual(codes)
  })

  test('an archive of thousands of entries is refused', async () => {
    const parts = Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`${i}.png`, '']))
    const file = await workbookOf(sheetOf(titles, good), { parts })
    expect((await readXlsx(file)).codes).toEqual(['FILE_NOT_WORKBOOK'])
  })

  test('a row of a million cells is given up at the first that is too many', async () => {
    const cells = (function* () {
      yield `<worksheet><sheetData>${titles}<row>`
      for (let i = 0; i < 1_000_000; i += 1) yield '<c><v>1</v></c>'
      yield '</row></sheetData></worksheet>'
    })()
    const reading = await readXlsx(await workbookOf(cells))
    expect(reading.codes).toEqual(['COLUMNS_TOO_MANY'])
    expect(written(reading, 'COLUMNS_TOO_MANY').message.en).toContain(
      'Row 2 has more than 200 columns',
    )
  })

  test('a long text in many cells is handed on a little at a time', async () => {
    const texts = Array.from({ length: 600 }, () => `<si><t>${'长'.repeat(4_000)}</t></si>`)
    const row = rowOf(...Array.from({ length: 200 }, () => '<c t="s"><v>599</v></c>'))
    const parts = { 'xl/strings.xml': `<sst>${texts.join('')}</sst>` }
    const narrow = await workbookOf(sheetOf(...Array.from({ length: 100 }, () => row)), { parts })
    for (const file of [narrow, stored(narrow)]) {
      let rows = 0
      for await (const batch of readXlsxRows(sourceOf(file))) {
        rows += batch.rows.length
        expect(batch.rows.length).toBeLessThan(6)
      }
      expect(rows).toBe(100)
    }
  })

  test('parts that lie in each other are not read again and again', async () => {
    const nothing = `<worksheet>${'<a/>'.repeat(50_000)}</worksheet>`
    const sheets = Array.from({ length: 50 }, (_, i) => `<sheet name="${i}" r:id="s${i}"/>`)
    const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
    const relations = Array.from(
      { length: 50 },
      (_, i) => `<Relationship Id="s${i}" Type="${office}/worksheet" Target="s${i}.xml"/>`,
    )
    const parts = {
      'xl/_rels/workbook.xml.rels': `<Relationships>${relations.join('')}</Relationships>`,
      ...Object.fromEntries(sheets.map((_, i) => [`xl/s${i}.xml`, i === 0 ? nothing : ''])),
    }
    const file = stored(await workbookOf('', { parts, sheets: sheets.join('') }), /^xl\/s\d/)
    let bytesRead = 0
    const source = sourceOf(file)
    const reading = await readAll(
      {
        ...source,
        async *read(offset) {
          for await (const piece of source.read(offset)) {
            bytesRead += piece.length
            yield piece
          }
        },
      },
      { format: 'xlsx' },
    )
    expect(reading.codes).toEqual(['FILE_BROKEN'])
    expect(bytesRead).toBeLessThan(10 * file.length)
  })

  test('distinct texts are held up to a limit, each as it was', () => {
    const strings = new SharedStrings()
    const long = '长'.repeat(5_000)
    let count = 0
    while (strings.add(long)) count += 1
    expect(count).toBe(64 * 87)
    expect(strings.at(count - 1)).toBe(long.slice(0, 4_001))
    expect(strings.at(count)).toBeUndefined()
    const many = new SharedStrings()
    for (let i = 0; i < 5_000; i += 1) many.add(`${i}`)
    expect([0, 511, 512, 1_024, 4_999].map((i) => many.at(i))).toEqual([
      '0',
      '511',
      '512',
      '1024',
      '4999',
    ])
  })
})

describe('an archive with numbers of 64 bits', () => {
  test('is read as any other', async () => {
    const file = wide(await workbookOf(sheetOf(titles, good)))
    expect((await readXlsx(file)).lines).toHaveLength(1)
  })

  test('is told to be damaged where they point nowhere', async () => {
    const file = wide(await workbookOf(sheetOf(titles, good)))
    const end = file.length - 22
    const record = Number(file.readBigUInt64LE(end - 12))
    // Offsets of the locator, the record and the first entry; each names the next.
    for (const at of [end - 12, record + 40, record + 48, end - 20, record]) {
      for (const value of [0n, 2n ** 40n, 2n ** 64n - 1n]) {
        const broken = Buffer.from(file)
        broken.writeBigUInt64LE(value, at)
        expect((await readXlsx(broken)).codes).toEqual(['FILE_BROKEN'])
      }
    }
    for (const length of [10, 100, 1_000]) {
      const cut = Buffer.concat([file.subarray(0, record - length), file.subarray(record)])
      expect((await readXlsx(cut)).codes).toEqual(['FILE_BROKEN'])
    }
  })
})

/** The same archive without compression; its parts of some names are all the first of them. */
function stored(deflated: Buffer, oneForAll = /^$/): Buffer {
  const end = deflated.length - 22
  const contents: Buffer[] = []
  const entries: Buffer[] = []
  let [offset, first] = [0, undefined as Buffer | undefined]
  for (let at = deflated.readUInt32LE(end + 16); at < end; ) {
    const entry = Buffer.from(
      deflated.subarray(at, at + entryBytes + deflated.readUInt16LE(at + 28)),
    )
    at += entry.length
    const name = entry.subarray(entryBytes)
    const headerAt = entry.readUInt32LE(42)
    const from = headerAt + 30 + name.length
    const content = inflateRawSync(deflated.subarray(from, from + entry.readUInt32LE(20)))
    const header = Buffer.from(deflated.subarray(headerAt, from))
    header.writeUInt16LE(0, 8)
    entry.writeUInt16LE(0, 10)
    entry.writeUInt32LE(content.length, 20)
    entry.writeUInt32LE(offset, 42)
    entries.push(entry)
    contents.push(header, content)
    offset += header.length + content.length
    if (!oneForAll.test(name.toString())) continue
    first ??= entry
    entry.set(first.subarray(20, 24), 20)
    entry.set(first.subarray(42, 46), 42)
  }
  const directory = Buffer.concat(entries)
  const newEnd = Buffer.from(deflated.subarray(end))
  newEnd.writeUInt32LE(directory.length, 12)
  newEnd.writeUInt32LE(offset, 16)
  return Buffer.concat([...contents, directory, newEnd])
}

const entryBytes = 46

/** The same archive as ZIP64 (APPNOTE 4.3.14 to 4.5.3), as programs write that stream a workbook. */
function wide(narrow: Buffer): Buffer {
  const end = narrow.length - 22
  const count = narrow.readUInt16LE(end + 10)
  const start = narrow.readUInt32LE(end + 16)
  const entries: Buffer[] = []
  for (let at = start; at < end; ) {
    const nameEnd = at + 46 + narrow.readUInt16LE(at + 28)
    const entry = Buffer.from(narrow.subarray(at, nameEnd))
    const other = Buffer.from('feca04000000c0de', 'hex') // an unknown field
    const extra = Buffer.alloc(28)
    extra.writeUInt16LE(1, 0)
    extra.writeUInt16LE(24, 2)
    for (const [i, field] of [24, 20, 42].entries()) {
      extra.writeBigUInt64LE(BigInt(entry.readUInt32LE(field)), 4 + 8 * i)
      entry.writeUInt32LE(0xffffffff, field)
    }
    entry.writeUInt16LE(other.length + extra.length, 30)
    entries.push(entry, other, extra)
    at = nameEnd
  }
  const directory = Buffer.concat(entries)
  const record = Buffer.alloc(56)
  record.writeUInt32LE(0x06064b50, 0)
  record.writeBigUInt64LE(44n, 4)
  record.writeBigUInt64LE(BigInt(count), 24)
  record.writeBigUInt64LE(BigInt(count), 32)
  record.writeBigUInt64LE(BigInt(directory.length), 40)
  record.writeBigUInt64LE(BigInt(start), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(BigInt(start + directory.length), 8)
  locator.writeUInt32LE(1, 16)
  const narrowEnd = Buffer.from(narrow.subarray(end))
  narrowEnd.fill(0xff, 8, 20)
  return Buffer.concat([narrow.subarray(0, start), directory, record, locator, narrowEnd])
}
