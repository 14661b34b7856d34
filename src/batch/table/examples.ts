/**
 * The persons of the template's example rows. They are nobody: numbers with the place 110100, where none
 * are given, and with check digits that are right, so that the template passes the checks of a form. A
 * row with one of these numbers is an example that was not removed: it is never filed.
 */
import { normaliseIdNumber, residentIdCheckDigit } from '../../declaration/identity.ts'

const numberOf = (digits: string) => digits + residentIdCheckDigit(digits)

export const examplePersons = [
  { name: '示例甲', idNumber: numberOf('11010019900101001') },
  { name: '示例乙', idNumber: numberOf('11010019851231002') },
] as const

const numbers: ReadonlySet<string> = new Set(examplePersons.map(({ idNumber }) => idNumber))

/** What all of them begin with, in any width; nearly no other number does. */
const start = /^[1１]/

export function isExample(idNumber: string): boolean {
  return start.test(idNumber) && numbers.has(normaliseIdNumber(idNumber))
}
