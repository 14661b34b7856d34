/**
 * Checks the base that a unit declares for itself against the sum of its persons' bases. Lines that are
 * checked in several rounds are summed over all of them. As in a single check, lines with other faults
 * count.
 */
import { formatFen, readYuan } from '../../declaration/money.ts'
import type { PeriodRules, Policies } from '../../policy/rules.ts'
import { addBases, noSums, sumAbove } from '../../policy/unit.ts'
import { sameHeader, type UnitLines } from '../amending/merge-amendment.ts'
import { type FileFinding, fileFinding } from '../findings/file-findings.ts'
import type { RowHeader } from '../table/row-line.ts'

/** Reads no further than the header if the unit declares no base. */
export async function checkUnitBase(
  policies: Policies,
  unit: AsyncIterable<UnitLines>,
): Promise<FileFinding | undefined> {
  let declared: DeclaredBase | undefined
  let basesFen = noSums.basesFen
  for await (const { header, lines } of unit) {
    declared ??= declaredBaseOf(policies, header)
    if (declared === undefined) return undefined
    if (!sameHeader(header, declared.header)) continue
    const wages = lines.map(({ line }) => readYuan((line as { wage?: unknown }).wage))
    basesFen = addBases(basesFen, wages, declared.rules)
  }
  const sum = declared && sumAbove(declared.unitBase, basesFen, declared.rules)
  if (sum === undefined) return undefined
  return fileFinding('UNIT_BASE_BELOW_SUM', {}, { sum: formatFen(sum) })
}

type DeclaredBase = {
  readonly header: RowHeader
  readonly unitBase: string
  readonly rules: PeriodRules
}

/** Undefined if there is none, or none that can be read: the check of its lines reports that. */
function declaredBaseOf(policies: Policies, header: RowHeader): DeclaredBase | undefined {
  const { region = '', period = '', unitBase = '' } = header
  const rules = policies.rulesFor(region, period)
  if (rules.kind !== 'rules' || !rules.unitBases.includes('declared')) return undefined
  return readYuan(unitBase) < 0 ? undefined : { header, unitBase, rules }
}
