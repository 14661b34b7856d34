/**
 * Cuts the lines of a unit into parts, by number and by bytes: a platform worker with a hundred days
 * takes as many bytes as fifty employees. The check counts parts with it and filing cuts with it, from
 * the same lines in the same order, so both get the same parts.
 */
import type { PlatformLine } from '../../declaration/schema.ts'
import { partBytesMax, partLinesMax, plainLineBytesMax } from '../../limits.ts'

export class PartCut {
  readonly #bytesMax: number
  #lines = 0
  #bytes = 0
  parts = 0

  /** @param bytesMax infinite for units that an older version cut by lines alone */
  constructor(bytesMax = partBytesMax) {
    this.#bytesMax = bytesMax
  }

  /** Adds a line. @returns whether it begins a part */
  add(line: object): boolean {
    const bytes = lineBytes(line)
    const begins =
      this.parts === 0 || this.#lines === partLinesMax || this.#bytes + bytes > this.#bytesMax
    if (begins) {
      this.parts += 1
      this.#lines = 0
      this.#bytes = 0
    }
    this.#lines += 1
    this.#bytes += bytes
    return begins
  }
}

/** Bytes as stored, with the comma before the next line; an upper bound for a line without days. */
function lineBytes(line: object): number {
  const { days } = line as Partial<PlatformLine>
  return days === undefined ? plainLineBytesMax : Buffer.byteLength(JSON.stringify(line)) + 1
}
