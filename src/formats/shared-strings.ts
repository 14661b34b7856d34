/**
 * The distinct texts of a workbook, by number. A file of a million persons has two million of them,
 * which would take some 150 MB as strings: they are stored as bytes, one after another, and decoded
 * when a cell needs them.
 */
import { cellCharactersMax, xlsxStringBytesMax, xlsxStringsMax } from '../limits.ts'

const blockBytes = 1024 * 1024
/** The first texts are titles and words that every row repeats. */
const rememberedMax = 512

export class SharedStrings {
  readonly #blocks: Buffer[] = []
  #blockUsed = blockBytes
  #starts = new Uint32Array(1_024)
  #lengths = new Uint16Array(1_024)
  readonly #remembered: (string | undefined)[] = []
  #count = 0

  /** Adds a text; cuts one that is too long for a cell. @returns false if there is no room for it */
  add(text: string): boolean {
    const stored = text.length > cellCharactersMax ? text.slice(0, cellCharactersMax + 1) : text
    const bytes = Buffer.byteLength(stored)
    if (this.#blockUsed + bytes > blockBytes) {
      if ((this.#blocks.length + 1) * blockBytes > xlsxStringBytesMax) return false
      this.#blocks.push(Buffer.allocUnsafeSlow(blockBytes))
      this.#blockUsed = 0
    }
    if (this.#count === xlsxStringsMax) return false
    if (this.#count === this.#starts.length) this.#grow()
    const block = this.#blocks.length - 1
    ;(this.#blocks[block] as Buffer).write(stored, this.#blockUsed)
    this.#starts[this.#count] = block * blockBytes + this.#blockUsed
    this.#lengths[this.#count] = bytes
    this.#blockUsed += bytes
    this.#count += 1
    return true
  }

  at(index: number): string | undefined {
    if (!Number.isInteger(index) || index < 0 || index >= this.#count) return undefined
    const known = this.#remembered[index]
    if (known !== undefined) return known
    const start = this.#starts[index] as number
    const from = start % blockBytes
    const block = this.#blocks[Math.floor(start / blockBytes)] as Buffer
    const text = block.toString('utf8', from, from + (this.#lengths[index] as number))
    if (index < rememberedMax) this.#remembered[index] = text
    return text
  }

  #grow(): void {
    const length = Math.min(this.#starts.length * 2, xlsxStringsMax)
    const [starts, lengths] = [new Uint32Array(length), new Uint16Array(length)]
    starts.set(this.#starts)
    lengths.set(this.#lengths)
    this.#starts = starts
    this.#lengths = lengths
  }
}
