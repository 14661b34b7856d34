/**
 * Builds archives from their parts, with valid checksums whatever they contain, for tests of readers.
 */
import { crc32, deflateRawSync } from 'node:zlib'

export type Parts = Readonly<Record<string, string | Uint8Array>>

/** Parts with matching names are stored as they are, the others deflated. */
export function archiveOf(parts: Parts, stored = /^$/): Buffer {
  const contents: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, part] of Object.entries(parts)) {
    const bytes = Buffer.from(part as string)
    const method = stored.test(name) ? 0 : 8
    const packed = method === 0 ? bytes : deflateRawSync(bytes)
    const nameBytes = Buffer.from(name)
    // From "version needed" to the length of the extra field, the same in both headers.
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(0x0800, 2)
    common.writeUInt16LE(method, 4)
    common.writeUInt32LE(crc32(bytes), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(bytes.length, 18)
    common.writeUInt16LE(nameBytes.length, 22)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, nameBytes, packed])
    contents.push(local)
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, nameBytes)
    offset += local.length
  }
  const entries = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(Object.keys(parts).length, 8)
  end.writeUInt16LE(Object.keys(parts).length, 10)
  end.writeUInt32LE(entries.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...contents, entries, end])
}

const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'

/**
 * The parts of a workbook as spreadsheets write them: shared texts, styles, dates as numbers, a sheet
 * of notes.
 */
export function workbookParts(
  rows: readonly (readonly (string | number)[])[],
): Record<string, string> {
  const texts: string[] = []
  const cellOf = (value: string | number, at: string) => {
    // Style 1 is a date.
    if (typeof value === 'number')
      return `<c r="${at}"${value > 40_000 ? ' s="1"' : ''}><v>${value}</v></c>`
    if (!texts.includes(value)) texts.push(value)
    return `<c r="${at}" t="s"><v>${texts.indexOf(value)}</v></c>`
  }
  const sheet = rows.map((cells, i) => {
    const row = cells.map((value, column) =>
      cellOf(value, `${String.fromCharCode(65 + column)}${i + 1}`),
    )
    return `<row r="${i + 1}">${row.join('')}</row>`
  })
  const relation = (id: string, type: string, target: string) =>
    `<Relationship Id="${id}" Type="${office}/${type}" Target="${target}"/>`
  const relations = (...all: string[]) => `<Relationships>${all.join('')}</Relationships>`
  return {
    '[Content_Types].xml': '<Types/>',
    '_rels/.rels': relations(relation('r', 'officeDocument', 'xl/workbook.xml')),
    'xl/workbook.xml': `<workbook xmlns:r="${office}"><sheets><sheet name="申报" sheetId="1" r:id="s1"/><sheet name="说明" sheetId="2" r:id="s2"/></sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relations(
      relation('s1', 'worksheet', 'worksheets/sheet1.xml'),
      relation('s2', 'worksheet', 'worksheets/sheet2.xml'),
      relation('t', 'styles', 'styles.xml'),
      relation('u', 'sharedStrings', 'sharedStrings.xml'),
    ),
    'xl/worksheets/sheet1.xml': `<worksheet><sheetData>${sheet.join('')}</sheetData></worksheet>`,
    'xl/worksheets/sheet2.xml':
      '<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>notes</t></is></c></row></sheetData></worksheet>',
    'xl/styles.xml':
      '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
    'xl/sharedStrings.xml': `<sst>${texts.map((text) => `<si><t>${text}</t></si>`).join('')}</sst>`,
  }
}
