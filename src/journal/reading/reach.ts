/**
 * Which declarations a reader may see: those of some employers, and those of any employer in some regions;
 * acceptances of earlier programs, once they are posted. Declarations out of reach are not even looked up:
 * the time that takes would reveal that they exist.
 */

/** Of regions, for `like`: `3401%`. */
export type Patterns = readonly string[]

export type Reach = {
  readonly employers: readonly string[]
  /** Regions of these employers' declarations; any unless given. */
  readonly within?: Patterns | undefined
  /** The same of any employer's; none where it is empty. */
  readonly regions: Patterns
}

/** Whether a region's code matches a pattern; a value that is no code passes, and gets its own finding. */
export function isWithin(patterns: Patterns | undefined, region: unknown): boolean {
  if (patterns === undefined || typeof region !== 'string') return true
  return patterns.some((pattern) => region.startsWith(pattern.slice(0, -1)))
}

/** Whether an employer and region are in reach. If the region is unknown, the employer decides. */
export function isReached(
  { employers, within, regions }: Reach,
  { employer, region }: { readonly employer: string; readonly region: string | undefined },
): boolean {
  if (employers.includes(employer) && isWithin(within, region)) return true
  return region !== undefined && regions.length > 0 && isWithin(regions, region)
}

/** The region of row `a` of journal.acceptance; null where that is not known yet. */
const regionOfAcceptance = 'coalesce(a.region, journal.region_of(a.envelope, a.position))'

/**
 * The SQL condition that an employer and region are in the reach `$n` to `$n+2`; if these are null, everything
 * is. A declaration whose region is not known yet is in its filer's reach.
 */
export function inReach(
  n: number,
  { employer, region } = { employer: 'a.employer', region: regionOfAcceptance },
): string {
  return `(
    $${n}::text[] is null
    or ${employer} = any($${n})
      and ($${n + 1}::text[] is null or coalesce(${region} like any($${n + 1}), true))
    or ${region} like any($${n + 2}::text[])
  )`
}

/** The values of all three. */
export function reachValues(reach: Reach | undefined): (readonly string[] | undefined)[] {
  return [reach?.employers, reach?.within, reach?.regions]
}
