/**
 * The rules of lines that are not employees': what the region offers flexible workers, and the
 * orders of platform workers. Each refusal names the choices that there are.
 */

import type { Text } from '../declaration/catalogue/entry.ts'
import type { Report } from '../declaration/findings.ts'
import { formatFen, isNear, readYuan } from '../declaration/money.ts'
import { isDay } from '../declaration/period.ts'
import type { FlexibleLine, PlatformLine } from '../declaration/schema.ts'
import { suggestOneOf } from '../declaration/suggest.ts'
import type { FlexibleRules, PeriodRules } from './rules.ts'

/** @param today `YYYY-MM-DD`; orders of a later day have not happened */
export function checkOtherLine(
  line: FlexibleLine | PlatformLine,
  rules: PeriodRules,
  today: string,
  report: Report,
): void {
  const offered = line.category === 'flexible' ? rules.flexible : rules.tariffs[0]
  if (offered === undefined) {
    report('/category', 'CATEGORY_NOT_OFFERED', { allowed: offeredCategories(rules) })
    return
  }
  if (line.category === 'platform') checkDays(line, rules, today, report)
  else checkFlexible(line, rules.flexible as FlexibleRules, rules, report)
}

function offeredCategories({ flexible, tariffs }: PeriodRules): string {
  return [
    'employee',
    ...(flexible === undefined ? [] : ['flexible']),
    ...(tariffs.length === 0 ? [] : ['platform']),
  ].join(', ')
}

function checkFlexible(
  { tier, base, medical }: FlexibleLine,
  flexible: FlexibleRules,
  rules: PeriodRules,
  report: Report,
): void {
  const { choice, tiers = [] } = flexible.bases.row
  const allowed = offeredBases(flexible, rules)
  if (tier !== undefined && base !== undefined) report('/tier', 'FLEXIBLE_BASE_TWICE')
  else if (tier === undefined && base === undefined && needsBase(medical, flexible)) {
    report('/base', 'FLEXIBLE_BASE_MISSING', { allowed })
  }
  if (tier !== undefined && !tiers.some((one) => one.tier === tier)) {
    const meant = suggestOneOf(
      tier,
      tiers.map((one) => one.tier),
    )
    report('/tier', 'TIER_NOT_OFFERED', { allowed }, meant)
  }
  if (base !== undefined) {
    const fen = readYuan(base)
    const nearest = choice === 'tiers' ? undefined : nearestBaseFen(fen, rules)
    if (nearest !== fen) {
      const isMeant = nearest !== undefined && isNear(nearest, fen)
      const suggestion = isMeant ? formatFen(nearest) : undefined
      report('/base', 'FLEXIBLE_BASE_NOT_OFFERED', { allowed }, suggestion)
    }
  }
  if (medical !== 'none' && flexible.medical === undefined) {
    report('/medical', 'FLEXIBLE_MEDICAL_NOT_OFFERED')
  }
}

/** Without a pension base there must be something else to pay, and that on a base of its own. */
function needsBase(medical: FlexibleLine['medical'], flexible: FlexibleRules): boolean {
  return medical === 'none' || flexible.medical?.row.base === 'chosen'
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
  { days }: PlatformLine,
  { tariffs, period }: PeriodRules,
  today: string,
  report: Report,
): void {
  const services = tariffs.map(({ row }) => row.service)
  const seen = new Set<string>()
  for (const [i, { date, service }] of days.entries()) {
    if (!date.startsWith(period) || !isDay(date) || date > today) {
      report(`/days/${i}/date`, 'DAY_OUTSIDE_PERIOD', { period })
    }
    if (!services.includes(service)) {
      const allowed = services.join(', ')
      report(
        `/days/${i}/service`,
        'SERVICE_NOT_OFFERED',
        { allowed },
        suggestOneOf(service, services),
      )
    }
    const entry = `${date} ${service}`
    if (seen.has(entry)) report(`/days/${i}`, 'DAY_DUPLICATE')
    seen.add(entry)
  }
}
