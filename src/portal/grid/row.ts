/** One person in the grid: the line as it would be filed, beside what is in force for the month before, or that it corrects. */
import type { Category, Declaration, IdentityType } from '../../declaration/schema.ts'

export type EditedLine = {
  readonly person: {
    readonly idType: IdentityType
    readonly idNumber: string
    readonly name: string
  }
  readonly category: Category
  readonly change: string
  readonly wage?: string
  readonly tier?: string
  readonly base?: string
  readonly medical?: string
  readonly days?: readonly {
    readonly date: string
    readonly service: string
    readonly orders: number
  }[]
}

export type Row = {
  /** Of this row as long as the page lives, wherever it moves. */
  readonly key: number
  readonly line: EditedLine
  /** Undefined for one that was added. */
  readonly before: EditedLine | undefined
}

export type EditedHeader = Omit<Declaration, 'lines'>

/** Columns that can be edited, in the order of the grid. */
export const columns = ['name', 'idNumber', 'category', 'before', 'wage', 'change'] as const
export type Column = (typeof columns)[number]

let lastKey = 0

export function rowOf(line: EditedLine, before?: EditedLine): Row {
  lastKey += 1
  return { key: lastKey, line, before }
}

export function emptyLine(): EditedLine {
  return {
    person: { idType: 'resident-id', idNumber: '', name: '' },
    category: 'employee',
    wage: '',
    change: 'join',
  }
}

export type RowChange = 'same' | 'added' | 'joined' | 'left' | 'edited'

export function changeOf({ line, before }: Row): RowChange {
  if (line.change === 'leave' && before?.change !== 'leave') return 'left'
  if (before === undefined) return line.change === 'join' ? 'joined' : 'added'
  return line === before || isSameLine(line, before) ? 'same' : 'edited'
}

export function isSameLine(one: EditedLine, other: EditedLine): boolean {
  return (
    one.wage === other.wage &&
    one.change === other.change &&
    one.category === other.category &&
    one.tier === other.tier &&
    one.base === other.base &&
    one.medical === other.medical &&
    one.person.name === other.person.name &&
    one.person.idNumber === other.person.idNumber &&
    one.person.idType === other.person.idType &&
    JSON.stringify(one.days) === JSON.stringify(other.days)
  )
}

export type Counts = { readonly rows: number } & Readonly<Record<RowChange, number>>

export function countRows(rows: readonly Row[]): Counts {
  const counts = { rows: rows.length, same: 0, added: 0, joined: 0, left: 0, edited: 0 }
  for (const row of rows) counts[changeOf(row)] += 1
  return counts
}

/** What the grid shows of a column, as it would be typed. */
export function cellText(line: EditedLine, column: Column): string {
  switch (column) {
    case 'name':
      return line.person.name
    case 'idNumber':
      return line.person.idNumber
    case 'category':
      return line.category
    case 'wage':
      return line.wage ?? line.base ?? line.tier ?? ''
    case 'change':
      return line.change
    case 'before':
      return ''
  }
}

/** The line with a cell changed; the same line where nothing changes. */
export function withCell(line: EditedLine, column: Column, text: string): EditedLine {
  if (cellText(line, column) === text) return line
  switch (column) {
    case 'name':
      return { ...line, person: { ...line.person, name: text } }
    case 'idNumber':
      return { ...line, person: { ...line.person, idNumber: text } }
    case 'change':
      return { ...line, change: text }
    case 'wage':
      return withAmount(line, text)
    case 'category':
    case 'before':
      return line
  }
}

function withAmount(line: EditedLine, text: string): EditedLine {
  if (line.category === 'employee') return { ...line, wage: text }
  if (line.category === 'platform') return line
  return line.base !== undefined ? { ...line, base: text } : { ...line, tier: text }
}

/** The column that a finding's field is shown in. */
export function columnOfField(field: string): Column {
  if (field === '/person/name') return 'name'
  if (field.startsWith('/person')) return 'idNumber'
  if (field === '/change') return 'change'
  if (field === '/category') return 'category'
  return 'wage'
}
