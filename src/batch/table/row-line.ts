/**
 * Turns a row of a table into a line of a declaration, as `declaration/check` takes it, with its
 * employer, region and period. Blank cells are missing fields. Values get the schema's form where their
 * meaning is plain. The check, not this file, decides what a line needs.
 */

import { findUnseen, withoutUnseen } from '../../declaration/characters.ts'
import { formats } from '../../declaration/formats.ts'
import { periodPattern } from '../../declaration/period.ts'
import { type Category, regionPattern } from '../../declaration/schema.ts'
import { checkSocialCreditCode } from '../../declaration/social-credit-code.ts'
import { restoreCell } from '../../formats/cell-guard.ts'
import type { Row } from '../../formats/rows.ts'
import { type FileFinding, fileFinding } from '../findings/file-findings.ts'
import type { Field } from './columns.ts'
import { isExample } from './examples.ts'
import { columnName, type FileDefaults, type Header } from './header.ts'
import {
  hasLostDigits,
  readAmount,
  readChoice,
  readCode,
  readDay,
  readIndustryClass,
  readNumberText,
  readPeriod,
  readWholeNumber,
} from './values.ts'

/** The header fields of a declaration, as far as a row or the file's defaults give them. */
export type RowHeader = {
  readonly employer: string | undefined
  readonly region: string | undefined
  /** `YYYY-MM` */
  readonly period: string | undefined
  readonly industryClass?: number | string
  readonly workInjuryFloat?: number | string
  readonly unitBase?: string
}

export type FiledRow = {
  readonly row: number
  /** In an errors file that was sent back: the row that this one amends. */
  readonly position: number | undefined
  /** As written, for the errors file. */
  readonly cells: readonly string[]
  readonly header: RowHeader
  /** A line for `checkDeclaration`; undefined if the row has an error. */
  readonly line: object | undefined
  readonly findings: readonly FileFinding[]
}

const noFindings: readonly FileFinding[] = []
const regionFormat = new RegExp(regionPattern)
const periodFormat = new RegExp(periodPattern)

type RowReaderOptions = {
  readonly defaults: FileDefaults
  readonly isText: boolean
  readonly report: (finding: FileFinding) => void
}

export class RowReader {
  readonly #header: Header
  readonly #columns: Header['columns']
  readonly #known: ReadonlySet<number>
  readonly #defaults: FileDefaults
  /** In text files a value may contain the separator; only the header's length reveals that. */
  readonly #isText: boolean
  /** Rows of one employer and period follow each other, so the header of the last row is reused. */
  #last: { readonly key: string; readonly header: RowHeader } | undefined

  /** Reports findings of a row that is read all the same. */
  readonly #report: (finding: FileFinding) => void

  constructor(header: Header, { defaults, isText, report }: RowReaderOptions) {
    this.#header = header
    this.#columns = header.columns
    this.#known = new Set(Object.values(header.columns))
    this.#defaults = defaults
    this.#isText = isText
    this.#report = report
  }

  read(filed: Row): FiledRow {
    const found: FileFinding[] = []
    const row = this.#withoutUnseen(filed)
    this.#checkCells(row, found)
    const header = this.#readHeader(row, found)
    if (isExample(readNumberText(this.#cell(row.cells, 'idNumber'))))
      found.push(fileFinding('ROW_IS_EXAMPLE', this.#place(row.row, this.#columns.idNumber)))
    const position = this.#readPosition(row, found)
    return {
      row: row.row,
      position,
      cells: filed.cells,
      header,
      line: found.length === 0 ? this.#readLine(row.cells) : undefined,
      findings: found.length === 0 ? noFindings : found,
    }
  }

  /** Removes invisible characters, which carry no meaning, and reports them. */
  #withoutUnseen(row: Row): Row {
    let seen: string[] | undefined
    for (const column of this.#known) {
      const cell = row.cells[column] ?? ''
      const first = findUnseen(cell)
      if (first === undefined) continue
      seen ??= [...row.cells]
      seen[column] = withoutUnseen(cell)
      const { position, character } = first
      const place = this.#place(row.row, column)
      this.#report(fileFinding('CELL_INVISIBLE', place, { position, character }))
    }
    return seen === undefined ? row : { ...row, cells: seen }
  }

  #cell(cells: readonly string[], field: Field): string {
    const column = this.#columns[field]
    return column === undefined ? '' : (cells[column] ?? '')
  }

  #place(row: number, column: number | undefined) {
    return { row, column: column === undefined ? '' : columnName(this.#header.titles, column) }
  }

  /** Finds faults that make cells unreadable, whatever their meaning. */
  #checkCells({ row, cells, kinds, faults }: Row, found: FileFinding[]): void {
    const max = this.#header.titles.length
    if (this.#isText && cells.length > max && cells.slice(max).some((cell) => cell.trim() !== '')) {
      found.push(fileFinding('ROW_CELLS_TOO_MANY', { row }, { count: cells.length, max }))
    }
    if (faults !== undefined) {
      for (const { column, code, params } of faults) {
        if (this.#known.has(column)) found.push(fileFinding(code, this.#place(row, column), params))
      }
    }
    for (const field of numberFields) {
      const column = this.#columns[field]
      if (column === undefined) continue
      const cell = cells[column] ?? ''
      const isNumber = kinds?.[column] === 'number' && cell.length > exactDigitsMax
      if (isNumber || (cell.length < 30 && hasLostDigits(cell))) {
        found.push(fileFinding('NUMBER_LOST_DIGITS', this.#place(row, column)))
      }
    }
  }

  #readPosition({ row, cells }: Row, found: FileFinding[]): number | undefined {
    const column = this.#columns.position
    if (column === undefined) return undefined
    const cell = (cells[column] ?? '').trim()
    if (/^[1-9][0-9]{0,6}$/.test(cell)) return Number(cell)
    // A row that the filer added has no position.
    if (cell !== '') found.push(fileFinding('POSITION_INVALID', this.#place(row, column)))
    return undefined
  }

  #readHeader({ row, cells }: Row, found: FileFinding[]): RowHeader {
    let key = ''
    for (const field of headerFields) key += `${this.#cell(cells, field)}\n`
    if (this.#last?.key === key) return this.#last.header
    const faults: FileFinding[] = []
    const header = this.#readNewHeader(row, cells, faults)
    if (faults.length === 0) this.#last = { key, header }
    else found.push(...faults)
    return header
  }

  #readNewHeader(row: number, cells: readonly string[], found: FileFinding[]): RowHeader {
    const defaults = this.#defaults
    const filled = (field: Field) => this.#cell(cells, field).trim()
    const report = (field: Field, code: FileFinding['code'], params?: FileFinding['params']) =>
      found.push(fileFinding(code, this.#place(row, this.#columns[field]), params))

    const employer = readCode(filled('employer')) || defaults.employer
    const region = readNumberText(filled('region')) || defaults.region
    const period = readPeriod(filled('period')) || defaults.period
    for (const [field, value] of Object.entries({ employer, region, period })) {
      if (value === undefined) report(field as Field, 'FIELD_MISSING', { field })
    }
    const fault = employer === undefined ? undefined : checkSocialCreditCode(employer)
    if (fault !== undefined) report('employer', fault)
    if (region !== undefined && !regionFormat.test(region)) {
      report('region', 'FIELD_FORMAT', { format: formats.region ?? '' })
    }
    if (period !== undefined && !periodFormat.test(period)) {
      report('period', 'FIELD_FORMAT', { format: formats.period ?? '' })
    }
    const [industryClass, float] = [filled('industryClass'), filled('workInjuryFloat')]
    const unitBase = readAmount(filled('unitBase'))
    return {
      employer,
      region,
      period,
      ...(industryClass === '' ? {} : { industryClass: readIndustryClass(industryClass) }),
      ...(float === '' ? {} : { workInjuryFloat: readWholeNumber(float.replace(/[%％]$/, '')) }),
      ...(unitBase === '' ? {} : { unitBase }),
    }
  }

  #readLine(cells: readonly string[]): object {
    const idType = this.#cell(cells, 'idType')
    const person: Record<string, unknown> = {
      idType: idType === '' ? 'resident-id' : readChoice('idType', idType),
    }
    const idNumber = readNumberText(this.#cell(cells, 'idNumber'))
    const name = restoreCell(this.#cell(cells, 'name')).replace(lineBreaksAround, '')
    if (idNumber !== '') person.idNumber = idNumber
    if (name !== '') person.name = name
    const filed = this.#cell(cells, 'category')
    const category =
      filed === '' ? (this.#defaults.category ?? 'employee') : readChoice('category', filed)
    return this.#withCategory({ person, category }, cells)
  }

  #withCategory(line: Record<string, unknown>, cells: readonly string[]): object {
    const of = Object.hasOwn(lineFields, line.category as string)
      ? lineFields[line.category as Category]
      : lineFields.employee
    for (const [field, read] of of) {
      const cell = this.#cell(cells, field)
      if (cell !== '') line[field] = read(cell)
      else if (field === 'change') line.change = 'none'
    }
    if (line.category === 'platform') {
      const { date, service, orders, ...rest } = line
      return { ...rest, days: [{ date, service, orders }] }
    }
    return line
  }
}

/** Tabs and line breaks that a spreadsheet adds to a pasted cell. */
const lineBreaksAround = /^[\t\r\n]+|[\t\r\n]+$/g

/** Fields whose digits beyond 15 a spreadsheet drops if it takes them for numbers. */
const numberFields = ['idNumber', 'employer'] as const
const exactDigitsMax = 15

const headerFields = [
  'employer',
  'region',
  'period',
  'industryClass',
  'workInjuryFloat',
  'unitBase',
] as const

type Read = (cell: string) => unknown

const change: readonly [Field, Read] = ['change', (cell) => readChoice('change', cell)]

const lineFields: Readonly<Record<Category, readonly (readonly [Field, Read])[]>> = {
  employee: [['wage', readAmount], change],
  flexible: [
    ['tier', (cell) => cell.replace(/[%％\s]/g, '')],
    ['base', readAmount],
    ['medical', (cell) => readChoice('medical', cell)],
    change,
  ],
  platform: [
    ['date', readDay],
    ['service', (cell) => cell.trim()],
    ['orders', readWholeNumber],
  ],
}

/** The column of a line's field, by the JSON Pointer in a finding; undefined if there is none. */
export function columnOfPointer({ columns }: Header, pointer: string): number | undefined {
  const [, field] = /^(?:\/lines\/[0-9]+)?(?:\/person|\/days\/[0-9]+)?\/(\w+)$/.exec(pointer) ?? []
  return field === undefined ? undefined : columns[field as Field]
}
