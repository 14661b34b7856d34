/** What of a pack nobody has published: an operator confirms it before amounts count. */
import { type Dated, datedLists, type PolicyPack } from './pack.ts'

const lastPeriod = '9999-12'

/**
 * Keys of the lists whose value for a period is provisional, or is a gap's stand-in, as `lint` names them.
 * @param period `YYYY-MM`
 */
export function assumptionsIn(pack: PolicyPack, period: string): string[] {
  const covers = ({ from, to }: Pick<Dated, 'from' | 'to'>) =>
    from <= period && period <= (to ?? lastPeriod)
  const provisional = datedLists(pack)
    .filter(({ rows }) => rows.some((row) => row.status === 'provisional' && covers(row)))
    .map(({ key }) => key)
  const gaps = pack.gaps
    .filter(({ from, to }) => from !== undefined && covers({ from, ...(to && { to }) }))
    .map(({ key }) => key)
  return [...new Set([...provisional, ...gaps])]
}
