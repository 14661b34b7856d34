/**
 * Suggestions: the value a filer meant, where it can be no other. Only offered when it would pass, and
 * never for identity numbers or names.
 */
import { withoutUnseen } from './characters.ts'
import { toHalfWidth } from './identity.ts'
import { meantAmount } from './meant-amount.ts'
import { checkSocialCreditCode } from './social-credit-code.ts'

/** A longer text is not a slip of the pen. */
const slipCharactersMax = 40

/** Words that filers use for a value that has another name here. */
const synonyms: Readonly<Record<string, string>> = {
  职工: 'employee',
  单位职工: 'employee',
  在职职工: 'employee',
  员工: 'employee',
  staff: 'employee',
  worker: 'employee',
  灵活就业: 'flexible',
  灵活就业人员: 'flexible',
  freelance: 'flexible',
  freelancer: 'flexible',
  selfemployed: 'flexible',
  新就业形态: 'platform',
  骑手: 'platform',
  rider: 'platform',
  courier: 'platform',
  driver: 'platform',
  正常申报: 'regular',
  normal: 'regular',
  更正: 'correction',
  作废: 'cancellation',
  无: 'none',
  增员: 'join',
  减员: 'leave',
  居民身份证: 'resident-id',
  身份证: 'resident-id',
}

/** The one of `allowed` that was meant: but for signs and capitals, by another word, or nearly. */
export function suggestOneOf(value: unknown, allowed: readonly string[]): string | undefined {
  if (typeof value !== 'string' || value.length > slipCharactersMax) return undefined
  const meant = fold(value)
  const same = allowed.find((one) => fold(one) === meant)
  if (same !== undefined) return same
  const synonym = Object.hasOwn(synonyms, meant) ? synonyms[meant] : undefined
  if (synonym !== undefined && allowed.includes(synonym)) return synonym
  return nearest(meant, allowed)
}

/** The only one of `allowed` within two slips; of short words within one. A slip is never a digit. */
function nearest(meant: string, allowed: readonly string[]): string | undefined {
  if (meant.length < 3) return undefined
  const slips = meant.length < 6 ? 1 : 2
  const near = allowed.filter((one) => distance(meant, fold(one)) <= slips)
  const [only] = near
  if (near.length !== 1 || only === undefined) return undefined
  return digitsOf(only) === digitsOf(meant) ? only : undefined
}

const digitsOf = (text: string) => text.replace(/[^0-9]/g, '')

/** Insertions, deletions and substitutions between two short texts (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, j) => j)
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= other.length; j += 1) {
      const substituted = (row[j - 1] as number) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(substituted, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[other.length] as number
}

/** The text of a field's pattern that was meant by a value which doesn't match it. */
export function suggestText(field: string, value: unknown, pattern: RegExp): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const filed = String(value)
  if (filed.length > slipCharactersMax) return undefined
  const text = toHalfWidth(withoutUnseen(filed)).trim()
  const meant = Object.hasOwn(corrections, field) ? corrections[field]?.(text) : undefined
  return meant !== undefined && pattern.test(meant) ? meant : undefined
}

const corrections: Readonly<Record<string, (text: string) => string | undefined>> = {
  employer: (text) => {
    const code = text.toUpperCase()
    return checkSocialCreditCode(code) === undefined ? code : undefined
  },
  region: (text) => text,
  period: (text) => {
    const [, year, month] =
      /^([0-9]{4})[-/年]([0-9]{1,2})月?$/.exec(text) ??
      /^([0-9]{4})\.?([0-9]{2})$/.exec(text) ??
      /^([0-9]{4})\.([2-9])$/.exec(text) ?? // 2025.1 may be what became of 2025.10
      []
    return year === undefined ? undefined : `${year}-${month?.padStart(2, '0')}`
  },
  replaces: (text) => text.toLowerCase(),
  wage: meantAmount,
  base: meantAmount,
  unitBase: meantAmount,
  tier: (text) => text.replace(/\s*%$/, ''),
  service: (text) => text.toLowerCase().replace(/[_\s]/g, '-'),
  date: (text) => {
    const [, year, month, day] =
      /^([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?$/.exec(text) ??
      /^([0-9]{4})([0-9]{2})([0-9]{2})$/.exec(text) ??
      []
    return year === undefined
      ? undefined
      : `${year}-${month?.padStart(2, '0')}-${day?.padStart(2, '0')}`
  },
}

function fold(text: string): string {
  return withoutUnseen(text)
    .replace(/[-_\s]/g, '')
    .toLowerCase()
}
