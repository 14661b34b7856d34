/**
 * The persons of the template's example rows. They don't exist: their numbers have the area 110100,
 * where none are issued, and valid check digits, so that the template passes the checks of a form. A
 * row with one of these numbers is an example that was not removed, and is never filed.
 */
import { normaliseIdNumber, residentIdCheckDigit } from '../../declaration/identity.ts'

const numberOf = (digits: string) => digits + residentIdCheckDigit(digits)

export const examplePersons = [
  { name: '示例甲', idNumber: numberOf('11010019900101001') },
  { name: '示例乙', idNumber: numberOf('11010019851231002') },
] as const

const numbers: ReadonlySet<string> = new Set(examplePersons.map(({ idNumber }) => idNumber))

/** The first digit of all of them, in any width; hardly any other number has it. */
const start = /^[1１]/

export function isExample(idNumber: string): boolean {
  return start.test(idNumber) && numbers.has(normaliseIdNumber(idNumber))
}
