/**
 * The rows set aside of a file, and what somebody changes in them: by cell, or for one cause in all rows that have it.
 * Pure data: what is changed is kept beside the rows, so that it can be stored, undone, and sent as a table.
 */
import { fieldOfTitle } from '../../batch/table/columns.ts'
import { guardCell } from '../../formats/cell-guard.ts'
import type { Both } from '../state/read.ts'

export type Finding = {
  readonly code: string
  readonly severity: 'error' | 'warning' | 'hint'
  /** Of `titles`; undefined of the row as a whole. */
  readonly column?: number
  readonly message: Both
  readonly fix: Both
  readonly suggestion?: string
}

export type AsideRow = {
  readonly row: number
  /** In the first file, also where this file mends one. */
  readonly position: string
  /** It was not mended since. */
  readonly open: boolean
  readonly cells: readonly string[]
  readonly findings: readonly Finding[]
}

export type AsideTable = {
  readonly batch: string
  readonly titles: readonly string[]
  /** The title over `position`, which names the file. */
  readonly position: string
  readonly rows: readonly AsideRow[]
}

/** What is changed, by position and column. */
export type Edits = Readonly<Record<string, Readonly<Record<number, string>>>>

export function cellIn(row: AsideRow, column: number, edits: Edits): string {
  return edits[row.position]?.[column] ?? row.cells[column] ?? ''
}

/** A cell that is as it was filed is no change. */
export function withCell(edits: Edits, row: AsideRow, column: number, value: string): Edits {
  const { [column]: _, ...others } = edits[row.position] ?? {}
  const own = value === (row.cells[column] ?? '') ? others : { ...others, [column]: value }
  const { [row.position]: __, ...rows } = edits
  return Object.keys(own).length === 0 ? rows : { ...rows, [row.position]: own }
}

export function withoutRow(edits: Edits, { position }: AsideRow): Edits {
  const { [position]: _, ...rows } = edits
  return rows
}

/** What was changed in these rows. */
export function editsOf(rows: readonly AsideRow[], edits: Edits): Edits {
  return Object.fromEntries(
    rows.flatMap(({ position }) => {
      const own = edits[position]
      return own === undefined ? [] : [[position, own]]
    }),
  )
}

export function isChanged(row: AsideRow, edits: Edits): boolean {
  return edits[row.position] !== undefined
}

/** One cause: what is wrong, and in which column. */
export type Cause = {
  readonly key: string
  readonly code: string
  readonly column: number | undefined
  /** As of its first row. */
  readonly finding: Finding
  readonly rows: readonly AsideRow[]
  /** Of rows that are as they were. */
  readonly left: number
  /** Rows whose cell is as it was, and for which a value that passes is known. */
  readonly suggested: readonly { readonly row: AsideRow; readonly value: string }[]
}

/** Errors of rows that are open, the most frequent cause first. */
export function causesOf({ rows }: AsideTable, edits: Edits): readonly Cause[] {
  const found = new Map<
    string,
    { finding: Finding; rows: AsideRow[]; suggested: Cause['suggested'][number][] }
  >()
  for (const row of rows) {
    if (!row.open) continue
    for (const finding of row.findings) {
      if (finding.severity !== 'error') continue
      const { suggestion: value } = finding
      const cause = found.get(keyOf(finding)) ?? { finding, rows: [], suggested: [] }
      found.set(keyOf(finding), cause)
      if (cause.rows.at(-1) !== row) cause.rows.push(row)
      const isAsFiled = !isMended(row, finding, edits)
      if (value !== undefined && finding.column !== undefined && isAsFiled)
        cause.suggested.push({ row, value })
    }
  }
  return [...found]
    .map(([key, cause]) => ({
      ...{ key, code: cause.finding.code, column: cause.finding.column },
      ...cause,
      left: cause.rows.filter((row) => !isMended(row, cause.finding, edits)).length,
    }))
    .sort((one, other) => other.rows.length - one.rows.length)
}

/** Rows for which a value is known, and rows for which somebody must say one, are mended apart. */
export const keyOf = ({ code, column, suggestion }: Finding) =>
  `${code} ${column ?? ''} ${suggestion === undefined ? '' : 'suggested'}`

/** Name and number are each person's own: no value of them is right for many rows. */
export function isOfPerson(title = ''): boolean {
  const field = fieldOfTitle(title)
  return field === 'name' || field === 'idNumber'
}

/** Its cell was changed; or where it is of the row as a whole, any. */
export function isMended(row: AsideRow, { column }: Finding, edits: Edits): boolean {
  const own = edits[row.position]
  return own !== undefined && (column === undefined || own[column] !== undefined)
}

export function withSuggestions(edits: Edits, { suggested, column }: Cause): Edits {
  if (column === undefined) return edits
  return withAll(edits, column, suggested)
}

/** The same value in the cells of all rows of a cause. */
export function withValue(edits: Edits, { rows, column }: Cause, value: string): Edits {
  if (column === undefined) return edits
  return withAll(
    edits,
    column,
    rows.map((row) => ({ row, value })),
  )
}

/** Thousands of rows at once: the record is copied once. */
function withAll(edits: Edits, column: number, values: Cause['suggested']): Edits {
  const all = { ...edits }
  for (const { row, value } of values) {
    const own = { ...all[row.position], [column]: value }
    if (value === (row.cells[column] ?? '')) delete own[column]
    if (Object.keys(own).length === 0) delete all[row.position]
    else all[row.position] = own
  }
  return all
}

/** These rows as they are now, with their place in the first file: what is sent back. */
export function tableToSend(table: AsideTable, rows: readonly AsideRow[], edits: Edits): string {
  const head = [...table.titles, table.position]
  const lines = rows.map((row) => [
    ...table.titles.map((_, column) => cellIn(row, column, edits)),
    row.position,
  ])
  return `\ufeff${[head, ...lines].map(csvLine).join('')}`
}

function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => `"${guardCell(cell).replaceAll('"', '""')}"`).join(',')}\r\n`
}
