/**
 * What the policy says against a declaration: no policy for its region or period, or filing closed.
 * A late filing is accepted unless the pack refuses it; its receipt says late.
 */
import { type Finding, finding } from '../declaration/findings.ts'
import { formatInstant } from '../declaration/period.ts'
import type { PeriodRules, Policies } from './rules.ts'

export type PolicyCheck =
  | { readonly rules: PeriodRules; readonly finding: undefined }
  | { readonly rules: undefined; readonly finding: Finding }

/** Finds the rules for a declaration, or why there are none. */
export function checkPolicy(
  { region, period }: { readonly region: string; readonly period: string },
  policies: Policies,
  nowMicros: number,
): PolicyCheck {
  const rules = policies.rulesFor(region, period)
  switch (rules.kind) {
    case 'unknownRegion':
      return refuse(finding('/region', 'REGION_UNKNOWN', { regions: rules.regions.join(', ') }))
    case 'beforePack':
      return refuse(finding('/period', 'PERIOD_BEFORE_PACK', { first: rules.first }))
    case 'rules':
      if (!rules.refuseLate || nowMicros < rules.deadlineMicros)
        return { rules, finding: undefined }
      return refuse(
        finding('/period', 'PERIOD_CLOSED', { deadline: formatInstant(rules.deadlineMicros) }),
      )
  }
}

function refuse(found: Finding): PolicyCheck {
  return { rules: undefined, finding: found }
}
