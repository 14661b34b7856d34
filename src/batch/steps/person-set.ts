/**
 * The persons of a declaration that is checked in several rounds: whether a person came before, and in
 * which row. Keys are exact numbers (`personKey`). The table that holds a key tells 8 of its bits, so
 * the rest and the row fit into 8 bytes. There are many small tables that grow one at a time, by a
 * quarter: two and a half million persons take 25 to 31 MB, and nothing is ever held twice.
 */
import assert from 'node:assert/strict'
import { fileRowsMax } from '../../limits.ts'

const tablesCount = 256
const slotsAtFirst = 64
const fullShare = 0.8
const growth = 1.25

/** Keys are below 2^48; this splits their bits into two halves. */
const half = 2 ** 24
/** Rows count from 1 in a slot, whose second word is 0 while it is free. */
const rowBits = 23
const rowMask = 2 ** rowBits - 1
assert(fileRowsMax < rowMask, 'a row must fit beside the last 8 bits of its person')

export class PersonSet {
  readonly #tables = Array.from({ length: tablesCount }, () => new PersonTable())

  /** Adds a person. @returns the row in which it was added before, or undefined */
  add(key: number, row: number): number | undefined {
    const low = key % half
    const high = Math.floor(key / half)
    // `low` and the table number determine the 8 bits of `high` that are stored nowhere.
    const table = (high ^ mix(low)) & 0xff
    return (this.#tables[table] as PersonTable).add(low + (high >>> 16) * half, high >>> 8, row)
  }
}

/** 32 bits, each of which depends on all of the input. */
function mix(bits: number): number {
  const mixed = Math.imul(bits ^ (bits >>> 16), 0x9e3779b1)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

class PersonTable {
  /** Two words for each slot: 32 bits of a key; 8 more bits, and the row. */
  #words = new Uint32Array(2 * slotsAtFirst)
  #size = 0

  add(first: number, last: number, row: number): number | undefined {
    const at = this.#placeOf(first, last & 0xff)
    const found = this.#words[at + 1] as number
    if (found !== 0) return (found & rowMask) - 1
    this.#words[at] = first
    this.#words[at + 1] = (last & 0xff) * (rowMask + 1) + row + 1
    this.#size += 1
    if (this.#size > (fullShare * this.#words.length) / 2) this.#grow()
    return undefined
  }

  /** The slot of a key, or the free one for it. */
  #placeOf(first: number, last: number): number {
    const words = this.#words
    const mixed = mix(first ^ Math.imul(last, 0x85ebca6b))
    let at = 2 * Math.floor((mixed / 2 ** 33) * words.length)
    for (;;) {
      const second = words[at + 1] as number
      if (second === 0 || (words[at] === first && second >>> rowBits === last)) return at
      at = at + 2 < words.length ? at + 2 : 0
    }
  }

  #grow(): void {
    const before = this.#words
    this.#words = new Uint32Array(2 * Math.ceil((growth * before.length) / 2))
    for (let i = 0; i < before.length; i += 2) {
      const [first, second] = [before[i] as number, before[i + 1] as number]
      if (second === 0) continue
      const at = this.#placeOf(first, second >>> rowBits)
      this.#words[at] = first
      this.#words[at + 1] = second
    }
  }
}
