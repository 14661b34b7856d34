/**
 * The canonical form of a declaration (RFC 8785): members in order of their names, no spaces. The
 * digest is taken over it and the journal keeps it, so it is exactly what was filed.
 *
 * The members are written down in order here, and JSON.stringify escapes strings as the RFC does
 * for well-formed Unicode, which the check has made sure of. A test compares the result with a
 * general implementation.
 */
import type { Part } from './part.ts'
import type { Declaration, Line, Person } from './schema.ts'

/** @param part which part of the declaration this is, where it travels in several */
export function canonicalDeclaration(declaration: Declaration, part?: Part): string {
  const { employer, industryClass, kind, lines, period, region, replaces } = declaration
  const { unitBase, workInjuryFloat } = declaration
  return JSON.stringify({
    employer,
    industryClass,
    kind,
    lines: lines?.map(canonicalLine),
    part: part && { count: part.count, number: part.number, of: part.of },
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
