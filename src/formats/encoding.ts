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

/**
 * UTF-16 or UTF-32, with a byte-order mark or without: of what is ASCII in it, every other byte is zero.
 * Zeros that follow each other alone are what a disk leaves of a file that was not written to its end.
 */
export function isWide(bytes: Buffer): boolean {
  if (bytes.length < 2) return false
  const mark = bytes.readUInt16BE(0)
  if (mark === 0xfffe || mark === 0xfeff) return true
  const start = bytes.subarray(0, 4_096)
  const first = start.indexOf(0)
  return first >= 0 && start.subarray(first, first + zerosMin).some((byte) => byte !== 0)
}

/** As many in a row are no text of 16 or 32 bits. */
const zerosMin = 8

/** What DOS put behind a text, and some programs still do. */
const endMark = 0x1a

/** Bytes of the last block of a text without the marks of its end. */
export function withoutEndMarks(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === endMark) end -= 1
  return bytes.subarray(0, end)
}

/**
 * The encoding of a piece of text that ends with a line. Where it is mixed, that of its beginning.
 * Undefined while all is ASCII.
 */
export function encodingOf(lines: Buffer): Encoding | undefined {
  if (isAscii(lines)) return undefined
  if (isUtf8(lines)) return isUtf8ByChance(lines) ? 'gb18030' : 'utf-8'
  return startsWithChineseUtf8(lines) ? 'utf-8' : 'gb18030'
}

/**
 * Whether text that is valid UTF-8 is Chinese in GB18030 all the same: 卢伟 has the bytes of `¬ΰ`. So it
 * is where whatever isn't ASCII are words of two characters or more in GB 2312, half of them and more
 * among its common ones, each in UTF-8 a character of two bytes, and none beside a letter or digit.
 */
export function isUtf8ByChance(lines: Buffer): boolean {
  let [pairs, common] = [0, 0]
  for (let at = 0; at < lines.length; at += 1) {
    if ((lines[at] as number) < 0x80) continue
    const start = at
    for (; (lines[at] ?? 0) >= 0x80; at += 2) {
      const [lead, trail] = [lines[at] as number, lines[at + 1] ?? 0]
      if (lead > lastLeadOfTwo || trail < firstOfGb2312) return false
      pairs += 1
      if (lead <= lastCommonLead) common += 1
    }
    if (at - start < 4 || isWordCharacter(lines[start - 1]) || isWordCharacter(lines[at]))
      return false
  }
  return pairs > 0 && common * 2 >= pairs
}

const lastLeadOfTwo = 0xdf
const firstOfGb2312 = 0xa1
const lastCommonLead = 0xd7

const isWordCharacter = (byte: number | undefined) =>
  byte !== undefined && /[0-9A-Za-z]/.test(String.fromCharCode(byte))

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
