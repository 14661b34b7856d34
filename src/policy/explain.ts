/**
 * Explanation: for every amount the way to it, from the wage declared over limit, rate and rounding,
 * each with its dates and source; as data, and as one sentence in Chinese and one in English. It
 * calculates with the same functions as the assessment, and a test compares the two.
 */

import type { Text } from '../declaration/catalogue/entry.ts'
import { formatFen, readYuan } from '../declaration/money.ts'
import type { Declaration, FlexibleLine, Line } from '../declaration/schema.ts'
import { type Assessment, chosenBaseFen, flexibleMedicalRate, roundedFen } from './assess.ts'
import {
  type ClassRate,
  type Dated,
  type FlatAmount,
  type Insurance,
  insurances,
  type Rate,
  type Side,
  type Source,
  sides,
} from './pack.ts'
import { type Applied, type PeriodRules, ppm, type Rates } from './rules.ts'
import { assessDays } from './unit.ts'

/** A value of the pack, with its validity and sources. */
export type Cited = {
  readonly value: string
  readonly from: string
  readonly to?: string
  readonly sources: readonly Source[]
  /** True: it stands in for one that is not verified for the period. */
  readonly carried: boolean
}

export type ExplainedAmount = {
  readonly insurance: Insurance
  readonly side: Side
  /** The wage, or the base chosen, in yuan. */
  readonly declared?: string
  readonly limit?: Cited & { readonly kind: 'floor' | 'ceiling' | 'tier' }
  readonly base: string
  /** Percent of the base; yuan for an order. Absent where a person has a flat amount alone. */
  readonly rate?: Cited
  /** Before rounding, in yuan. */
  readonly exact: string
  readonly rounding: Cited
  readonly flat?: Cited
  readonly amount: string
  readonly sentence: Text
}

export type ExplainedLine = {
  /** Counted from 1, as findings do. */
  readonly line: number
  readonly category: Line['category']
  readonly amounts: readonly ExplainedAmount[]
}

type Explained = Pick<Declaration, 'lines' | 'industryClass' | 'workInjuryFloat' | 'unitBase'>

/** An assessment explained: some of its lines, and what is paid for the unit as a whole. */
export type ExplainedAssessment = {
  readonly lines: readonly ExplainedLine[]
  readonly unit: readonly ExplainedAmount[]
  /** Why it is provisional; empty when it is not. */
  readonly provisionalReasons: readonly Text[]
}

export function explainAssessment(
  declaration: Explained,
  rules: PeriodRules,
  assessment: Assessment,
  page: { readonly from: number; readonly count: number },
): ExplainedAssessment {
  const { amounts, provisionalReasons } = assessment
  if (amounts.length === 0) return { lines: [], unit: [], provisionalReasons }
  return {
    lines: explainLines(declaration, rules, page),
    unit: explainUnit(declaration, rules, assessment),
    provisionalReasons,
  }
}

/** Explains some lines of a declaration that was checked before. */
function explainLines(
  declaration: Explained,
  rules: PeriodRules,
  page: { readonly from: number; readonly count: number },
): ExplainedLine[] {
  const rates = ratesOf(declaration, rules)
  return (declaration.lines ?? []).slice(page.from, page.from + page.count).map((line, i) => ({
    line: page.from + i + 1,
    category: line.category,
    amounts: explainLine(line, rules, { rates, ...classOf(declaration, rules) }),
  }))
}

/** Explains what the employer pays for the unit as a whole. */
function explainUnit(
  declaration: Explained,
  rules: PeriodRules,
  { unit, days }: Assessment,
): ExplainedAmount[] {
  const rates = ratesOf(declaration, rules)
  const { classText } = classOf(declaration, rules)
  const bases = insurances.flatMap((insurance, k) => {
    const made = unit.find((one) => one.insurance === insurance)
    if (made === undefined) return []
    const rate = rateCited(rules, k, 'employer', declaration)
    const what: Text =
      rules.unitBases[k] === 'declared'
        ? { 'zh-CN': '单位缴费基数', en: 'The unit base of' }
        : { 'zh-CN': '个人缴费基数之和', en: 'The sum of personal bases,' }
    const base = formatFen(made.baseFen)
    const baseText: Text = {
      'zh-CN': `${what['zh-CN']} ${base} 元`,
      en: `${what.en} ${base} yuan`,
    }
    const start = { insurance, side: 'employer' as const, what: baseText }
    const about = insurance === 'work-injury' ? classText : nothingMore
    const product = { baseFen: made.baseFen, ppm: rates.employerPpm[k] ?? 0, rate, about }
    return explainProduct(start, product, rules)
  })
  return [...bases, ...explainDays(days, rules)]
}

function ratesOf({ industryClass, workInjuryFloat }: Explained, rules: PeriodRules): Rates {
  const rates = rules.ratesFor(industryClass, workInjuryFloat)
  if (rates === undefined) throw new RangeError('an industry class or float that was not checked')
  return rates
}

type RatesOfClass = { readonly rates: Rates; readonly classText: Text }

/** The class that the work-injury rate is of: one that nobody declared is the region's default. */
function classOf({ industryClass, workInjuryFloat }: Explained, rules: PeriodRules) {
  const declared = industryClass ?? rules.defaultIndustryClass
  const float = workInjuryFloat ?? 100
  const assumed = industryClass === undefined
  const classText: Text = {
    'zh-CN': `行业类别 ${declared}${assumed ? '（未申报，按默认类别）' : ''}${float === 100 ? '' : `，浮动至 ${float}%`}：`,
    en: `industry class ${declared}${assumed ? ' (none was declared: the default)' : ''}${float === 100 ? '' : `, floated to ${float}%`}: `,
  }
  return { classText }
}

function explainLine(line: Line, rules: PeriodRules, of: RatesOfClass): ExplainedAmount[] {
  switch (line.category) {
    case 'employee':
      return insurances.flatMap((insurance, k) =>
        sides.flatMap((side) => explainEmployee(line.wage, insurance, k, side, rules, of)),
      )
    case 'flexible':
      return explainFlexible(line, rules)
    case 'platform':
      return [] // Orders are added up for each day of the unit.
  }
}

function explainEmployee(
  wage: string,
  insurance: (typeof insurances)[number],
  k: number,
  side: Side,
  rules: PeriodRules,
  { rates, classText }: RatesOfClass,
): ExplainedAmount[] {
  const madeForUnit = side === 'employer' && rules.unitBases[k] !== undefined
  const share = (side === 'employer' ? rates.employerPpm : rates.employeePpm)[k] as number
  const flat = rules.flat.find(({ row }) => row.insurance === insurance && row.side === side)
  if ((share === 0 || madeForUnit) && flat === undefined) return []
  const wageFen = readYuan(wage)
  const limits = rules.limits[k] as PeriodRules['limits'][number]
  const [floor, ceiling] = [rules.floorsFen[k] as number, rules.ceilingsFen[k] as number]
  const kind = wageFen < floor ? 'floor' : wageFen > ceiling ? 'ceiling' : undefined
  const baseFen = kind === undefined ? wageFen : kind === 'floor' ? floor : ceiling
  const declared = formatFen(wageFen)
  const between = { floor: formatFen(floor), ceiling: formatFen(ceiling), cited: cite('', limits) }
  if (madeForUnit) return flat === undefined ? [] : explainFlat(insurance, flat, rules)
  const start = {
    insurance,
    side,
    declared,
    ...(kind === undefined
      ? {}
      : { limit: { kind, ...cite(formatFen(baseFen), limits) } as const }),
    what: wageText(declared, kind, between),
    ...(flat === undefined ? {} : { flat: cite(flat.row.amount, flat) }),
  }
  const rate = { ...cite('', rules.rates[k] as Applied<Rate>), value: percentOf(share) }
  const about = insurance === 'work-injury' && side === 'employer' ? classText : nothingMore
  return explainProduct(start, { baseFen, ppm: share, rate, about }, rules)
}

/** What is paid for each person beside what is made for the unit as a whole. */
function explainFlat(
  insurance: (typeof insurances)[number],
  flat: Applied<FlatAmount>,
  rules: PeriodRules,
): ExplainedAmount[] {
  const cited = cite(flat.row.amount, flat)
  const amount = formatFen(readYuan(cited.value))
  const source = citation(cited)
  return [
    {
      insurance,
      side: 'employer',
      base: '0.00',
      exact: amount,
      rounding: roundingCited(rules),
      flat: cited,
      amount,
      sentence: {
        'zh-CN': `按费率缴纳的部分由单位合并计算；每人定额 ${cited.value} 元${source['zh-CN']}：${amount} 元。`,
        en: `What is paid by rate is worked out for the unit as a whole; for each person ${cited.value} yuan${source.en}: ${amount} yuan.`,
      },
    },
  ]
}

function roundingCited({ rounding }: PeriodRules): Cited {
  const { mode, scale } = rounding
  return cite(`${mode} ${scale}`, { row: rounding, carried: false })
}

function wageText(
  declared: string,
  kind: 'floor' | 'ceiling' | undefined,
  { floor, ceiling, cited }: { floor: string; ceiling: string; cited: Cited },
): Text {
  const source = citation(cited)
  switch (kind) {
    case 'floor':
      return {
        'zh-CN': `申报工资 ${declared} 元低于下限，按下限 ${floor} 元${source['zh-CN']}`,
        en: `The declared ${declared} yuan are below the floor, so the base is the floor, ${floor} yuan${source.en}`,
      }
    case 'ceiling':
      return {
        'zh-CN': `申报工资 ${declared} 元高于上限，按上限 ${ceiling} 元${source['zh-CN']}`,
        en: `The declared ${declared} yuan are above the ceiling, so the base is the ceiling, ${ceiling} yuan${source.en}`,
      }
    case undefined:
      return {
        'zh-CN': `申报工资 ${declared} 元，在下限 ${floor} 元与上限 ${ceiling} 元之间${source['zh-CN']}`,
        en: `The declared ${declared} yuan lie within the limits ${floor} and ${ceiling} yuan${source.en}`,
      }
  }
}

function explainFlexible(line: FlexibleLine, rules: PeriodRules): ExplainedAmount[] {
  const { flexible } = rules
  if (flexible === undefined) throw new RangeError('a category that was not checked')
  const explained: ExplainedAmount[] = []
  const chosen = chosenBaseFen(line, flexible)
  if (chosen !== undefined) {
    const declared = formatFen(chosen)
    const cited = cite(declared, flexible.bases)
    const source = citation(cited)
    const start = {
      insurance: 'pension' as const,
      side: 'employee' as const,
      declared,
      ...(line.tier !== undefined && { limit: { kind: 'tier' as const, ...cited } }),
      what: {
        'zh-CN': `自选缴费基数 ${declared} 元${source['zh-CN']}`,
        en: `The chosen base of ${declared} yuan${source.en}`,
      },
    }
    const rate = cite(flexible.pension.row.rate, flexible.pension)
    explained.push(...explainProduct(start, { baseFen: chosen, ppm: ppm(rate.value), rate }, rules))
  }
  const share = flexibleMedicalRate(line, flexible)
  if (share !== undefined && flexible.medical !== undefined) {
    const onFloor = flexible.medical.row.base === 'floor'
    const baseFen = onFloor ? (rules.floorsFen[1] as number) : (chosen ?? 0)
    const start = {
      insurance: 'medical' as const,
      side: 'employee' as const,
      what: {
        'zh-CN': onFloor
          ? `以下限 ${formatFen(baseFen)} 元为基数`
          : `以自选基数 ${formatFen(baseFen)} 元`,
        en: onFloor
          ? `On the floor of ${formatFen(baseFen)} yuan`
          : `On the chosen ${formatFen(baseFen)} yuan`,
      },
    }
    const rate = cite(share, flexible.medical)
    explained.push(...explainProduct(start, { baseFen, ppm: ppm(share), rate }, rules))
  }
  return explained
}

type Start = Pick<ExplainedAmount, 'insurance' | 'side' | 'declared' | 'limit' | 'flat'> & {
  readonly what: Text
}

type Product = {
  readonly baseFen: number
  readonly ppm: number
  readonly rate: Cited
  /** Whose rate it is, where that is not told by the insurance. */
  readonly about?: Text
}

const nothingMore: Text = { 'zh-CN': '', en: '' }

/** Base × rate, rounded, and a flat amount where there is one. */
function explainProduct(
  { what, ...start }: Start,
  { baseFen, ppm: share, rate, about = nothingMore }: Product,
  rules: PeriodRules,
): ExplainedAmount[] {
  const product = BigInt(baseFen) * BigInt(share)
  const roundedPart =
    product <= BigInt(Number.MAX_SAFE_INTEGER) / 2n
      ? roundedFen(Number(product), rules)
      : Number(
          (product + BigInt(rules.roundingNumbers.add)) / BigInt(rules.roundingNumbers.divisor),
        ) * rules.roundingNumbers.unitFen
  const flatFen = start.flat === undefined ? 0 : readYuan(start.flat.value)
  const amount = formatFen(roundedPart + flatFen)
  const exact = exactYuan(product)
  const rounding = roundingText(rules)
  const source = citation(rate)
  const added = flatText(start.flat)
  return [
    {
      ...start,
      base: formatFen(baseFen),
      rate,
      exact,
      rounding: roundingCited(rules),
      amount,
      sentence: {
        'zh-CN': `${what['zh-CN']}，${about['zh-CN']}× ${rate.value}%${source['zh-CN']} = ${exact}，${rounding['zh-CN']}${added['zh-CN']}：${amount} 元。`,
        en: `${what.en}, ${about.en}× ${rate.value}%${source.en} = ${exact}, ${rounding.en}${added.en}: ${amount} yuan.`,
      },
    },
  ]
}

function flatText(flat: Cited | undefined): Text {
  if (flat === undefined) return { 'zh-CN': '', en: '' }
  const source = citation(flat)
  return {
    'zh-CN': `，另加每人定额 ${flat.value} 元${source['zh-CN']}`,
    en: `, plus ${flat.value} yuan for each person${source.en}`,
  }
}

/** Orders of each day: the day's sum is exact, then rounded once. */
function explainDays(days: Assessment['days'], rules: PeriodRules): ExplainedAmount[] {
  return assessDays(days, rules).map(({ date, microYuan, amountFen, orders }) => {
    const parts = Object.entries(orders).map(([service, count]) => {
      const tariff = rules.tariffs.find(({ row }) => row.service === service)
      const perOrder = tariff?.row.perOrder ?? '0'
      return { tariff, names: tariff?.row.names, perOrder, count }
    })
    const [first] = parts
    const rate = cite(
      parts.map(({ perOrder }) => perOrder).join(' + '),
      first?.tariff as Applied<Dated>,
    )
    const source = citation(rate)
    const exact = exactYuan(BigInt(microYuan) * 100n)
    const rounding = roundingText(rules)
    const amount = formatFen(amountFen)
    const said = (language: keyof Text) =>
      parts
        .map(({ count, perOrder, names }) => `${count} × ${perOrder} (${names?.[language]})`)
        .join(' + ')
    return {
      insurance: 'occupational-injury',
      side: 'employer',
      base: '0.00',
      rate,
      exact,
      rounding: roundingCited(rules),
      amount,
      sentence: {
        'zh-CN': `${date} 接单 ${said('zh-CN')}${source['zh-CN']} = ${exact}，${rounding['zh-CN']}：${amount} 元。`,
        en: `Orders of ${date}: ${said('en')}${source.en} = ${exact}, ${rounding.en}: ${amount} yuan.`,
      },
    }
  })
}

/** The employer's rate of an insurance; the industry class's, floated, for work injury. */
function rateCited(rules: PeriodRules, k: number, side: Side, declaration: Explained): Cited {
  const rates = ratesOf(declaration, rules)
  const share = (side === 'employer' ? rates.employerPpm : rates.employeePpm)[k] as number
  return { ...cite('', rules.rates[k] as Applied<Rate | ClassRate>), value: percentOf(share) }
}

function cite(value: string, { row, carried }: Applied<Dated>): Cited {
  const { from, to, sources } = row
  return { value, from, ...(to === undefined ? {} : { to }), sources, carried }
}

/** Dates and source in brackets. */
function citation({ from, to, sources, carried }: Cited): Text {
  const [source] = sources
  const [name, number] = [source?.title ?? '', source?.number ?? '']
  const zh = [
    to === undefined ? `${from} 起` : `${from} 至 ${to}`,
    ...(carried ? ['该期未核实，暂用'] : []),
    ...(name === '' ? [] : [`《${name}》${number}`]),
  ]
  const en = [
    to === undefined ? `from ${from}` : `${from} to ${to}`,
    ...(carried ? ['not verified for this period; stands in'] : []),
    ...(name === '' ? [] : [`${name}${number === '' ? '' : ` ${number}`}`]),
  ]
  return { 'zh-CN': `（${zh.join('，')}）`, en: ` (${en.join('; ')})` }
}

const units: readonly Text[] = [
  { 'zh-CN': '元', en: 'yuan' },
  { 'zh-CN': '角', en: 'jiao' },
  { 'zh-CN': '分', en: 'fen' },
]

function roundingText({ rounding: { mode, scale } }: PeriodRules): Text {
  const unit = units[scale] as Text
  switch (mode) {
    case 'half-up':
      return { 'zh-CN': `四舍五入到${unit['zh-CN']}`, en: `rounded half up to the ${unit.en}` }
    case 'up':
      return { 'zh-CN': `进位到${unit['zh-CN']}`, en: `rounded up to the ${unit.en}` }
    case 'down':
      return { 'zh-CN': `舍去${unit['zh-CN']}以下`, en: `rounded down to the ${unit.en}` }
  }
}

/** Yuan with as many decimals as there are, at least two; from millionths of a fen. */
function exactYuan(millionths: bigint): string {
  const digits = millionths.toString().padStart(9, '0')
  const decimals = digits.slice(-8).replace(/0{1,6}$/, '')
  return `${digits.slice(0, -8)}.${decimals}`
}

/** `0.5` of 5,000 millionths. */
function percentOf(millionths: number): string {
  const digits = String(millionths).padStart(5, '0')
  const decimals = digits.slice(-4).replace(/0+$/, '')
  return decimals === '' ? digits.slice(0, -4) : `${digits.slice(0, -4)}.${decimals}`
}
