/**
 * The header of a table: which column holds what. It is the first row that names enough of the known
 * columns; titles and notes may stand above it. The order of columns is the filer's.
 */
import type { Category } from '../declaration/schema.ts'
import { headerSearchRowsMax } from '../limits.ts'
import { columnNames, type Field, fieldOfTitle } from './columns.ts'
import { columnLetters, type FileFinding, fileFinding } from './file-findings.ts'
import type { Row } from './rows.ts'

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
  const titles = withoutEmptyEnd(cells).map((title) => title.slice(0, titleCharactersMax))
  const columns: Partial<Record<Field, number>> = {}
  const findings: FileFinding[] = []
  for (const [column, title] of titles.entries()) {
    const field = fieldOfTitle(title)
    const place = { row, column: columnName(titles, column) }
    if (field === undefined) {
      if (title.trim() !== '') findings.push(fileFinding('COLUMN_UNKNOWN', place))
    } else if (columns[field] !== undefined) {
      const other = columnName(titles, columns[field])
      findings.push(fileFinding('COLUMN_DUPLICATE', place, { other }))
    } else columns[field] = column
  }
  const missing = requiredFields(columns, defaults).filter((field) => !(field in columns))
  if (missing.length > 0) findings.push(fileFinding('COLUMN_MISSING', { row }, named(missing)))
  return { header: { row, titles, columns }, findings }
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
  }
}

export function withoutEmptyEnd(cells: readonly string[]): readonly string[] {
  let { length } = cells
  while (length > 0 && (cells[length - 1] as string).trim() === '') length -= 1
  return cells.slice(0, length)
}
