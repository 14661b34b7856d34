/**
 * Writes an archive as it is made: each entry is deflated while its content comes, its size and
 * checksum follow it (APPNOTE 4.3.9), and only the directory is held.
 */
import { pipeline, Readable } from 'node:stream'
import { crc32, createDeflateRaw } from 'node:zlib'

export type ZipContent = {
  readonly name: string
  readonly content: AsyncIterable<string> | Iterable<string>
}

/** Sizes follow the content; names are UTF-8. */
const flags = 0x0808
const deflated = 8
/** 1980-01-01: the same content makes the same file. */
const date = 0x0021
/** Content is deflated in pieces of about this size: deflating single rows costs more than it saves. */
const pieceCharacters = 32 * 1024

type WrittenEntry = {
  readonly name: Buffer
  readonly offset: number
  crc: number
  from: number
  to: number
}

export async function* writeZip(contents: Iterable<ZipContent>): AsyncGenerator<Buffer> {
  const entries: WrittenEntry[] = []
  let offset = 0
  for (const { name, content } of contents) {
    const entry: WrittenEntry = { name: Buffer.from(name), offset, crc: 0, from: 0, to: 0 }
    const header = localHeader(entry.name)
    yield header
    for await (const piece of deflate(content, entry)) {
      entry.to += piece.length
      yield piece
    }
    const sizes = sizesOf(entry)
    yield sizes
    offset += header.length + entry.to + sizes.length
    entries.push(entry)
  }
  const directory = Buffer.concat(entries.map(directoryEntry))
  yield directory
  yield directoryEnd(entries.length, directory.length, offset)
}

async function* deflate(
  content: ZipContent['content'],
  entry: WrittenEntry,
): AsyncGenerator<Buffer> {
  const counted = async function* () {
    for await (const piece of inPieces(content)) {
      const bytes = Buffer.from(piece)
      entry.crc = crc32(bytes, entry.crc)
      entry.from += bytes.length
      yield bytes
    }
  }
  const deflating = createDeflateRaw()
  // An error of the content destroys the stream, and so reaches its reader.
  pipeline(Readable.from(counted()), deflating, () => {})
  yield* deflating as AsyncIterable<Buffer>
}

async function* inPieces(content: ZipContent['content']): AsyncGenerator<string> {
  let piece = ''
  for await (const text of content) {
    piece += text
    if (piece.length < pieceCharacters) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}

function localHeader(name: Buffer): Buffer {
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  header.writeUInt16LE(20, 4)
  header.writeUInt16LE(flags, 6)
  header.writeUInt16LE(deflated, 8)
  header.writeUInt16LE(date, 12)
  header.writeUInt16LE(name.length, 26)
  return Buffer.concat([header, name])
}

function sizesOf({ crc, from, to }: WrittenEntry): Buffer {
  const sizes = Buffer.alloc(16)
  sizes.writeUInt32LE(0x08074b50, 0)
  sizes.writeUInt32LE(crc, 4)
  sizes.writeUInt32LE(to, 8)
  sizes.writeUInt32LE(from, 12)
  return sizes
}

function directoryEntry({ name, offset, crc, from, to }: WrittenEntry): Buffer {
  const entry = Buffer.alloc(46)
  entry.writeUInt32LE(0x02014b50, 0)
  entry.writeUInt16LE(20, 4)
  entry.writeUInt16LE(20, 6)
  entry.writeUInt16LE(flags, 8)
  entry.writeUInt16LE(deflated, 10)
  entry.writeUInt16LE(date, 14)
  entry.writeUInt32LE(crc, 16)
  entry.writeUInt32LE(to, 20)
  entry.writeUInt32LE(from, 24)
  entry.writeUInt16LE(name.length, 28)
  entry.writeUInt32LE(offset, 42)
  return Buffer.concat([entry, name])
}

function directoryEnd(count: number, bytes: number, offset: number): Buffer {
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(count, 8)
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(bytes, 12)
  end.writeUInt32LE(offset, 16)
  return end
}
