/** What no well-behaved client sends: texts, values of JSON, and bytes, by a seed. */
import { deflateSync, gzipSync } from 'node:zlib'

/** Somebody whose name and number must come out nowhere. */
export const planted = { name: '欧阳密不可见', idNumber: '11010519491231002X' } as const

export type Random = {
  below(n: number): number
  pick<T>(from: readonly T[]): T
  /** One of a hundred chances. */
  chance(percent: number): boolean
}

/** Mulberry32. */
export function randomOf(seed: number): Random {
  let state = seed
  const below = (n: number) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n
  }
  return {
    below,
    pick: <T>(from: readonly T[]) => from[below(from.length)] as T,
    chance: (percent) => below(100) < percent,
  }
}

export const texts = [
  ...[
    '',
    ' ',
    '\0',
    'a\0b',
    '"',
    "'",
    '\\',
    '/',
    '//',
    '..',
    '../../../etc/passwd',
    '%',
    '%00',
    '%zz',
  ],
  ...[
    '%2e%2e%2f',
    '%c0%af',
    '%ed%a0%80',
    '%F0%9F',
    ';',
    '?',
    '#',
    '&',
    '=',
    '+',
    '*',
    '{}',
    '[]',
    ',',
  ],
  ...["' or 1=1 --", '"; drop table journal.envelope; --', '<script>1</script>', '{{7*7}}', '=1+1'],
  ...[
    'a\r\nx-injected: 1',
    '\n',
    '\t',
    '\u202e',
    '\ufeff',
    '\u2028',
    '\ud800',
    '\udfff\ud800',
    '😀',
  ],
  ...[
    '0',
    '-0',
    '-1',
    '1.5',
    '1e309',
    '9'.repeat(25),
    '9'.repeat(400),
    'NaN',
    '0x10',
    '２０２４',
    '٣',
  ],
  ...['null', 'undefined', 'true', '__proto__', 'constructor', 'toString', 'hasOwnProperty'],
  ...[
    '2024-13',
    '0000-00',
    '9999-99',
    '2024-02-30',
    '2024-11',
    '340100',
    '999999',
    'W/"x"',
    '"',
    '*',
  ],
  ...['x'.repeat(101), 'x'.repeat(5_000), '王'.repeat(3_000), 'x'.repeat(70_000)],
  ...[planted.name, planted.idNumber, `${planted.idNumber} `, planted.idNumber.toLowerCase()],
] as const

export function jsonValue(random: Random, depth = 0): unknown {
  const kind = random.below(depth > 2 ? 8 : 14)
  if (kind < 4) return random.pick(texts)
  if (kind < 7)
    return random.pick([0, -1, 1.5, 1e308, 5e-324, 2 ** 53, -(2 ** 63), 1e21, 11, 202_411])
  if (kind === 7) return random.pick([null, true, false])
  if (kind === 8) return []
  if (kind === 9) return {}
  if (kind === 10) return nested(random.pick([3, 5, 40, 3_000]), random.chance(50))
  if (kind === 11) return Array.from({ length: random.pick([2, 50, 20_001]) }, () => null)
  if (kind === 12)
    return Object.fromEntries(
      Array.from({ length: random.pick([1, 30, 2_000]) }, (_, i) => [`k${i}`, i]),
    )
  return Array.from({ length: 3 }, () => jsonValue(random, depth + 1))
}

function nested(depth: number, isList: boolean): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i += 1) value = isList ? [value] : { a: value }
  return value
}

/** A name of letters alone is told again, as fields have names in Chinese, too. */
const memberNames = texts.filter((text) => text !== planted.name)

type Tree = Record<string, unknown> | unknown[]

/** Changes one place of a value, which is its own copy. */
export function harmed(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random.chance(8)) return jsonValue(random)
  const tree = value as Tree
  const keys = Object.keys(tree)
  const key = random.pick(keys.length === 0 ? ['0'] : keys)
  const child = (tree as Record<string, unknown>)[key]
  if (typeof child === 'object' && child !== null && random.chance(75)) {
    ;(tree as Record<string, unknown>)[key] = harmed(child, random)
    return tree
  }
  const act = random.below(10)
  if (act < 6) (tree as Record<string, unknown>)[key] = jsonValue(random)
  else if (act < 7 && !Array.isArray(tree)) delete tree[key]
  else if (act < 8) (tree as Record<string, unknown>)[random.pick(memberNames)] = jsonValue(random)
  else if (Array.isArray(tree)) tree.push(...tree.slice(0, 3), child)
  else tree[random.pick(Object.keys(tree))] = child
  return tree
}

/** JSON as bytes, harmed below what a value can say. */
export function harmedBytes(text: string, random: Random): Buffer {
  const bytes = Buffer.from(text)
  const at = random.below(bytes.length + 1)
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  const put = (more: string | number[]) =>
    Buffer.concat([before, typeof more === 'string' ? Buffer.from(more) : Buffer.from(more), after])
  const acts: (() => Buffer)[] = [
    () => before,
    () => put('\0'),
    () => put([0xff]),
    () => put([0xed, 0xa0, 0x80]),
    () => put([0xcd, 0xf5, 0xce, 0xc4]),
    () => put('\\ud800'),
    () => put('"'),
    () => put(random.pick(['{', '[', ']', '}', ',', ':', '//', '1e999', '-', 'Infinity'])),
    () => Buffer.concat([Buffer.from('\ufeff'), bytes]),
    () => Buffer.from(text, 'utf16le'),
    () => Buffer.concat([bytes, bytes]),
    () => Buffer.from(text.replace(/"([^"]+)":/, '"$1":null,"$1":')),
    () => Buffer.from(text.replace(/\d+/, random.pick(['1e999', '00', '-', '9'.repeat(400)]))),
    () => Buffer.from('['.repeat(random.pick([100, 50_000]))),
    () => Buffer.from('{"a":'.repeat(2_000)),
    () => Buffer.from(random.pick(['', ' ', 'null', '""', '0', '[]', '{}', '{', 'a=b&c=d', '\0'])),
    () => Buffer.alloc(random.pick([1, 1_000, 70_000, 2_500_000]), random.pick([0x20, 0x61, 0xff])),
    () => gzipSync(bytes),
    () => deflateSync(Buffer.alloc(3_000_000, 0x20)),
  ]
  return random.pick(acts)()
}
