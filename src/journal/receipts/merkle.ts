/**
 * Merkle trees as in RFC 9162, section 2.1: 0x00 before a leaf, 0x01 before a node. One signature
 * over the root proves every declaration of a group.
 */
import { hash } from 'node:crypto'
import { sha256 } from '../digest.ts'

const nodePrefix = 0x01

export type MerkleTree = {
  readonly root: Buffer
  /** The sibling hashes from leaf `index` up to the root. */
  proof(index: number): Buffer[]
}

/** The hash of one leaf, given as text. */
export function leafHash(leaf: string): Buffer {
  return hash('sha256', `\0${leaf}`, 'buffer')
}

/**
 * Builds the tree over leaf hashes, at least one. A level's last node without a sibling moves up
 * unchanged, which gives the same tree as the RFC's split at a power of two.
 */
export function buildMerkleTree(leaves: readonly Buffer[]): MerkleTree {
  const levels: (readonly Buffer[])[] = [leaves]
  let level = leaves
  while (level.length > 1) {
    const parents: Buffer[] = []
    for (let i = 0; i + 1 < level.length; i += 2) {
      parents.push(nodeHash(level[i] as Buffer, level[i + 1] as Buffer))
    }
    if (level.length % 2 === 1) parents.push(level[level.length - 1] as Buffer)
    levels.push(parents)
    level = parents
  }
  return { root: level[0] as Buffer, proof: (index) => proofOf(levels, index) }
}

function proofOf(levels: readonly (readonly Buffer[])[], index: number): Buffer[] {
  const siblings: Buffer[] = []
  let at = index
  for (const level of levels) {
    const sibling = level[at ^ 1]
    if (sibling !== undefined) siblings.push(sibling)
    at >>= 1
  }
  return siblings
}

function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const node = Buffer.allocUnsafe(65)
  node[0] = nodePrefix
  node.set(left, 1)
  node.set(right, 33)
  return hash('sha256', node, 'buffer')
}

/**
 * The root that a proof leads to (RFC 9162, 2.1.3.2).
 * @returns undefined when the proof has the wrong length for this place in the tree
 */
export function rootFromProof(
  leaf: Buffer,
  index: number,
  size: number,
  proof: readonly Buffer[],
): Buffer | undefined {
  if (!Number.isInteger(index) || !Number.isInteger(size) || index < 0 || index >= size) return
  let at = index
  let last = size - 1
  let node = leaf
  for (const sibling of proof) {
    if (last === 0) return
    if (at % 2 === 1 || at === last) {
      node = sha256(Uint8Array.of(nodePrefix), sibling, node)
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2)
        last = Math.floor(last / 2)
      }
    } else {
      node = sha256(Uint8Array.of(nodePrefix), node, sibling)
    }
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 ? node : undefined
}
