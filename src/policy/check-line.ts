/**
 * The rules of lines that are not employees': what the region offers flexible workers, and the
 * orders of platform workers. Each refusal names the choices that there are.
 */

import type { Text } from '../declaration/catalogue/entry.ts'
import type { Report } from '../declaration/findings.ts'
import type { LineParts } from '../declaration/line.ts'
import { formatFen, isNear, readYuan } from '../declaration/money.ts'
import { isDay } from '../declaration/period.ts'
import type { FlexibleLine, PlatformLine } from '../declaration/schema.ts'
import type { WellFormed } from '../declaration/shape.ts'
import { suggestOneOf } from '../declaration/suggest.ts'
import type { FlexibleRules, PeriodRules } from './rules.ts'

type FlexibleParts = WellFormed<FlexibleLine>
type PlatformParts = WellFormed<PlatformLine>

/**
 * Every rule that the well-formed parts of a line allow to be checked.
 * @param today `YYYY-MM-DD`; orders of a later day have not happened
 */
export function checkOtherLine(
  line: LineParts,
  rules: PeriodRules,
  today: string,
  report: Report,
): void {
  if (line.category === undefined || line.category === 'employee') return
  const offered = line.category === 'flexible' ? rules.flexible : rules.tariffs[0]
  if (offered === undefined) {
    report('/category', 'CATEGORY_NOT_OFFERED', {
      category: categoryNames[line.category],
    })
    return
  }
  if (line.category === 'platform') checkDays(line, rules, today, report)
  else if (line.category === 'flexible') {
    checkFlexible(line, rules.flexible as FlexibleRules, rules, report)
  }
}

const categoryNames: Readonly<Record<FlexibleLine['category'] | PlatformLine['category'], Text>> = {
  flexible: { 'zh-CN': '灵活就业', en: 'flexible' },
  platform: { 'zh-CN': '新就业形态（平台）', en: 'platform' },
}

function checkFlexible(
  line: FlexibleParts,
  flexible: FlexibleRules,
  rules: PeriodRules,
  report: Report,
): void {
  const { tier, base, medical } = line
  const { choice, tiers = [] } = flexible.bases.row
  const allowed = offeredBases(flexible, rules)
  const fix = baseFix(flexible)
  // Filed, though it may be malformed.
  const [hasTier, hasBase] = [Object.hasOwn(line, 'tier'), Object.hasOwn(line, 'base')]
  if (hasTier && hasBase) report('/tier', 'FLEXIBLE_BASE_TWICE', { fix })
  else if (!hasTier && !hasBase && needsBase(medical, flexible)) {
    report('/base', 'FLEXIBLE_BASE_MISSING', { allowed, fix })
  }
  if (tier !== undefined && !tiers.some((one) => one.tier === tier)) {
    const meant = suggestOneOf(
      tier,
      tiers.map((one) => one.tier),
    )
    report('/tier', 'TIER_NOT_OFFERED', { allowed, fix }, meant)
  }
  if (base !== undefined) {
    const fen = readYuan(base)
    const nearest = choice === 'tiers' ? undefined : nearestBaseFen(fen, rules)
    if (nearest !== fen) {
      const isMeant = nearest !== undefined && isNear(nearest, fen)
      const suggestion = isMeant ? formatFen(nearest) : undefined
      report('/base', 'FLEXIBLE_BASE_NOT_OFFERED', { allowed, fix }, suggestion)
    }
  }
  if (medical !== undefined && medical !== 'none' && flexible.medical === undefined) {
    report('/medical', 'FLEXIBLE_MEDICAL_NOT_OFFERED')
  }
}

/** Without a pension base there must be something else to pay, and that on a base of its own. */
function needsBase(medical: FlexibleParts['medical'], flexible: FlexibleRules): boolean {
  if (medical === undefined) return false
  return medical === 'none' || flexible.medical?.row.base === 'chosen'
}

/** The one field that a period takes; the other is never right. */
function baseFix({ bases: { row } }: FlexibleRules): Text {
  return row.choice === 'tiers'
    ? { 'zh-CN': '请填 tier，删除 base', en: 'Give tier and remove base' }
    : { 'zh-CN': '请填 base，删除 tier', en: 'Give base and remove tier' }
}

function offeredBases({ bases: { row } }: FlexibleRules, rules: PeriodRules): Text {
  if (row.choice === 'tiers') {
    const tiers = (row.tiers ?? []).map(({ tier, base }) => `${tier} (${base})`).join(', ')
    return { 'zh-CN': `tier：${tiers}`, en: `tier: ${tiers}` }
  }
  const [floor, ceiling] = [rules.floorsFen[0] as number, rules.ceilingsFen[0] as number].map(
    formatFen,
  )
  return { 'zh-CN': `base：${floor} 至 ${ceiling} 元`, en: `base: ${floor} to ${ceiling} yuan` }
}

function nearestBaseFen(fen: number, { floorsFen, ceilingsFen }: PeriodRules): number {
  return Math.min(Math.max(fen, floorsFen[0] as number), ceilingsFen[0] as number)
}

function checkDays(
  { days = [] }: PlatformParts,
  { tariffs, period }: PeriodRules,
  today: string,
  report: Report,
): void {
  const services = tariffs.map(({ row }) => row.service)
  const seen = new Set<string>()
  for (const [i, { date, service } = {}] of days.entries()) {
    if (date !== undefined && (!date.startsWith(period) || !isDay(date) || date > today)) {
      report(`/days/${i}/date`, 'DAY_OUTSIDE_PERIOD', { period })
    }
    if (service !== undefined && !services.includes(service)) {
      const allowed = services.join(', ')
      const meant = suggestOneOf(service, services)
      report(`/days/${i}/service`, 'SERVICE_NOT_OFFERED', { allowed }, meant)
    }
    if (date === undefined || service === undefined) continue
    const entry = `${date} ${service}`
    if (seen.has(entry)) report(`/days/${i}`, 'DAY_DUPLICATE')
    seen.add(entry)
  }
}
