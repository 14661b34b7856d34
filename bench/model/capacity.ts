/**
 * What an installation needs, on paper: CPU for each declaration and line of it, by the part that spends
 * it, times the peak. Measured costs are four: what a declaration costs whatever is in it, each line of
 * it, each group in which declarations are committed, queued and posted together, and each look at its
 * status. Groups are why what is costly at rest is cheap at the peak.
 */

/** Who spends CPU on a declaration on its way. */
export const parts = ['intake', 'worker', 'postgres', 'redis'] as const
export type Part = (typeof parts)[number]

/** Microseconds of CPU. */
export type Cost = {
  readonly declaration: number
  readonly line: number
  readonly group: number
  readonly read: number
}
export type Costs = Readonly<Record<Part, Cost>>

export type Micros = Readonly<Record<Part, number>>

export type Shape = {
  readonly lines: number
  /** Groups for each declaration: 1 at rest, a hundredth or less at the peak. */
  readonly groups: number
  /** Times that its status is read. */
  readonly reads: number
}

/** Nothing was read while it was measured. */
export type Measured = Omit<Shape, 'reads'> & { readonly micros: Micros }

/**
 * Costs from four measurements: two sizes at the peak, the smaller one at a lower rate, where groups are
 * smaller, and reads alone. What noise makes negative counts as nothing.
 */
export function fitCosts(small: Measured, large: Measured, slow: Measured, read: Micros): Costs {
  const fitted = (part: Part): Cost => {
    const rise = (one: Measured, other: Measured, by: 'lines' | 'groups') =>
      Math.max(0, (other.micros[part] - one.micros[part]) / (other[by] - one[by]))
    const line = rise(small, large, 'lines')
    const group = rise(small, slow, 'groups')
    const rest = small.micros[part] - line * small.lines - group * small.groups
    return { line, group, read: read[part], declaration: Math.max(0, rest) }
  }
  return {
    intake: fitted('intake'),
    worker: fitted('worker'),
    postgres: fitted('postgres'),
    redis: fitted('redis'),
  }
}

export function costOf({ declaration, line, group, read }: Cost, { lines, groups, reads }: Shape) {
  return declaration + line * lines + group * groups + read * reads
}

export type Demand = Shape & {
  /** Declarations in the peak second. */
  readonly perSecond: number
  /** The share of a core that is planned for: above it, waiting grows faster than work. */
  readonly share: number
}

/** Cores of each part that take the demand, posting as fast as is accepted. */
export function coresFor(costs: Costs, demand: Demand): Record<Part, number> {
  const { perSecond, share } = demand
  const of = (part: Part) => (perSecond * costOf(costs[part], demand)) / 1_000_000 / share
  return {
    intake: of('intake'),
    worker: of('worker'),
    postgres: of('postgres'),
    redis: of('redis'),
  }
}

export type Calibrated = {
  readonly costs: Costs
  /** Groups a second of one intake that has room, and for each declaration of one that has none. */
  readonly groupsPerSecond: number
  readonly groupsLeast: number
}

/**
 * Groups for each declaration at a rate: an intake commits one after another, so a few declarations
 * travel alone, and many together. They are spread over as many intakes as filings take; statuses are
 * read of others, or groups would be as small as at rest.
 */
export function groupsAt(calibrated: Calibrated, demand: Omit<Demand, 'groups' | 'reads'>): number {
  const { costs, groupsPerSecond, groupsLeast } = calibrated
  const { intake } = coresFor(costs, { ...demand, reads: 0, groups: groupsLeast })
  const each = demand.perSecond / Math.max(1, Math.ceil(intake))
  return Math.min(1, Math.max(groupsLeast, groupsPerSecond / each))
}

/** Declarations a second that so many cores of one part take. */
export function rateOf(costs: Costs, part: Part, cores: number, shape: Shape, share: number) {
  return (cores * share * 1_000_000) / costOf(costs[part], shape)
}
