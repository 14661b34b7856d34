/**
 * Whether two acceptances belong to one region: declarations to the agencies of two regions are independent.
 * An acceptance of an earlier program has the region that it was posted for.
 */
export function isOfRegion(one: string, other: string): string {
  const region = (of: string) =>
    `coalesce(${of}.region, journal.region_of(${of}.envelope, ${of}.position))`
  return `${region(one)} = ${region(other)}`
}
