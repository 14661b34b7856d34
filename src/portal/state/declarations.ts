/** What an employer has filed, what of it stands, and the rules of a region. */
import { useEffect, useState } from 'preact/hooks'
import { standingOf } from '../filing/standing.ts'
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
  readonly persons?: number
  readonly assessment?: {
    readonly amounts: readonly FiledAmount[]
    readonly total: { readonly employer: string; readonly employee: string }
    readonly lines: number
  }
  /** Differences that later packs made, to be added. */
  readonly reassessments?: readonly { readonly amounts: readonly FiledAmount[] }[]
  readonly findings?: readonly {
    readonly code: string
    readonly title: Both
    readonly count: number
  }[]
  /** Of what was superseded or cancelled, what came right after it. */
  readonly supersededBy?: { readonly id: string; readonly kind: Filed['kind'] }
  readonly notice?: Both
}

/** In yuan, with two decimals. */
export type FiledAmount = {
  readonly insurance: string
  readonly base: string
  readonly employer: string
  readonly employee: string
}

/** A page, newest first. */
export type FiledPage = {
  readonly declarations: readonly Filed[]
  readonly links: { readonly next?: string }
}

/** @param next the link of the page before */
export function listFiled(employer: string, next?: string): Promise<Read<FiledPage>> {
  return read(next ?? `/v1/declarations?employer=${encodeURIComponent(employer)}`)
}

export function readFiled(id: string): Promise<Read<Filed>> {
  return read(`/v1/declarations/${encodeURIComponent(id)}`)
}

export async function readStanding(
  employer: string,
  period: string,
): Promise<Read<readonly Filed[]>> {
  const query = `employer=${encodeURIComponent(employer)}&period=${encodeURIComponent(period)}`
  const found = await read<FiledPage>(`/v1/declarations?${query}`)
  if (found.kind !== 'ok') return found
  return { kind: 'ok', value: standingOf(found.value.declarations, period) }
}

/** The filing does not wait longer than this for what stands: the service itself refuses to overwrite another one. */
const standingMsMax = 4_000

/**
 * The id of what stands by now in place of a declaration; empty where nothing does. Undefined where that declaration
 * stands, and where the service does not tell in time.
 */
export async function replacedSince(of: {
  readonly employer: string
  readonly period: string
  readonly region?: string
  readonly id: string
}): Promise<string | undefined> {
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, standingMsMax))
  const found = await Promise.race([readStanding(of.employer, of.period), late])
  if (found?.kind !== 'ok') return undefined
  const standing = found.value.filter((one) => (one.region ?? of.region) === of.region)
  return standing.some(({ id }) => id === of.id) ? undefined : (standing[0]?.id ?? '')
}

/** Undefined until it is known, and where it can't be: then the answer to a filing tells it. */
export function useStanding(employer: string, period: string): readonly Filed[] | undefined {
  const [standing, set] = useState<readonly Filed[]>()
  useEffect(() => {
    let ended = false
    void readStanding(employer, period).then(
      (found) => !ended && found.kind === 'ok' && set(found.value),
    )
    return () => {
      ended = true
    }
  }, [employer, period])
  return standing
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
