import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import {
  checkIdNumber,
  maskIdNumber,
  personKey,
  residentIdCheckDigit,
  toHalfWidth,
} from '../../src/declaration/identity.ts'
import { readLine } from '../../src/declaration/line.ts'
import { readYuan } from '../../src/declaration/money.ts'
import { readPlainLine } from '../../src/declaration/plain-line.ts'
import { identityTypes } from '../../src/declaration/schema.ts'
import { variedDeclaration } from '../support/varied.ts'

const today = 20_261_123
const generator = createGenerator(41)

function slowly(line: unknown) {
  const codes: string[] = []
  const read = readLine(line, today, (_, code) => codes.push(code))
  return { ...read, codes }
}

function isPlain(line: unknown): boolean {
  const key = readPlainLine(line, today)
  return key !== 0 && readYuan((line as { wage: unknown }).wage) >= 0
}

test('a line is plain only when the slow way finds nothing, and both know the same person', () => {
  let plain = 0
  for (let i = 0; i < 5_000; i += 1) {
    for (const line of variedDeclaration(generator).lines ?? []) {
      const slow = slowly(line)
      if (!isPlain(line)) continue
      plain += 1
      expect(slow).toEqual({ line, codes: [], personKey: readPlainLine(line, today) })
    }
  }
  expect(plain).toBeGreaterThan(5_000)
})

test('whatever one member is changed to, a line that has a fault is not plain', () => {
  const [line] = generator.declaration({ period: '2024-11', lines: 1 }).lines ?? []
  if (line === undefined) throw new Error('no line')
  const near = fc.constantFrom(
    '',
    '6500.001',
    '００',
    'join ',
    'resident-id',
    'foreign',
    '张',
    '张\u0000',
  )
  const value = fc.oneof(near, fc.string(), fc.anything())
  const names = ['idType', 'idNumber', 'name', 'category', 'wage', 'change', 'more', '__proto__']
  fc.assert(
    fc.property(fc.constantFrom(...names), value, (name, changed) => {
      const inPerson = Object.hasOwn(line.person, name)
      const own = { [name]: changed, ...(name === '__proto__' && { ['__proto__']: changed }) }
      const filed = inPerson
        ? { ...line, person: { ...line.person, ...own } }
        : Object.defineProperty({ ...line }, name, { value: changed, enumerable: true })
      if (isPlain(filed)) expect(slowly(filed).codes).toEqual([])
    }),
    { numRuns: 20_000 },
  )
})

test('two persons never share a key, and a key is there exactly for a number without fault', () => {
  const digits = fc.stringMatching(/^(34|81|91|00)[0-9]{4}(19|20|18)[0-9]{6}[0-9]{3}$/)
  const keys = new Map<number, string>()
  fc.assert(
    fc.property(digits, fc.constantFrom(...identityTypes), (text, type) => {
      const number = text + residentIdCheckDigit(text)
      const key = personKey(type, number, today)
      expect(key === 0).toBe(checkIdNumber(type, number, today) !== undefined)
      if (key === 0) return
      expect(keys.get(key) ?? number).toBe(number)
      keys.set(key, number)
    }),
    { numRuns: 20_000 },
  )
  expect(keys.size).toBeGreaterThan(100)
})

test('a masked number keeps place and last characters, and nothing between', () => {
  expect(maskIdNumber('11010519491231002X')).toBe('1101**********002X')
  expect(toHalfWidth('１１０Ｘ　ａ')).toBe('110X a')
})

test('a thousand keys that crowd the same place are still told apart', async () => {
  const { checkDeclaration } = await import('../../src/declaration/check.ts')
  const [line] = generator.declaration({ period: '2024-11', lines: 1 }).lines ?? []
  const lines = Array.from({ length: 1_000 }, (_, i) => {
    const number = `34010219900307${String(i).padStart(3, '0')}`
    const idNumber = number + residentIdCheckDigit(number)
    return { ...line, person: { ...line?.person, idNumber } }
  })
  const body = { ...generator.declaration({ period: '2024-11', lines: 1 }), lines }
  const check = (filed: unknown) =>
    checkDeclaration(filed, { today: '2024-11-23', keptMax: 10 }).findings.first(10)
  expect(check(body)).toEqual([])
  const again = check({ ...body, lines: [...lines, lines[17]] })
  expect(again.map(({ pointer, code }) => [pointer, code])).toEqual([
    ['/lines/1000/person', 'PERSON_DUPLICATE'],
  ])
})
