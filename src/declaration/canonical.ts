/**
 * The canonical form of a declaration (RFC 8785): members in order of their names, no spaces. The
 * digest is taken over it and the journal keeps it, so it is exactly what was filed.
 *
 * The members are written down in order here, and JSON.stringify escapes strings as the RFC does
 * for well-formed Unicode, which `checkDeclaration` has made sure of. A test compares the result
 * with a general implementation.
 */
import type { Declaration } from './schema.ts'

export function canonicalDeclaration(declaration: Declaration): string {
  const { employer, industryClass, kind, lines, period, region, replaces } = declaration
  return JSON.stringify({
    employer,
    industryClass,
    kind,
    lines: lines?.map(({ category, change, person: { idNumber, idType, name }, wage }) => ({
      category,
      change,
      person: { idNumber, idType, name },
      wage,
    })),
    period,
    region,
    replaces,
  })
}
