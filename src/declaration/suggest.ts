/**
 * Suggestions: the value a filer most likely meant, where that is plain. Only offered when it would
 * pass, and never for identity numbers or names.
 */
import { checkSocialCreditCode } from './social-credit-code.ts'

/** A longer text is not a slip of the pen. */
const slipCharactersMax = 40

/** The one of `allowed` that differs only in capitals, hyphens, underscores or spaces. */
export function suggestOneOf(value: unknown, allowed: readonly string[]): string | undefined {
  if (typeof value !== 'string' || value.length > slipCharactersMax) return undefined
  const meant = fold(value)
  return allowed.find((one) => fold(one) === meant)
}

/** The text of a field's pattern that was meant by a value which doesn't match it. */
export function suggestText(field: string, value: unknown, pattern: RegExp): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const text = String(value).trim()
  if (text.length > slipCharactersMax) return undefined
  const meant = Object.hasOwn(mend, field) ? mend[field]?.(text) : undefined
  return meant !== undefined && pattern.test(meant) ? meant : undefined
}

const mend: Readonly<Record<string, (text: string) => string | undefined>> = {
  employer: (text) => {
    const code = text.toUpperCase()
    return checkSocialCreditCode(code) === undefined ? code : undefined
  },
  region: (text) => text,
  period: (text) => {
    const [, year, month] = /^([0-9]{4})[-/.年]?([0-9]{1,2})月?$/.exec(text) ?? []
    return year === undefined ? undefined : `${year}-${month?.padStart(2, '0')}`
  },
  replaces: (text) => text.toLowerCase(),
  wage: (text) => text.replace(/[,，\s¥￥元]/g, ''),
}

function fold(text: string): string {
  return text.replace(/[-_\s]/g, '').toLowerCase()
}
