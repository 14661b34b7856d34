/**
 * Reads an amount that was written with marks which the schema does not allow, if the form leaves one
 * reading: thousands marks stand before three digits each, and an amount that ends in a comma and two
 * digits has too many digits before it for a thousands mark. `13,75` may lack a digit and `1.500` may mean
 * either, so nothing is suggested for these. No reading changes a digit or moves the point.
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
