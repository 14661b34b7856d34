/**
 * The order to reassess a declaration with a later pack. It lies in an envelope like a declaration
 * and names everything that its difference follows from, so that posting it is repeatable.
 */
export type ReassessmentOrder = {
  readonly kind: 'reassessment'
  readonly employer: string
  readonly period: string
  readonly region: string
  /** Hash of the pack to assess with, and of the one its amounts come from now. */
  readonly policy: string
  readonly policyBefore: string
  /** The declaration's id. */
  readonly reassesses: string
}

/** Canonical form (RFC 8785). */
export function canonicalOrder(order: ReassessmentOrder): string {
  const { employer, kind, period, policy, policyBefore, reassesses, region } = order
  return JSON.stringify({ employer, kind, period, policy, policyBefore, reassesses, region })
}
