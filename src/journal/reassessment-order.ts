/**
 * The order to reassess a declaration with a later pack. It lies in an envelope like a declaration
 * and names everything that its difference follows from, so that posting it is repeatable.
 */
import { declarationId } from './digest.ts'

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
  /**
   * Id of what it is the difference to: the reassessment that counted last when it was ordered, or the
   * declaration. Of two orders that follow the same, one counts. Absent in older orders.
   */
  readonly follows?: string
}

/** An order's id: with one pack, nothing is followed twice. No filer's key has a line break. */
export function orderId(
  { employer, period }: Pick<ReassessmentOrder, 'employer' | 'period'>,
  follows: string,
  policy: string,
): string {
  return declarationId(employer, period, `reassessment\n${follows}\n${policy}`)
}

/** Canonical form (RFC 8785). */
export function canonicalOrder(order: ReassessmentOrder): string {
  const { employer, follows, kind, period, policy, policyBefore, reassesses, region } = order
  return JSON.stringify({
    employer,
    follows,
    kind,
    period,
    policy,
    policyBefore,
    reassesses,
    region,
  })
}
