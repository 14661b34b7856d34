/**
 * Reads parts of a file from where it is stored: no file is held in memory.
 */
import type { FileSource } from './rows.ts'

/** Bytes from one offset up to another, or to the end of the file, in pieces of any size. */
export async function* readRange(
  file: FileSource,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array> {
  let left = to - from
  if (left <= 0) return
  for await (const piece of file.read(from)) {
    yield piece.subarray(0, left)
    left -= piece.length
    if (left <= 0) return
  }
}

/** The same in one piece. */
export async function readRangeBytes(file: FileSource, from: number, to: number): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of readRange(file, from, to)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Whether a file contains this sequence of bytes. */
export async function fileContains(file: FileSource, bytes: Buffer): Promise<boolean> {
  let end = Buffer.alloc(0)
  for await (const piece of file.read(0)) {
    const seen = Buffer.concat([end, piece])
    if (seen.includes(bytes)) return true
    end = seen.subarray(Math.max(0, seen.length - bytes.length + 1))
  }
  return false
}
