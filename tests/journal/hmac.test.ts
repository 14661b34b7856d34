import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HmacKey } from '../../src/journal/receipts/hmac.ts'

test('signs as any HMAC-SHA-256 does, whatever was signed before', () => {
  const ascii = fc.string({ unit: 'binary-ascii', maxLength: 300 })
  const keys = fc.uint8Array({ minLength: 1, maxLength: 64 })
  fc.assert(
    fc.property(keys, fc.array(ascii, { minLength: 1, maxLength: 4 }), (key, texts) => {
      const own = new HmacKey(Buffer.from(key), 300)
      for (const text of texts) {
        expect(own.sign(text)).toBe(createHmac('sha256', key).update(text).digest('base64url'))
      }
    }),
  )
})

test('a text or a key that is too long is never signed in part', () => {
  const key = new HmacKey(Buffer.alloc(32, 1), 10)
  expect(() => key.sign('12345678901')).toThrow(RangeError)
  expect(() => new HmacKey(Buffer.alloc(65), 10)).toThrow(RangeError)
})
