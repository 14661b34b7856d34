/**
 * Finds where bytes stop being UTF-8, and their probable encoding. A decoder that replaces unreadable bytes
 * turns two names into one text, so the engine decodes with `fatal` only. This looks at refused bytes alone:
 * the runtime decides faster whether bytes are UTF-8.
 */

/** Encodings that files and programs of China have, and a text of UTF-8 that was cut or joined. */
export type ProbableEncoding = 'GB18030' | 'Big5' | 'UTF-16' | 'UTF-8'

export type NotUtf8 = {
  /** Of the first byte that is wrong, from 0. */
  readonly offset: number
  /** From 1; a line ends with a line feed. */
  readonly line: number
  /** From 1, in characters. */
  readonly column: number
  /** `UTF-8`: most of it is, and a character was cut. Undefined: it can't be told. */
  readonly encoding: ProbableEncoding | undefined
}

/** As much is looked at behind the fault. */
const lookedAtBytesMax = 65_536

const lineFeed = 10

/** @returns undefined where all of it is UTF-8 */
export function whereNotUtf8(bytes: Uint8Array): NotUtf8 | undefined {
  let at = startOfFault(bytes)
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at)
    if (length === 0) return { offset: at, ...placeOf(bytes, at), encoding: encodingOf(bytes, at) }
    at += length
  }
  return undefined
}

/** Where a character begins, not far before the fault: the runtime decodes much faster than a loop. */
function startOfFault(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let at = 0
  try {
    for (; at < bytes.length; at += lookedAtBytesMax)
      decoder.decode(bytes.subarray(at, at + lookedAtBytesMax), { stream: true })
  } catch {
    // in this piece, or in a character that began in the one before
  }
  at = Math.max(0, Math.min(at, bytes.length) - longestCharacterBytes)
  while (at > 0 && isContinued(bytes[at] as number)) at -= 1
  return at
}

const longestCharacterBytes = 4

const isContinued = (byte: number) => (byte & 0xc0) === 0x80

/** Bytes of the character that begins here; 0 where none does (Unicode 17, table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number
  if (lead < 0x80) return 1
  if (lead < 0xc2 || lead > 0xf4) return 0
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  const second = bytes[at + 1] ?? 0
  const from = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const to = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (second < from || second > to) return 0
  for (let next = 2; next < length; next += 1) {
    const byte = bytes[at + next] ?? 0
    if (!isContinued(byte)) return 0
  }
  return length
}

function placeOf(bytes: Uint8Array, offset: number): { line: number; column: number } {
  let [line, start] = [1, 0]
  for (;;) {
    const feed = bytes.indexOf(lineFeed, start)
    if (feed < 0 || feed >= offset) break
    line += 1
    start = feed + 1
  }
  let column = 1
  for (let at = start; at < offset; at += 1) if (!isContinued(bytes[at] as number)) column += 1
  return { line, column }
}

function encodingOf(bytes: Uint8Array, offset: number): ProbableEncoding | undefined {
  if (isUtf16(bytes.subarray(0, lookedAtBytesMax))) return 'UTF-16'
  const looked = bytes.subarray(Math.max(0, offset - lookedAtBytesMax), offset + lookedAtBytesMax)
  if (isMostlyUtf8(looked)) return 'UTF-8'
  const { gb18030, big5 } = commonPairs(looked)
  const likely = gb18030 >= big5 ? ['gb18030', 'big5'] : ['big5', 'gb18030']
  const isFull = looked.length === bytes.length
  const found = likely.find((encoding) => decodes(encoding, looked, isFull))
  if (found === undefined || Math.max(gb18030, big5) === 0) return undefined
  return found === 'gb18030' ? 'GB18030' : 'Big5'
}

/** A byte-order mark, or zeros in every other byte of what is ASCII. */
function isUtf16(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes
  return first + second === 0x1fd || bytes.includes(0)
}

/** Characters of three bytes hardly come about in any other encoding. */
function isMostlyUtf8(bytes: Uint8Array): boolean {
  let [good, wrong] = [0, 0]
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at)
    if (length >= 3) good += 1
    if (length === 0) wrong += 1
    at += length || 1
    // What is left of a character that was cut is the same fault.
    while (length === 0 && isContinued(bytes[at] ?? 0)) at += 1
  }
  return good >= wrong && good > 0
}

/** Pairs of bytes that are common characters in each of the two: the first of them by frequency. */
function commonPairs(bytes: Uint8Array): { gb18030: number; big5: number } {
  const found = { gb18030: 0, big5: 0 }
  for (let at = 0; at < bytes.length; at += 1) {
    const [lead, trail] = [bytes[at] as number, bytes[at + 1] ?? 0]
    if (lead < 0x80) continue
    if (lead >= 0xb0 && lead <= 0xd7 && trail >= 0xa1) found.gb18030 += 1
    const isTrail = (trail >= 0x40 && trail <= 0x7e) || trail >= 0xa1
    if (lead >= 0xa4 && lead <= 0xc6 && isTrail) found.big5 += 1
    at += 1
  }
  return found
}

/** A part may begin or end amid a character. */
function decodes(encoding: string, bytes: Uint8Array, isFull: boolean): boolean {
  for (const skipped of isFull ? [0] : [0, 1]) {
    try {
      new TextDecoder(encoding, { fatal: true }).decode(bytes.subarray(skipped), {
        stream: !isFull,
      })
      return true
    } catch {
      // not from here
    }
  }
  return false
}

/** In both languages, for who is told. */
export function sayEncoding(encoding: ProbableEncoding | undefined): {
  'zh-CN': string
  en: string
} {
  if (encoding === undefined) return { 'zh-CN': '编码无法判断', en: 'its encoding can not be told' }
  if (encoding === 'UTF-8')
    return { 'zh-CN': '像是被截断的 UTF-8', en: 'it looks like UTF-8 with a character cut' }
  return { 'zh-CN': `像是 ${encoding}`, en: `it looks like ${encoding}` }
}
