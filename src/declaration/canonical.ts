/**
 * The canonical form of a declaration (RFC 8785): members in order of their names, no spaces. The
 * digest is taken over it and the journal keeps it, so it is exactly what was filed.
 *
 * The members are written down in order here, and JSON.stringify escapes strings as the RFC does
 * for well-formed Unicode, which the check has made sure of. A test compares the result with a
 * general implementation.
 */
import type { Declaration, Line, Person } from './schema.ts'

export function canonicalDeclaration(declaration: Declaration): string {
  const { employer, industryClass, kind, lines, period, region, replaces } = declaration
  const { unitBase, workInjuryFloat } = declaration
  return JSON.stringify({
    employer,
    industryClass,
    kind,
    lines: lines?.map(canonicalLine),
    period,
    region,
    replaces,
    unitBase,
    workInjuryFloat,
  })
}

function canonicalLine(line: Line): object {
  const person = canonicalPerson(line.person)
  switch (line.category) {
    case 'employee': {
      const { category, change, wage } = line
      return { category, change, person, wage }
    }
    case 'flexible': {
      const { base, category, change, medical, tier } = line
      return { base, category, change, medical, person, tier }
    }
    case 'platform': {
      const { category, days } = line
      return {
        category,
        days: days.map(({ date, orders, service }) => ({ date, orders, service })),
        person,
      }
    }
  }
}

function canonicalPerson({ idNumber, idType, name }: Person): object {
  return { idNumber, idType, name }
}
