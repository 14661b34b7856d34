/**
 * A file held in memory up to a limit, in blocks: one piece would be copied whole to become one, and
 * take twice its size for that moment.
 */
const blockBytes = 1024 * 1024

export class HeldFile {
  readonly #blocks: readonly Buffer[]
  readonly length: number

  constructor(blocks: readonly Buffer[], length: number) {
    this.#blocks = blocks
    this.length = length
  }

  /** A copy, from one byte to before another. */
  bytes(from: number, to: number): Buffer {
    return Buffer.concat([...this.pieces(from, to)])
  }

  /** The same without a copy, in pieces. */
  *pieces(from: number, to: number): Generator<Buffer> {
    for (let at = from; at < to; ) {
      const start = at % blockBytes
      const end = Math.min(blockBytes, start + to - at)
      yield (this.#blocks[Math.floor(at / blockBytes)] as Buffer).subarray(start, end)
      at += end - start
    }
  }

  /** Whether a block has these bytes. */
  hasWithinBlock(bytes: Buffer): boolean {
    return this.#blocks.some((block) => block.includes(bytes))
  }
}

/** Undefined when there are more bytes than allowed. */
export async function holdFile(
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<HeldFile | undefined> {
  const blocks: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    if (length + chunk.length > bytesMax) return undefined
    for (let at = 0; at < chunk.length; ) {
      const start = length % blockBytes
      if (start === 0) blocks.push(Buffer.alloc(blockBytes))
      const part = chunk.subarray(at, at + blockBytes - start)
      ;(blocks.at(-1) as Buffer).set(part, start)
      at += part.length
      length += part.length
    }
  }
  return new HeldFile(blocks, length)
}
