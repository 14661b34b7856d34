/**
 * The amount that somebody meant who wrote marks into it which the schema does not have. Only where the
 * form leaves one reading: marks of thousands stand before three digits each, and what ends in a comma
 * and two digits has too many digits before it for that comma to be one of those. `13,75` may lack a
 * digit, `1.500` may be either: of such nothing is said. No reading changes a digit, or moves the point.
 */

/** Longer ones are none; and a long run of spaces would take long to look through. */
const amountCharactersMax = 40

const plain = /^[0-9]+(?:\.[0-9]{1,2})?$/
/** Marks of thousands, always the same one, and a point. */
const groupedWithPoint = /^[1-9][0-9]{0,2}([, '\u2019])[0-9]{3}(?:\1[0-9]{3})*(?:\.[0-9]{1,2})?$/
/** Another mark of thousands than the comma, and a comma with two digits. */
const groupedWithComma = /^[1-9][0-9]{0,2}([. '\u2019])[0-9]{3}(?:\1[0-9]{3})*,[0-9]{2}$/
/** A comma with two digits behind more digits than a group has. */
const decimalComma = /^[1-9][0-9]{3,},[0-9]{2}$/

/** @param text half-width; undefined where it may be another amount, or none */
export function meantAmount(text: string): string | undefined {
  if (text.length > amountCharactersMax) return undefined
  const bare = text
    .replace(/[\u00a0\u2009\u202f]/g, ' ')
    .replace(/^(?:[¥￥]|RMB|CNY)? */i, '')
    .replace(/ *元? *$/, '')
  if (plain.test(bare)) return bare
  if (groupedWithPoint.test(bare)) return bare.replace(/[, '\u2019]/g, '')
  if (groupedWithComma.test(bare)) return bare.replace(/[. '\u2019]/g, '').replace(',', '.')
  return decimalComma.test(bare) ? bare.replace(',', '.') : undefined
}
