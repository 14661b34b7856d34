/** What the engine signed is opened as it was written, in no other spelling. */
import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { openCompact, signCompact } from '../../src/journal/receipts/compact-jws.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const { x = '' } = publicKey.export({ format: 'jwk' })
const keys = [
  { kid: '2026-12', kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', use: 'sig', x },
] as const
const jws = signCompact({ kid: '2026-12', privateKey }, 'test+jws', '{"size":1}')

test('a signature opens with its key', () => {
  expect(openCompact(jws, 'test+jws', keys)).toEqual({ kid: '2026-12', payload: { size: 1 } })
})

test('another spelling of the same signature does not', () => {
  // Its last character has four bits that say nothing.
  const spellings = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=. ']
    .flatMap((last) => [jws.slice(0, -1) + last, jws + last])
    .filter((spelling) => spelling !== jws)
  const opened = spellings.filter(
    (spelling) => typeof openCompact(spelling, 'test+jws', keys) !== 'string',
  )
  expect(opened).toEqual([])
})
