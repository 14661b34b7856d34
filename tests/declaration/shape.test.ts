import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { checkDeclaration, isDeclaration } from '../../src/declaration/check.ts'
import { collectFindings } from '../../src/declaration/findings.ts'
import { linesMax } from '../../src/declaration/schema.ts'
import { readWellFormed } from '../../src/declaration/shape.ts'

const context = { today: '2024-11-23' }
const generator = createGenerator(17)
const good = () => generator.declaration({ period: '2024-11', lines: 2 })

function shapeFaults(body: unknown): number {
  const { report, result } = collectFindings(0)
  readWellFormed(body, report)
  return result().total
}

/** Every place in a value, as a path of members. */
function paths(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, item]) => paths(item, [...path, key]))]
}

function put(target: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  const copy = Array.isArray(target) ? [...target] : { ...(target as object) }
  const members = copy as Record<string, unknown>
  members[key] = put(members[key], rest, value)
  return copy
}

const filed = { ...good(), industryClass: 3, replaces: `202411-${'0'.repeat(26)}` }
const telling = fc.constantFrom(
  '',
  '6500',
  '6500.001',
  '2024-13',
  '2024-11',
  'x',
  '340100',
  'none',
  0,
  1,
  9,
  1.5,
)

test('the walk finds a fault exactly where the compiled schema refuses', () => {
  const changed = fc
    .tuple(fc.constantFrom(...paths(filed)), fc.oneof(telling, fc.jsonValue({ maxDepth: 2 })))
    .map(([path, value]) => put(filed, path, value))
  fc.assert(
    fc.property(fc.oneof(changed, fc.jsonValue()), (body) => {
      expect(shapeFaults(body) === 0).toBe(isDeclaration(body))
    }),
    { numRuns: 2_000 },
  )
})

test('characters are counted as code points, by the walk as by the compiled schema', () => {
  for (const [name, fits] of [
    ['𠮷'.repeat(100), true],
    ['𠮷'.repeat(101), false],
  ] as const) {
    const body = put(filed, ['lines', '0', 'person', 'name'], name)
    expect(isDeclaration(body)).toBe(fits)
    expect(shapeFaults(body)).toBe(fits ? 0 : 1)
  }
})

test('every malformed field has its own finding, at the field', () => {
  const { employer: _, ...rest } = good()
  const body = {
    ...rest,
    region: 340100,
    period: '2024/11',
    kind: 'Regular',
    industryClass: 9,
    lines: [{ ...good().lines?.[0], wage: '6,500.00', Change: 'none' }, null],
  }
  const { findings } = checkDeclaration(body, context)
  const told = findings.map(({ pointer, code, suggestion }) => [pointer, code, suggestion])
  expect(told).toEqual([
    ['/employer', 'FIELD_MISSING', undefined],
    ['/region', 'FIELD_TYPE', '340100'],
    ['/period', 'FIELD_FORMAT', '2024-11'],
    ['/kind', 'VALUE_NOT_ALLOWED', 'regular'],
    ['/industryClass', 'NUMBER_OUT_OF_RANGE', undefined],
    ['/lines/0/wage', 'FIELD_FORMAT', '6500.00'],
    ['/lines/0/Change', 'FIELD_UNKNOWN', 'change'],
    ['/lines/1', 'FIELD_TYPE', undefined],
  ])
})

test('an employer code in small letters is told with the one that was meant', () => {
  const body = { ...good(), employer: '91350100m000100y43' }
  expect(checkDeclaration(body, context).findings).toMatchObject([
    { code: 'USCC_CHARACTERS', suggestion: '91350100M000100Y43' },
  ])
})

test('an unknown field whose name could be an identity number is not repeated', () => {
  for (const name of ['11010519491231002X', 'x'.repeat(1_000_000), 'a/b', '\ud800', '']) {
    const { findings, total } = checkDeclaration({ ...good(), [name]: 1 }, context)
    expect(total).toBe(1)
    expect(findings).toMatchObject([{ pointer: '', code: 'FIELD_UNKNOWN' }])
  }
})

test('a member named __proto__ is an unknown field like any other', () => {
  const body = JSON.parse(`{"__proto__": {"kind": "regular"}, ${JSON.stringify(good()).slice(1)}`)
  expect(checkDeclaration(body, context).findings).toMatchObject([{ code: 'FIELD_UNKNOWN' }])
})

test('lines beyond the limit are not looked at', () => {
  const lines = Array.from({ length: linesMax + 5_000 }, () => 1)
  const { total, findings } = checkDeclaration({ ...good(), lines }, context)
  expect(total).toBe(linesMax + 1)
  expect(findings[0]).toMatchObject({ pointer: '/lines', code: 'LINES_TOO_MANY' })
})

test('a text of megabytes is refused without delay, whatever it repeats', () => {
  const began = performance.now()
  for (const unit of ['0', '1.', ' ', 'ﷺ', '\u0000', '\ud800']) {
    const text = unit.repeat(2_000_000)
    for (const path of paths(filed)) checkDeclaration(put(filed, path, text), context)
  }
  expect(performance.now() - began).toBeLessThan(5_000)
})
