import { expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import {
  checkSocialCreditCode,
  socialCreditCodeCheckCharacter,
} from '../../src/declaration/social-credit-code.ts'

test.each(['91350100M000100Y43', '91110000600037341L'])('%s is valid (GB 32100)', (code) => {
  expect(checkSocialCreditCode(code)).toBeUndefined()
})

test.each([
  ['91350100M000100Y4Z', 'USCC_CHARACTERS'],
  ['91350100M000100Y42', 'USCC_CHECK_CHARACTER'],
  ['91440300MA5DA8QK3X', 'USCC_CHECK_CHARACTER'],
  ['91350100M000100Y4', 'USCC_LENGTH'],
  ['91350100m000100y43', 'USCC_CHARACTERS'],
])('%s gives %s', (code, fault) => expect(checkSocialCreditCode(code)).toBe(fault))

test('where the remainder is 0, the check character is 0', () => {
  // All zeros sum to 0; the standard's formula would say 31.
  expect(socialCreditCodeCheckCharacter('00000000000000000')).toBe('0')
})

test('every generated code is valid', () => {
  const { employer } = createGenerator(1)
  for (let i = 0; i < 2_000; i += 1) expect(checkSocialCreditCode(employer())).toBeUndefined()
})
