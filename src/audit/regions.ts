/**
 * Whether two acceptances are of one region: what is declared to the agency of one has nothing to do with
 * what is declared to another's. What an earlier program accepted has the region that it was posted for.
 */
export function isOfRegion(one: string, other: string): string {
  const region = (of: string) =>
    `coalesce(${of}.region, journal.region_of(${of}.envelope, ${of}.position))`
  return `${region(one)} = ${region(other)}`
}
