import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkIdNumber,
  normaliseIdNumber,
  residentIdCheckDigit,
} from '../../src/declaration/identity.ts'

const today = 20_261_123
const check = (number: string) =>
  checkIdNumber('resident-id', normaliseIdNumber(number), today)?.code

describe('resident ID numbers (GB 11643)', () => {
  // The standard's examples and those of the python-stdnum family.
  test.each([
    '11010519491231002X',
    '440524188001010014',
    '34052419800101001X',
    '360426199101010071',
    '53010219200508011X',
    '440524188001015368',
  ])('%s is valid', (number) => expect(check(number)).toBeUndefined())

  test.each(['110108199001011234', '110108199001011235', '110105194912310021'])(
    '%s has a wrong check digit',
    (number) => expect(check(number)).toBe('ID_CHECK_DIGIT'),
  )

  test.each([
    ['11010519491231002x', undefined],
    ['１１０１０５１９４９１２３１００２Ｘ', undefined],
    [' 11010519491231002X ', undefined],
    ['11010519491231002', 'ID_LENGTH'],
    ['110105491231002', 'ID_LENGTH'],
    ['1101051949123100２A', 'ID_CHARACTERS'],
    ['1101051949１231002a', 'ID_CHARACTERS'],
    ['X1010519491231002X', 'ID_CHARACTERS'],
    ['990105194912310020', 'ID_REGION'],
    ['810000199901010010', 'ID_TYPE_PERMIT'],
  ])('%s gives %s', (number, fault) => expect(check(number)).toBe(fault))

  test.each(['19490230', '19490231', '19491301', '19490001', '19490100', '19000229', '20261124'])(
    'the birth date %s does not exist or lies in the future',
    (date) => {
      const digits = `110105${date}002`
      expect(check(digits + residentIdCheckDigit(digits))).toBe('ID_BIRTH_DATE')
    },
  )

  test('somebody born today or on a leap day is fine', () => {
    for (const date of ['20261123', '20000229', '20240229']) {
      const digits = `110105${date}002`
      expect(check(digits + residentIdCheckDigit(digits))).toBeUndefined()
    }
  })

  test('any single wrong digit is noticed', () => {
    fc.assert(
      fc.property(fc.nat(999), fc.nat(16), fc.integer({ min: 1, max: 9 }), (sequence, at, add) => {
        const digits = `34010219900101${String(sequence).padStart(3, '0')}`
        const right = digits + residentIdCheckDigit(digits)
        const wrong = `${right.slice(0, at)}${(Number(right[at]) + add) % 10}${right.slice(at + 1)}`
        expect(check(right)).toBeUndefined()
        expect(check(wrong)).toBeDefined()
      }),
    )
  })
})

test('permits are recognised by their own regions', () => {
  const permit = '81000019990101001'
  const card = '91110119900101001'
  const number = permit + residentIdCheckDigit(permit)
  expect(checkIdNumber('hk-macao-taiwan-residence-permit', number, today)).toBeUndefined()
  expect(checkIdNumber('foreign-permanent-residence-card', number, today)?.code).toBe('ID_REGION')
  const foreign = card + residentIdCheckDigit(card)
  expect(checkIdNumber('foreign-permanent-residence-card', foreign, today)).toBeUndefined()
})

test('normalising is idempotent and never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(normaliseIdNumber(normaliseIdNumber(text))).toBe(normaliseIdNumber(text))
    }),
  )
})
