/**
 * Detects the encoding of a Chinese text file: UTF-8, or GB18030 as older spreadsheets save. UTF-8 is
 * strict enough: hardly any GB18030 text is valid UTF-8 by chance, unless it is very short. Quotes,
 * separators and line breaks are the same bytes in both, and never part of a character.
 */
import { isAscii, isUtf8 } from 'node:buffer'

import type { Encoding } from './rows.ts'

/** Two Chinese characters in UTF-8 are three in GB18030: only three of them are certain. */
const certainBytes = 9
const byteOrderMark = Buffer.from('\ufeff')

export function hasByteOrderMark(bytes: Buffer): boolean {
  return bytes.subarray(0, 3).equals(byteOrderMark)
}

/**
 * Whether the text is UTF-16 or UTF-32, with or without a byte-order mark: every other byte of its
 * ASCII is zero. A run of zeros alone is what a disk leaves of a file that was not written to its end.
 */
export function isUtf16Or32(bytes: Buffer): boolean {
  if (bytes.length < 2) return false
  const mark = bytes.readUInt16BE(0)
  if (mark === 0xfffe || mark === 0xfeff) return true
  const start = bytes.subarray(0, 4_096)
  const first = start.indexOf(0)
  return first >= 0 && start.subarray(first, first + zerosMin).some((byte) => byte !== 0)
}

/** So many zeros in a row are no UTF-16 or UTF-32 text. */
const zerosMin = 8

/** The end mark of DOS, which some programs still write. */
const endMark = 0x1a

/** The last block of a text without its end marks. */
export function withoutDosEndMarks(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === endMark) end -= 1
  return bytes.subarray(0, end)
}

/**
 * The encoding of a piece of text that ends with a line; if mixed, that of its beginning. Undefined
 * while all is ASCII.
 */
export function encodingOf(lines: Buffer): Encoding | undefined {
  if (isAscii(lines)) return undefined
  if (isUtf8(lines)) return isUtf8ByChance(lines) ? 'gb18030' : 'utf-8'
  return startsWithChineseUtf8(lines) ? 'utf-8' : 'gb18030'
}

/**
 * Whether valid UTF-8 is Chinese in GB18030 all the same: 卢伟 has the bytes of `¬ΰ`. That is so if
 * everything beyond ASCII is words of two or more characters of GB 2312, at least half of them common
 * ones, each of which is a two-byte character in UTF-8, and none is next to a letter or digit.
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

/** Whether the first line with non-ASCII bytes is clearly Chinese in UTF-8. */
function startsWithChineseUtf8(lines: Buffer): boolean {
  const first = lines.findIndex((byte) => byte > 127)
  const start = lines.lastIndexOf(10, first) + 1
  const end = lines.indexOf(10, first)
  return isChineseUtf8(lines.subarray(start, end < 0 ? lines.length : end))
}

/** Valid UTF-8 with at least three characters of the Chinese block. */
export function isChineseUtf8(bytes: Buffer): boolean {
  if (!isUtf8(bytes)) return false
  let chinese = 0
  for (const byte of bytes) {
    if (byte >= 0xe4 && byte <= 0xe9) chinese += 3
  }
  return chinese >= certainBytes
}
