/**
 * Persons of a declaration that is checked piece by piece: whether one came before, and in which row.
 * Keys are exact numbers (`personKey`). The table that one is in tells 8 bits of it, and so the rest and
 * the row fill 8 bytes. In many small tables, which grow one at a time and by a quarter: two and a half
 * million persons take 25 to 31 MB, and nothing is ever held twice.
 */
import assert from 'node:assert/strict'
import { fileRowsMax } from '../../limits.ts'

const tablesCount = 256
const slotsAtFirst = 64
const fullShare = 0.8
const growth = 1.25

/** A key is below 2^48: this tells one half of its bits from the other. */
const half = 2 ** 24
/** A row counts from 1 in a slot, whose second word is 0 while it is free. */
const rowBits = 23
const rowMask = 2 ** rowBits - 1
assert(fileRowsMax < rowMask, 'a row must fit beside the last 8 bits of its person')

export class PersonSet {
  readonly #tables = Array.from({ length: tablesCount }, () => new PersonTable())

  /** Adds a person; returns the row in which it was added before, or undefined. */
  add(key: number, row: number): number | undefined {
    const low = key % half
    const high = Math.floor(key / half)
    // With `low` and the table known, so are the 8 bits of `high` that are kept nowhere.
    const table = (high ^ mix(low)) & 0xff
    return (this.#tables[table] as PersonTable).add(low + (high >>> 16) * half, high >>> 8, row)
  }
}

/** 32 bits that change with any of those given. */
function mix(bits: number): number {
  const mixed = Math.imul(bits ^ (bits >>> 16), 0x9e3779b1)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

class PersonTable {
  /** Two words a slot: 32 bits of a key; 8 more, and the row. */
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

  /** Where a key is, or would be. */
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
