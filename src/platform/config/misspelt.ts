/**
 * Names in the environment that are settings but for a slip: one that is not read would leave its setting as it was,
 * without a word. Names of other programs are none of ours, so only what is very near counts.
 */

/** Shorter ones are near to too many. */
const lettersMin = 8
const slipsMax = 2

/** Of each such name the setting that is meant. */
export function misspeltNames(
  names: readonly string[],
  settings: readonly string[],
): ReadonlyMap<string, string> {
  const meant = new Map<string, string>()
  for (const name of names) {
    if (name.length < lettersMin || !name.includes('_') || settings.includes(name)) continue
    const near = settings.find((setting) => setting.startsWith(`${name}_`) || isNear(name, setting))
    if (near !== undefined) meant.set(name, near)
  }
  return meant
}

/** Whether so few letters are to be put in, taken out or changed (Levenshtein's distance). */
function isNear(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > slipsMax || other.length < lettersMin) return false
  let row = Array.from({ length: other.length + 1 }, (_, i) => i)
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= other.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return (row[other.length] ?? slipsMax + 1) <= slipsMax
}
