/** The catalogue of findings: for each code what a filer is told and how to mend it. */
import type { CatalogueEntry } from './entry.ts'
import { headerEntries } from './header.ts'
import { lineEntries } from './lines.ts'
import { shapeEntries } from './shape.ts'

export const catalogue = {
  ...shapeEntries,
  ...headerEntries,
  ...lineEntries,
} as const satisfies Record<string, CatalogueEntry>

export type FindingCode = keyof typeof catalogue
