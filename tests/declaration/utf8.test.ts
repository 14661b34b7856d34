/** What is not UTF-8 is told with its place and what it looks like; what is, never. */
import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sayEncoding, whereNotUtf8 } from '../../src/declaration/utf8.ts'

test.each([
  ['cdf5cec4', 'GB18030'], // 王文
  ['c2accceb', undefined], // valid for two bytes, then nothing that is known
  ['d5c5ceb020313233', 'GB18030'], // 张伟 123
  ['b169b0b620a4fda4e5', 'Big5'], // 張偉 王文
  ['fffe8b73', 'UTF-16'],
  ['feff738b', 'UTF-16'],
  ['e78e8be4bc22', 'UTF-8'], // 王伟, cut
  ['e78e8be4bc', 'UTF-8'],
  ['ff', undefined],
  ['eda080', undefined], // half of a pair
  ['f4908080', undefined], // beyond Unicode
  ['c0af', undefined], // too long
] as const)('%s looks like %s', (hex, encoding) => {
  const found = whereNotUtf8(Buffer.from(hex, 'hex'))
  expect(found).toBeDefined()
  if (encoding !== undefined) expect(found?.encoding).toBe(encoding)
  const { 'zh-CN': zh, en } = sayEncoding(found?.encoding)
  expect(zh).toMatch(/[\u4e00-\u9fff]/)
  expect(en).toMatch(/[a-z]/)
})

test('the place is that of the first wrong byte, in lines and characters', () => {
  const before = '{"name": "王伟",\n "申报工资": "'
  const bytes = Buffer.concat([Buffer.from(before), Buffer.from('cdf5', 'hex'), Buffer.from('"}')])
  expect(whereNotUtf8(bytes)).toMatchObject({
    offset: Buffer.from(before).length,
    line: 2,
    column: 11,
  })
})

test('it is found exactly where the runtime finds it, in any bytes and across pieces', () => {
  const text = fc
    .string({ unit: 'binary', maxLength: 20 })
    .map((one) => Buffer.from(one.toWellFormed()))
  const bytes = fc.uint8Array({ maxLength: 6 }).map((one) => Buffer.from(one))
  fc.assert(
    fc.property(fc.array(fc.oneof(text, bytes), { maxLength: 6 }), fc.boolean(), (parts, far) => {
      // Behind 64 KiB less a few bytes a character may be in two pieces.
      const all = Buffer.concat([...(far ? [Buffer.alloc(65_534, 'a')] : []), ...parts])
      const found = whereNotUtf8(all)
      expect(found === undefined).toBe(isUtf8(all))
      if (found === undefined) return
      const { offset } = found
      expect(isUtf8(all.subarray(0, offset))).toBe(true)
      for (let end = offset + 1; end <= Math.min(offset + 4, all.length); end += 1)
        expect(isUtf8(all.subarray(0, end))).toBe(false)
    }),
    { numRuns: 300 },
  )
})
