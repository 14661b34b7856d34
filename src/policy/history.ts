/**
 * Compares a declaration with the period before it, and finds contradicting joins and leaves. Only the
 * pre-check does so: it warns and never refuses, and a filing should not wait for it.
 */
import type { FindingList } from '../declaration/findings.ts'
import { maskIdNumber, normaliseIdNumber } from '../declaration/identity.ts'
import type { Line, Person } from '../declaration/schema.ts'
import { monthsAfter } from './calendar.ts'

export function previousPeriod(period: string): string {
  return monthsAfter(period, -1)
}

/**
 * For an employer who declared something for the period before; otherwise nothing contradicts it.
 * @param wasDeclared whether a person was among those declared then
 */
export function checkAgainstPrevious(
  lines: readonly Line[],
  wasDeclared: (person: Person) => boolean,
  findings: FindingList,
): void {
  for (const [i, line] of lines.entries()) {
    if (line.category === 'platform') continue
    const was = wasDeclared(line.person)
    const person = maskIdNumber(normaliseIdNumber(line.person.idNumber))
    if (line.change === 'join' && was) {
      findings.add(i, '/change', 'JOIN_ALREADY_INSURED', { person }, 'none')
    } else if (line.change === 'leave' && !was) {
      findings.add(i, '/change', 'LEAVE_NOT_INSURED', { person })
    } else if (line.change === 'none' && !was) {
      findings.add(i, '/change', 'JOIN_NOT_DECLARED', { person }, 'join')
    }
  }
}

/** Whether a person is among those of a declaration for the period before, where it is at hand. */
export function declaredIn(lines: readonly Line[]): (person: Person) => boolean {
  const staying = lines.filter((line) => line.category !== 'platform' && line.change !== 'leave')
  const known = new Set(staying.map(({ person }) => normaliseIdNumber(person.idNumber)))
  return ({ idNumber }) => known.has(normaliseIdNumber(idNumber))
}
