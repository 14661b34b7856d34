import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { checkDeclaration } from '../../src/declaration/check.ts'

const generator = createGenerator(3)
const context = { today: '2024-11-23', limit: 200 }
const good = () => generator.declaration({ period: '2024-11', lines: 2 })
const faults = (body: unknown) =>
  checkDeclaration(body, context).findings.map(({ pointer, code }) => `${pointer} ${code}`)

test('generated declarations are faultless', () => {
  for (let i = 0; i < 500; i += 1) {
    expect(checkDeclaration(generator.declaration({ period: '2024-11' }), context).total).toBe(0)
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
  const { findings } = checkDeclaration(
    { ...good(), lines: [line, ...(good().lines ?? []), again] },
    context,
  )
  expect(findings).toHaveLength(1)
  expect(findings[0]).toMatchObject({ pointer: '/lines/3/person', code: 'PERSON_DUPLICATE' })
  expect(findings[0]?.message.en).toBe('Line 4 is the same person as line 1.')
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
  const { findings, total } = checkDeclaration(body, context)
  expect(total).toBeGreaterThan(6)
  expect(JSON.stringify(findings)).not.toContain(planted)
  expect(JSON.stringify(findings)).not.toMatch(/\{\w+\}/)
})

test('10,000 lines with 10,000 faults are counted, 200 told, in bounded time', () => {
  const [line] = good().lines ?? []
  const lines = Array.from({ length: 10_000 }, () => ({
    ...line,
    person: { ...line?.person, idNumber: '1' },
  }))
  const { findings, total, errors } = checkDeclaration({ ...good(), lines }, context)
  expect([findings.length, total, errors]).toEqual([200, 10_000, 10_000])
})

test('10,000 ill-formed lines are counted', () => {
  const lines = Array.from({ length: 10_000 }, () => ({}))
  const { findings, total } = checkDeclaration({ ...good(), lines }, context)
  expect([findings.length, total]).toEqual([200, 40_000])
})

test('no body makes it throw, and none that is not a declaration passes', () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, maxDepth: 5 }), (body) => {
      expect(checkDeclaration(body, context).errors).toBeGreaterThan(0)
    }),
  )
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (lines, person) => {
      checkDeclaration({ ...good(), lines }, context)
      checkDeclaration({ ...good(), lines: [{ ...good().lines?.[0], person }] }, context)
    }),
  )
})
