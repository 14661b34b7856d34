/**
 * Whose declarations somebody may be told of: those of some employers, and those of any employer in some
 * regions; what earlier programs accepted, once it is posted. What is out of reach is not even looked up:
 * how long that takes would tell that it is there.
 */
export type Reach = {
  readonly employers: readonly string[]
  /** Patterns for `like`. */
  readonly regions: readonly string[]
}

/** In SQL: that row `a` of journal.acceptance is in the reach `$n` and `$n+1`; all are, where they are null. */
export function inReach(n: number): string {
  return `(
    $${n}::text[] is null
    or a.employer = any($${n})
    or coalesce(a.region, journal.region_of(a.envelope, a.position)) like any($${n + 1}::text[])
  )`
}

/** The values of both. */
export function reachValues(reach: Reach | undefined): (readonly string[] | undefined)[] {
  return [reach?.employers, reach?.regions]
}
