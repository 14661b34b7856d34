/** Every example of the catalogue, filed: the wrong one draws its finding, the right one does not. */
import { describe, expect, test } from 'vitest'
import { fileCatalogue } from '../../src/batch/findings/file-findings.ts'
import { catalogue, type FindingCode } from '../../src/declaration/catalogue/catalogue.ts'
import type { CatalogueEntry } from '../../src/declaration/catalogue/entry.ts'
import { instantMicros } from '../../src/declaration/period.ts'
import { checkFiling } from '../../src/policy/check.ts'
import { checkAgainstPrevious, declaredIn } from '../../src/policy/history.ts'
import { hefei, madeUp, policiesOf } from '../support/packs.ts'

type Filed = Record<string, unknown>
type Case = { readonly filed: unknown; readonly on?: string; readonly before?: Filed[] }

const policies = policiesOf(hefei, madeUp, {
  ...madeUp,
  region: { ...madeUp.region, code: '998000' },
  limits: madeUp.limits.map((row) => ({ ...row, to: '2024-09' })),
})
const entries = Object.entries<CatalogueEntry>(catalogue) as [FindingCode, CatalogueEntry][]

const person = { idType: 'resident-id', idNumber: '11010519491231002X', name: '王伟' }
const employee = { person, category: 'employee', wage: '6500.00', change: 'none' }
const flexible = { person, category: 'flexible', base: '5000.00', medical: 'none', change: 'none' }
const day = { date: '2025-07-03', service: 'ride-hailing', orders: 3 }
const header = {
  employer: '91350100M000100Y43',
  region: '340100',
  period: '2024-11',
  kind: 'regular',
}
const body = (more: Filed = {}, ...lines: unknown[]): Filed => ({
  ...header,
  lines: lines.length === 0 ? [employee] : lines,
  ...more,
})
const named = (more: Filed) => body({}, { ...employee, person: { ...person, ...more } })
const id = (period: string) => `${period}-0123456789abcdefghjkmnpqrs`

/** The value that an example shows: a member and its value, an object's members, or a text alone. */
function shown(text: string): Filed {
  const json = text.startsWith('{') ? text : `{${text}}`
  return JSON.parse(json.replace(', …}', '}').replace('{ … }', '{}')) as Filed
}
const line = (of: Filed, text: string) => body({}, { ...of, ...shown(text) })
const orders = (more: Filed) =>
  body({ period: '2025-07' }, { person, category: 'platform', days: [{ ...day, ...more }] })
const in2025 = '2025-07-20'
const in2020 = (text: string) => ({
  ...line({ ...flexible, base: undefined, tier: '60' }, text.slice(text.indexOf('"'))),
  period: '2020-03',
})
const dual = (text: string) => ({
  ...body({ region: '999000' }),
  ...(text.includes('unitBase')
    ? { unitBase: shown(text.replace('"lines": […]', '"lines": []')).unitBase }
    : {}),
})

const idCase = (text: string): Case => ({
  filed: named(text.startsWith('"') ? shown(text) : { idNumber: text }),
})
const nameCase = (text: string): Case => ({
  filed: named(shown(text.startsWith('"name"') ? text : `"name": ${text}`)),
})
const wageCase = (text: string): Case => ({ filed: line(employee, text) })
const headerCase = (text: string): Case => ({
  filed: body(
    shown(
      text
        .replace('202410-…', id('202410'))
        .replace('202411-…', id('202411'))
        .replace('[{…}]', '[{}]'),
    ),
  ),
})
const entriesOf = (count: string, of: (i: number) => unknown) =>
  Array.from({ length: Number(/[0-9,]+/.exec(count)?.[0].replace(',', '')) }, (_, i) => of(i))

/** How an example's text becomes what is filed; `wrong` where the two are not told by the text. */
const cases: Partial<Record<FindingCode, (text: string, isWrong: boolean) => Case>> = {
  BODY_NOT_OBJECT: (_, isWrong) => ({ filed: isWrong ? [header] : body() }),
  FIELD_MISSING: (text) => ({ filed: body({}, { person, ...shown(text) }) }),
  FIELD_UNKNOWN: (text) => wageCase(text),
  VALUE_NOT_ALLOWED: headerCase,
  NUMBER_OUT_OF_RANGE: headerCase,
  TEXT_EMPTY: nameCase,
  TEXT_TOO_LONG: (text, isWrong) =>
    isWrong ? { filed: named({ name: '王伟，安徽省合肥市'.repeat(12) }) } : nameCase(text),
  LIST_TOO_SHORT: (text) => ({
    filed: { ...line({ person, category: 'platform' }, text), period: '2025-07' },
    on: in2025,
  }),
  LIST_TOO_LONG: (text) => {
    const dates = ['ride-hailing', 'instant-delivery', 'city-freight', 'instant-delivery-high']
    const days = entriesOf(text, (i) => ({
      ...day,
      date: `2025-07-${String(1 + (i % 31)).padStart(2, '0')}`,
      service: dates[Math.floor(i / 31)],
    }))
    return {
      filed: body({ period: '2025-07' }, { person, category: 'platform', days }),
      on: '2025-07-31',
    }
  },
  LINES_TOO_MANY: (text) => ({
    filed: body({ lines: entriesOf(text, () => ({ ...employee, person: undefined })) }),
  }),
  USCC_LENGTH: (employer) => ({ filed: body({ employer }) }),
  USCC_CHARACTERS: (employer) => ({ filed: body({ employer }) }),
  USCC_CHECK_CHARACTER: (employer) => ({ filed: body({ employer }) }),
  PERIOD_NOT_COVERED: (_, isWrong) => ({
    filed: body({ region: isWrong ? '998000' : '340100' }),
  }),
  PERIOD_CLOSED: (_, isWrong) => ({
    filed: dual('"unitBase": "9000"'),
    on: isWrong ? '2024-12-18' : '2024-12-10',
  }),
  PERIOD_LATE: (_, isWrong) => ({ filed: body(), on: isWrong ? '2024-12-01' : '2024-11-30' }),
  REPLACEMENT_CLOSED: (_, isWrong) => ({
    filed: { ...dual('"unitBase": "9000"'), kind: 'correction', replaces: id('202411') },
    on: isWrong ? '2024-12-15' : '2024-12-10',
  }),
  REPLACES_OTHER_PERIOD: (text) => headerCase(text.replace('{', '{"kind": "correction", ')),
  LINES_MISSING: (text, isWrong) => ({ filed: isWrong ? body(shown(text)) : body() }),
  LINES_NOT_ALLOWED: (text, isWrong) =>
    isWrong
      ? headerCase(text)
      : { filed: { ...(headerCase(text).filed as Filed), lines: undefined } },
  UNIT_BASE_MISSING: (text) => ({ filed: dual(text) }),
  UNIT_BASE_BELOW_SUM: (text) => ({
    filed: { ...dual(text), lines: [employee, { ...employee, person: undefined }] },
  }),
  ID_TYPE_PERMIT: (text) => ({
    filed: named({ idNumber: '810000199408230021', ...shown(text) }),
  }),
  PERSON_PLACEHOLDER: nameCase,
  PERSON_DUPLICATE: (_, isWrong) => ({
    filed: isWrong ? body({}, employee, employee) : body(),
  }),
  CATEGORY_NOT_OFFERED: (text) => ({ filed: { ...body({}, flexible), period: text.slice(0, 7) } }),
  FLEXIBLE_BASE_MISSING: (text) => ({
    filed: body({}, { person, change: 'none', ...shown(text) }),
  }),
  FLEXIBLE_BASE_TWICE: (text) => ({ filed: line({ ...flexible, base: undefined }, text) }),
  FLEXIBLE_BASE_NOT_OFFERED: (text) => ({ filed: line(flexible, text) }),
  TIER_NOT_OFFERED: (text) => ({ filed: in2020(text) }),
  FLEXIBLE_MEDICAL_NOT_OFFERED: (text) => ({ filed: in2020(text) }),
  SERVICE_NOT_OFFERED: (text) => ({ filed: orders(shown(text)), on: in2025 }),
  DAY_OUTSIDE_PERIOD: (text) => ({
    filed: { ...orders({ ...shown(text) }), period: '2025-09' },
    on: '2025-10-05',
  }),
  DAY_DUPLICATE: (text) => {
    const days = (JSON.parse(text) as Filed[]).map((one) => ({ ...day, ...one }))
    return {
      filed: body({ period: '2025-07' }, { person, category: 'platform', days }),
      on: in2025,
    }
  },
  JOIN_ALREADY_INSURED: (text) => ({ filed: line(employee, text), before: [employee] }),
  LEAVE_NOT_INSURED: (text, isWrong) => ({
    filed: line(employee, text.slice(text.indexOf('"'))),
    before: isWrong ? [] : [employee],
  }),
  JOIN_NOT_DECLARED: (text) => ({ filed: line(employee, text), before: [] }),
}

/** Those that are not in the table are told by the field that they belong to. */
function caseOf(
  code: FindingCode,
  { field }: CatalogueEntry,
  text: string,
  isWrong: boolean,
): Case {
  const own = cases[code]
  if (own !== undefined) return own(text, isWrong)
  if (field.endsWith('idNumber')) return idCase(text)
  if (field.endsWith('name')) return nameCase(text)
  if (field === '/*' || field.endsWith('wage')) return wageCase(text)
  return headerCase(text)
}

function codesOf({ filed, on = '2024-11-23', before }: Case): string[] {
  const json = JSON.parse(JSON.stringify(filed)) as Filed
  const nowMicros = instantMicros(on, '10:00')
  const { findings } = checkFiling(json, { policies, nowMicros, keptMax: 50_000 })
  if (before !== undefined) {
    checkAgainstPrevious(json.lines as never, declaredIn(before as never), findings)
  }
  return findings.counts().map(({ code }) => code)
}

/** These need the journal: what stands, and what is replaced, is looked up when a declaration is accepted. */
const elsewhere: readonly FindingCode[] = [
  'REPLACES_NOTHING',
  'REPLACES_OTHER_REGION',
  'DECLARATION_STANDS',
  'REPLACES_SUPERSEDED',
  'ALREADY_FILED',
]
/** Other findings that the right examples have: of periods long over, or of lines without a person. */
const beside = ['PERIOD_LATE', 'FIELD_MISSING']

describe('examples', () => {
  test.each(entries.filter(([code]) => !elsewhere.includes(code)))('%s', (code, entry) => {
    const { wrong, right } = entry.example
    for (const language of ['zh-CN', 'en'] as const) {
      expect(codesOf(caseOf(code, entry, wrong[language], true)), wrong[language]).toContain(code)
      const left = codesOf(caseOf(code, entry, right[language], false))
      expect(left, right[language]).not.toContain(code)
      expect(
        left.filter((one) => !beside.includes(one)),
        right[language],
      ).toEqual([])
    }
  })
})

/** Names, and the titles and cells of a file, are what they are in any language. */
const literal =
  /示例甲,居民身份证|王伟|王|伟|姓名(?=\))|工资|安徽省合肥市|姓名,证件号码(,申报工资)?(,原行号)?|申报工资(,缴费工资)?|手机号码|应发合计|合计|填表人：|原行号（批次 …）|原行号|参保类别|䶮|　/gu

test.each(Object.entries({ ...catalogue, ...fileCatalogue }))(
  '%s has English examples in English',
  (_, { example }: CatalogueEntry) => {
    for (const { en } of [example.wrong, example.right]) {
      expect(en.replace(literal, '')).not.toMatch(/\p{Script=Han}|[，。（）]/u)
    }
  },
)

test.each([
  ['2020-03', { tier: '60' }],
  ['2024-11', { base: '5000.00' }],
])('in %s the fix names the one field that passes', (period, passes) => {
  const filed = (more: Filed) => ({
    ...body({}, { ...flexible, base: undefined, ...more }),
    period,
  })
  const [field = ''] = Object.keys(passes)
  const other = field === 'tier' ? { base: '5000.00' } : { tier: '60' }
  for (const wrong of [{}, other, { ...passes, ...other }]) {
    const json = JSON.parse(JSON.stringify(filed(wrong))) as Filed
    const context = { policies, nowMicros: instantMicros('2024-11-23', '10:00'), keptMax: 50 }
    const { findings, valid } = checkFiling(json, context)
    expect(valid).toBeUndefined()
    const [removed] = Object.keys(other)
    for (const { fix, severity } of findings.first(50)) {
      if (severity === 'error') expect(fix.en).toContain(`ive ${field} and remove ${removed}`)
    }
  }
  expect(codesOf({ filed: filed(passes) }).filter((code) => !beside.includes(code))).toEqual([])
})
