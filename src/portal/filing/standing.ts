/** What stands of a month, of each region: its latest declaration, posted or not, unless that is a cancellation. */

type Declared = { readonly period: string; readonly region?: string; readonly kind: string }

/** @param declarations newest first */
export function standingOf<D extends Declared>(
  declarations: readonly D[],
  period: string,
): readonly D[] {
  const latest = new Map<string, D>()
  for (const one of declarations) {
    const region = one.region ?? ''
    if (one.period === period && !latest.has(region)) latest.set(region, one)
  }
  return [...latest.values()].filter(({ kind }) => kind !== 'cancellation')
}
