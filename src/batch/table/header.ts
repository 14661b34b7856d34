/**
 * The header of a table: which column holds what. It is the first row that names enough of the known
 * columns; titles and notes may stand above it. The order of columns is the filer's.
 */
import type { Text } from '../../declaration/catalogue/entry.ts'
import type { Category } from '../../declaration/schema.ts'
import { columnLetters, type Place } from '../../formats/findings.ts'
import type { Row } from '../../formats/rows.ts'
import { headerSearchRowsMax } from '../../limits.ts'
import { type FileFinding, fileFinding } from '../findings/file-findings.ts'
import { fieldMaybeMeant } from './ambiguous-titles.ts'
import { columnNames, type Field, fieldOfTitle, titlesOf } from './columns.ts'

/** What holds for the whole file unless its rows say otherwise. */
export type FileDefaults = {
  readonly employer?: string | undefined
  readonly region?: string | undefined
  /** `YYYY-MM` */
  readonly period?: string | undefined
  readonly category?: Category | undefined
}

/** Plain data: kept with a position, reading can go on without the header's row. */
export type Header = {
  readonly row: number
  /** As written, without the empty ones at the end; long ones are cut. */
  readonly titles: readonly string[]
  /** The column of each field that the table has, from 0. */
  readonly columns: Readonly<Partial<Record<Field, number>>>
}

/** A row is a header when it names at least this many columns. */
const titlesMin = 2
/** Longer titles are cut: a header is kept with every position. */
const titleCharactersMax = 200

/** How many fields a row's cells name; a field named twice counts once. */
export function countKnownTitles(cells: readonly string[]): number {
  const named = new Set<Field>()
  for (const cell of cells) {
    const field = fieldOfTitle(cell)
    if (field !== undefined) named.add(field)
  }
  return named.size
}

export function isHeader(cells: readonly string[]): boolean {
  return countKnownTitles(cells) >= titlesMin
}

export type ReadHeader = { readonly header: Header; readonly findings: readonly FileFinding[] }

/** Reads a row that is a header, and tells what is wrong with it. */
export function readHeader({ row, cells }: Row, defaults: FileDefaults): ReadHeader {
  const titles = withoutEmptyEnd(cutTitles({ row, cells }).cells)
  const columns: Partial<Record<Field, number>> = {}
  const findings: FileFinding[] = []
  for (const [column, title] of titles.entries()) {
    const field = fieldOfTitle(title)
    const place = { row, column: columnName(titles, column) }
    if (field === undefined) {
      if (title.trim() !== '') findings.push(notRead(title, place))
    } else if (columns[field] !== undefined) {
      const other = columnName(titles, columns[field])
      findings.push(fileFinding('COLUMN_DUPLICATE', place, { other }))
    } else columns[field] = column
  }
  const missing = requiredFields(columns, defaults).filter((field) => !(field in columns))
  if (missing.length > 0) findings.push(fileFinding('COLUMN_MISSING', { row }, named(missing)))
  return { header: { row, titles, columns }, findings }
}

/** As much of a row as is kept of a header. */
export function cutTitles({ row, cells }: Row): Row {
  return { row, cells: cells.map((title) => title.slice(0, titleCharactersMax)) }
}

/** Of a column that means nothing, or nothing for sure. */
function notRead(title: string, place: Place): FileFinding {
  const meant = fieldMaybeMeant(title)
  if (meant === undefined) return fileFinding('COLUMN_UNKNOWN', place)
  return fileFinding('COLUMN_AMBIGUOUS', place, { title: titleOf(meant) })
}

/**
 * One header of two rows: groups above (merged over several columns), names below. Undefined where the
 * lower row has anything but titles below what the upper one leaves open, or adds nothing.
 */
export function joinHeader(upper: Row, lower: Row): Row | undefined {
  if (lower.row !== upper.row + 1) return undefined
  const cells: string[] = []
  for (let column = 0; column < Math.max(upper.cells.length, lower.cells.length); column += 1) {
    const [above = '', below = ''] = [upper.cells[column], lower.cells[column]]
    const isOpen = fieldOfTitle(above) === undefined
    if (below.trim() !== '' && !isOpen && !isUnit(below)) return undefined
    if (isOpen && /[0-9０-９]{6}/.test(below)) return undefined
    cells.push(isOpen && below.trim() !== '' ? below : above)
  }
  const known = countKnownTitles(cells)
  const isMore = known > countKnownTitles(upper.cells) && known > countKnownTitles(lower.cells)
  return isMore ? { row: lower.row, cells } : undefined
}

/** What was recognised, column by column, and what was not. */
export function columnsRead({ row, titles, columns }: Header): FileFinding {
  const fieldOf = new Map(
    Object.entries(columns).map(([field, column]) => [column, field as Field]),
  )
  const read: Text[] = []
  const others: string[] = []
  for (const [column, title] of titles.entries()) {
    const field = fieldOf.get(column)
    const name = columnName(titles, column)
    if (field !== undefined) {
      const { 'zh-CN': chinese, en } = titleOf(field)
      read.push({ 'zh-CN': `${name} → ${chinese}`, en: `${name} → ${en}` })
    } else if (title.trim() !== '') others.push(name)
  }
  return fileFinding(
    'COLUMNS_READ',
    { row },
    { read: listed(read), others: listed(others.map(same)) },
  )
}

const same = (name: string): Text => ({ 'zh-CN': name, en: name })

function listed(texts: readonly Text[]): Text {
  if (texts.length === 0) return { 'zh-CN': '无', en: 'none' }
  return {
    'zh-CN': texts.map(({ 'zh-CN': chinese }) => chinese).join('、'),
    en: texts.map(({ en }) => en).join(', '),
  }
}

/** That no header is among the first rows. */
export function headerNotFound(defaults: FileDefaults): FileFinding {
  const { columns: required } = named(requiredFields({}, defaults))
  return fileFinding('HEADER_NOT_FOUND', {}, { max: headerSearchRowsMax, required })
}

/** A column as a filer knows it: `C（证件号码）`. */
export function columnName(titles: readonly string[], column: number): string {
  const title = (titles[column] ?? '').replace(/\s+/g, ' ').trim().slice(0, 40)
  return title === '' ? columnLetters(column) : `${columnLetters(column)}（${title}）`
}

/** As a template has it, in both languages. */
export function titleOf(field: Field): Text {
  const { 'zh-CN': chinese, en } = titlesOf(field)
  return { 'zh-CN': chinese[0] ?? field, en: en[0] ?? field }
}

function requiredFields(
  columns: Header['columns'],
  { employer, region, period, category = 'employee' }: FileDefaults,
): Field[] {
  const required: Field[] = ['name', 'idNumber']
  // With a column of categories, what a row needs depends on its own.
  if (!('category' in columns)) required.push(...ofCategory[category])
  if (employer === undefined) required.push('employer')
  if (region === undefined) required.push('region')
  if (period === undefined) required.push('period')
  return required
}

const ofCategory: Readonly<Record<Category, readonly Field[]>> = {
  employee: ['wage'],
  flexible: ['medical'],
  platform: ['date', 'service', 'orders'],
}

function named(missing: readonly Field[]) {
  return {
    columns: {
      'zh-CN': missing.map((field) => columnNames[field][0]).join('、'),
      en: missing.join(', '),
    },
    titles: {
      'zh-CN': missing.map((field) => accepted(titlesOf(field)['zh-CN'], '、')).join('；'),
      en: missing.map((field) => accepted(titlesOf(field).en, ', ')).join('; '),
    },
  }
}

/** All titles of a field: `姓名（参保人姓名、…）`. */
function accepted([first = '', ...others]: readonly string[], separator: string): string {
  if (others.length === 0) return first
  const list = others.join(separator)
  return separator === '、' ? `${first}（${list}）` : `${first} (${list})`
}

/** `（元）` below a name. */
function isUnit(text: string): boolean {
  return /^\s*(?:[(（][^()（）]{1,10}[)）]|元|人民币)\s*$/.test(text)
}

export function withoutEmptyEnd(cells: readonly string[]): readonly string[] {
  let { length } = cells
  while (length > 0 && (cells[length - 1] as string).trim() === '') length -= 1
  return cells.slice(0, length)
}
