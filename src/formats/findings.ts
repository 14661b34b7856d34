/**
 * Faults of a file as such, whatever it contains: an archive, a text, a table of cells. Rooms that know
 * the meaning of rows add findings of their own.
 */
import type { CatalogueEntry } from '../declaration/catalogue/entry.ts'
import type { FindingParams } from '../declaration/findings.ts'
import { formatCellEntries } from './findings/cells.ts'
import { containerEntries } from './findings/containers.ts'
import { textFileEntries } from './findings/text-files.ts'

export const formatCatalogue = {
  ...containerEntries,
  ...textFileEntries,
  ...formatCellEntries,
} as const satisfies Record<string, CatalogueEntry>

export type FormatFindingCode = keyof typeof formatCatalogue

/** Where a finding is, as a spreadsheet shows it. */
export type FindingPlace = {
  readonly sheet?: string | undefined
  /** From 1. */
  readonly row?: number | undefined
  /** Letter and title: `C（证件号码）`. */
  readonly column?: string | undefined
  /** Of a line's field, until the column is known. */
  readonly pointer?: string | undefined
}

export type FormatFinding = {
  readonly code: FormatFindingCode
  readonly place: FindingPlace
  readonly params?: FindingParams | undefined
}

export function formatFinding(
  code: FormatFindingCode,
  place: FindingPlace = {},
  params?: FindingParams,
): FormatFinding {
  return params === undefined ? { code, place } : { code, place, params }
}

/** A column as a spreadsheet names it, counted from 0: A to Z, AA and so on. */
export function columnLetters(column: number): string {
  const rest = Math.floor(column / 26) - 1
  return (rest >= 0 ? columnLetters(rest) : '') + String.fromCharCode(65 + (column % 26))
}
