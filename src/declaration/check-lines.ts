/**
 * The rules of lines: identity numbers, names, and each person once. Pointers are only written out
 * for what has a fault.
 */
import type { Report } from './findings.ts'
import { checkIdNumber, normaliseIdNumber } from './identity.ts'
import type { Line } from './schema.ts'
import type { WellFormed } from './shape.ts'

/**
 * Reports every fault of rules in the well-formed parts of lines. A number that can't be one is
 * nobody's, so it isn't looked for in other lines.
 */
export function checkLines(
  lines: readonly (WellFormed<Line> | undefined)[],
  today: string,
  report: Report,
): void {
  /** The line where a person appeared first, by number: a faultless one has only one type. */
  const firstLines = new Map<string, number>()
  for (let i = 0; i < lines.length; i += 1) {
    const { name, idNumber, idType } = lines[i]?.person ?? {}
    if (name !== undefined) checkName(name, i, report)
    if (idNumber === undefined || idType === undefined) continue
    const fault = checkIdNumber(idType, idNumber, today)
    if (fault !== undefined) {
      report(`/lines/${i}/person/idNumber`, fault)
      continue
    }
    const number = normaliseIdNumber(idNumber)
    const first = firstLines.get(number)
    if (first === undefined) firstLines.set(number, i)
    else report(`/lines/${i}/person`, 'PERSON_DUPLICATE', { line: i + 1, first: first + 1 })
  }
}

/** Control characters, and separators of lines and paragraphs. */
const unprintable = /[\p{Cc}\u2028\u2029]/u

function checkName(name: string, line: number, report: Report): void {
  const trimmed = name.trim()
  if (!name.isWellFormed() || unprintable.test(name)) {
    report(`/lines/${line}/person/name`, 'NAME_CHARACTERS')
  } else if (trimmed === '') report(`/lines/${line}/person/name`, 'NAME_BLANK')
  else if (trimmed !== name) report(`/lines/${line}/person/name`, 'NAME_SPACES')
}
