import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sha256 } from '../../src/journal/digest.ts'
import { buildMerkleTree, leafHash, rootFromProof } from '../../src/journal/receipts/merkle.ts'

/** RFC 9162, 2.1.1, written down as the RFC writes it: split at the largest power of two. */
function rfcRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0] as Buffer
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return sha256(Uint8Array.of(1), rfcRoot(leaves.slice(0, split)), rfcRoot(leaves.slice(split)))
}

const leavesOf = (texts: readonly string[]) => texts.map(leafHash)
const groups = fc.array(fc.string(), { minLength: 1, maxLength: 70 })

test('the root is that of RFC 9162 for every number of leaves', () => {
  fc.assert(
    fc.property(groups, (texts) => {
      const leaves = leavesOf(texts)
      expect(buildMerkleTree(leaves).root).toEqual(rfcRoot(leaves))
    }),
  )
})

test('every leaf’s proof leads to the root', () => {
  fc.assert(
    fc.property(groups, (texts) => {
      const leaves = leavesOf(texts)
      const tree = buildMerkleTree(leaves)
      leaves.forEach((leaf, index) => {
        expect(rootFromProof(leaf, index, leaves.length, tree.proof(index))).toEqual(tree.root)
      })
    }),
  )
})

test('a proof for another leaf, place or size does not lead to the root', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 40 }),
      fc.nat(),
      (texts, n) => {
        const leaves = leavesOf(texts)
        const tree = buildMerkleTree(leaves)
        const index = n % leaves.length
        const other = (index + 1) % leaves.length
        const proof = tree.proof(index)
        const reached = [
          rootFromProof(leaves[other] as Buffer, index, leaves.length, proof),
          rootFromProof(leaves[index] as Buffer, other, leaves.length, proof),
          rootFromProof(leaves[index] as Buffer, index, leaves.length, [
            ...proof,
            proof[0] as Buffer,
          ]),
        ]
        for (const root of reached) expect(root?.equals(tree.root) ?? false).toBe(false)
      },
    ),
  )
})
