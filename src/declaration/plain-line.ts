/**
 * The fast path for faultless employee lines, which are nearly all. It reads a line in one pass over its
 * characters, without regular expressions or allocation: about 100 ns, a fifth of schema and rules one after
 * the other. It leaves everything unusual to `line.ts`, which makes the findings. A test compares the two.
 */
import { personKey } from './identity.ts'
import { nameCharactersMax } from './schema.ts'

/** The line's person key; 0 when the line is not plain. Its wage is to be read with `readYuan`. */
export function readPlainLine(line: unknown, today: number): number {
  if (typeof line !== 'object' || line === null) return 0
  const { person, category, change } = line as Readonly<Record<string, unknown>>
  if (category !== 'employee') return 0
  if (change !== 'none' && change !== 'join' && change !== 'leave') return 0
  if (typeof person !== 'object' || person === null) return 0
  if (countMembers(line) !== 4 || countMembers(person) !== 3) return 0
  const { idType, idNumber, name } = person as Readonly<Record<string, unknown>>
  if (typeof idType !== 'string' || typeof idNumber !== 'string') return 0
  return isPlainName(name) ? personKey(idType, idNumber, today) : 0
}

function countMembers(object: object): number {
  let count = 0
  for (const _ in object) count += 1
  return count
}

const middleDot = 0xb7
/** 锟, with which what was lost in 锟斤拷 begins. */
const doubtful = 0x951f

/** Chinese characters and, behind the first, the middle dot of transliterated names. */
function isPlainName(name: unknown): boolean {
  if (typeof name !== 'string' || name.length === 0 || name.length > nameCharactersMax) return false
  for (let i = 0; i < name.length; i += 1) {
    const unit = name.charCodeAt(i)
    if ((unit < 0x4e00 || unit > 0x9fff) && (unit !== middleDot || i === 0)) return false
    if (unit === doubtful) return false
  }
  return true
}
