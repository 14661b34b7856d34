import { expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { catalogue } from '../../src/declaration/catalogue/catalogue.ts'
import type { CatalogueEntry } from '../../src/declaration/catalogue/entry.ts'
import { checkDeclaration } from '../../src/declaration/check.ts'
import { csvOf } from '../../src/declaration/csv.ts'
import { FindingList } from '../../src/declaration/findings.ts'
import type { Declaration } from '../../src/declaration/schema.ts'

const entries = Object.entries<CatalogueEntry>(catalogue)
const context = { today: '2024-11-23', keptMax: 200 }
const good = createGenerator(5).declaration({ period: '2024-11', lines: 300 })

function named(name: (i: number) => string): Declaration {
  const lines = good.lines?.map((line, i) => ({
    ...line,
    person: { ...line.person, name: name(i) },
  }))
  return { ...good, lines: lines ?? [] }
}

test.each(entries)('%s is told in both languages, with the same placeholders', (_, entry) => {
  for (const text of [entry.title, entry.message, entry.fix]) {
    expect(text['zh-CN']).toMatch(/\p{Script=Han}/u)
    expect(text.en).not.toMatch(/\p{Script=Han}/u)
    expect(placeholders(text['zh-CN'])).toEqual(placeholders(text.en))
  }
})

function placeholders(text: string): string[] {
  return (text.match(/\{\w+\}/g) ?? []).sort()
}

test('spaces around a name are a warning and refuse nothing', () => {
  const { findings } = checkDeclaration(
    named(() => ' 王伟'),
    context,
  )
  const { total, errors } = findings
  expect([findings.first(300).length, total, errors]).toEqual([200, 300, 0])
  expect(findings.first(1)[0]).toMatchObject({ code: 'NAME_SPACES', severity: 'warning' })
})

test('an error after hundreds of warnings is told first', () => {
  const body = named((i) => (i === 299 ? '\t' : ' 王伟'))
  const { findings } = checkDeclaration(body, { ...context, keptMax: 10 })
  const { total, errors } = findings
  expect([findings.first(10).length, total, errors]).toEqual([10, 300, 1])
  expect(findings.first(10)[0]).toMatchObject({
    pointer: '/lines/299/person/name',
    severity: 'error',
  })
})

test.each([
  ['王\u0000伟', 'NAME_CHARACTERS'],
  ['王\u0085伟', 'NAME_CHARACTERS'],
  ['王\ud842', 'NAME_CHARACTERS'],
  ['\u2028', 'NAME_CHARACTERS'],
  ['\u3000', 'NAME_BLANK'],
  ['王伟\u3000', 'NAME_SPACES'],
  ['买买提·吐尔逊', undefined],
  ['𠮷田', undefined],
])('the name %j gives %s', (name, code) => {
  const [line] = good.lines ?? []
  const lines = [{ ...line, person: { ...line?.person, name } }]
  expect(checkDeclaration({ ...good, lines }, context).findings.first(1)[0]?.code).toBe(code)
})

test('a table quotes what needs it, and nothing in it is run as a formula', () => {
  const list = new FindingList(10)
  list.add(2, '/wage', 'FIELD_FORMAT', { format: { 'zh-CN': '"金额"', en: 'a, b' } }, '=1+1')
  const [head, row] = [...csvOf(list)]
  expect(head).toMatch(/^\ufeffpointer,line,/)
  expect(row).toMatch(/^\/lines\/2\/wage,3,FIELD_FORMAT,error,"此项应为""金额""。",/)
  expect(row).toContain(',"This must be a, b.",')
  expect(row).toContain(",'=1+1,")
})
