import { createSecretKey, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openEnvelope, sealEnvelope } from '../../src/journal/envelope.ts'

const key = { kid: 'a1b2c3d4e5f6', secret: createSecretKey(randomBytes(32)) }
const retired = { kid: '0f0f0f0f0f0f', secret: createSecretKey(randomBytes(32)) }
const texts = ['{"employer":"1","name":"张三"}', '{"employer":"2","name":"李四"}']
const head = Buffer.from('{"policies":{"340100":"0f"}}')
const canonical = texts.map((text) => Buffer.from(text))

test('an envelope opens to what was sealed, also with a retired key', () => {
  const opened = openEnvelope([key, retired], 7n, sealEnvelope(retired, 7n, head, canonical))
  expect(opened.canonical.map(String)).toEqual(texts)
  expect(opened.head).toEqual(head)
})

test('an envelope does not open under another number', () => {
  const sealed = sealEnvelope(key, 7n, head, canonical)
  expect(() => openEnvelope([key], 8n, sealed)).toThrow(
    expect.objectContaining({ code: 'UNREADABLE' }),
  )
})

test('an envelope whose key is missing says which key to restore', () => {
  const sealed = sealEnvelope(key, 7n, head, canonical)
  expect(() => openEnvelope([retired], 7n, sealed)).toThrow(/a1b2c3d4e5f6/)
})

test('an envelope with any bit flipped does not open', () => {
  const sealed = sealEnvelope(key, 7n, head, canonical)
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), fc.nat(7), (at, bit) => {
      const flipped = Buffer.from(sealed)
      flipped[at] = (flipped[at] as number) ^ (1 << bit)
      expect(() => openEnvelope([key], 7n, flipped)).toThrow()
    }),
  )
})

test('what is sealed shows nothing of its content', () => {
  const sealed = sealEnvelope(key, 7n, head, canonical)
  expect(sealed.includes('employer')).toBe(false)
  expect(sealed.includes('张三')).toBe(false)
})

const early = {
  key: { kid: 'a1b2c3d4e5f6', secret: createSecretKey(Buffer.alloc(32, 7)) },
  sealed:
    'AaGyw9Tl9n8CM3J75vqH6ol4TQElsYrKMGZA1bG4BxI+9QEz4Z8asjhV0xu3NfnjqZ7gFNWNQ3AK5/k9r7AKQoyNEUvIaMCvjNArwbmnQtRHNoRPc39v1SCyke//VXwo',
}

test('an envelope of before there were heads still opens', () => {
  // Sealed by version 1 with this key, number 7.
  const opened = openEnvelope([early.key], 7n, Buffer.from(early.sealed, 'base64'))
  expect(opened).toEqual({ head: undefined, canonical })
})
