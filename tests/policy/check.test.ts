import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { catalogue, type FindingCode } from '../../src/declaration/catalogue/catalogue.ts'
import { instantMicros } from '../../src/declaration/period.ts'
import { checkFiling } from '../../src/policy/check.ts'
import { checkAgainstPrevious, declaredIn } from '../../src/policy/history.ts'
import { lintPack } from '../../src/policy/lint.ts'
import type { Gap, PolicyPack } from '../../src/policy/pack.ts'
import { hefei, madeUp, policiesOf } from '../support/packs.ts'
import { variedDeclaration } from '../support/varied.ts'

const generator = createGenerator(31)
const uncovered: Gap = {
  key: 'limits',
  from: '2024-10',
  fill: 'none',
  note: { 'zh-CN': '尚未公布。', en: 'Not published.' },
}
/** Like the made-up region, whose limits end with 2024-09; without flexible workers and orders. */
const plain: PolicyPack = {
  ...madeUp,
  region: { ...madeUp.region, code: '998000' },
  limits: madeUp.limits.map((row) => ({ ...row, to: '2024-09' })),
  bases: { unit: [] },
  gaps: [uncovered],
}
const { flexible: _, platform: __, ...without } = plain
const policies = policiesOf(hefei, madeUp, without)
const nowMicros = instantMicros('2024-11-23', '10:00')

type Filed = Record<string, unknown>
const line = () => {
  const [made] = generator.declaration({ period: '2024-11', lines: 1 }).lines ?? []
  return { ...made, wage: '6500.00' } as Filed & { person: Filed }
}
const header = { ...generator.declaration({ period: '2024-11', lines: 0 }), lines: undefined }
const body = (more: Filed = {}, ...lines: Filed[]): Filed => {
  const { lines: _, ...rest } = header
  return { ...rest, lines: lines.length === 0 ? [line()] : lines, ...more }
}
const person = (more: Filed) => body({}, { ...line(), person: { ...line().person, ...more } })
const flexible = (more: Filed = {}, region = '340100') => {
  const { wage: _, ...rest } = line()
  return body({ region }, { ...rest, category: 'flexible', medical: 'none', ...more })
}
const platform = (...days: Filed[]) => {
  const { wage: _, change: __, ...rest } = line()
  return body({ period: '2025-07' }, { ...rest, category: 'platform', days })
}
const day = { date: '2025-07-03', service: 'ride-hailing', orders: 3 }
const replaces = `202411-${'0'.repeat(26)}`
const dual = (more: Filed = {}) => body({ region: '999000', unitBase: '6500.00', ...more })

function findingsOf(filed: unknown, at = nowMicros) {
  return checkFiling(filed, { policies, nowMicros: at, keptMax: 500 }).findings.first(500)
}

const in2025 = instantMicros('2025-07-20', '10:00')
const same = line()

/** For every code of the catalogue a body that has it: where, and what is suggested. */
const bodies: Record<
  Exclude<FindingCode, Unreached>,
  [unknown, string, (string | undefined)?, number?]
> = {
  BODY_NOT_OBJECT: [[], ''],
  FIELD_MISSING: [{ ...body(), employer: undefined }, '/employer'],
  FIELD_UNKNOWN: [body({ Kind: 'regular' }), '/Kind', 'kind'],
  FIELD_TYPE: [body({}, { ...line(), wage: 6500 }), '/lines/0/wage', '6500'],
  FIELD_FORMAT: [body({}, { ...line(), wage: '６,５００元' }), '/lines/0/wage', '6500'],
  TEXT_CHARACTERS: [body({}, { ...line(), wage: '6500\u200b' }), '/lines/0/wage', '6500'],
  TEXT_PLACEHOLDER: [body({}, { ...line(), wage: '#N/A' }), '/lines/0/wage'],
  VALUE_NOT_ALLOWED: [body({}, { ...line(), category: '职工' }), '/lines/0/category', 'employee'],
  NUMBER_OUT_OF_RANGE: [body({ industryClass: 9 }), '/industryClass'],
  TEXT_EMPTY: [person({ name: '' }), '/lines/0/person/name'],
  TEXT_TOO_LONG: [person({ name: '王'.repeat(101) }), '/lines/0/person/name'],
  LIST_TOO_SHORT: [platform(), '/lines/0/days', undefined, in2025],
  LIST_TOO_LONG: [
    platform(...Array.from({ length: 101 }, () => day)),
    '/lines/0/days',
    undefined,
    in2025,
  ],
  LINES_TOO_MANY: [body({ lines: Array.from({ length: 10_001 }, () => same) }), '/lines'],
  USCC_LENGTH: [body({ employer: '9135010' }), '/employer'],
  USCC_CHARACTERS: [body({ employer: '91350100m000100y43' }), '/employer', '91350100M000100Y43'],
  USCC_CHECK_CHARACTER: [body({ employer: '91350100M000100Y42' }), '/employer'],
  REGION_UNKNOWN: [body({ region: '110000' }), '/region'],
  PERIOD_IN_FUTURE: [body({ period: '2024-12' }), '/period'],
  PERIOD_BEFORE_PACK: [body({ period: '2019-07' }), '/period'],
  PERIOD_NOT_COVERED: [body({ region: '998000' }), '/period'],
  PERIOD_CLOSED: [dual(), '/period', undefined, instantMicros('2024-12-17', '17:00')],
  PERIOD_LATE: [body({ period: '2024-10' }), '/period'],
  REPLACEMENT_CLOSED: [
    dual({ kind: 'correction', replaces }),
    '/kind',
    undefined,
    instantMicros('2024-12-14', '12:00'),
  ],
  REPLACES_MISSING: [body({ kind: 'correction' }), '/replaces'],
  REPLACES_NOT_ALLOWED: [body({ replaces }), '/replaces'],
  REPLACES_OTHER_PERIOD: [
    body({ kind: 'correction', replaces: replaces.replace('11-', '10-') }),
    '/replaces',
  ],
  LINES_MISSING: [body({ lines: [] }), '/lines'],
  LINES_NOT_ALLOWED: [body({ kind: 'cancellation', replaces }), '/lines'],
  FLOAT_NOT_OFFERED: [body({ workInjuryFloat: 50 }), '/workInjuryFloat'],
  UNIT_BASE_MISSING: [dual({ unitBase: undefined }), '/unitBase'],
  UNIT_BASE_NOT_USED: [body({ unitBase: '6500' }), '/unitBase'],
  UNIT_BASE_BELOW_SUM: [dual({ unitBase: '6499.99' }), '/unitBase', '6500.00'],
  ID_LENGTH: [person({ idNumber: '110105491231002' }), '/lines/0/person/idNumber'],
  ID_CHARACTERS: [person({ idNumber: 'A1010519491231002X' }), '/lines/0/person/idNumber'],
  ID_FULL_WIDTH: [
    person({ idNumber: '１１０１０５１９４９１２３１００２Ｘ' }),
    '/lines/0/person/idNumber',
  ],
  ID_INVISIBLE: [person({ idNumber: '\u202d11010519491231002X' }), '/lines/0/person/idNumber'],
  ID_REGION: [person({ idNumber: '001105194912310020' }), '/lines/0/person/idNumber'],
  ID_TYPE_PERMIT: [person({ idNumber: '810000199901010010' }), '/lines/0/person/idNumber'],
  ID_BIRTH_DATE: [person({ idNumber: '110105194902300021' }), '/lines/0/person/idNumber'],
  ID_CHECK_DIGIT: [person({ idNumber: '110105194912310021' }), '/lines/0/person/idNumber'],
  NAME_CHARACTERS: [person({ name: '王\u0000伟' }), '/lines/0/person/name'],
  NAME_INVISIBLE: [person({ name: '王\u200b伟' }), '/lines/0/person/name'],
  NAME_PRIVATE: [person({ name: '王\ue863' }), '/lines/0/person/name'],
  NAME_UNREADABLE: [person({ name: '王?' }), '/lines/0/person/name'],
  PERSON_PLACEHOLDER: [person({ name: 'NULL' }), '/lines/0/person/name'],
  NAME_BLANK: [person({ name: '\u3000' }), '/lines/0/person/name'],
  NAME_SPACES: [person({ name: '王 伟' }), '/lines/0/person/name'],
  PERSON_DUPLICATE: [body({}, same, line(), same), '/lines/2/person'],
  WAGE_BELOW_FLOOR: [body({}, { ...line(), wage: '4226.99' }), '/lines/0/wage'],
  WAGE_ABOVE_CEILING: [body({}, { ...line(), wage: '21133.01' }), '/lines/0/wage'],
  WAGE_LOOKS_YEARLY: [body({}, { ...line(), wage: '78000' }), '/lines/0/wage', '6500.00'],
  WAGE_LOOKS_FEN: [body({}, { ...line(), wage: '650000' }), '/lines/0/wage', '6500.00'],
  CATEGORY_NOT_OFFERED: [
    { ...flexible({ base: '5000' }, '998000'), period: '2024-08' },
    '/lines/0/category',
    undefined,
    instantMicros('2024-09-10', '10:00'),
  ],
  FLEXIBLE_BASE_MISSING: [flexible(), '/lines/0/base'],
  FLEXIBLE_BASE_TWICE: [flexible({ base: '5000', tier: '60' }), '/lines/0/tier'],
  TIER_NOT_OFFERED: [flexible({ tier: '06' }, '999000'), '/lines/0/tier'],
  FLEXIBLE_BASE_NOT_OFFERED: [flexible({ base: '4000' }), '/lines/0/base', '4227.00'],
  FLEXIBLE_MEDICAL_NOT_OFFERED: [
    { ...flexible({ tier: '60', medical: 'with-account' }), period: '2019-09' },
    '/lines/0/medical',
  ],
  SERVICE_NOT_OFFERED: [
    platform({ ...day, service: 'ride-haling' }),
    '/lines/0/days/0/service',
    'ride-hailing',
    in2025,
  ],
  DAY_OUTSIDE_PERIOD: [
    platform({ ...day, date: '2025-07-21' }),
    '/lines/0/days/0/date',
    undefined,
    in2025,
  ],
  DAY_DUPLICATE: [platform(day, day), '/lines/0/days/1', undefined, in2025],
}

/** These need the journal, or the period before. */
type Unreached =
  | 'DECLARATION_STANDS'
  | 'REPLACES_SUPERSEDED'
  | 'ALREADY_FILED'
  | 'REPLACES_NOTHING'
  | 'REPLACES_OTHER_REGION'
  | 'JOIN_ALREADY_INSURED'
  | 'LEAVE_NOT_INSURED'
  | 'JOIN_NOT_DECLARED'

describe('every finding is found, at its field', () => {
  test('the packs of these tests are without faults', () => {
    for (const pack of [madeUp, without]) {
      const faults = lintPack(pack, '2024-11-23')
      expect(faults.filter(({ severity }) => severity === 'error')).toEqual([])
    }
  })

  test.each(Object.entries(bodies))('%s', (code, [filed, pointer, suggestion, at]) => {
    const found = findingsOf(JSON.parse(JSON.stringify(filed)), at)
    const told = found.find((finding) => finding.code === code)
    expect(told, JSON.stringify(found)).toMatchObject({ pointer })
    expect(told?.suggestion).toBe(suggestion)
    const { severity } = catalogue[code as FindingCode]
    expect(told?.severity).toBe(severity)
    expect(JSON.stringify(told)).not.toMatch(/\{\w+\}|undefined/)
  })
})

test('what is suggested passes: filed instead, the finding is gone', () => {
  for (const [code, [filed, pointer, suggestion, at]] of Object.entries(bodies)) {
    if (suggestion === undefined || code === 'FIELD_UNKNOWN') continue
    const mended = JSON.parse(JSON.stringify(filed)) as Filed
    const path = pointer.split('/').slice(1)
    const last = path.pop() as string
    const place = path.reduce((value, name) => value[name] as Filed, mended)
    place[last] = suggestion
    const left = findingsOf(mended, at).filter((finding) => finding.pointer === pointer)
    expect(left, code).toEqual([])
  }
})

test.each([
  ['a base far below the floor', flexible({ base: '42.27' }), '/lines/0/base'],
  ['a base far above the ceiling', flexible({ base: '422700' }), '/lines/0/base'],
  ['a wage with decimals, which is not in fen', body({}, { ...line(), wage: '650000.5' })],
  ['a unit base of a tenth', dual({ unitBase: '650.00' }), '/unitBase'],
  ['a wage with a comma that may be either', body({}, { ...line(), wage: '13,75' })],
] as [string, unknown, string?][])(
  'for %s nothing is suggested',
  (_, filed, pointer = '/lines/0/wage') => {
    const found = findingsOf(filed).filter((finding) => finding.pointer === pointer)
    expect(found.map(({ suggestion }) => suggestion)).toEqual([undefined])
  },
)

test('where two characters changed places, a wrong check digit says which', () => {
  // Characters 16 and 17 of 11010519491231002X.
  const [told] = findingsOf(person({ idNumber: '11010519491231020X' }))
  expect(told?.message.en).toContain('characters 16 and 17 have changed places')
  expect(told?.message['zh-CN']).toContain('第 16、17 位颠倒')
})

const codesOf = (filed: unknown, at = nowMicros) =>
  findingsOf(JSON.parse(JSON.stringify(filed)), at)
    .filter(({ severity }) => severity === 'error')
    .map(({ code, pointer }) => `${code} ${pointer}`)

test.each<[string, unknown, readonly string[], number?]>([
  [
    'orders of no day, no service and no number',
    platform({ date: '2025-13-01', service: 'taxi', orders: 0 }),
    [
      'NUMBER_OUT_OF_RANGE /lines/0/days/0/orders',
      'DAY_OUTSIDE_PERIOD /lines/0/days/0/date',
      'SERVICE_NOT_OFFERED /lines/0/days/0/service',
    ],
    in2025,
  ],
  [
    'a base that is not offered beside a malformed change',
    flexible({ base: '4000', change: 'x' }),
    ['VALUE_NOT_ALLOWED /lines/0/change', 'FLEXIBLE_BASE_NOT_OFFERED /lines/0/base'],
  ],
  ['a malformed base is no missing one', flexible({ base: 'x' }), ['FIELD_FORMAT /lines/0/base']],
  [
    'a malformed class has no float that it lacks',
    body({ industryClass: '3', workInjuryFloat: 80 }),
    ['FIELD_TYPE /industryClass'],
  ],
  ['a malformed unit base is no missing one', dual({ unitBase: 'x' }), ['FIELD_FORMAT /unitBase']],
  [
    'a malformed line may need a unit base, too',
    dual({ unitBase: undefined, lines: [{ ...line(), wage: 'x' }] }),
    ['UNIT_BASE_MISSING /unitBase', 'FIELD_FORMAT /lines/0/wage'],
  ],
  [
    'a cancellation has no use of a unit base, and may have one',
    dual({ kind: 'cancellation', replaces, lines: undefined }),
    [],
  ],
  [
    'a wage is below the sum, whatever else is wrong with its line',
    dual({ unitBase: '6499', lines: [{ ...line(), change: 'x' }] }),
    ['UNIT_BASE_BELOW_SUM /unitBase', 'VALUE_NOT_ALLOWED /lines/0/change'],
  ],
  [
    'orders alone need no unit base',
    {
      ...platform({ ...day, date: '2024-11-03', service: 'ride' }),
      ...{ region: '999000', period: '2024-11' },
    },
    [],
  ],
])('every fault at once, and no other: %s', (_, filed, expected, at) => {
  expect(codesOf(filed, at).sort()).toEqual([...expected].sort())
})

test('corrections that have closed stay closed, when filing is late but taken, too', () => {
  const [deadline] = madeUp.calendar.deadlines
  const lenient: PolicyPack = {
    ...madeUp,
    calendar: { ...madeUp.calendar, deadlines: [{ ...deadline, refuseLate: false } as never] },
  }
  const codes = (kind: string, on: string) =>
    checkFiling(JSON.parse(JSON.stringify(dual(kind === 'regular' ? {} : { kind, replaces }))), {
      policies: policiesOf(lenient),
      nowMicros: instantMicros(on, '18:00'),
      keptMax: 9,
    })
      .findings.first(9)
      .map(({ code }) => code)
  for (const kind of ['correction', 'regular']) {
    const closed = kind === 'correction' ? ['REPLACEMENT_CLOSED'] : []
    expect(codes(kind, '2024-12-13')).toEqual([])
    expect(codes(kind, '2024-12-14')).toEqual(closed)
    expect(codes(kind, '2024-12-20')).toEqual(kind === 'correction' ? closed : ['PERIOD_LATE'])
  }
})

test('a deadline that is an assumption is told as one', () => {
  const [late] = findingsOf(body({ period: '2024-10' }))
  expect(late?.message.en).toContain('the deadline set here; the local one is not verified')
  expect(late?.message['zh-CN']).toContain('本系统设定的截止时间，当地时间未核实')
  const [closed] = findingsOf(dual(), instantMicros('2024-12-17', '17:00'))
  expect(closed?.message.en).not.toContain('not verified')
})

test('limits of each insurance are warned of, and those that stand in', () => {
  const told = (filed: unknown, at = nowMicros) =>
    findingsOf(filed, at).map(({ code, message }) => `${code}: ${message.en}`)
  expect(told(dual({ unitBase: '9000', lines: [{ ...line(), wage: '4500' }] }))).toEqual([
    'WAGE_BELOW_FLOOR: The wage is below the floor of medical; the base is the floor, 5000.00 yuan (valid from 2024-01).',
  ])
  expect(told(dual({ unitBase: '90000', lines: [{ ...line(), wage: '21000' }] }))).toEqual([
    'WAGE_ABOVE_CEILING: The wage is above the ceiling of pension, unemployment, work-injury; the base is the ceiling, 20000.00 yuan (valid from 2024-01).',
  ])
  expect(told(body({ period: '2023-11', lines: [{ ...line(), wage: '3000' }] }))).toContain(
    'WAGE_BELOW_FLOOR: The wage is below the floor; the base is the floor, 3429.11 yuan (valid from 2021-01; standing in, as this period is not verified).',
  )
})

test('the last microsecond is in time, the deadline is not', () => {
  const codes = (at: number) => findingsOf(body(), at).map(({ code }) => code)
  const deadline = instantMicros('2024-11-30', '24:00')
  expect(codes(deadline - 1)).not.toContain('PERIOD_LATE')
  expect(codes(deadline)).toContain('PERIOD_LATE')
})

test('joins and leaves are held against the period before', () => {
  const [before, now] = ['2024-10', '2024-11'].map((period) => {
    return generator.declaration({ period, lines: 4 }).lines ?? []
  })
  const change = (lines: typeof before, changes: readonly string[]) =>
    (lines ?? []).map((one, i) => ({ ...one, change: changes[i] })) as NonNullable<typeof before>
  const [stays, leaves] = change(before, ['none', 'leave'])
  const lines = change(
    [...(before ?? []).slice(0, 2), ...(now ?? [])],
    ['join', 'join', 'leave', 'none', 'join'],
  )
  const { findings } = checkFiling({}, { policies, nowMicros, keptMax: 0 })
  expect(findings.total).toBeGreaterThan(0)
  const list = checkFiling(body(), { policies, nowMicros, keptMax: 50 }).findings
  checkAgainstPrevious(lines, declaredIn([stays, leaves] as never), list)
  expect(
    list.first(50).map(({ pointer, code, suggestion }) => [pointer, code, suggestion]),
  ).toEqual([
    ['/lines/0/change', 'JOIN_ALREADY_INSURED', 'none'],
    ['/lines/2/change', 'LEAVE_NOT_INSURED', undefined],
    ['/lines/3/change', 'JOIN_NOT_DECLARED', 'join'],
  ])
})

test('no finding has an identity number in clear, whatever is filed', () => {
  const varied = createGenerator(77)
  for (let i = 0; i < 2_000; i += 1) {
    const declaration = variedDeclaration(varied)
    const text = JSON.stringify(findingsOf(declaration, instantMicros('2026-11-23', '10:00')))
    for (const { person: filed } of declaration.lines ?? []) {
      const number = filed.idNumber.trim()
      if (number.length > 12) expect(text).not.toContain(number.slice(4, -4))
      if (filed.name.trim().length > 2) expect(text).not.toContain(filed.name.trim())
    }
  }
})

test('no body makes it throw', () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true }), fc.anything(), (one, other) => {
      findingsOf(one)
      findingsOf(body({ region: one, period: other }))
      findingsOf(body({ lines: [one, { ...line(), category: 'flexible', tier: other }] }))
    }),
  )
})
