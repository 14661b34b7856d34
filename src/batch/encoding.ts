/**
 * Which of the two encodings of Chinese files a text has: UTF-8, or GB18030 as older spreadsheets
 * save. UTF-8 is strict enough to tell: hardly any text of GB18030 is valid UTF-8 by chance, unless it
 * is very short. A quote, a separator and a line break are the same bytes in both, and never part of a
 * character.
 */
import { isAscii, isUtf8 } from 'node:buffer'

import type { Encoding } from './rows.ts'

/** Two Chinese characters in UTF-8 are three in GB18030: only three of them tell for certain. */
const tellingBytes = 9
const byteOrderMark = Buffer.from('\ufeff')

export function hasByteOrderMark(bytes: Buffer): boolean {
  return bytes.subarray(0, 3).equals(byteOrderMark)
}

/** UTF-16 or UTF-32, with a byte-order mark or without: text of 8 bits has no null characters. */
export function isWide(bytes: Buffer): boolean {
  if (bytes.length < 2) return false
  const mark = bytes.readUInt16BE(0)
  return mark === 0xfffe || mark === 0xfeff || bytes.subarray(0, 4_096).includes(0)
}

/**
 * The encoding of a piece of text that ends with a line. Where it is mixed, that of its beginning.
 * Undefined while all is ASCII.
 */
export function encodingOf(lines: Buffer): Encoding | undefined {
  if (isAscii(lines)) return undefined
  if (isUtf8(lines)) return 'utf-8'
  return startsWithChineseUtf8(lines) ? 'utf-8' : 'gb18030'
}

/** Whether the first line that isn't ASCII is plainly Chinese in UTF-8. */
function startsWithChineseUtf8(lines: Buffer): boolean {
  const first = lines.findIndex((byte) => byte > 127)
  const start = lines.lastIndexOf(10, first) + 1
  const end = lines.indexOf(10, first)
  return isChineseUtf8(lines.subarray(start, end < 0 ? lines.length : end))
}

/** Valid UTF-8 with three or more characters of the Chinese block, and nothing that isn't. */
export function isChineseUtf8(bytes: Buffer): boolean {
  if (!isUtf8(bytes)) return false
  let chinese = 0
  for (const byte of bytes) {
    if (byte >= 0xe4 && byte <= 0xe9) chinese += 3
  }
  return chinese >= tellingBytes
}
