/**
 * The canonical form of JSON (RFC 8785), of what declarations and receipts have: texts, whole numbers and
 * booleans. Members in the order of their names by UTF-16 code units, which is JavaScript's; no spaces.
 */

/** @param value without members that are undefined, as `JSON.parse` gives it */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}
