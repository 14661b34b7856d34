/**
 * Reads the rows of one sheet as its XML comes: cells as text, with their type if it isn't text.
 * Formulas are never computed: the file's stored result is used. A date is a number of days until its
 * style says that it is a date.
 */

import {
  cellCharactersMax,
  fileColumnsMax,
  sheetRowsMax,
  xlsxBatchCharacters,
  xlsxBatchRows,
} from '../limits.ts'
import { columnLetters, type FormatFinding, formatFinding } from './findings.ts'
import type { CellFault, CellKind, Row } from './rows.ts'
import { RichText, unescaped, type Workbook, WorkbookError } from './workbook.ts'
import { attributeOf, detachedText, type XmlHandler } from './xml.ts'

/** Merged ranges that are remembered; one is reported. */
const mergedMax = 100
/**
 * Days from 1899-12-30, where Excel's count begins, to 1970-01-01; and the start of the 1904 count in
 * it.
 */
const [daysTo1970, daysTo1904] = [25_569, 1_462]
/** 9999-12-31. */
const dayMax = 2_958_465

export class SheetReader implements XmlHandler {
  readonly #workbook: Workbook
  readonly #skipRows: number
  readonly #inline = new RichText()
  #rows: Row[] = []
  #characters = 0
  #row = 0
  /** Whether the reader is in a row, and in a cell of it. */
  #inRow = false
  #inCell = false
  #skipping = false
  #cells: string[] = []
  #kinds: (CellKind | undefined)[] | undefined
  #faults: CellFault[] | undefined
  #blank = true
  #column = -1
  #type: string | undefined
  #style = 0
  #hasValue = false
  #value = ''
  #hasFormula = false
  #in: 'value' | 'inline' | 'other' = 'other'
  #formulas = 0
  #firstFormula: { readonly row: number; readonly column: string } | undefined
  #hidden = false
  #hiddenRows = 0
  #firstHidden = 0
  readonly #merged: FormatFinding[] = []

  /** @param skipRows rows that were read before */
  constructor(workbook: Workbook, skipRows: number) {
    this.#workbook = workbook
    this.#skipRows = skipRows
  }

  /** How many rows are ready to take. */
  get ready(): number {
    return this.#rows.length
  }

  /** Whether enough rows or characters are ready for a batch. */
  get isFull(): boolean {
    return this.#rows.length >= xlsxBatchRows || this.#characters >= xlsxBatchCharacters
  }

  takeRows(): Row[] {
    const rows = this.#rows
    this.#rows = []
    this.#characters = 0
    return rows
  }

  /** Findings that are known at the end of the sheet. */
  findings(): FormatFinding[] {
    const found: FormatFinding[] = [...this.#merged]
    if (this.#firstFormula !== undefined) {
      found.push(formatFinding('CELL_FORMULA', this.#firstFormula, { count: this.#formulas }))
    }
    if (this.#hiddenRows > 0) {
      const count = { count: this.#hiddenRows }
      found.push(formatFinding('ROW_HIDDEN', { row: this.#firstHidden }, count))
    }
    return found
  }

  open(name: string, attributes: string): void {
    if (name === 'c') this.#openCell(attributes)
    else if (name === 'v') this.#openValue('value')
    else if (name === 'row') this.#openRow(attributes)
    else if (name === 'f') this.#hasFormula = true
    else if (name === 'is') this.#openValue('inline')
    else if (name === 'mergeCell') this.#merge(attributeOf(attributes, 'ref') ?? '')
    else if (this.#in === 'inline') this.#inline.open(name)
  }

  close(name: string): void {
    if (name === 'c') this.#closeCell()
    else if (name === 'v' || name === 'is') this.#in = 'other'
    else if (name === 'row') this.#closeRow()
    else if (this.#in === 'inline') this.#inline.close(name)
  }

  text(text: string): void {
    if (this.#in === 'value') {
      if (this.#value.length <= cellCharactersMax) this.#value += text
    } else if (this.#in === 'inline') this.#inline.add(text)
  }

  /** A cell has one value: two would be read as one number. Values outside cells are ignored. */
  #openValue(kind: 'value' | 'inline'): void {
    if (!this.#inCell) return
    if (this.#hasValue || this.#in !== 'other') throw new WorkbookError('FILE_BROKEN')
    this.#hasValue = true
    this.#in = kind
  }

  #openRow(attributes: string): void {
    const at = attributeOf(attributes, 'r')
    const row = at === undefined ? this.#row + 1 : wholeNumber(at)
    // A row within another, or above it, would be taken for that one.
    if (this.#inRow || !Number.isInteger(row) || row <= this.#row)
      throw new WorkbookError('FILE_BROKEN')
    if (row > sheetRowsMax) throw new WorkbookError('ROWS_TOO_MANY', { row }, { max: sheetRowsMax })
    this.#inRow = true
    this.#row = row
    this.#skipping = row <= this.#skipRows
    this.#cells = []
    this.#kinds = undefined
    this.#faults = undefined
    this.#blank = true
    this.#column = -1
    this.#hidden = attributes.includes('hidden') && isTrue(attributeOf(attributes, 'hidden'))
  }

  #closeRow(): void {
    if (!this.#inRow || this.#inCell) throw new WorkbookError('FILE_BROKEN')
    this.#inRow = false
    if (this.#blank) return
    if (this.#hidden) {
      this.#hiddenRows += 1
      if (this.#hiddenRows === 1) this.#firstHidden = this.#row
    }
    const row = { row: this.#row, cells: this.#cells }
    const { kinds, faults } = { kinds: this.#kinds, faults: this.#faults }
    this.#rows.push(kinds === undefined && faults === undefined ? row : { ...row, kinds, faults })
  }

  #openCell(attributes: string): void {
    if (!this.#inRow || this.#inCell) throw new WorkbookError('FILE_BROKEN')
    this.#inCell = true
    const at = attributeOf(attributes, 'r')
    const column = at === undefined ? this.#column + 1 : columnOf(at, this.#row)
    // Otherwise a row could have any number of cells.
    if (column <= this.#column) throw new WorkbookError('FILE_BROKEN')
    this.#column = column
    this.#type = attributeOf(attributes, 't')
    this.#style = this.#styleOf(attributeOf(attributes, 's'))
    this.#hasValue = false
    this.#value = ''
    this.#inline.clear()
    this.#hasFormula = false
    this.#in = 'other'
  }

  /** The style decides whether a number is a date. */
  #styleOf(written: string | undefined): number {
    if (written === undefined) return 0
    const style = wholeNumber(written)
    const { length } = this.#workbook.isDateStyle
    if (!Number.isInteger(style) || (length > 0 && style >= length))
      throw new WorkbookError('FILE_BROKEN')
    return style
  }

  #closeCell(): void {
    this.#inCell = false
    if (this.#skipping) return
    const column = this.#column
    if (this.#hasFormula) this.#countFormula(column)
    const text = this.#read(column)
    if (text === '' && this.#faults?.at(-1)?.column !== column) return
    if (column >= fileColumnsMax)
      throw new WorkbookError('COLUMNS_TOO_MANY', { row: this.#row }, { max: fileColumnsMax })
    this.#blank = false
    while (this.#cells.length < column) this.#cells.push('')
    this.#cells[column] = text.length > cellCharactersMax ? this.#cut(text, column) : text
    this.#characters += text.length
  }

  #cut(text: string, column: number): string {
    this.#fault({ column, code: 'CELL_TOO_LONG', params: { max: cellCharactersMax } })
    return text.slice(0, cellCharactersMax)
  }

  #fault(fault: CellFault): void {
    this.#faults ??= []
    this.#faults.push(fault)
  }

  #kind(column: number, kind: CellKind): void {
    this.#kinds ??= []
    this.#kinds[column] = kind
  }

  #countFormula(column: number): void {
    this.#formulas += 1
    this.#firstFormula ??= { row: this.#row, column: columnLetters(column) }
    if (this.#value === '' && this.#type !== 'inlineStr' && this.#type !== 'str') {
      this.#fault({ column, code: 'CELL_FORMULA_EMPTY' })
    }
  }

  /** The cell's text; stores its type and its faults. */
  #read(column: number): string {
    const value = this.#value
    switch (this.#type) {
      case 's': {
        if (value === '') return ''
        const text = this.#workbook.strings.at(wholeNumber(value.trim()))
        if (text === undefined) throw new WorkbookError('FILE_BROKEN')
        return text
      }
      case 'inlineStr':
        return detachedText(this.#inline.value())
      case 'str':
        return detachedText(unescaped(value))
      case 'b':
        if (value === '') return ''
        this.#kind(column, 'boolean')
        return booleanText(value)
      case 'e':
        this.#fault({ column, code: 'CELL_ERROR_VALUE', params: { value: errorName(value) } })
        return detachedText(value.slice(0, 20))
      case 'd':
        if (!isoDay.test(value)) return detachedText(value)
        this.#kind(column, 'date')
        return detachedText(value.slice(0, 10))
      case 'n':
      case undefined:
        return this.#readNumber(value, column)
      default:
        throw new WorkbookError('FILE_BROKEN')
    }
  }

  #readNumber(value: string, column: number): string {
    if (value === '') return ''
    const number = decimal.test(value) ? Number(value) : Number.NaN
    if (!Number.isFinite(number)) throw new WorkbookError('FILE_BROKEN')
    if (this.#workbook.isDateStyle[this.#style] === true) {
      const day = dayOfSerial(number, this.#workbook.from1904)
      if (day !== undefined) {
        this.#kind(column, 'date')
        return day
      }
    }
    this.#kind(column, 'number')
    return numberText(number)
  }

  #merge(range: string): void {
    const [, first, last] = /^[A-Z]{1,3}([0-9]{1,7}):[A-Z]{1,3}([0-9]{1,7})$/.exec(range) ?? []
    if (first === undefined || last === undefined || this.#merged.length === mergedMax) return
    const params = { range, lastRow: last }
    this.#merged.push(formatFinding('CELLS_MERGED', { row: Number(first) }, params))
  }
}

/** As `xsd:double` writes them: not `0x10`, nor a blank, which would be 0. */
const decimal = /^\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?\s*$/i
const isoDay = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:$|T)/

/** NaN for anything but digits. It runs for each cell, so it uses no regular expression. */
function wholeNumber(text: string): number {
  const { length } = text
  if (length === 0 || length > 10) return Number.NaN
  let number = 0
  for (let at = 0; at < length; at += 1) {
    const digit = text.charCodeAt(at) - 48
    if (!(digit >= 0 && digit <= 9)) return Number.NaN
    number = number * 10 + digit
  }
  return number
}

function isTrue(written: string | undefined): boolean {
  return written === '1' || written === 'true'
}

function booleanText(value: string): string {
  if (isTrue(value)) return 'TRUE'
  if (value === '0' || value === 'false') return 'FALSE'
  throw new WorkbookError('FILE_BROKEN')
}

/** 0 for `A12` in row 12; a cell that names another row is a fault. */
function columnOf(cell: string, row: number): number {
  let column = 0
  let at = 0
  for (; at < 3; at += 1) {
    const letter = cell.charCodeAt(at) - 64
    if (!(letter >= 1 && letter <= 26)) break
    column = column * 26 + letter
  }
  if (column === 0 || wholeNumber(cell.slice(at)) !== row) throw new WorkbookError('FILE_BROKEN')
  return column - 1
}

/** Error names as spreadsheets show them; other content of such a cell is not repeated. */
function errorName(value: string): string {
  return /^#[A-Z/0-9]{1,12}[!?]?$/.test(value) ? value : '#'
}

function dayOfSerial(serial: number, from1904: boolean): string | undefined {
  const day = Math.floor(serial) + (from1904 ? daysTo1904 : 0)
  // Before March 1900, Excel counts a day that didn't exist.
  if (day < 61 || day > dayMax) return undefined
  return new Date((day - daysTo1970) * 86_400_000).toISOString().slice(0, 10)
}

/** A number as the sheet shows it, without the noise of binary fractions beyond the sixth decimal. */
function numberText(number: number): string {
  const cents = Math.round(number * 100) / 100
  const shown = Math.abs(cents - number) < 1e-6 ? cents : number
  return Math.abs(shown) < 1e21 ? plainText(shown) : String(shown)
}

function plainText(number: number): string {
  return Number.isInteger(number) ? BigInt(number).toString() : String(number)
}
