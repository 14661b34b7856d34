/**
 * Rows of one declaration → its lines. Nearly always a row is a line; of somebody who takes orders from
 * a platform each row is a day, and all of them are one line.
 */
import { normaliseIdNumber } from '../declaration/identity.ts'
import type { FiledRow } from './row-line.ts'

export type FiledLine = {
  /** For `checkDeclaration`. */
  readonly line: object
  /** Where it was filed: one row, or one for each of its days. */
  readonly rows: readonly FiledRow[]
}

type Platform = {
  readonly category: 'platform'
  readonly person: { readonly idType?: string; readonly idNumber?: string }
  readonly days: readonly object[]
}

/** In the order of their first rows. Rows with an error of their own have no line. */
export function linesOf(rows: readonly FiledRow[]): FiledLine[] {
  const lines: FiledLine[] = []
  const placeOfPerson = new Map<string, number>()
  for (const row of rows) {
    if (row.line === undefined) continue
    const person = isPlatform(row.line) ? personOf(row.line) : undefined
    const place = person === undefined ? undefined : placeOfPerson.get(person)
    if (place === undefined) {
      if (person !== undefined) placeOfPerson.set(person, lines.length)
      lines.push({ line: row.line, rows: [row] })
    } else lines[place] = withDay(lines[place] as FiledLine, row)
  }
  return lines
}

/** The row that a finding of the check is about, by its JSON Pointer; undefined for the header's. */
export function rowOfPointer(lines: readonly FiledLine[], pointer: string): FiledRow | undefined {
  const [, line, day] = /^\/lines\/([0-9]+)(?:\/days\/([0-9]+))?/.exec(pointer) ?? []
  const rows = line === undefined ? undefined : lines[Number(line)]?.rows
  return rows?.[Number(day ?? 0)] ?? rows?.[0]
}

function isPlatform(line: object): line is Platform {
  return (line as Partial<Platform>).category === 'platform'
}

/** Undefined without a number: nobody says that two such rows are of one person. */
function personOf({ person: { idType, idNumber } }: Platform): string | undefined {
  return idNumber === undefined ? undefined : `${idType} ${normaliseIdNumber(idNumber)}`
}

function withDay({ line, rows }: FiledLine, row: FiledRow): FiledLine {
  const days = [...(line as Platform).days, ...(row.line as Platform).days]
  return { line: { ...line, days }, rows: [...rows, row] }
}
