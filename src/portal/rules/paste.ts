/**
 * Reads what somebody copied in a spreadsheet: tab-separated, with its row of titles or two, columns in any order,
 * under any of the titles that files may have. What a cell says is read as files are read; what can't be read stays as
 * it is, and the check tells what is wrong with it.
 */
import { type Field, fieldOfTitle, isHeader, joinHeader } from '../../batch/table/columns.ts'
import { hasLostDigits, readAmount, readChoice, readNumberText } from '../../batch/table/values.ts'
import { identityTypes, linesMax } from '../../declaration/schema.ts'
import type { EditedLine } from '../grid/row.ts'
import type { PasteRead } from './protocol.ts'

/** Rows above the titles: a heading, a note. */
const titlesWithin = 8
/** Rows that are read: one more than fits tells that there are too many. */
const rowsMax = linesMax + titlesWithin + 1

export function readPaste(text: string): PasteRead {
  const rows = cellsOf(text)
  const titled = findTitles(rows)
  const columns = titled?.columns ?? withoutTitles(rows)
  const data = rows
    .slice(titled?.next ?? 0)
    .filter((cells) => cells.some((cell) => cell.trim() !== ''))
  const inWan = titled?.inWan ?? false
  const read = data
    .map((cells) => lineOf(cells, columns, inWan))
    .filter((line) => line !== undefined)
  const needed = ['name', 'idNumber', 'wage'] as const
  return {
    lines: read.map(({ line }) => line),
    ignored: titled?.ignored ?? [],
    missing: needed.filter(
      (field) => !columns.has(field) && !(field === 'wage' && hasOther(columns)),
    ),
    lostDigits: read.filter(({ lost }) => lost).length,
    fromWan: read.filter(({ fromWan }) => fromWan).length,
  }
}

type Columns = ReadonlyMap<Field, number>

const hasOther = (columns: Columns) => columns.has('tier') || columns.has('base')

/** Cells as spreadsheets put them into a clipboard: one with a tab, a line break or a quote in it is in quotes. */
export function cellsOf(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  while (at <= text.length && rows.length < rowsMax) {
    const { cell, end } = cellAt(text, at)
    row.push(cell)
    if (text[end] !== '\t') {
      rows.push(row)
      row = []
      if (end >= text.length) break
    }
    at = text[end] === '\r' && text[end + 1] === '\n' ? end + 2 : end + 1
  }
  while (rows.length > 0 && rows.at(-1)?.every((cell) => cell === '')) rows.pop()
  return rows
}

function cellAt(text: string, start: number): { cell: string; end: number } {
  if (text[start] === '"') {
    const quoted = /^"((?:[^"]|"")*)"(?=[\t\r\n]|$)/.exec(text.slice(start, start + 10_000))
    if (quoted !== null) {
      return { cell: (quoted[1] ?? '').replaceAll('""', '"'), end: start + quoted[0].length }
    }
  }
  let end = start
  while (end < text.length && !'\t\r\n'.includes(text[end] as string)) end += 1
  return { cell: text.slice(start, end), end }
}

function findTitles(rows: readonly string[][]) {
  for (let i = 0; i < Math.min(titlesWithin, rows.length); i += 1) {
    const [cells, below] = [rows[i] ?? [], rows[i + 1]]
    if (!isHeader(cells)) continue
    const joined = below && joinHeader({ row: i + 1, cells }, { row: i + 2, cells: below })
    const titles = joined?.cells ?? cells
    const columns = new Map<Field, number>()
    const ignored: string[] = []
    for (const [column, title] of titles.entries()) {
      const field = fieldOfTitle(title)
      if (field !== undefined && used.has(field)) {
        if (!columns.has(field)) columns.set(field, column)
      } else if (title.trim() !== '' && field !== 'sequence') ignored.push(title.trim())
    }
    const at = columns.get('wage')
    const inWan = at !== undefined && /万元/.test(`${cells[at] ?? ''}${below?.[at] ?? ''}`)
    return { columns, ignored, next: i + (joined === undefined ? 1 : 2), inWan }
  }
  return undefined
}

const used: ReadonlySet<Field> = new Set<Field>([
  ...([
    'name',
    'idType',
    'idNumber',
    'category',
    'wage',
    'change',
    'tier',
    'base',
    'medical',
  ] as const),
])

/** Without titles, what a column is shows in its cells: a number of 18 characters, an amount, a name. */
function withoutTitles(rows: readonly string[][]): Columns {
  const columns = new Map<Field, number>()
  const cells = rows.find((row) => row.length > 1) ?? []
  for (const [column, cell] of cells.entries()) {
    const text = readNumberText(cell.trim())
    if (/^[0-9]{17}[0-9Xx]$/.test(text) || hasLostDigits(text)) columns.set('idNumber', column)
    else if (/^[0-9]+(?:\.[0-9]+)?$/.test(readAmount(cell)) && !(column === 0 && cells.length > 3))
      columns.set('wage', column)
    else if (/\p{L}/u.test(text) && !columns.has('name')) columns.set('name', column)
  }
  return columns
}

function lineOf(cells: readonly string[], columns: Columns, inWan: boolean) {
  const cell = (field: Field) => {
    const column = columns.get(field)
    return column === undefined ? undefined : (cells[column] ?? '').trim()
  }
  const name = cell('name') ?? ''
  const idNumber = readNumberText(cell('idNumber') ?? '').trim()
  // A row of sums below the table is no person.
  if (idNumber === '' && (name === '' || /^(?:合\s*计|小\s*计|总\s*计|total)/i.test(name)))
    return undefined
  const amount = wanRead(cell('wage') ?? '', inWan)
  const idType = readChoice('idType', cell('idType') ?? '')
  const line: EditedLine = {
    person: {
      idType: identityTypes.find((known) => known === idType) ?? 'resident-id',
      idNumber,
      name,
    },
    category: categoryOf(cell('category')),
    change: readChoice('change', cell('change') || 'none'),
    ...amountsOf(cell, amount.text),
  }
  return { line, lost: hasLostDigits(idNumber), fromWan: amount.fromWan }
}

function categoryOf(cell: string | undefined): EditedLine['category'] {
  return readChoice('category', cell ?? '') === 'flexible' ? 'flexible' : 'employee'
}

function amountsOf(cell: (field: Field) => string | undefined, wage: string) {
  if (categoryOf(cell('category')) === 'employee') return { wage }
  const [tier, base, medical] = [cell('tier'), cell('base'), cell('medical')]
  return {
    ...(base ? { base: readAmount(base) } : { tier: tier ?? '' }),
    medical: readChoice('medical', medical ?? ''),
  }
}

/** `0.65` below a title in 万元, or `0.65万`: 6500. Only where every digit of the yuan is there. */
function wanRead(cell: string, inWan: boolean): { text: string; fromWan: boolean } {
  const marked = /^(.*?)\s*万元?\s*$/.exec(cell)
  const text = readAmount(marked?.[1] ?? cell)
  const parts = /^([0-9]{1,5})(?:\.([0-9]{1,6}))?$/.exec(text)
  if (parts === null || !(inWan || marked !== null))
    return { text: marked ? cell : text, fromWan: false }
  const digits = `${parts[1]}${(parts[2] ?? '').padEnd(6, '0')}`
  const yuan = `${digits.slice(0, -2)}.${digits.slice(-2)}`.replace(/^0+(?=[0-9])/, '')
  return { text: yuan, fromWan: true }
}
