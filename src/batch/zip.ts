/**
 * Reads the archive that a workbook is: its directory, and its entries inflated piece by piece. All
 * sizes that an archive tells are hints; what counts is what comes out, and that is bounded over the
 * whole file, so that no archive of any making uses more than its share.
 */
import { pipeline, Readable } from 'node:stream'
import { createInflateRaw } from 'node:zlib'
import {
  xlsxEntriesMax,
  xlsxInflatedBytesMax,
  xlsxInflatedFreeBytes,
  xlsxInflatedRatioMax,
} from '../limits.ts'
import type { HeldFile } from './held-file.ts'

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
const localBytes = 30
const endBytes = 22
/** A directory's end has a comment of at most 65,535 bytes behind it. */
const endBytesMax = endBytes + 65_535
/** Larger ones would be large objects of the heap, which stay until it is collected as a whole. */
const pieceBytes = 16 * 1024

export class Zip {
  readonly #file: HeldFile
  readonly #entries: ReadonlyMap<string, Entry>
  #inflatedBytes = 0

  /** @throws ZipError */
  constructor(file: HeldFile) {
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
    if (entry.method === stored) {
      for (const piece of this.#compressed(entry)) {
        this.#count(piece.length, 0, 0)
        yield piece
      }
    } else if (entry.method === deflated) yield* this.#inflate(entry)
    else throw new ZipError('FILE_BROKEN')
  }

  #compressed({ offset, compressedBytes }: Entry): Iterable<Buffer> {
    const file = this.#file
    if (offset + localBytes > file.length) throw new ZipError('FILE_BROKEN')
    const header = file.bytes(offset, offset + localBytes)
    if (header.readUInt32LE(0) !== localSignature) throw new ZipError('FILE_BROKEN')
    const start = offset + localBytes + header.readUInt16LE(26) + header.readUInt16LE(28)
    if (start + compressedBytes > file.length) throw new ZipError('FILE_BROKEN')
    return file.pieces(start, start + compressedBytes)
  }

  async *#inflate(entry: Entry): AsyncGenerator<Buffer> {
    const inflate = createInflateRaw({ chunkSize: pieceBytes })
    let bytes = 0
    try {
      // What fails destroys the stream, and so is thrown here.
      pipeline(Readable.from(this.#compressed(entry)), inflate, () => {})
      for await (const piece of inflate as AsyncIterable<Buffer>) {
        bytes += piece.length
        this.#count(piece.length, bytes, entry.compressedBytes)
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

function readDirectory(file: HeldFile): Map<string, Entry> {
  const tail = file.bytes(Math.max(0, file.length - endBytesMax), file.length)
  const end = endOfDirectory(tail)
  const count = tail.readUInt16LE(end + 10)
  if (count > xlsxEntriesMax) throw new ZipError('FILE_NOT_WORKBOOK')
  const start = tail.readUInt32LE(end + 16)
  const to = start + tail.readUInt32LE(end + 12)
  if (to > file.length || to - start > directoryBytesMax) throw new ZipError('FILE_BROKEN')
  return readEntries(file.bytes(start, to), count)
}

/** Names are of a few dozen characters. */
const directoryBytesMax = xlsxEntriesMax * 1_024
const entryBytes = 46

function readEntries(directory: Buffer, count: number): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  let at = 0
  for (let i = 0; i < count; i += 1) {
    if (at + entryBytes > directory.length || directory.readUInt32LE(at) !== entrySignature) {
      throw new ZipError('FILE_BROKEN')
    }
    const behindName = at + entryBytes + directory.readUInt16LE(at + 28)
    const name = directory.toString('utf8', at + entryBytes, behindName)
    entries.set(name.replaceAll('\\', '/').replace(/^\//, ''), {
      method: directory.readUInt16LE(at + 10),
      encrypted: (directory.readUInt16LE(at + 8) & 1) === 1,
      compressedBytes: directory.readUInt32LE(at + 20),
      offset: directory.readUInt32LE(at + 42),
    })
    at = behindName + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  return entries
}

function endOfDirectory(tail: Buffer): number {
  for (let at = tail.length - endBytes; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) === endSignature) return at
  }
  throw new ZipError('FILE_BROKEN')
}
