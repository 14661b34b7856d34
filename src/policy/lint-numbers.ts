/** Numbers of a pack that a declaration could not be assessed with: a check would throw, or refuse what is on offer. */
import { readYuan } from '../declaration/money.ts'
import { baseFenMax } from './assess.ts'
import type { LintFault } from './lint-fault.ts'
import { limitsOf, type PensionBases, type PolicyPack } from './pack.ts'
import { ppm } from './rules.ts'

export function lintNumbers(pack: PolicyPack): LintFault[] {
  const tiers = (pack.flexible?.pensionBases ?? []).flatMap((row, i) =>
    (row.tiers ?? []).flatMap(({ base }, j): LintFault[] => {
      const message = tierFault(pack, row, readYuan(base))
      const key = `pensionBases[${i}].tiers[${j}].base`
      return message === undefined
        ? []
        : [{ severity: 'error', file: 'flexible.json', key, message }]
    }),
  )
  return [...tiers, ...lintFloats(pack)]
}

function tierFault(pack: PolicyPack, row: PensionBases, baseFen: number): string | undefined {
  if (baseFen > baseFenMax) return 'The tier is above 90 million yuan.'
  const { from, to = '9999-12' } = row
  const limits = limitsOf(pack, 'pension').filter(
    (one) => one.from <= to && from <= (one.to ?? '9999-12'),
  )
  for (const { floor, ceiling, from: since } of limits) {
    if (baseFen < readYuan(floor)) return `The tier is below the floor of ${since}, ${floor}.`
    if (baseFen > readYuan(ceiling)) return `The tier is above the ceiling of ${since}, ${ceiling}.`
  }
  return undefined
}

/** A floated rate is whole millionths, and no more than the base. */
function lintFloats({ rates }: PolicyPack): LintFault[] {
  return rates['work-injury'].flatMap(({ employerByClass, floats = [] }, i) =>
    floats.flatMap((ofClass, j) =>
      ofClass.flatMap((float): LintFault[] => {
        const rate = (ppm(employerByClass[j] ?? '0') * float) / 100
        if (Number.isInteger(rate) && rate <= 1_000_000) return []
        const message = `${employerByClass[j]}% floated to ${float}% is ${rate / 10_000}%: it must have at most four decimals and be at most 100%.`
        const key = `work-injury[${i}].floats[${j}]`
        return [{ severity: 'error', file: 'rates.json', key, message }]
      }),
    ),
  )
}
