import { createSecretKey, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openEnvelope, sealEnvelope } from '../../src/journal/envelope.ts'

const key = { kid: 'a1b2c3d4e5f6', secret: createSecretKey(randomBytes(32)) }
const retired = { kid: '0f0f0f0f0f0f', secret: createSecretKey(randomBytes(32)) }
const texts = ['{"employer":"1","name":"张三"}', '{"employer":"2","name":"李四"}']
const canonical = texts.map((text) => Buffer.from(text))

test('an envelope opens to what was sealed, also with a retired key', () => {
  const opened = openEnvelope([key, retired], 7n, sealEnvelope(retired, 7n, canonical))
  expect(opened.map(String)).toEqual(texts)
})

test('an envelope does not open under another number', () => {
  const sealed = sealEnvelope(key, 7n, canonical)
  expect(() => openEnvelope([key], 8n, sealed)).toThrow(
    expect.objectContaining({ code: 'UNREADABLE' }),
  )
})

test('an envelope whose key is missing says which key to restore', () => {
  const sealed = sealEnvelope(key, 7n, canonical)
  expect(() => openEnvelope([retired], 7n, sealed)).toThrow(/a1b2c3d4e5f6/)
})

test('an envelope with any bit flipped does not open', () => {
  const sealed = sealEnvelope(key, 7n, canonical)
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), fc.nat(7), (at, bit) => {
      const flipped = Buffer.from(sealed)
      flipped[at] = (flipped[at] as number) ^ (1 << bit)
      expect(() => openEnvelope([key], 7n, flipped)).toThrow()
    }),
  )
})

test('what is sealed shows nothing of its content', () => {
  const sealed = sealEnvelope(key, 7n, canonical)
  expect(sealed.includes('employer')).toBe(false)
  expect(sealed.includes('张三')).toBe(false)
})
