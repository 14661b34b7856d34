/**
 * The unified social credit code (统一社会信用代码, GB 32100-2015): 18 characters of an alphabet
 * without I, O, S, V and Z, the last one a check character modulo 31.
 */
export type SocialCreditCodeFault = 'USCC_LENGTH' | 'USCC_CHARACTERS' | 'USCC_CHECK_CHARACTER'

export const socialCreditCodePattern = '^[0-9A-HJ-NPQRTUWXY]{18}$'

const format = new RegExp(socialCreditCodePattern)
const alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY'
/** 3^(i-1) mod 31. */
const weights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28] as const
/** Value of a character by its code; 0 for what isn't in the alphabet. */
const values = new Uint8Array(128)
for (let value = 0; value < alphabet.length; value += 1) values[alphabet.charCodeAt(value)] = value

/**
 * The check character for the first 17. The standard prints 31 - (sum mod 31), which is 31 where
 * the remainder is 0 and must then be 0.
 */
export function socialCreditCodeCheckCharacter(code: string): string {
  let sum = 0
  for (let i = 0; i < 17; i += 1) {
    sum += (values[code.charCodeAt(i)] ?? 0) * (weights[i] as number)
  }
  return alphabet[(31 - (sum % 31)) % 31] as string
}

/** The first fault of a code, in the order of `SocialCreditCodeFault`; undefined when none. */
export function checkSocialCreditCode(code: string): SocialCreditCodeFault | undefined {
  if (code.length !== 18) return 'USCC_LENGTH'
  if (!format.test(code)) return 'USCC_CHARACTERS'
  return code[17] === socialCreditCodeCheckCharacter(code) ? undefined : 'USCC_CHECK_CHARACTER'
}
