/**
 * Money: an integer number of fen in code, a decimal string in yuan outside. Never a float.
 */
const yuan = /^(?:0|[1-9][0-9]{0,12})(?:\.[0-9]{1,2})?$/

/**
 * Fen of an amount in yuan: `6500`, `6500.5` and `6500.00` are all amounts.
 * @throws RangeError when the text isn't one; it is not repeated, as a wage is personal
 */
export function parseYuan(text: string): number {
  if (!yuan.test(text)) throw new RangeError('not an amount in yuan')
  const point = text.indexOf('.')
  if (point === -1) return Number(text) * 100
  const decimals = text.length - point - 1
  const fen = Number(text.slice(point + 1)) * (decimals === 1 ? 10 : 1)
  return Number(text.slice(0, point)) * 100 + fen
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
