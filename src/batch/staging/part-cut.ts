/**
 * Where the lines of a unit are cut into parts: by number, and by bytes, as a platform's worker with a
 * hundred days has as many as fifty employees. The check counts parts by it and filing cuts by it, from
 * the same lines in the same order, so that both come to the same parts.
 */
import type { PlatformLine } from '../../declaration/schema.ts'
import { partBytesMax, partLinesMax, plainLineBytesMax } from '../../limits.ts'

export class PartCut {
  readonly #bytesMax: number
  #lines = 0
  #bytes = 0
  parts = 0

  /** @param bytesMax infinite for what was cut by lines alone before */
  constructor(bytesMax = partBytesMax) {
    this.#bytesMax = bytesMax
  }

  /** Returns whether this line begins a part. */
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

/** As it is kept, with the comma before the next; of a line without days a bound. */
function lineBytes(line: object): number {
  const { days } = line as Partial<PlatformLine>
  return days === undefined ? plainLineBytesMax : Buffer.byteLength(JSON.stringify(line)) + 1
}
