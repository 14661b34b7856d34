/** Where the proof of a leaf leads, in a Merkle tree as in RFC 9162, 2.1: 0x00 before a leaf, 0x01 before a node. */
import { sha256, utf8 } from './bytes.ts'

const leafPrefix = Uint8Array.of(0)
const nodePrefix = Uint8Array.of(1)

export type Place = {
  readonly index: number
  readonly size: number
  readonly hashes: readonly Uint8Array[]
}

/**
 * The root that a proof leads to (RFC 9162, 2.1.3.2).
 * @returns undefined when the proof has the wrong length for this place in the tree
 */
export async function rootOf(
  leaf: string,
  { index, size, hashes }: Place,
): Promise<Uint8Array | undefined> {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size)) return undefined
  if (index < 0 || index >= size) return undefined
  let [at, last] = [index, size - 1]
  let node = await sha256(leafPrefix, utf8(leaf))
  for (const sibling of hashes) {
    if (last === 0) return undefined
    const isRight = at % 2 === 1 || at === last
    node = await sha256(nodePrefix, ...(isRight ? [sibling, node] : [node, sibling]))
    // A last node without a sibling moves up unchanged.
    while (isRight && at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)]
    ;[at, last] = [Math.floor(at / 2), Math.floor(last / 2)]
  }
  return last === 0 ? node : undefined
}
