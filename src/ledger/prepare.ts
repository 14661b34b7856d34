/**
 * From an accepted declaration to one that is ready to be posted: its policy, its amounts, and its
 * persons' blind indices. Pure but for the keyed hash; throws on what intake should have refused.
 */
import assert from 'node:assert/strict'
import type { AcceptedDeclaration } from '../journal/read.ts'
import { assessDeclaration } from '../policy/assess.ts'
import type { Policies } from '../policy/rules.ts'
import type { PersonIndex } from './person.ts'
import type { PreparedDeclaration } from './rows.ts'

export type PrepareDependencies = {
  readonly policies: Policies
  readonly personIndex: PersonIndex
}

export function prepareDeclaration(
  { policies, personIndex }: PrepareDependencies,
  envelope: bigint,
  accepted: AcceptedDeclaration,
): PreparedDeclaration {
  const { declaration } = accepted
  const rules = policies.rulesFor(declaration.region, declaration.period)
  assert(rules.kind === 'rules', 'an accepted declaration has a policy')
  return {
    ...accepted,
    envelope,
    assessment: assessDeclaration(declaration, rules),
    policyHash: rules.hash,
    provisional: rules.provisional,
    persons: (declaration.lines ?? []).map(({ person }) => personIndex(person)),
  }
}
