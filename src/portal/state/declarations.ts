/** What an employer has filed, and the rules of a region, as the home page asks for them. */

import type { Both } from './read.ts'
import { type Read, read } from './read.ts'

export type Filed = {
  readonly id: string
  readonly status: 'accepted' | 'posted' | 'superseded' | 'cancelled'
  readonly employer: string
  readonly period: string
  readonly region?: string
  readonly kind: 'regular' | 'correction' | 'cancellation'
  readonly acceptedAt: string
  readonly deadline: string
  readonly onTime: boolean
  readonly assessment?: {
    readonly amounts: readonly {
      readonly insurance: string
      readonly base: string
      readonly employer: string
      readonly employee: string
    }[]
    readonly total: { readonly employer: string; readonly employee: string }
    readonly lines: number
  }
  readonly findings?: readonly {
    readonly code: string
    readonly title: Both
    readonly count: number
  }[]
  readonly supersededBy?: { readonly id: string }
  readonly notice?: Both
}

export function listFiled(
  employer: string,
): Promise<Read<{ readonly declarations: readonly Filed[] }>> {
  return read(`/v1/declarations?employer=${encodeURIComponent(employer)}`)
}

export type Rules = { readonly deadline?: string; readonly names: Both; readonly hash: string }

export function readRules(region: string, period: string): Promise<Read<Rules>> {
  return read(`/v1/policies/${encodeURIComponent(region)}?on=${period}-01`)
}

export function readRegions(): Promise<
  Read<{ readonly regions: readonly { readonly region: string; readonly names: Both }[] }>
> {
  return read('/v1/policies')
}
