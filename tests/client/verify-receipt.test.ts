/** Receipts verify without a server, by WebCrypto alone, and a change of a single bit is seen. */
import { generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonical } from '../../src/client/canonical.ts'
import { type ReceiptKey, verifyReceipt } from '../../src/client/client.ts'
import { canonicalDeclaration } from '../../src/declaration/canonical.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import { digestOf } from '../../src/journal/digest.ts'
import { batchReceiptText, signBatchReceipt } from '../../src/journal/receipts/batch-receipt.ts'
import type { Signer } from '../../src/journal/receipts/compact-jws.ts'
import { buildMerkleTree, leafHash } from '../../src/journal/receipts/merkle.ts'
import { receiptText, signRoot, statementText } from '../../src/journal/receipts/receipt.ts'
import { saltedDigest } from '../../src/journal/salting.ts'
import { declare } from '../support/journal.ts'
import { anyLine } from '../support/lines.ts'

const made = (kid: string) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return { signer: { kid, privateKey }, jwk: { kid, kty: 'OKP', crv: 'Ed25519', x } }
}
const live = made('2026-12')
const rehearsal = made('rehearsal-2026-12')
const salt = 'a-salt'

/** Receipts of so many declarations of one group. */
function receiptsOf(declarations: readonly Declaration[], signer: Signer = live.signer) {
  const statements = declarations.map((declaration, i) =>
    statementText(
      {
        id: `202411-${String(i).padStart(26, '0')}`,
        ...{ employer: declaration.employer, period: declaration.period, kind: 'regular' },
        digest: saltedDigest(salt, digestOf(Buffer.from(canonicalDeclaration(declaration)))),
        ...{ salted: true, onTime: true },
        ...{ acceptedAtMicros: 1_732_000_000_000_000, deadlineMicros: 1_733_000_000_000_000 },
      },
      'test',
    ),
  )
  const tree = buildMerkleTree(statements.map(leafHash))
  const size = statements.length
  const content = digestOf(Buffer.from('content'))
  const claims = { envelope: 7n, size, root: tree.root, content, previous: content }
  const root = signRoot(signer, claims)
  return statements.map(
    (statement, index) =>
      JSON.parse(receiptText(statement, { index, size, proof: tree.proof(index) }, root, salt)) as {
        signedRoot: string
      },
  )
}

const jwks = { keys: [made('2025-12').jwk, live.jwk] }

test('every receipt of a group of any size is genuine, and of its own content alone', async () => {
  for (const size of [1, 2, 3, 5, 8, 13]) {
    const declarations = Array.from({ length: size }, () => declare())
    for (const [i, receipt] of receiptsOf(declarations).entries()) {
      const verdict = await verifyReceipt(receipt, jwks, {
        content: declarations[i] as Declaration,
      })
      expect(verdict).toMatchObject({
        kind: 'genuine',
        kid: '2026-12',
        statement: { onTime: true },
      })
      expect(await verifyReceipt({ status: 'accepted', receipt }, jwks)).toEqual(verdict)
      expect(await verifyReceipt(receipt, jwks, { content: declare() })).toEqual({
        ...{ kind: 'wrong', why: 'content' },
      })
    }
  }
})

test('a receipt with any one bit changed is not genuine', async () => {
  const [, receipt] = receiptsOf([declare(), declare(), declare()])
  // Not the salt: it is of the content, and seen where that is given.
  const { salt: _, ...rest } = receipt as unknown as Record<string, unknown>
  const text = JSON.stringify(rest)
  const changed: Promise<unknown>[] = []
  for (let at = 0; at < text.length; at += 1)
    for (const bit of [0, 1, 4]) {
      const code = text.charCodeAt(at) ^ (1 << bit)
      const other = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1)
      let parsed: unknown
      try {
        parsed = JSON.parse(other)
      } catch {
        continue
      }
      changed.push(
        verifyReceipt(parsed, jwks).then(({ kind }) =>
          kind === 'genuine' ? `${at}.${bit}: ${other.slice(at - 9, at + 9)}` : undefined,
        ),
      )
    }
  expect(changed.length).toBeGreaterThan(500)
  expect((await Promise.all(changed)).filter((one) => one !== undefined)).toEqual([])
})

test('what a rehearsal signed never passes for live, whoever’s keys are given', async () => {
  const [receipt] = receiptsOf([declare()], rehearsal.signer)
  const kind = { kind: 'ofRehearsal', kid: 'rehearsal-2026-12' }
  expect(await verifyReceipt(receipt, jwks)).toEqual(kind)
  expect(await verifyReceipt(receipt, { keys: [rehearsal.jwk] })).toEqual(kind)
})

test('a key that is not known, is another’s, or is none, makes nothing genuine', async () => {
  const [receipt] = receiptsOf([declare()])
  expect(await verifyReceipt(receipt, { keys: [] })).toEqual({ kind: 'unknownKey', kid: '2026-12' })
  const others: ReceiptKey[] = [
    { ...made('2026-12').jwk },
    { ...live.jwk, x: 'AAAA' },
    { ...live.jwk, x: '' },
  ]
  for (const key of others)
    expect(await verifyReceipt(receipt, { keys: [key] })).toEqual({
      kind: 'wrong',
      why: 'signature',
    })
})

test('a signature of another type, or by another algorithm, is no receipt', async () => {
  const [receipt] = receiptsOf([declare()])
  const [, payload] = (receipt?.signedRoot ?? '').split('.')
  for (const header of [
    { alg: 'Ed25519', kid: '2026-12', typ: 'spillway-batch+jws' },
    { alg: 'none', kid: '2026-12', typ: 'spillway-root+jws' },
    { alg: 'HS256', kid: '2026-12', typ: 'spillway-root+jws' },
    { alg: 'Ed25519', typ: 'spillway-root+jws' },
  ]) {
    const signed = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}`
    const signature = sign(null, Buffer.from(signed), live.signer.privateKey).toString('base64url')
    const forged = { ...receipt, signedRoot: `${signed}.${signature}` }
    expect(await verifyReceipt(forged, jwks), header.alg).toEqual({
      kind: 'wrong',
      why: 'malformed',
    })
  }
})

test('a receipt without its proof is not genuine', async () => {
  const [receipt] = receiptsOf([declare(), declare()])
  for (const proof of [null, undefined, {}, 1])
    expect(await verifyReceipt({ ...receipt, proof }, jwks)).toEqual({
      kind: 'wrong',
      why: 'statement',
    })
})

test('what is no receipt at all is said to be none', async () => {
  for (const wrong of [undefined, null, 1, 'x', [], {}, { statement: {} }, { signedRoot: 'a.b.c' }])
    expect(await verifyReceipt(wrong, jwks)).toEqual({ kind: 'wrong', why: 'malformed' })
})

test('the receipt of a file is genuine, of its bytes', async () => {
  const bytes = Buffer.from('姓名,证件号码\n')
  const statement = {
    ...{ id: 'f', employer: undefined, period: '2024-11', region: '340100', kind: 'regular' },
    ...{ digest: digestOf(bytes), size: bytes.length, receivedAtMicros: 1_732_000_000_000_000 },
    deadlineMicros: undefined,
  }
  const receipt = JSON.parse(batchReceiptText(signBatchReceipt(live.signer, statement, 'test')))
  expect(await verifyReceipt(receipt, jwks, { content: bytes })).toMatchObject({ kind: 'genuine' })
  const other = { ...receipt, statement: { ...receipt.statement, size: 1 } }
  expect(await verifyReceipt(other, jwks)).toEqual({ kind: 'wrong', why: 'statement' })
  expect(await verifyReceipt(receipt, jwks, { content: Buffer.from('x') })).toMatchObject({
    why: 'content',
  })
})

test('the canonical form is the one that the journal keeps', () => {
  fc.assert(
    fc.property(fc.array(anyLine, { maxLength: 3 }), fc.string(), (lines, name) => {
      const declaration = { ...declare(), lines }
      const named = lines.map((line) => ({
        ...line,
        person: { ...line.person, name: `张${name}` },
      }))
      for (const one of [declaration, { ...declaration, lines: named } as Declaration])
        expect(canonical(one)).toBe(canonicalDeclaration(one))
    }),
  )
})
