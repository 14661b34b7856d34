/**
 * Reads the archive of a workbook: its directory, and its entries inflated piece by piece. The output
 * is bounded over the full file, so no archive uses more than its share. It must have the size and
 * CRC-32 of the directory: whoever reads an entry to its end knows that it is unchanged. Names ignore
 * case (ECMA-376-2, 6.2.2.3).
 */
import { pipeline, Readable } from 'node:stream'
import { crc32, createInflateRaw } from 'node:zlib'
import {
  xlsxEntriesMax,
  xlsxInflatedBytesMax,
  xlsxInflatedFreeBytes,
  xlsxInflatedRatioMax,
  xlsxReadingsMax,
} from '../limits.ts'
import { readRange, readRangeBytes } from './file-part.ts'
import type { FileSource } from './rows.ts'

export type ZipFault =
  | 'FILE_BROKEN'
  | 'FILE_CHECKSUM'
  | 'FILE_INFLATES_TOO_FAR'
  | 'FILE_NOT_WORKBOOK'

/** An archive can't be read; the code names the finding. */
export class ZipError extends Error {
  readonly code: ZipFault
  /** The entry whose bytes differ from those written. */
  readonly entry: string | undefined

  constructor(code: ZipFault, entry?: string) {
    super(code)
    this.code = code
    this.entry = entry
  }
}

type Entry = {
  /** As written, one character for each byte. */
  readonly name: string
  /** Two entries have this name, so it is unknown which one is meant. */
  readonly twice: boolean
  readonly method: number
  readonly encrypted: boolean
  readonly crc: number
  readonly bytes: number
  readonly compressedBytes: number
  /** Offset of its local header. */
  readonly offset: number
}

const endSignature = 0x06054b50
const entrySignature = 0x02014b50
const localSignature = 0x04034b50
const locatorSignature = 0x07064b50
const wideEndSignature = 0x06064b50
const wideFieldId = 1
/** Placeholders for numbers that don't fit. */
const [max16, max32] = [0xffff, 0xffffffff]
const [stored, deflated] = [0, 8]
const localBytes = 30
const endBytes = 22
const locatorBytes = 20
const wideEndBytes = 56
/** A comment of at most 65,535 bytes may follow the directory's end. */
const endBytesMax = endBytes + 65_535
/** Larger pieces would be large objects of the heap, which stay until a full collection. */
const pieceBytes = 16 * 1024

export class Zip {
  readonly #file: FileSource
  readonly #entries: ReadonlyMap<string, Entry>
  #readBytes = 0
  #inflatedBytes = 0

  private constructor(file: FileSource, entries: ReadonlyMap<string, Entry>) {
    this.#file = file
    this.#entries = entries
  }

  /** @throws ZipError */
  static async open(file: FileSource): Promise<Zip> {
    return new Zip(file, await readDirectory(file))
  }

  names(): string[] {
    return [...this.#entries.keys()]
  }

  has(name: string): boolean {
    return this.#entries.has(name.toLowerCase())
  }

  /** Calls the file's heartbeat; for callers that read entries for long. */
  async heartbeat(): Promise<void> {
    await this.#file.heartbeat?.()
  }

  /**
   * Yields an entry's bytes. They are known to be right only at their end: whatever depends on a part
   * of them waits for the end, or is taken back.
   * @throws ZipError also while reading, and at the end
   */
  async *read(name: string): AsyncGenerator<Uint8Array> {
    const entry = this.#entries.get(name.toLowerCase())
    if (entry === undefined || entry.twice || entry.encrypted) throw new ZipError('FILE_BROKEN')
    let [crc, bytes] = [0, 0]
    for await (const piece of this.#inflated(entry)) {
      crc = crc32(piece, crc)
      bytes += piece.length
      yield piece
    }
    if (crc !== entry.crc || bytes !== entry.bytes) throw new ZipError('FILE_CHECKSUM', name)
  }

  #inflated(entry: Entry): AsyncGenerator<Uint8Array> {
    if (entry.method === stored) return this.#stored(entry)
    if (entry.method === deflated) return this.#inflate(entry)
    throw new ZipError('FILE_BROKEN')
  }

  async *#stored(entry: Entry): AsyncGenerator<Uint8Array> {
    for await (const piece of this.#compressed(entry)) {
      for (let at = 0; at < piece.length; at += pieceBytes) {
        const part = piece.subarray(at, at + pieceBytes)
        this.#count(part.length, 0, 0)
        yield part
      }
    }
  }

  async *#compressed(entry: Entry): AsyncGenerator<Uint8Array> {
    const file = this.#file
    const { compressedBytes } = entry
    const start = await contentStart(file, entry)
    if (start + compressedBytes > file.bytes) throw new ZipError('FILE_BROKEN')
    for await (const piece of readRange(file, start, start + compressedBytes)) {
      this.#readBytes += piece.length
      // Overlapping parts that inflate to nothing could be read for ever.
      if (this.#readBytes > xlsxReadingsMax * file.bytes) throw new ZipError('FILE_BROKEN')
      yield piece
    }
  }

  async *#inflate(entry: Entry): AsyncGenerator<Uint8Array> {
    const inflate = createInflateRaw({ chunkSize: pieceBytes })
    let bytes = 0
    try {
      // An error destroys the stream, and so is thrown here.
      pipeline(Readable.from(this.#compressed(entry)), inflate, () => {})
      for await (const piece of inflate as AsyncIterable<Buffer>) {
        bytes += piece.length
        this.#count(piece.length, bytes, entry.compressedBytes)
        yield piece
      }
    } catch (error) {
      if (isInflateFault(error)) throw new ZipError('FILE_BROKEN')
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

/** Errors of the inflated content; lack of memory (Z_MEM_ERROR) is no fault of the file. */
const inflateFaults: readonly unknown[] = ['Z_DATA_ERROR', 'Z_BUF_ERROR', 'Z_NEED_DICT']

function isInflateFault(error: unknown): boolean {
  return inflateFaults.includes(((error ?? {}) as { code?: unknown }).code)
}

/** The content after the local header, which must match the directory's entry. */
async function contentStart(file: FileSource, { offset, name, method }: Entry): Promise<number> {
  const header = await bytesAt(file, offset, localBytes + name.length)
  const matches =
    header.readUInt32LE(0) === localSignature &&
    header.readUInt16LE(8) === method &&
    header.readUInt16LE(26) === name.length &&
    header.toString('latin1', localBytes) === name
  if (!matches) throw new ZipError('FILE_BROKEN')
  return offset + header.length + header.readUInt16LE(28)
}

async function readDirectory(file: FileSource): Promise<Map<string, Entry>> {
  const { count, start, bytes } = await findDirectory(file)
  if (count > xlsxEntriesMax) throw new ZipError('FILE_NOT_WORKBOOK')
  if (bytes > directoryBytesMax) throw new ZipError('FILE_BROKEN')
  return readEntries(await bytesAt(file, start, bytes), count)
}

type Directory = { readonly count: number; readonly start: number; readonly bytes: number }

async function findDirectory(file: FileSource): Promise<Directory> {
  const tailStart = Math.max(0, file.bytes - endBytesMax)
  const tail = await readRangeBytes(file, tailStart, file.bytes)
  const end = endOfDirectory(tail)
  const directory = {
    count: tail.readUInt16LE(end + 10),
    bytes: tail.readUInt32LE(end + 12),
    start: tail.readUInt32LE(end + 16),
  }
  const isWide = directory.count === max16 || directory.bytes === max32 || directory.start === max32
  return isWide ? findWideDirectory(file, tailStart + end) : directory
}

/** ZIP64, as written by programs that write a workbook of unknown size. */
async function findWideDirectory(file: FileSource, end: number): Promise<Directory> {
  const locator = await bytesAt(file, end - locatorBytes, locatorBytes)
  if (locator.readUInt32LE(0) !== locatorSignature) throw new ZipError('FILE_BROKEN')
  const record = await bytesAt(file, wideAt(locator, 8), wideEndBytes)
  if (record.readUInt32LE(0) !== wideEndSignature) throw new ZipError('FILE_BROKEN')
  return { count: wideAt(record, 32), bytes: wideAt(record, 40), start: wideAt(record, 48) }
}

async function bytesAt(file: FileSource, start: number, length: number): Promise<Buffer> {
  if (start < 0 || start + length > file.bytes) throw new ZipError('FILE_BROKEN')
  return readRangeBytes(file, start, start + length)
}

/** Numbers beyond 2^53 are rounded, and exceed any file. */
function wideAt(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at))
}

/** Names have a few dozen characters. */
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
    const behindExtra = behindName + directory.readUInt16LE(at + 30)
    const name = partNameOf(directory.toString('utf8', at + entryBytes, behindName))
    entries.set(name, {
      name: directory.toString('latin1', at + entryBytes, behindName),
      twice: entries.has(name),
      method: directory.readUInt16LE(at + 10),
      encrypted: (directory.readUInt16LE(at + 8) & 1) === 1,
      crc: directory.readUInt32LE(at + 16),
      ...readSizes(directory, at, directory.subarray(behindName, behindExtra)),
    })
    at = behindExtra + directory.readUInt16LE(at + 32)
  }
  // An entry that the count leaves out may be the one with the dates.
  if (at !== directory.length) throw new ZipError('FILE_BROKEN')
  return entries
}

/** The key by which an entry is found. */
function partNameOf(name: string): string {
  return name.replaceAll('\\', '/').replace(/^\//, '').toLowerCase()
}

/** In ZIP64, numbers that don't fit are in a field after the name, in this order. */
function readSizes(directory: Buffer, at: number, extra: Buffer) {
  const place = { inflatedBytes: 24, compressedBytes: 20, offset: 42 }
  const wide = wideField(extra)
  let used = 0
  const read = (narrowAt: number) => {
    const narrow = directory.readUInt32LE(at + narrowAt)
    if (narrow !== max32) return narrow
    used += 8
    if (used > wide.length) throw new ZipError('FILE_BROKEN')
    return wideAt(wide, used - 8)
  }
  return {
    bytes: read(place.inflatedBytes),
    compressedBytes: read(place.compressedBytes),
    offset: read(place.offset),
  }
}

/** Empty if there is none. */
function wideField(extra: Buffer): Buffer {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === wideFieldId) return extra.subarray(at + 4, end)
    at = end
  }
  return Buffer.alloc(0)
}

function endOfDirectory(tail: Buffer): number {
  for (let at = tail.length - endBytes; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) === endSignature) return at
  }
  throw new ZipError('FILE_BROKEN')
}
