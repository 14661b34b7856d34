/**
 * A file of text that somebody saved, as whatever program they have saves it: UTF-8, with a byte-order
 * mark or without, or UTF-16 with one. Any other bytes are refused with their place: read as what they
 * are not, a name would be another name.
 */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { excessOf } from '../../declaration/json-limits.ts'
import { sayEncoding, whereNotUtf8 } from '../../declaration/utf8.ts'
import { UsageError } from './failure.ts'

/** @throws UsageError where it can't be read, or not as text */
export function readTextFile(file: string): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw new UsageError(`Can't read ${file} (${(error as NodeJS.ErrnoException).code}).`)
  }
  return textOf(bytes, file)
}

const unlimited = { jsonDepthMax: Number.POSITIVE_INFINITY, jsonItemsMax: Number.POSITIVE_INFINITY }

/**
 * @param what names the text to who is told
 * @throws UsageError where an object names a member twice, and SyntaxError where it is no JSON
 */
export function parseJson(text: string, what: string): unknown {
  const value: unknown = JSON.parse(text)
  const excess = excessOf(text, unlimited)
  if (typeof excess !== 'object') return value
  const { repeated } = excess
  const [zh, en] = repeated === '' ? ['', ''] : [`（${repeated}）`, ` (${repeated})`]
  throw new UsageError(
    `${what} names a member of an object twice${en}: leave one of them.\n${what} 中同一字段出现两次${zh}：请只保留一个。`,
  )
}

/** @throws UsageError that tells the first byte that is no text */
export function textOf(bytes: Buffer, file: string): string {
  const wide = wideEncodingOf(bytes)
  if (wide !== undefined) return decodeWide(bytes, wide, file)
  if (isUtf8(bytes)) return bytes.toString().replace(/^\ufeff/, '')
  throw notUtf8(bytes, file)
}

function wideEncodingOf(bytes: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  if (bytes.length < 2) return undefined
  const mark = bytes.readUInt16BE(0)
  if (mark === 0xfffe) return 'utf-16le'
  return mark === 0xfeff ? 'utf-16be' : undefined
}

function decodeWide(bytes: Buffer, encoding: string, file: string): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    throw new UsageError(`${file} is UTF-16 that was cut or joined: save it as UTF-8.`)
  }
}

function notUtf8(bytes: Buffer, file: string): UsageError {
  const { offset, line, column, encoding } = whereNotUtf8(bytes) ?? {
    ...{ offset: 0, line: 1, column: 1, encoding: undefined },
  }
  const looks = sayEncoding(encoding)
  return new UsageError(
    `${file} is not UTF-8 from byte ${offset} on (line ${line}, character ${column}): ${looks.en}. Save it as UTF-8.\n` +
      `${file} 从第 ${offset} 字节（第 ${line} 行第 ${column} 个字符）起不是 UTF-8 编码：${looks['zh-CN']}。请另存为 UTF-8。`,
  )
}
