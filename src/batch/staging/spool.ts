/**
 * Holds rows between reading and checking where there is no database: by unit, in pieces. Beyond some
 * megabytes they go to a temporary file, encrypted (AES-256-CTR) with a key that exists in memory only.
 * The file has no name once it is open, so it disappears with the process, however that ends.
 */
import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { spoolMemoryBytesMax } from '../../limits.ts'
import type { StagedPiece, UnitKey } from './staged-rows.ts'

type SpooledUnit = UnitKey & {
  rows: number
  /** Offset and length of each piece in turn: with many employers, a piece has few rows. */
  readonly extents: number[]
}

/** Each piece starts at a cipher block, because the cipher counts blocks from the start of the file. */
const blockBytes = 16

export class RowSpool {
  readonly #units = new Map<string, SpooledUnit>()
  #store: Store
  #bytes = 0

  constructor(memoryBytesMax = spoolMemoryBytesMax) {
    this.#store = new MemoryStore(memoryBytesMax)
  }

  /** @throws the file system's error if there is no space */
  add(pieces: readonly StagedPiece[]): void {
    const written: Buffer[] = []
    let at = this.#bytes
    for (const { header, rows, ...unit } of pieces) {
      const spooled = this.#unitOf(unit)
      const bytes = Buffer.from(JSON.stringify({ header, rows }))
      spooled.rows += rows.length
      spooled.extents.push(at, bytes.length)
      written.push(bytes, Buffer.alloc(-bytes.length & (blockBytes - 1)))
      at += bytes.length + (-bytes.length & (blockBytes - 1))
    }
    this.#write(Buffer.concat(written))
  }

  /** In the order of their first rows. */
  units(): Iterable<UnitKey & { readonly rows: number }> {
    return this.#units.values()
  }

  /** The pieces of a unit in the file's order, one at a time, from the first. */
  async *pieces({ employer, period, region, entry }: UnitKey): AsyncGenerator<StagedPiece> {
    const unit = { employer, period, region, entry }
    const { extents = [] } = this.#units.get(keyOf(unit)) ?? {}
    for (let i = 0; i < extents.length; i += 2) {
      const text = this.#store.read(extents[i] as number, extents[i + 1] as number).toString()
      const { header, rows } = JSON.parse(text) as Pick<StagedPiece, 'header' | 'rows'>
      yield { ...unit, number: i / 2 + 1, header, rows }
    }
  }

  close(): void {
    this.#store.close()
    this.#units.clear()
  }

  #unitOf({ employer, period, region, entry }: UnitKey): SpooledUnit {
    const unitKey = { employer, period, region, entry }
    const key = keyOf(unitKey)
    const unit = this.#units.get(key) ?? { ...unitKey, rows: 0, extents: [] }
    this.#units.set(key, unit)
    return unit
  }

  #write(bytes: Buffer): void {
    if (!this.#store.hasRoom(this.#bytes + bytes.length)) {
      const file = new FileStore()
      file.write(this.#store.read(0, this.#bytes), 0)
      this.#store = file
    }
    this.#store.write(bytes, this.#bytes)
    this.#bytes += bytes.length
  }
}

function keyOf({ employer, period, region, entry }: UnitKey): string {
  return `${employer} ${period} ${region} ${entry}`
}

type Store = {
  hasRoom(bytes: number): boolean
  write(bytes: Buffer, at: number): void
  read(at: number, bytes: number): Buffer
  close(): void
}

class MemoryStore implements Store {
  readonly #memory: Buffer

  constructor(bytesMax: number) {
    this.#memory = Buffer.allocUnsafe(bytesMax)
  }

  hasRoom(bytes: number): boolean {
    return bytes <= this.#memory.length
  }

  write(bytes: Buffer, at: number): void {
    bytes.copy(this.#memory, at)
  }

  read(at: number, bytes: number): Buffer {
    return this.#memory.subarray(at, at + bytes)
  }

  close(): void {}
}

class FileStore implements Store {
  readonly #key = randomBytes(32)
  readonly #file = openUnlinkedFile()

  hasRoom(): boolean {
    return true
  }

  write(bytes: Buffer, at: number): void {
    const encrypted = createCipheriv('aes-256-ctr', this.#key, counterAt(at)).update(bytes)
    for (let done = 0; done < encrypted.length; )
      done += writeSync(this.#file, encrypted, done, encrypted.length - done, at + done)
  }

  read(at: number, bytes: number): Buffer {
    const encrypted = Buffer.allocUnsafe(bytes)
    const read = readSync(this.#file, encrypted, 0, bytes, at)
    assert.equal(read, bytes, 'the spool returns all bytes written')
    return createDecipheriv('aes-256-ctr', this.#key, counterAt(at)).update(encrypted)
  }

  close(): void {
    closeSync(this.#file)
  }
}

function counterAt(at: number): Buffer {
  const counter = Buffer.alloc(blockBytes)
  counter.writeBigUInt64BE(BigInt(at / blockBytes), 8)
  return counter
}

function openUnlinkedFile(): number {
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-'))
  try {
    return openSync(path.join(folder, 'rows'), 'wx+', 0o600)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
