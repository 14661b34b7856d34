/**
 * From an accepted declaration to one that is ready to be posted: its amounts, its findings, and its
 * persons' blind indices. Pure but for the keyed hash; throws on what can't be assessed.
 */
import assert from 'node:assert/strict'
import type { FindingCount } from '../declaration/findings.ts'
import type { AcceptedDeclaration } from '../journal/reading/read.ts'
import { type Assessment, assessDeclaration, otherPartsOf } from '../policy/assess.ts'
import { checkFiling } from '../policy/check.ts'
import type { PeriodRules, Policies } from '../policy/rules.ts'
import type { PersonIndex } from './person.ts'

/** A declaration that is ready to be posted. */
export type PreparedDeclaration = AcceptedDeclaration & {
  readonly envelope: bigint
  readonly assessment: Assessment
  readonly policyHash: string
  readonly findings: readonly FindingCount[]
  /** Blind index of each line's person, hexadecimal. */
  readonly persons: readonly string[]
}

export type PrepareDependencies = {
  readonly policies: Policies
  readonly personIndex: PersonIndex
}

export function prepareDeclaration(
  { policies, personIndex }: PrepareDependencies,
  envelope: bigint,
  accepted: AcceptedDeclaration,
): PreparedDeclaration {
  const { declaration, acceptedAtMicros, part } = accepted
  const rules = rulesOfAccepted(policies, accepted)
  const { findings, valid } = checkFiling(declaration, {
    policies,
    nowMicros: acceptedAtMicros,
    keptMax: 0,
    policyHash: rules.hash,
  })
  const others = otherPartsOf(part)
  return {
    ...accepted,
    envelope,
    // What was accepted is posted, even if this version of the rules would not have accepted it.
    assessment:
      valid === undefined
        ? assessDeclaration(declaration, rules, undefined, others)
        : valid.assess(others),
    policyHash: rules.hash,
    findings: findings.counts(),
    persons: (declaration.lines ?? []).map(({ person }) => personIndex(person)),
  }
}

/** The rules that a declaration was accepted under. */
export function rulesOfAccepted(
  policies: Policies,
  { declaration, policyHash }: Pick<AcceptedDeclaration, 'declaration' | 'policyHash'>,
): PeriodRules {
  const { region, period } = declaration
  const hash = policyHash ?? policies.current.get(region)?.hash
  const rules = hash === undefined ? undefined : policies.rulesOf(hash, period)
  assert(rules?.kind === 'rules', 'an accepted declaration has a policy')
  return rules
}
