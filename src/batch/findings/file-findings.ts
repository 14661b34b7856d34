/**
 * The catalogue of faults of a file, in the filer's terms (row, column, sheet). A finding stays a small
 * record until it is shown, because a file of a million rows can have one on each.
 *
 * An error whose field is `/file` ends the reading; any other error rejects its row.
 */
import { catalogue, type FindingCode } from '../../declaration/catalogue/catalogue.ts'
import type { CatalogueEntry, Severity, Text } from '../../declaration/catalogue/entry.ts'
import { type FindingParams, fillIn } from '../../declaration/findings.ts'
import { type FindingPlace, formatCatalogue } from '../../formats/findings.ts'
import { amendmentEntries } from './amendments.ts'
import { cellEntries } from './cells.ts'
import { headerRowEntries } from './header-row.ts'
import { inForceEntries } from './in-force.ts'
import { interventionEntries } from './interventions.ts'

export const fileCatalogue = {
  ...formatCatalogue,
  ...headerRowEntries,
  ...cellEntries,
  ...amendmentEntries,
  ...inForceEntries,
  ...interventionEntries,
} as const satisfies Record<string, CatalogueEntry>

export type FileFindingCode = keyof typeof fileCatalogue

export type FileFinding = {
  /** A code of this catalogue, or of the declaration's, if a cell has such a fault. */
  readonly code: FileFindingCode | FindingCode
  readonly place: FindingPlace
  /** Never an identity number or a name. */
  readonly params?: FindingParams | undefined
}

export type WrittenFileFinding = {
  readonly code: FileFinding['code']
  readonly severity: Severity
  readonly place: FindingPlace
  readonly message: Text
  readonly fix: Text
  readonly legalBasis?: string
}

const entries: Readonly<Record<FileFinding['code'], CatalogueEntry>> = {
  ...catalogue,
  ...fileCatalogue,
}

export function fileFinding(
  code: FileFinding['code'],
  place: FindingPlace = {},
  params?: FindingParams,
): FileFinding {
  return params === undefined ? { code, place } : { code, place, params }
}

export function severityOf({ code }: FileFinding): Severity {
  return entries[code].severity
}

/** Whether nothing after this finding was read. */
export function endsReading({ code }: FileFinding): boolean {
  const { severity, field } = entries[code]
  return severity === 'error' && field === '/file'
}

/** Writes a finding in both languages; {row}, {column} and {sheet} are its place. */
export function writeFileFinding({ code, place, params }: FileFinding): WrittenFileFinding {
  const { severity, message, fix, legalBasis } = entries[code]
  const { sheet = '', row = '', column = '' } = place
  const filled = { sheet, row, column, ...params }
  return {
    code,
    severity,
    place,
    message: fillIn(message, filled),
    fix: fillIn(fix, filled),
    ...(legalBasis === undefined ? {} : { legalBasis }),
  }
}

/** `C3` for a finding about one cell: the form that a spreadsheet's name box takes. */
export function cellOf({ row, column = '' }: FindingPlace): string | undefined {
  const letters = /^[A-Z]{1,3}(?=$|（)/.exec(column)?.[0]
  return letters === undefined || row === undefined ? undefined : `${letters}${row}`
}
