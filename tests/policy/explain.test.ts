import { expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { readYuan } from '../../src/declaration/money.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import { assessDeclaration, lineStride } from '../../src/policy/assess.ts'
import { checkFiling } from '../../src/policy/check.ts'
import { type ExplainedAmount, explainAssessment } from '../../src/policy/explain.ts'
import { insurances } from '../../src/policy/pack.ts'
import { hefei, madeUp, policiesOf, rulesIn } from '../support/packs.ts'
import { variedDeclaration } from '../support/varied.ts'

const all = { from: 0, count: 1_000 }
const policies = policiesOf(hefei, madeUp)

function explain(declaration: Declaration) {
  const rules = policies.rulesFor(declaration.region, declaration.period)
  if (rules.kind !== 'rules') throw new Error(rules.kind)
  const assessment = assessDeclaration(declaration, rules)
  return { assessment, explained: explainAssessment(declaration, rules, assessment, all) }
}

/** Sums of explained amounts by insurance and side, in fen. */
function sumOf(amounts: readonly ExplainedAmount[], insurance: string, side: string): number {
  return amounts
    .filter((one) => one.insurance === insurance && one.side === side)
    .reduce((sum, { amount }) => sum + readYuan(amount), 0)
}

test('what is explained adds up to what is assessed, line by line and as a whole', () => {
  const generator = createGenerator(23)
  let seen = 0
  for (let i = 0; i < 3_000; i += 1) {
    const filed = variedDeclaration(generator)
    const declaration =
      i % 3 > 0 ? filed : { ...filed, region: '999000', period: '2024-11', unitBase: '999999.00' }
    const nowMicros = 1_732_300_000_000_000
    const { valid } = checkFiling(declaration, { policies, nowMicros, keptMax: 0 })
    if (valid === undefined) continue
    seen += 1
    const { assessment, explained } = explain(declaration)
    const amounts = [...explained.lines.flatMap((line) => line.amounts), ...explained.unit]
    for (const { insurance, employerFen, employeeFen } of assessment.amounts) {
      expect(sumOf(amounts, insurance, 'employer')).toBe(employerFen)
      expect(sumOf(amounts, insurance, 'employee')).toBe(employeeFen)
    }
    for (const { line, amounts: ofLine } of explained.lines) {
      insurances.forEach((insurance, k) => {
        const at = (line - 1) * lineStride + 1 + 3 * k
        expect(sumOf(ofLine, insurance, 'employer')).toBe(assessment.linesFen[at + 1])
        expect(sumOf(ofLine, insurance, 'employee')).toBe(assessment.linesFen[at + 2])
      })
    }
  }
  expect(seen).toBeGreaterThan(500)
})

const person = { idType: 'resident-id', idNumber: '11010519491231002X', name: '王伟' } as const
const filed: Declaration = {
  employer: '91350100M000100Y43',
  region: '340100',
  period: '2024-11',
  kind: 'regular',
  lines: [{ person, category: 'employee', wage: '3000', change: 'none' }],
}

test('a clamped wage is told with limit, rate, rounding, and where they come from', () => {
  const { explained } = explain(filed)
  const [pension] = explained.lines[0]?.amounts ?? []
  expect(pension).toMatchObject({
    insurance: 'pension',
    side: 'employer',
    declared: '3000.00',
    limit: { kind: 'floor', value: '4227.00', from: '2024-01', to: '2024-12', carried: false },
    base: '4227.00',
    rate: { value: '16', from: '2019-05' },
    exact: '676.32',
    amount: '676.32',
  })
  expect(pension?.limit?.sources[0]).toMatchObject({ date: '2024-09-11' })
  expect(pension?.sentence).toEqual({
    'zh-CN':
      '申报工资 3000.00 元低于下限，按下限 4227.00 元（2024-01 至 2024-12，《关于发布2024年度安徽省社会保险缴费基数上下限的通知》），× 16%（2019-05 起，《降低社会保险费率综合方案》国办发〔2019〕13号） = 676.32，四舍五入到分：676.32 元。',
    en: 'The declared 3000.00 yuan are below the floor, so the base is the floor, 4227.00 yuan (2024-01 to 2024-12; 关于发布2024年度安徽省社会保险缴费基数上下限的通知), × 16% (from 2019-05; 降低社会保险费率综合方案 国办发〔2019〕13号) = 676.32, rounded half up to the fen: 676.32 yuan.',
  })
})

test('a value that stands in for one not published says so', () => {
  const { explained } = explain({ ...filed, period: '2025-03' })
  const [reason] = explained.provisionalReasons
  expect(reason?.en).toContain('limits: 2024-01 to 2024-12')
  expect(reason?.['zh-CN']).toContain('缴费基数上下限')
  const sentence = explained.lines[0]?.amounts[0]?.sentence
  expect(sentence?.en).toContain('not verified for this period; stands in')
  expect(sentence?.['zh-CN']).toContain('该期未核实，暂用')
})

test('work injury says which industry class, and that it is a default where none was declared', () => {
  const sentenceOf = (more: Partial<Declaration>) => {
    const { explained } = explain({ ...filed, ...more })
    return explained.lines[0]?.amounts.find(({ insurance }) => insurance === 'work-injury')
      ?.sentence
  }
  expect(sentenceOf({})?.en).toContain('industry class 1 (none was declared: the default): × 0.2%')
  expect(sentenceOf({})?.['zh-CN']).toContain('行业类别 1（未申报，按默认类别）：× 0.2%')
  const declared = sentenceOf({ industryClass: 3, workInjuryFloat: 80 })
  expect(declared?.en).toContain('industry class 3, floated to 80%: × 0.56%')
})

test('a flat amount beside what is made for the unit is told without a product', () => {
  const { explained } = explain({
    ...filed,
    region: '999000',
    unitBase: '20000',
    lines: [{ person, category: 'employee', wage: '10000', change: 'none' }],
  })
  const medical = explained.lines[0]?.amounts.find(
    ({ insurance, side }) => insurance === 'medical' && side === 'employer',
  )
  expect(medical).toMatchObject({ amount: '5.00', flat: { value: '5' } })
  expect(medical?.sentence.en).toBe(
    'What is paid by rate is worked out for the unit as a whole; for each person 5 yuan (from 2024-01; Made up for tests T-1): 5.00 yuan.',
  )
  expect(JSON.stringify(explained)).not.toMatch(/× [0-9.]+%[^=]*= 0\.00/)
})

test('only the page that was asked for is explained', () => {
  const lines = Array.from({ length: 7 }, () => (filed.lines ?? [])[0] as never)
  const rules = rulesIn(hefei, '2024-11')
  const assessment = assessDeclaration({ lines }, rules)
  const page = explainAssessment({ lines }, rules, assessment, { from: 4, count: 2 })
  expect(page.lines.map(({ line }) => line)).toEqual([5, 6])
})
