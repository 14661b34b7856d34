/**
 * The form of a policy pack: the dated, cited parameters of one region, as data. Values are
 * transcribed from the notices, never computed: notices round each in its own way, and one floor was
 * not even the 60% it is said to be. Nothing unverified is in a pack; `gaps` says what is missing.
 *
 * All dates of validity are periods `YYYY-MM`, both ends included. Rows of one list are in order and
 * don't overlap; they may leave holes, and what is taken for these is provisional.
 */
import type { Text } from '../declaration/catalogue.ts'

/** The insurances (险种), in the order of every list of amounts. Medical includes maternity. */
export const insurances = ['pension', 'medical', 'unemployment', 'work-injury'] as const
export type Insurance = (typeof insurances)[number]

/** Where a value was published. */
export type Source = {
  readonly title: string
  /** Of the document, such as 国办发〔2019〕13号. */
  readonly number?: string
  /** Of publication, `YYYY-MM-DD`. */
  readonly date?: string
  readonly url?: string
}

/** A value's validity: from its first to its last period; open-ended when `to` is absent. */
export type Dated = { readonly from: string; readonly to?: string }

/** Limits of the contribution base, yuan a month as published. */
export type Limits = Dated & {
  /** The average wage that the notice gives as their reason. */
  readonly averageWage?: string
  readonly floor: string
  readonly ceiling: string
  readonly status: 'verified'
  readonly sources: readonly Source[]
}

/** Shares of the base in percent, exact decimals such as `16` or `0.5`. */
export type Rate = Dated & {
  readonly employer: string
  readonly employee: string
  readonly sources: readonly Source[]
}

/** As `Rate`, with the employer's share by work-injury industry class, class 1 first. */
export type ClassRate = Dated & {
  readonly employerByClass: readonly string[]
  readonly employee: string
  readonly sources: readonly Source[]
}

/** When filing for a period ends: 24:00 in Shanghai on the last day of a month. */
export type Calendar = {
  /** 0: of the period's own month; 1: of the month after it. */
  readonly monthsAfterPeriod: number
  /** Refuse what is filed after the deadline, instead of accepting it as late. */
  readonly refuseLate: boolean
  /** Assumed: no notice was found, and the operator must set it; `note` says so. */
  readonly status: 'assumed' | 'verified'
  readonly note: Text
}

export type PolicyPack = {
  /** Division code of six digits (GB/T 2260). */
  readonly region: string
  readonly names: Text
  /** The first period that can be filed. */
  readonly from: string
  readonly limits: readonly Limits[]
  readonly rates: {
    readonly pension: readonly Rate[]
    readonly medical: readonly Rate[]
    readonly unemployment: readonly Rate[]
  }
  readonly workInjury: readonly ClassRate[]
  /** Of an employer that names none. */
  readonly defaultIndustryClass: number
  /** Each amount is rounded by itself; totals are sums of rounded amounts. `scale`: decimals of a yuan. */
  readonly rounding: { readonly mode: 'half-up'; readonly scale: 2; readonly per: 'line' }
  readonly calendar: Calendar
  /** What is not verified or not covered. */
  readonly gaps: readonly string[]
}
