/**
 * Persons of a declaration that is checked piece by piece: whether one came before, and in which row.
 * Keys are exact numbers (`personKey`). In many small tables, which grow one at a time: two and a half
 * million persons take 50 MB, and nothing is ever held twice.
 */

const tablesCount = 256
const slotsAtFirst = 1 << 6
const fullShare = 0.75

export class PersonSet {
  readonly #tables = Array.from({ length: tablesCount }, () => new PersonTable())

  /** Adds a person; returns the row in which it was added before, or undefined. */
  add(key: number, row: number): number | undefined {
    const mixed = mix(key)
    return (this.#tables[mixed >>> 24] as PersonTable).add(key, mixed, row)
  }
}

/** 32 bits of a key of 53: the first 8 choose a table, the last ones a slot in it. */
function mix(key: number): number {
  const mixed = Math.imul(key | 0, 0x9e3779b1) ^ Math.imul((key / 0x1_0000_0000) | 0, 0x85ebca6b)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

class PersonTable {
  /** 0 where a slot is free: it is nobody's key. */
  #keys = new Float64Array(slotsAtFirst)
  #rows = new Uint32Array(slotsAtFirst)
  #size = 0

  add(key: number, mixed: number, row: number): number | undefined {
    const slot = this.#slotOf(key, mixed)
    if (this.#keys[slot] === key) return this.#rows[slot]
    this.#keys[slot] = key
    this.#rows[slot] = row
    this.#size += 1
    if (this.#size > fullShare * this.#keys.length) this.#grow()
    return undefined
  }

  /** Where a key is, or would be. */
  #slotOf(key: number, mixed: number): number {
    const mask = this.#keys.length - 1
    let slot = mixed & mask
    while (this.#keys[slot] !== 0 && this.#keys[slot] !== key) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const [keys, rows] = [this.#keys, this.#rows]
    this.#keys = new Float64Array(2 * keys.length)
    this.#rows = new Uint32Array(2 * rows.length)
    for (let i = 0; i < keys.length; i += 1) {
      const key = keys[i] as number
      if (key === 0) continue
      const slot = this.#slotOf(key, mix(key))
      this.#keys[slot] = key
      this.#rows[slot] = rows[i] as number
    }
  }
}
