/**
 * A file's bytes in blocks. Unused bytes of a block come again at the start of the next one, with more
 * behind them. So records are never cut, and chunks of any size cost the same.
 */
import { fileBlockBytes } from '../limits.ts'

export class Blocks {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest = Buffer.alloc(0)
  #ended = false

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Whether the last block reached the end of the file. */
  get ended(): boolean {
    return this.#ended
  }

  /** The unused bytes and at least a block more, unless the file ends. */
  async next(): Promise<Buffer> {
    const pieces: Uint8Array[] = [this.#rest]
    let bytes = 0
    while (bytes < fileBlockBytes && !this.#ended) {
      const { done, value } = await this.#chunks.next()
      if (done === true) this.#ended = true
      else {
        pieces.push(value)
        bytes += value.length
      }
    }
    this.#rest = pieces.length === 1 ? this.#rest : Buffer.concat(pieces)
    return this.#rest
  }

  /** Marks the first bytes of the block as used. */
  use(bytes: number): void {
    this.#rest = this.#rest.subarray(bytes)
  }

  /** Stops reading and lets the source close what it has open. */
  async stop(): Promise<void> {
    await this.#chunks.return?.()
  }
}
