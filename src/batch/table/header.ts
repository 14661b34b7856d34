/**
 * The header of a table: which column has which field. It is the first row that names enough known
 * columns; titles and notes may stand above it. Columns may be in any order.
 */
import type { Text } from '../../declaration/catalogue/entry.ts'
import type { Category } from '../../declaration/schema.ts'
import { columnLetters, type FindingPlace } from '../../formats/findings.ts'
import type { Row } from '../../formats/rows.ts'
import { headerSearchRowsMax } from '../../limits.ts'
import { type FileFinding, fileFinding } from '../findings/file-findings.ts'
import { ambiguousField } from './ambiguous-titles.ts'
import { columnNames, type Field, fieldOfTitle, titlesOf } from './columns.ts'

/** Values for the full file, unless its rows have their own. */
export type FileDefaults = {
  readonly employer?: string | undefined
  readonly region?: string | undefined
  /** `YYYY-MM` */
  readonly period?: string | undefined
  readonly category?: Category | undefined
}

/** Plain data: stored with a position, so that reading can continue without the header's row. */
export type Header = {
  readonly row: number
  /** As written, without empty ones at the end; long ones are cut. */
  readonly titles: readonly string[]
  /** The column of each field in the table, from 0. */
  readonly columns: Readonly<Partial<Record<Field, number>>>
}

/** Longer titles are cut, because a header is stored with every position. */
const titleCharactersMax = 200

export type ReadHeader = { readonly header: Header; readonly findings: readonly FileFinding[] }

/** Reads a header row and reports its faults. */
export function readHeader({ row, cells }: Row, defaults: FileDefaults): ReadHeader {
  const titles = withoutEmptyEnd(cutTitles({ row, cells }).cells)
  const columns: Partial<Record<Field, number>> = {}
  const findings: FileFinding[] = []
  for (const [column, title] of titles.entries()) {
    const field = fieldOfTitle(title)
    const place = { row, column: columnName(titles, column) }
    if (field === undefined) {
      if (title.trim() !== '') findings.push(unreadColumn(title, place))
    } else if (columns[field] !== undefined) {
      const other = columnName(titles, columns[field])
      findings.push(fileFinding('COLUMN_DUPLICATE', place, { other }))
    } else columns[field] = column
  }
  const missing = requiredFields(columns, defaults).filter((field) => !(field in columns))
  if (missing.length > 0) findings.push(fileFinding('COLUMN_MISSING', { row }, named(missing)))
  return { header: { row, titles, columns }, findings }
}

/** Cuts a row to what is stored of a header. */
export function cutTitles({ row, cells }: Row): Row {
  return { row, cells: cells.map((title) => title.slice(0, titleCharactersMax)) }
}

/** The finding for a column without a certain meaning. */
function unreadColumn(title: string, place: FindingPlace): FileFinding {
  const meant = ambiguousField(title)
  if (meant === undefined) return fileFinding('COLUMN_UNKNOWN', place)
  return fileFinding('COLUMN_AMBIGUOUS', place, { title: titleOf(meant) })
}

/** Lists the recognised columns and the others. */
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

/** The first rows have no header. */
export function headerNotFound(defaults: FileDefaults): FileFinding {
  const { columns: required } = named(requiredFields({}, defaults))
  return fileFinding('HEADER_NOT_FOUND', {}, { max: headerSearchRowsMax, required })
}

/** A column as a filer knows it: `C（证件号码）`. */
export function columnName(titles: readonly string[], column: number): string {
  const title = (titles[column] ?? '').replace(/\s+/g, ' ').trim().slice(0, 40)
  return title === '' ? columnLetters(column) : `${columnLetters(column)}（${title}）`
}

/** The template's title in both languages. */
export function titleOf(field: Field): Text {
  const { 'zh-CN': chinese, en } = titlesOf(field)
  return { 'zh-CN': chinese[0] ?? field, en: en[0] ?? field }
}

function requiredFields(
  columns: Header['columns'],
  { employer, region, period, category = 'employee' }: FileDefaults,
): Field[] {
  const required: Field[] = ['name', 'idNumber']
  // If there is a column of categories, each row's own category decides what it needs.
  if (!('category' in columns)) required.push(...requiredOfCategory[category])
  if (employer === undefined) required.push('employer')
  if (region === undefined) required.push('region')
  if (period === undefined) required.push('period')
  return required
}

const requiredOfCategory: Readonly<Record<Category, readonly Field[]>> = {
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
      'zh-CN': missing.map((field) => titleList(titlesOf(field)['zh-CN'], '、')).join('；'),
      en: missing.map((field) => titleList(titlesOf(field).en, ', ')).join('; '),
    },
  }
}

/** All titles of a field: `姓名（参保人姓名、…）`. */
function titleList([first = '', ...others]: readonly string[], separator: string): string {
  if (others.length === 0) return first
  const list = others.join(separator)
  return separator === '、' ? `${first}（${list}）` : `${first} (${list})`
}

export function withoutEmptyEnd(cells: readonly string[]): readonly string[] {
  let { length } = cells
  while (length > 0 && (cells[length - 1] as string).trim() === '') length -= 1
  return cells.slice(0, length)
}
