import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { shapeEntries } from '../../src/declaration/catalogue/shape.ts'
import { checkDeclaration, isDeclaration } from '../../src/declaration/check.ts'
import { linesMax } from '../../src/declaration/schema.ts'

const context = { today: '2024-11-23', keptMax: 20_000 }
const check = (body: unknown) => checkDeclaration(body, context).findings
const generator = createGenerator(17)
const good = () => generator.declaration({ period: '2024-11', lines: 2 })

/** Codes that tell of the shape; the rest are rules. */
const shapeCodes = new Set(Object.keys(shapeEntries))

function shapeFaults(body: unknown): number {
  return [...check(body).written()].filter(({ code, pointer }) => {
    // A code that is too long or short is told as a rule of its own.
    return shapeCodes.has(code) || (pointer === '/employer' && code.startsWith('USCC_'))
  }).length
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

const person = generator.person()
const flexible = { person, category: 'flexible', base: '4227.00', medical: 'none', change: 'none' }
const days = [{ date: '2024-11-03', service: 'ride-hailing', orders: 3 }]
const platform = { person: generator.person(), category: 'platform', days }
const filed = {
  ...good(),
  kind: 'correction',
  industryClass: 3,
  workInjuryFloat: 120,
  unitBase: '13000.00',
  replaces: `202411-${'0'.repeat(26)}`,
  lines: [...(good().lines ?? []), flexible, { ...flexible, tier: '60' }, platform],
}
const telling = fc.constantFrom(
  '',
  '6500',
  '6500.001',
  '2024-13',
  '2024-11',
  'x',
  '340100',
  'none',
  'employee',
  'flexible',
  'platform',
  [],
  0,
  1,
  9,
  1.5,
)

test('a fault of shape is told exactly where the compiled schema refuses', () => {
  const changed = fc
    .tuple(fc.constantFrom(...paths(filed)), fc.oneof(telling, fc.jsonValue({ maxDepth: 2 })))
    .map(([path, value]) => put(filed, path, value))
  fc.assert(
    fc.property(fc.oneof(changed, fc.jsonValue()), (body) => {
      expect(shapeFaults(body) === 0).toBe(isDeclaration(body))
    }),
    { numRuns: 5_000 },
  )
})

test('characters are counted as code points, by the check as by the compiled schema', () => {
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
  const told = check(body)
    .first(99)
    .map(({ pointer, code, suggestion }) => [pointer, code, suggestion])
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
  expect(check(body).first(9)).toMatchObject([
    { code: 'USCC_CHARACTERS', suggestion: '91350100M000100Y43' },
  ])
})

test('an unknown field whose name could be an identity number is not repeated', () => {
  for (const name of ['11010519491231002X', 'x'.repeat(1_000_000), 'a/b', '\ud800', '']) {
    const findings = check({ ...good(), [name]: 1 })
    expect(findings.total).toBe(1)
    expect(findings.first(9)).toMatchObject([{ pointer: '', code: 'FIELD_UNKNOWN' }])
  }
})

test('a member named __proto__ is an unknown field like any other', () => {
  const body = JSON.parse(`{"__proto__": {"kind": "regular"}, ${JSON.stringify(good()).slice(1)}`)
  expect(check(body).first(9)).toMatchObject([{ code: 'FIELD_UNKNOWN' }])
})

test('lines beyond the limit are not looked at', () => {
  const lines = Array.from({ length: linesMax + 5_000 }, () => 1)
  const findings = check({ ...good(), lines })
  expect(findings.total).toBe(linesMax + 1)
  expect(findings.first(1)[0]).toMatchObject({ pointer: '/lines', code: 'LINES_TOO_MANY' })
})

test('a text of megabytes is refused without delay, whatever it repeats', () => {
  const before = process.threadCpuUsage()
  for (const unit of ['0', '1.', ' ', 'ﷺ', '\u0000', '\ud800']) {
    const text = unit.repeat(2_000_000)
    for (const path of paths(filed)) check(put(filed, path, text))
  }
  expect(process.threadCpuUsage(before).user / 1_000).toBeLessThan(5_000)
})
