/**
 * A set of row numbers, one bit each: 300 KB for two and a half million rows.
 */
const bytesAtFirst = 1_024

export class RowSet {
  #bits: Uint8Array

  /** @param bytes of a stored set */
  constructor(bytes: Uint8Array = new Uint8Array(bytesAtFirst)) {
    this.#bits = new Uint8Array(bytes)
  }

  /** For storing. */
  get bytes(): Buffer {
    return Buffer.from(this.#bits)
  }

  add(row: number): void {
    const byte = row >> 3
    if (byte >= this.#bits.length) {
      const bits = new Uint8Array(2 ** Math.ceil(Math.log2(byte + 1)))
      bits.set(this.#bits)
      this.#bits = bits
    }
    this.#bits[byte] = (this.#bits[byte] ?? 0) | (1 << (row & 7))
  }

  has(row: number): boolean {
    return ((this.#bits[row >> 3] ?? 0) & (1 << (row & 7))) !== 0
  }

  delete(row: number): void {
    if (this.has(row)) this.#bits[row >> 3] = (this.#bits[row >> 3] ?? 0) & ~(1 << (row & 7))
  }

  addAll(others: RowSet): void {
    if (others.#bits.length > this.#bits.length) {
      const bits = new Uint8Array(others.#bits.length)
      bits.set(this.#bits)
      this.#bits = bits
    }
    for (const [byte, bits] of others.#bits.entries()) {
      this.#bits[byte] = (this.#bits[byte] ?? 0) | bits
    }
  }

  deleteAll(others: RowSet): void {
    for (const [byte, bits] of this.#bits.entries()) {
      this.#bits[byte] = bits & ~(others.#bits[byte] ?? 0)
    }
  }
}
