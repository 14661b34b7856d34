/**
 * A pack for portals and help desks: its parameters on one day, and what changed since another.
 */
import {
  type Dated,
  type DatedList,
  datedLists,
  gapsOf,
  type PolicyPack,
  type Source,
  sharedKey,
} from './pack.ts'

/** A row without the members that tell when and why. */
type Values = Readonly<Record<string, unknown>>

export type ParameterInForce = {
  readonly key: string
  readonly values: Values
  readonly from: string
  readonly to?: string
  readonly status: Dated['status']
  /** True: it stands in for one that is not published, as the note says. */
  readonly carried: boolean
  readonly sources: readonly Source[]
  readonly note?: Dated['note']
}

/** The parameters in force in a period, by the key of their list; lists without one are left out. */
export function parametersOf(pack: PolicyPack, period: string): ParameterInForce[] {
  const found = datedLists(pack).flatMap((list) => parameterOf(pack, list, period))
  return merged(found, ({ key: _, ...parameter }) => JSON.stringify(parameter))
}

/** Limits that hold for several insurances are told once. */
function merged<T extends { readonly key: string }>(
  found: readonly T[],
  textOf: (one: T) => string,
) {
  const groups = Map.groupBy(found, (one) => one.key.split('/')[0] + textOf(one))
  return [...groups.values()].map((group) => ({
    ...(group[0] as T),
    key: sharedKey(group.map(({ key }) => key)),
  }))
}

function parameterOf(
  pack: PolicyPack,
  { key, rows }: DatedList,
  period: string,
): ParameterInForce[] {
  const covering = rows.find(({ from, to = period }) => from <= period && to >= period)
  if (covering !== undefined) return [shown(key, covering, false)]
  const gap = gapsOf(pack, key).find(({ from = '', to = period }) => from <= period && to >= period)
  if (gap === undefined || gap.fill === 'none') return []
  const standing =
    gap.fill === 'next'
      ? rows.find(({ from }) => from > period)
      : rows.findLast(({ to }) => to !== undefined && to < period)
  return standing === undefined ? [] : [{ ...shown(key, standing, true), note: gap.note }]
}

function shown(key: string, row: Dated, carried: boolean): ParameterInForce {
  const { from, to, status, sources, note } = row
  return {
    key,
    values: valuesOf(row),
    from,
    ...(to === undefined ? {} : { to }),
    status,
    carried,
    sources,
    ...(note === undefined ? {} : { note }),
  }
}

const aboutRow = new Set(['from', 'to', 'status', 'temporary', 'sources', 'note'])

export function valuesOf(row: Dated): Values {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !aboutRow.has(name)))
}

export type ParameterChange = {
  readonly key: string
  readonly from: string
  readonly to?: string
  /**
   * True: published after it began to apply; earlier assessments are made again. Absent where no source
   * says when it was published.
   */
  readonly retroactive?: boolean
  readonly before?: Values
  readonly after: Values
  readonly sources: readonly Source[]
}

/** Rows that began to apply, or were published, on or after a day; newest first. */
export function changesSince(pack: PolicyPack, day: string): ParameterChange[] {
  const changes = datedLists(pack).flatMap(({ key, rows }) =>
    rows.flatMap((row, i) => {
      const published = publishedOn(row)
      if (row.from < day.slice(0, 7) && (published === undefined || published < day)) return []
      const before = rows[i - 1]
      return {
        key,
        from: row.from,
        ...(row.to === undefined ? {} : { to: row.to }),
        ...(published === undefined ? {} : { retroactive: published.slice(0, 7) > row.from }),
        ...(before === undefined ? {} : { before: valuesOf(before) }),
        after: valuesOf(row),
        sources: row.sources,
      }
    }),
  )
  const mergedChanges = merged(changes, ({ key: _, ...change }) => JSON.stringify(change))
  return mergedChanges.sort((one, other) =>
    one.from < other.from ? 1 : one.from > other.from ? -1 : 0,
  )
}

/** Until when what is newly due for a period bears no surcharge, `YYYY-MM-DD`. */
export function surchargeFreeUntil(pack: PolicyPack, period: string): string | undefined {
  const rows = pack.surcharge?.free ?? []
  return rows.find(({ from, to = period }) => from <= period && to >= period)?.until
}

/** The latest day on which one of a row's sources was published. */
function publishedOn({ sources }: Dated): string | undefined {
  return sources
    .flatMap(({ date }) => date ?? [])
    .sort()
    .at(-1)
}
