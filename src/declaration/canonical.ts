/**
 * The canonical form of a declaration (RFC 8785): members in order of their names, no spaces. The
 * digest is taken over it and the journal keeps it, so it is exactly what was filed.
 *
 * The members are written down in order here, and JSON.stringify escapes strings as the RFC does
 * for well-formed Unicode, which the check has made sure of. A test compares the result with a
 * general implementation.
 */
import type { OrdersOfDay, Part } from './part.ts'
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
    part: part && canonicalPart(part),
    period,
    region,
    replaces,
    unitBase,
    workInjuryFloat,
  })
}

function canonicalPart({ count, number, of, unit }: Part): object {
  if (unit === undefined || unit === 'paid by the head') return { count, number, of, unit }
  const { basesFen, days, ids } = unit
  return { count, number, of, unit: { basesFen, days: days.map(canonicalDay), ids } }
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
        days: days.map(canonicalDay),
        person,
      }
    }
  }
}

function canonicalDay({ date, orders, service }: OrdersOfDay): object {
  return { date, orders, service }
}

function canonicalPerson({ idNumber, idType, name }: Person): object {
  return { idNumber, idType, name }
}
