/**
 * Identity numbers of 18 characters: the resident ID (GB 11643-1999) and the two permits that share
 * its form. Six characters for the place, eight for the birth date, three of sequence, and a check
 * character (ISO 7064 MOD 11-2). The first digits tell which of the three a number is.
 */

import { withoutUnseen } from './characters.ts'
import type { FindingParams } from './findings.ts'
import { daysInMonth } from './period.ts'
import type { IdentityType } from './schema.ts'

export type IdentityFault = {
  readonly code:
    | 'ID_LENGTH'
    | 'ID_CHARACTERS'
    | 'ID_TYPE_PERMIT'
    | 'ID_REGION'
    | 'ID_BIRTH_DATE'
    | 'ID_CHECK_DIGIT'
  readonly params?: FindingParams
}

const weights = Uint8Array.of(7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
const checkCharacters = '10X98765432'
const wellFormed = /^[0-9]{17}[0-9X]$/
/** Nobody insured today was born earlier; the published test numbers reach back to 1880. */
const bornMin = 18_000_101

/** Type of a number by its first two digits; 0 is nobody's. */
const typeByPlace = new Uint8Array(100)
const [resident, permit, foreigner] = [1, 2, 3]
/** Provinces, and Taiwan (GB/T 2260). */
const provinces =
  '11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71'
for (const province of provinces.split(' ')) typeByPlace[Number(province)] = resident
/** Hong Kong, Macao and Taiwan residents hold a residence permit. */
typeByPlace.fill(permit, 81, 84)
typeByPlace.fill(foreigner, 90, 100)

const typeNumbers: Readonly<Record<IdentityType, number>> = {
  'resident-id': resident,
  'hk-macao-taiwan-residence-permit': permit,
  'foreign-permanent-residence-card': foreigner,
}

/**
 * A number for the person: the same for the same identity number, and exact. 0 when anything is
 * wrong with it, which `checkIdNumber` then tells. It reads each character once.
 * @param today `YYYYMMDD` as a number; nobody is born later
 */
export function personKey(idType: string, idNumber: string, today: number): number {
  if (idNumber.length !== 18) return 0
  let sum = 0
  let place = 0
  let birth = 0
  let sequence = 0
  let digit = 0
  for (let i = 0; i < 6; i += 1) {
    digit = idNumber.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return 0
    sum += digit * (weights[i] as number)
    place = place * 10 + digit
  }
  for (let i = 6; i < 14; i += 1) {
    digit = idNumber.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return 0
    sum += digit * (weights[i] as number)
    birth = birth * 10 + digit
  }
  for (let i = 14; i < 17; i += 1) {
    digit = idNumber.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return 0
    sum += digit * (weights[i] as number)
    sequence = sequence * 10 + digit
  }
  if (idNumber.charCodeAt(17) !== checkCharacters.charCodeAt(sum % 11)) return 0
  const type = typeByPlace[Math.floor(place / 10_000)] as number
  if (type === 0 || type !== typeNumbers[idType as IdentityType]) return 0
  if (!isBirthDate(birth, today)) return 0
  // A day's number is below 200,000 until the year 2337, so all of it stays far below 2^53.
  return (place * 200_000 + dayNumber(birth)) * 1_000 + sequence
}

/**
 * Full-width characters become ASCII, spaces and what nobody sees go, a last lower-case x is a capital:
 * none of them is part of a number, wherever it stands.
 */
export function normaliseIdNumber(idNumber: string): string {
  if (wellFormed.test(idNumber)) return idNumber
  return withoutUnseen(toHalfWidth(idNumber)).replace(/\s/g, '').replace(/x$/, 'X')
}

/** Full-width letters, digits and signs as their ASCII counterparts. */
export function toHalfWidth(text: string): string {
  return text
    .replace(/[\uff01-\uff5e]/g, (character) =>
      String.fromCharCode(character.charCodeAt(0) - 0xfee0),
    )
    .replaceAll('\u3000', ' ')
}

/** Place and last four characters; the birth date and the sequence are masked. */
export function maskIdNumber(idNumber: string): string {
  return `${idNumber.slice(0, 4)}**********${idNumber.slice(-4)}`
}

/** The check character for the first 17 digits (ISO 7064 MOD 11-2). */
export function residentIdCheckDigit(digits: string): string {
  let sum = 0
  for (let i = 0; i < 17; i += 1) sum += (digits.charCodeAt(i) - 48) * (weights[i] as number)
  return checkCharacters[sum % 11] as string
}

/**
 * Checks an identity number that is normalised.
 * @param today `YYYYMMDD` as a number
 * @returns the first fault, in the order of `IdentityFault`; undefined when there is none
 */
export function checkIdNumber(
  idType: IdentityType,
  number: string,
  today: number,
): IdentityFault | undefined {
  if (number.length !== 18) return { code: 'ID_LENGTH', params: { length: number.length } }
  if (!wellFormed.test(number)) {
    const position = [...number].findIndex((c, i) => !(i < 17 ? /[0-9]/ : /[0-9X]/).test(c)) + 1
    return { code: 'ID_CHARACTERS', params: { position } }
  }
  const type = typeByPlace[Number(number.slice(0, 2))]
  if (type !== typeNumbers[idType]) {
    const isPermit = type === permit && idType === 'resident-id'
    return { code: isPermit ? 'ID_TYPE_PERMIT' : 'ID_REGION' }
  }
  if (!isBirthDate(Number(number.slice(6, 14)), today)) return { code: 'ID_BIRTH_DATE' }
  if (number[17] === residentIdCheckDigit(number)) return undefined
  const swapped = swappedAt(number, today)
  return { code: 'ID_CHECK_DIGIT', params: swaps[swapped ?? 0] as FindingParams }
}

/**
 * Where two neighbours changed places, if that alone explains a wrong check digit: the position of
 * the first, from 1. Undefined when nowhere, or at more than one place.
 */
function swappedAt(number: string, today: number): number | undefined {
  const digit = (i: number) => number.charCodeAt(i) - 48
  let sum = 0
  for (let i = 0; i < 17; i += 1) sum += digit(i) * (weights[i] as number)
  let found: number | undefined
  for (let i = 0; i < 16; i += 1) {
    const [one, other] = [digit(i), digit(i + 1)]
    if (one === other) continue
    const changed = sum + (other - one) * ((weights[i] as number) - (weights[i + 1] as number))
    if (checkCharacters[changed % 11] !== number[17]) continue
    const swapped = `${number.slice(0, i)}${other}${one}${number.slice(i + 2)}`
    if (!isBirthDate(Number(swapped.slice(6, 14)), today)) continue
    if (found !== undefined) return undefined
    found = i + 1
  }
  return found
}

/** Describes a swap by its position; 0 for none. */
const swaps: readonly FindingParams[] = Array.from({ length: 17 }, (_, at) =>
  at === 0
    ? { swap: { 'zh-CN': '', en: '' } }
    : {
        swap: {
          'zh-CN': `；若第 ${at}、${at + 1} 位颠倒，对调后即可通过`,
          en: `, or characters ${at} and ${at + 1} have changed places, which would explain it`,
        },
      },
)

/** Another number for each day since 1800. */
function dayNumber(birth: number): number {
  const year = Math.floor(birth / 10_000)
  return (year - 1_800) * 372 + (Math.floor(birth / 100) % 100) * 31 + (birth % 100)
}

/** @param birth `YYYYMMDD` as a number */
function isBirthDate(birth: number, today: number): boolean {
  const month = Math.floor(birth / 100) % 100
  const day = birth % 100
  if (birth < bornMin || birth > today || month < 1 || month > 12 || day < 1) return false
  return day <= 28 || day <= daysInMonth(Math.floor(birth / 10_000), month)
}
