/**
 * Reads the structure of a workbook: its sheets, its date formats, its texts. The parts are those of
 * ECMA-376 (Office Open XML); nothing else in the archive is opened.
 */
import type { FindingParams } from '../declaration/findings.ts'
import { xlsxEntriesMax, xlsxRelationCharactersMax, xlsxSheetsMax } from '../limits.ts'
import {
  type FindingPlace,
  type FormatFinding,
  type FormatFindingCode,
  formatFinding,
} from './findings.ts'
import { PartDecoder } from './part-decoder.ts'
import { SharedStrings } from './shared-strings.ts'
import { attributeOf, detachedText, XmlError, type XmlHandler, XmlReader } from './xml.ts'
import { type Zip, ZipError } from './zip.ts'

export type Sheet = { readonly name: string; readonly part: string; readonly hidden: boolean }

export type Workbook = {
  readonly zip: Zip
  readonly sheets: readonly Sheet[]
  /** Whether days are counted from 1904, as old Macintosh programs did. */
  readonly from1904: boolean
  /** By a cell's style. */
  readonly isDateStyle: readonly boolean[]
  readonly strings: SharedStrings
}

/** A workbook can't be read. */
export class WorkbookError extends Error {
  readonly finding: FormatFinding

  constructor(code: FormatFindingCode, place?: FindingPlace, params?: FindingParams) {
    super(code)
    this.finding = formatFinding(code, place, params)
  }
}

/** The finding for an error that was thrown while reading a workbook; undefined for any other error. */
export function findingOfError(error: unknown): FormatFinding | undefined {
  if (error instanceof WorkbookError) return error.finding
  if (error instanceof ZipError) return formatFinding(error.code, {}, { part: error.entry ?? '' })
  if (error instanceof XmlError)
    return formatFinding(error.code, {}, { encoding: error.encoding ?? '' })
  return undefined
}

/**
 * Reads a part and yields after each piece, so the caller may stop. A caller that has seen enough says
 * so: the rest is inflated for its checksum alone, because the seen bytes may be the changed ones.
 */
export async function* readPart(
  zip: Zip,
  part: string,
  handler: XmlHandler,
  isEnough = () => false,
): AsyncGenerator<void> {
  const decoder = new PartDecoder()
  const reader = new XmlReader(handler)
  for await (const piece of zip.read(part)) {
    if (!isEnough()) reader.push(decoder.decode(piece))
    await zip.heartbeat()
    yield
  }
  if (isEnough()) return
  reader.push(decoder.end())
  reader.end()
  yield
}

async function readFullPart(zip: Zip, part: string, handler: XmlHandler): Promise<void> {
  for await (const _ of readPart(zip, part, handler));
}

/** @throws errors that `findingOfError` knows */
export async function openWorkbook(zip: Zip): Promise<Workbook> {
  const main = await mainPart(zip)
  const folder = main.slice(0, main.lastIndexOf('/') + 1)
  const targets = await readRelations(zip, main)
  const { sheets, from1904 } = await readMain(zip, main, targets)
  const partOf = (type: string) =>
    [...targets.values()].find((target) => target.type.endsWith(type))?.part
  const styles = partOf('/styles')
  // Without styles, a date would be a number. A missing text is reported by its cell.
  if (styles !== undefined && !zip.has(styles)) throw new WorkbookError('FILE_BROKEN')
  return {
    zip,
    sheets,
    from1904,
    isDateStyle: await readStyles(zip, styles ?? `${folder}styles.xml`),
    strings: await readStrings(zip, partOf('/sharedStrings') ?? `${folder}sharedStrings.xml`),
  }
}

async function mainPart(zip: Zip): Promise<string> {
  const names = zip.names()
  if (names.some((name) => /vbaProject\.bin$/i.test(name))) throw new WorkbookError('FILE_MACROS')
  const relations = zip.has('_rels/.rels') ? await readRelations(zip, '') : new Map()
  const main = [...relations.values()].find(({ type }) => type.endsWith('/officeDocument'))?.part
  if (main === undefined || !zip.has(main) || !/\/[^/]*workbook[^/]*\.xml$/i.test(`/${main}`)) {
    throw new WorkbookError('FILE_NOT_WORKBOOK')
  }
  return main
}

type Target = { readonly type: string; readonly part: string }

/** The relations of a part, by id; '' is the archive itself. */
async function readRelations(zip: Zip, part: string): Promise<Map<string, Target>> {
  const slash = part.lastIndexOf('/') + 1
  const folder = part.slice(0, slash)
  const targets = new Map<string, Target>()
  const relations = `${folder}_rels/${part.slice(slash)}.rels`
  if (!zip.has(relations)) return targets
  await readFullPart(zip, relations, {
    open(name, attributes) {
      if (name !== 'Relationship') return
      if (targets.size === xlsxEntriesMax || attributes.length > xlsxRelationCharactersMax)
        throw new WorkbookError('FILE_BROKEN')
      const target = attributeOf(attributes, 'Target') ?? ''
      const type = attributeOf(attributes, 'Type') ?? ''
      const to = target.startsWith('/') ? target.slice(1) : resolved(folder + target)
      const id = detachedText(attributeOf(attributes, 'Id') ?? '')
      targets.set(id, { type: detachedText(type), part: detachedText(to) })
    },
    close() {},
  })
  return targets
}

/** ECMA-376-2, 6.2.2.3. */
function isSamePart(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

function resolved(part: string): string {
  const steps: string[] = []
  for (const step of part.split('/')) {
    if (step === '..') steps.pop()
    else if (step !== '.') steps.push(step)
  }
  return steps.join('/')
}

async function readMain(zip: Zip, main: string, targets: ReadonlyMap<string, Target>) {
  const sheets: Sheet[] = []
  let from1904 = false
  await readFullPart(zip, main, {
    open(name, attributes) {
      if (name === 'workbookPr') {
        from1904 = /^(1|true)$/.test(attributeOf(attributes, 'date1904') ?? '')
      } else if (name === 'sheet' && sheets.length < xlsxSheetsMax) {
        const target = targets.get(attributeOf(attributes, 'id') ?? '')
        // Charts and macros are sheets of other types.
        if (target === undefined || !target.type.endsWith('/worksheet')) return
        if (sheets.some(({ part }) => isSamePart(part, target.part))) return
        sheets.push({
          name: detachedText((attributeOf(attributes, 'name') ?? '').slice(0, 60)),
          part: target.part,
          hidden: /hidden/i.test(attributeOf(attributes, 'state') ?? ''),
        })
      }
    },
    close() {},
  })
  return { sheets, from1904 }
}

/** Built-in date formats, by number (ECMA-376 18.8.30). */
function isDateFormat(id: number): boolean {
  return (
    (id >= 14 && id <= 22) ||
    (id >= 27 && id <= 36) ||
    (id >= 45 && id <= 47) ||
    (id >= 50 && id <= 58)
  )
}

/** Excel's limit. */
const stylesMax = 65_490

async function readStyles(zip: Zip, part: string): Promise<boolean[]> {
  const isDateStyle: boolean[] = []
  if (!zip.has(part)) return isDateStyle
  const own = new Map<number, boolean>()
  let ofCells = false
  await readFullPart(zip, part, {
    open(name, attributes) {
      if (name === 'numFmt') {
        const code = (attributeOf(attributes, 'formatCode') ?? '').slice(0, 255)
        if (own.size === stylesMax) throw new WorkbookError('FILE_BROKEN')
        own.set(Number(attributeOf(attributes, 'numFmtId')), isDateCode(code))
      } else if (name === 'cellXfs') ofCells = true
      else if (name === 'xf' && ofCells) {
        const id = Number(attributeOf(attributes, 'numFmtId') ?? 0)
        if (isDateStyle.length === stylesMax) throw new WorkbookError('FILE_BROKEN')
        isDateStyle.push(own.get(id) ?? isDateFormat(id))
      }
    },
    close(name) {
      if (name === 'cellXfs') ofCells = false
    },
  })
  return isDateStyle
}

/** Whether a format shows years, months or days, apart from its literal texts and colours. */
function isDateCode(code: string): boolean {
  return /[ymd]/i.test(code.replace(/"[^"]*"|\\.|_.|\[[^\]]*\]|general/gi, ''))
}

async function readStrings(zip: Zip, part: string): Promise<SharedStrings> {
  const strings = new SharedStrings()
  if (!zip.has(part)) return strings
  const text = new RichText()
  let inText = false
  await readFullPart(zip, part, {
    open(name) {
      if (name !== 'si') return text.open(name)
      // A text within another would shift the numbers of all that follow.
      if (inText) throw new WorkbookError('FILE_BROKEN')
      inText = true
      text.clear()
    },
    close(name) {
      text.close(name)
      if (name !== 'si') return
      inText = false
      if (!strings.add(text.value())) throw new WorkbookError('FILE_STRINGS_TOO_MANY')
    },
    text(piece) {
      text.add(piece)
    },
  })
  return strings
}

/** A text that may consist of runs with different formatting; its pronunciation (rPh) is left out. */
export class RichText {
  #value = ''
  #inText = false
  #inPhonetic = false

  clear(): void {
    this.#value = ''
  }

  open(name: string): void {
    if (name === 't') this.#inText = !this.#inPhonetic
    else if (name === 'rPh') this.#inPhonetic = true
  }

  close(name: string): void {
    if (name === 't') this.#inText = false
    else if (name === 'rPh') this.#inPhonetic = false
  }

  add(piece: string): void {
    if (this.#inText && this.#value.length <= piecesCharactersMax) this.#value += piece
  }

  value(): string {
    return unescaped(this.#value)
  }
}

/** Limit for joining runs; a cell is cut earlier. */
const piecesCharactersMax = 40_000

/** Decodes `_x000D_`, a character that XML can't contain (ECMA-376 22.9.2.19). */
export function unescaped(text: string): string {
  if (!text.includes('_x')) return text
  return text.replace(/_x([0-9a-f]{4})_/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
