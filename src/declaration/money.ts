/**
 * Money: an integer number of fen in code, a decimal string in yuan outside. Never a float.
 */

/**
 * Fen of an amount in yuan, as `wagePattern` has it: `6500`, `6500.5` and `6500.00` are all amounts.
 * -1 for anything else. Without a regular expression: it reads every wage that is filed.
 */
export function readYuan(text: unknown): number {
  if (typeof text !== 'string') return -1
  let yuan = 0
  let at = 0
  for (; at < text.length; at += 1) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) break
    if (at === 9) return -1
    yuan = yuan * 10 + digit
  }
  if (at === 0 || (at > 1 && text.charCodeAt(0) === 48)) return -1
  return at === text.length ? yuan * 100 : addDecimals(yuan * 100, text, at)
}

/** One or two decimals behind a point, and nothing after them. */
function addDecimals(fen: number, text: string, point: number): number {
  const decimals = text.length - point - 1
  if (text.charCodeAt(point) !== 46 || decimals < 1 || decimals > 2) return -1
  const tens = text.charCodeAt(point + 1) - 48
  const ones = decimals === 2 ? text.charCodeAt(point + 2) - 48 : 0
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) return -1
  return fen + tens * 10 + ones
}

/**
 * Yuan with two decimals.
 * @throws RangeError when `fen` isn't a safe integer: some arithmetic before was wrong
 */
export function formatFen(fen: number): string {
  if (!Number.isSafeInteger(fen)) throw new RangeError('not an amount in fen')
  const digits = String(Math.abs(fen)).padStart(3, '0')
  return `${fen < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

/** Whether an amount may be suggested for another: it moves it by a fifth at most. */
export function isNear(fen: number, otherFen: number): boolean {
  return Math.abs(fen - otherFen) * 5 <= otherFen
}
