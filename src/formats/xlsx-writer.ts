/**
 * Writes a workbook row by row. Every cell is text in a text column: identity numbers keep all digits,
 * and nothing runs as a formula, not even after somebody edits the cell (`quotePrefix`).
 */

import { guardApostrophe } from './cell-guard.ts'
import { columnLetters } from './findings.ts'
import { RepeatedTexts } from './repeated-texts.ts'
import { writeZip, type ZipContent } from './zip-writer.ts'

export type SheetRows = AsyncIterable<readonly string[]> | Iterable<readonly string[]>

export type WrittenSheet = {
  readonly name: string
  /** Widths of columns in characters. */
  readonly widths: readonly number[]
  readonly rows: SheetRows
  /** Rows at the top that stay in view and are bold. */
  readonly headerRows: number
  /** Words to choose from, by column, for as many rows as a file may have. */
  readonly choices?: ReadonlyMap<number, readonly string[]>
}

const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
const packageTypes = 'http://schemas.openxmlformats.org/package/2006'
const documentTypes = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const partType = 'application/vnd.openxmlformats-officedocument.spreadsheetml'

/** Cell styles: text, text that looks like a formula, a title. */
const [plain, quoted, title] = [1, 2, 3]
const choiceRows = 10_000

export function writeXlsx(sheets: readonly WrittenSheet[]): AsyncGenerator<Buffer> {
  const fixed: Readonly<Record<string, string>> = {
    '[Content_Types].xml': contentTypes(sheets),
    '_rels/.rels': relations([['officeDocument', 'xl/workbook.xml']]),
    'xl/workbook.xml': workbook(sheets),
    'xl/_rels/workbook.xml.rels': relations([
      ...sheets.map((_, i): [string, string] => ['worksheet', `worksheets/sheet${i + 1}.xml`]),
      ['styles', 'styles.xml'],
      ['sharedStrings', 'sharedStrings.xml'],
    ]),
    'xl/styles.xml': styles,
  }
  const contents: ZipContent[] = Object.entries(fixed).map(([name, text]) => ({
    name,
    content: [declaration + text],
  }))
  const repeated = new RepeatedTexts()
  for (const [i, sheet] of sheets.entries()) {
    contents.push({ name: `xl/worksheets/sheet${i + 1}.xml`, content: sheetXml(sheet, repeated) })
  }
  contents.push({ name: 'xl/sharedStrings.xml', content: stringsXml(repeated) })
  return writeZip(contents)
}

function contentTypes(sheets: readonly WrittenSheet[]): string {
  const override = (part: string, type: string) =>
    `<Override PartName="/xl/${part}.xml" ContentType="${partType}.${type}+xml"/>`
  return [
    `<Types xmlns="${packageTypes}/content-types">`,
    `<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>`,
    `<Default Extension="xml" ContentType="application/xml"/>`,
    override('workbook', 'sheet.main'),
    ...sheets.map((_, i) => override(`worksheets/sheet${i + 1}`, 'worksheet')),
    override('styles', 'styles'),
    override('sharedStrings', 'sharedStrings'),
    '</Types>',
  ].join('')
}

/** Ids count from 1, as in `workbook`. */
function relations(targets: readonly (readonly [type: string, target: string])[]): string {
  const each = targets.map(
    ([type, target], i) =>
      `<Relationship Id="r${i + 1}" Type="${documentTypes}/${type}" Target="${target}"/>`,
  )
  return `<Relationships xmlns="${packageTypes}/relationships">${each.join('')}</Relationships>`
}

function workbook(sheets: readonly WrittenSheet[]): string {
  const each = sheets.map(
    ({ name }, i) => `<sheet name="${escaped(name)}" sheetId="${i + 1}" r:id="r${i + 1}"/>`,
  )
  return `<workbook xmlns="${main}" xmlns:r="${documentTypes}"><sheets>${each.join('')}</sheets></workbook>`
}

/** Number format 49 is text. */
const styles = [
  `<styleSheet xmlns="${main}">`,
  '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>',
  '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>',
  '<fills count="2"><fill><patternFill patternType="none"/></fill>',
  '<fill><patternFill patternType="gray125"/></fill></fills>',
  '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>',
  '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>',
  '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>',
  '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>',
  '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" quotePrefix="1"/>',
  '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>',
  '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>',
  '</styleSheet>',
].join('')

async function* sheetXml(sheet: WrittenSheet, repeated: RepeatedTexts): AsyncGenerator<string> {
  yield `${declaration}<worksheet xmlns="${main}">${view(sheet)}${columns(sheet)}<sheetData>`
  let row = 0
  for await (const cells of sheet.rows) {
    row += 1
    yield rowXml(row, cells, repeated.numbersOf(cells), row <= sheet.headerRows)
  }
  yield `</sheetData>${validations(sheet)}</worksheet>`
}

function view({ headerRows }: WrittenSheet): string {
  if (headerRows === 0) return ''
  const pane = `<pane ySplit="${headerRows}" topLeftCell="A${headerRows + 1}" activePane="bottomLeft" state="frozen"/>`
  return `<sheetViews><sheetView workbookViewId="0">${pane}</sheetView></sheetViews>`
}

/** Columns have the text style even without cells. */
function columns({ widths }: WrittenSheet): string {
  const each = widths.map(
    (width, i) =>
      `<col min="${i + 1}" max="${i + 1}" width="${width}" style="${plain}" customWidth="1"/>`,
  )
  return each.length === 0 ? '' : `<cols>${each.join('')}</cols>`
}

/** Runs after all sheets are written. */
function* stringsXml({ texts }: RepeatedTexts): Generator<string> {
  yield `${declaration}<sst xmlns="${main}">`
  for (const text of texts) yield `<si>${textXml(text)}</si>`
  yield '</sst>'
}

function rowXml(
  row: number,
  cells: readonly string[],
  numbers: readonly (number | undefined)[],
  isTitle: boolean,
): string {
  let xml = `<row r="${row}">`
  for (let column = 0; column < cells.length; column += 1) {
    const cell = cells[column] as string
    if (cell === '') continue
    const style = isTitle ? title : /^[=+\-@\t\r＝＋－＠]/.test(cell) ? quoted : plain
    const number = numbers[column]
    const [type, content] =
      number === undefined ? ['inlineStr', `<is>${textXml(cell)}</is>`] : ['s', `<v>${number}</v>`]
    xml += `<c r="${columnLetters(column)}${row}" s="${style}" t="${type}">${content}</c>`
  }
  return `${xml}</row>`
}

function textXml(cell: string): string {
  const text = escaped(escapedForCell(guardApostrophe(cell)))
  // Otherwise spaces at its ends would be lost.
  return /^\s|\s$/.test(text) ? `<t xml:space="preserve">${text}</t>` : `<t>${text}</t>`
}

function validations({ choices, headerRows }: WrittenSheet): string {
  if (choices === undefined || choices.size === 0) return ''
  const each = [...choices].map(([column, words]) => {
    const letters = columnLetters(column)
    const range = `${letters}${headerRows + 1}:${letters}${headerRows + choiceRows}`
    const list = escaped(`"${words.join(',')}"`)
    return `<dataValidation type="list" allowBlank="1" showErrorMessage="1" sqref="${range}"><formula1>${list}</formula1></dataValidation>`
  })
  return `<dataValidations count="${each.length}">${each.join('')}</dataValidations>`
}

function escaped(text: string): string {
  return /[&<>"]/.test(text)
    ? text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
    : text
}

/**
 * Escapes characters that XML can't contain, and text that looks like such an escape (ECMA-376
 * 22.9.2.19).
 */
function escapedForCell(text: string): string {
  const wellFormed = text.toWellFormed()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML can't have
  if (!/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]|_x/.test(wellFormed)) return wellFormed
  return (
    wellFormed
      .replace(/_(?=x[0-9a-f]{4}_)/gi, '_x005F_')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
      .replace(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g, (character) => {
        return `_x${character.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}_`
      })
  )
}
