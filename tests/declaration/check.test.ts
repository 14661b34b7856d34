import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { checkDeclaration } from '../../src/declaration/check.ts'
import type { FindingList } from '../../src/declaration/findings.ts'

const generator = createGenerator(3)
const context = { today: '2024-11-23', keptMax: 200 }
const good = () => generator.declaration({ period: '2024-11', lines: 2 })
const check = (body: unknown): FindingList => checkDeclaration(body, context).findings
const faults = (body: unknown) =>
  [...check(body).written()].map(({ pointer, code }) => `${pointer} ${code}`)

test('generated declarations are faultless', () => {
  for (let i = 0; i < 500; i += 1) {
    expect(check(generator.declaration({ period: '2024-11' })).total).toBe(0)
  }
})

test('all faults of shape and rules are told at once, each at its field', () => {
  const [first, second] = good().lines ?? []
  const body = {
    ...good(),
    employer: '91350100M000100Y42',
    region: '34010',
    period: '2024-12',
    extra: true,
    lines: [
      { ...first, wage: 6500 },
      {
        ...second,
        person: { ...second?.person, idNumber: '110105194912310021', name: 'a\u0000b' },
      },
    ],
  }
  expect(faults(body).sort()).toEqual([
    '/employer USCC_CHECK_CHARACTER',
    '/extra FIELD_UNKNOWN',
    '/lines/0/wage FIELD_TYPE',
    '/lines/1/person/idNumber ID_CHECK_DIGIT',
    '/lines/1/person/name NAME_CHARACTERS',
    '/period PERIOD_IN_FUTURE',
    '/region FIELD_FORMAT',
  ])
})

describe('kinds', () => {
  const { lines, ...header } = good()
  const replaces = `202411-${'0'.repeat(26)}`
  test.each([
    [{ ...header, kind: 'regular' }, ['/lines LINES_MISSING']],
    [{ ...header, lines: [], kind: 'correction', replaces }, ['/lines LINES_MISSING']],
    [{ ...header, lines, replaces }, ['/replaces REPLACES_NOT_ALLOWED']],
    [{ ...header, lines, kind: 'correction' }, ['/replaces REPLACES_MISSING']],
    [{ ...header, lines, kind: 'cancellation', replaces }, ['/lines LINES_NOT_ALLOWED']],
    [{ ...header, kind: 'cancellation', replaces }, []],
    [{ ...header, lines: [], kind: 'cancellation', replaces }, []],
    [
      { ...header, kind: 'cancellation', replaces: `202410-${'0'.repeat(26)}` },
      ['/replaces REPLACES_OTHER_PERIOD'],
    ],
    [{ ...header, kind: 'cancellation', replaces: 'x' }, ['/replaces FIELD_FORMAT']],
  ])('%o', (body, expected) => expect(faults(body)).toEqual(expected))
})

test('the same person twice is told with both lines', () => {
  const [line] = good().lines ?? []
  const again = { ...line, person: { ...line?.person, idNumber: ` ${line?.person.idNumber}` } }
  const findings = check({ ...good(), lines: [line, ...(good().lines ?? []), again] }).first(9)
  expect(findings.map(({ pointer, code }) => [pointer, code])).toEqual([
    ['/lines/3/person', 'PERSON_DUPLICATE'],
    ['/lines/3/person/idNumber', 'ID_FULL_WIDTH'],
  ])
  expect(findings[0]?.message.en).toMatch(/^Line 4 is the same person as line 1 \(34/)
})

test('no finding repeats a number or a name, and none leaves a placeholder', () => {
  const planted = '110105194912310021'
  const body = {
    ...good(),
    kind: 5,
    industryClass: 9,
    period: '2031-01',
    lines: [
      {
        person: { idType: 'resident-id', idNumber: planted, name: `${planted}\u0001` },
        category: planted,
        wage: planted,
        change: planted,
      },
    ],
  }
  const findings = check(body)
  expect(findings.total).toBeGreaterThan(5)
  expect(JSON.stringify(findings.first(200))).not.toContain(planted)
  expect(JSON.stringify(findings.first(200))).not.toMatch(/\{\w+\}/)
})

test('10,000 lines with 10,000 faults are counted, 200 told, in bounded time', () => {
  const [line] = good().lines ?? []
  const lines = Array.from({ length: 10_000 }, () => ({
    ...line,
    person: { ...line?.person, idNumber: '1' },
  }))
  const findings = check({ ...good(), lines })
  const { total, errors } = findings
  expect([findings.first(10_000).length, total, errors]).toEqual([200, 10_000, 10_000])
})

test('10,000 ill-formed lines are counted', () => {
  const lines = Array.from({ length: 10_000 }, () => ({}))
  const findings = check({ ...good(), lines })
  expect([findings.first(10_000).length, findings.total]).toEqual([200, 20_000])
})

test('no body makes it throw, and none that is not a declaration passes', () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, maxDepth: 5 }), (body) => {
      expect(check(body).errors).toBeGreaterThan(0)
    }),
  )
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (lines, person) => {
      check({ ...good(), lines })
      check({ ...good(), lines: [{ ...good().lines?.[0], person }] })
    }),
  )
})
