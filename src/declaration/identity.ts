/**
 * Identity numbers of 18 characters: the resident ID (GB 11643-1999) and the two permits that share
 * its form. Six characters for the place, eight for the birth date, three of sequence, and a check
 * character (ISO 7064 MOD 11-2). The first digits tell which of the three a number is.
 */
import { daysInMonth } from './period.ts'
import type { IdentityType } from './schema.ts'

export type IdentityFault =
  | 'ID_LENGTH'
  | 'ID_CHARACTERS'
  | 'ID_TYPE_PERMIT'
  | 'ID_REGION'
  | 'ID_BIRTH_DATE'
  | 'ID_CHECK_DIGIT'

const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2] as const
const checkCharacters = '10X98765432'
const wellFormed = /^[0-9]{17}[0-9X]$/
/** Nobody insured today was born earlier; the published test numbers reach back to 1880. */
const bornMin = '1800-01-01'

/** Provinces, and Taiwan (GB/T 2260). Residents of 81, 82 and 83 hold a residence permit. */
const provinces = new Set(
  '11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71'.split(
    ' ',
  ),
)
const permitPrefixes = new Set(['81', '82', '83'])

/** Full-width characters become ASCII, surrounding spaces go, a last lower-case x is a capital. */
export function normaliseIdNumber(idNumber: string): string {
  if (wellFormed.test(idNumber)) return idNumber
  const ascii = idNumber.replace(/[\uff01-\uff5e]/g, (character) =>
    String.fromCharCode(character.charCodeAt(0) - 0xfee0),
  )
  return ascii.trim().replace(/x$/, 'X')
}

/** The check character for the first 17 digits (ISO 7064 MOD 11-2). */
export function residentIdCheckDigit(digits: string): string {
  let sum = 0
  for (let i = 0; i < 17; i += 1) sum += (digits.charCodeAt(i) - 48) * (weights[i] as number)
  return checkCharacters[sum % 11] as string
}

/**
 * Checks an identity number, normalised first.
 * @param today `YYYY-MM-DD` in Asia/Shanghai; nobody is born later
 * @returns the first fault, in the order of `IdentityFault`; undefined when there is none
 */
export function checkIdNumber(
  idType: IdentityType,
  idNumber: string,
  today: string,
): IdentityFault | undefined {
  const number = normaliseIdNumber(idNumber)
  if (number.length !== 18) return 'ID_LENGTH'
  if (!wellFormed.test(number)) return 'ID_CHARACTERS'
  const place = placeFault(idType, number)
  if (place !== undefined) return place
  if (!isBirthDate(number, today)) return 'ID_BIRTH_DATE'
  return number[17] === residentIdCheckDigit(number) ? undefined : 'ID_CHECK_DIGIT'
}

function placeFault(idType: IdentityType, number: string): IdentityFault | undefined {
  const prefix = number.slice(0, 2)
  switch (idType) {
    case 'resident-id':
      if (permitPrefixes.has(prefix)) return 'ID_TYPE_PERMIT'
      return provinces.has(prefix) ? undefined : 'ID_REGION'
    case 'hk-macao-taiwan-residence-permit':
      return permitPrefixes.has(prefix) ? undefined : 'ID_REGION'
    case 'foreign-permanent-residence-card':
      return prefix[0] === '9' ? undefined : 'ID_REGION'
  }
}

function isBirthDate(number: string, today: string): boolean {
  const year = number.slice(6, 10)
  const month = number.slice(10, 12)
  const day = number.slice(12, 14)
  if (month < '01' || month > '12' || day < '01') return false
  if (Number(day) > daysInMonth(Number(year), Number(month))) return false
  const born = `${year}-${month}-${day}`
  return born >= bornMin && born <= today
}
