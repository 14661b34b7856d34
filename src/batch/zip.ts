/**
 * Reads the archive that a workbook is: its directory, and its entries inflated piece by piece. All
 * sizes that an archive tells are hints; what counts is what comes out, and that is bounded over the
 * whole file, so that no archive of any making uses more than its share.
 */
import { createInflateRaw } from 'node:zlib'
import {
  xlsxEntriesMax,
  xlsxInflatedBytesMax,
  xlsxInflatedFreeBytes,
  xlsxInflatedRatioMax,
} from '../limits.ts'

export type ZipFault = 'FILE_BROKEN' | 'FILE_INFLATES_TOO_FAR' | 'FILE_NOT_WORKBOOK'

/** That an archive can't be read; the code is what a filer is told. */
export class ZipError extends Error {
  readonly code: ZipFault

  constructor(code: ZipFault) {
    super(code)
    this.code = code
  }
}

type Entry = {
  readonly method: number
  readonly encrypted: boolean
  readonly compressedBytes: number
  /** Of its local header. */
  readonly offset: number
}

const endSignature = 0x06054b50
const entrySignature = 0x02014b50
const localSignature = 0x04034b50
const [stored, deflated] = [0, 8]
/** A directory's end has a comment of at most 65,535 bytes behind it. */
const endBytesMax = 22 + 65_535
const pieceBytes = 64 * 1024

export class Zip {
  readonly #file: Buffer
  readonly #entries: ReadonlyMap<string, Entry>
  #inflatedBytes = 0

  /** @throws ZipError */
  constructor(file: Buffer) {
    this.#file = file
    this.#entries = readDirectory(file)
  }

  names(): string[] {
    return [...this.#entries.keys()]
  }

  has(name: string): boolean {
    return this.#entries.has(name)
  }

  /**
   * An entry's bytes.
   * @throws ZipError also while it is read
   */
  async *read(name: string): AsyncGenerator<Buffer> {
    const entry = this.#entries.get(name)
    if (entry === undefined || entry.encrypted) throw new ZipError('FILE_BROKEN')
    const compressed = this.#compressed(entry)
    if (entry.method === stored) {
      this.#count(compressed.length, compressed.length, compressed.length)
      yield compressed
    } else if (entry.method === deflated) yield* this.#inflate(compressed)
    else throw new ZipError('FILE_BROKEN')
  }

  #compressed({ offset, compressedBytes }: Entry): Buffer {
    const file = this.#file
    if (offset + 30 > file.length || file.readUInt32LE(offset) !== localSignature) {
      throw new ZipError('FILE_BROKEN')
    }
    const start = offset + 30 + file.readUInt16LE(offset + 26) + file.readUInt16LE(offset + 28)
    if (start + compressedBytes > file.length) throw new ZipError('FILE_BROKEN')
    return file.subarray(start, start + compressedBytes)
  }

  async *#inflate(compressed: Buffer): AsyncGenerator<Buffer> {
    const inflate = createInflateRaw({ chunkSize: pieceBytes })
    let bytes = 0
    try {
      inflate.end(compressed)
      for await (const piece of inflate as AsyncIterable<Buffer>) {
        bytes += piece.length
        this.#count(piece.length, bytes, compressed.length)
        yield piece
      }
    } catch (error) {
      if (isZlibError(error)) throw new ZipError('FILE_BROKEN')
      throw error
    } finally {
      inflate.destroy()
    }
  }

  #count(newBytes: number, ofEntry: number, compressedBytes: number): void {
    this.#inflatedBytes += newBytes
    const free = Math.max(xlsxInflatedFreeBytes, compressedBytes * xlsxInflatedRatioMax)
    if (ofEntry > free || this.#inflatedBytes > xlsxInflatedBytesMax) {
      throw new ZipError('FILE_INFLATES_TOO_FAR')
    }
  }
}

function isZlibError(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' && (code.startsWith('Z_') || code.startsWith('ERR_ZLIB'))
}

function readDirectory(file: Buffer): Map<string, Entry> {
  const end = endOfDirectory(file)
  const count = file.readUInt16LE(end + 10)
  if (count > xlsxEntriesMax) throw new ZipError('FILE_NOT_WORKBOOK')
  const entries = new Map<string, Entry>()
  let at = file.readUInt32LE(end + 16)
  for (let i = 0; i < count; i += 1) {
    if (at + 46 > file.length || file.readUInt32LE(at) !== entrySignature) {
      throw new ZipError('FILE_BROKEN')
    }
    const nameBytes = file.readUInt16LE(at + 28)
    const name = file.toString('utf8', at + 46, at + 46 + nameBytes)
    entries.set(name.replaceAll('\\', '/').replace(/^\//, ''), {
      method: file.readUInt16LE(at + 10),
      encrypted: (file.readUInt16LE(at + 8) & 1) === 1,
      compressedBytes: file.readUInt32LE(at + 20),
      offset: file.readUInt32LE(at + 42),
    })
    at += 46 + nameBytes + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32)
  }
  return entries
}

function endOfDirectory(file: Buffer): number {
  const first = Math.max(0, file.length - endBytesMax)
  for (let at = file.length - 22; at >= first; at -= 1) {
    if (file.readUInt32LE(at) === endSignature) return at
  }
  throw new ZipError('FILE_BROKEN')
}
