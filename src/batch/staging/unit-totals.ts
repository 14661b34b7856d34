/**
 * The amounts of a unit if it were filed. Good lines are assessed as they are added. The amounts for
 * the full unit are computed from all of them at the end, as its head would pay them.
 */
import type { OrdersOfDay } from '../../declaration/part.ts'
import type { Declaration } from '../../declaration/schema.ts'
import { assessDeclaration } from '../../policy/assess.ts'
import type { PeriodRules, Policies } from '../../policy/rules.ts'
import {
  type AssessedAmount,
  addBases,
  addDays,
  assessUnit,
  noSums,
  wagesOf,
} from '../../policy/unit.ts'

export type TotalFen = { readonly employerFen: number; readonly employeeFen: number }

export class UnitTotals {
  readonly #policies: Policies
  #last: { readonly declaration: Declaration; readonly rules: PeriodRules } | undefined
  #employerFen = 0
  #employeeFen = 0
  #basesFen = noSums.basesFen
  #days: readonly OrdersOfDay[] = noSums.days

  constructor(policies: Policies) {
    this.#policies = policies
  }

  /** Adds further good lines of the same declaration. */
  add(declaration: Declaration): void {
    const { region, period, lines = [] } = declaration
    const rules = this.#policies.rulesFor(region, period)
    if (lines.length === 0 || rules.kind !== 'rules') return
    this.#last = { declaration, rules }
    const wages = wagesOf(lines)
    this.#sum(assessDeclaration(declaration, rules, wages, 'paid by the head').amounts)
    this.#basesFen = addBases(this.#basesFen, wages, rules)
    this.#days = addDays(this.#days, lines)
  }

  end(): TotalFen {
    if (this.#last !== undefined) {
      const { declaration, rules } = this.#last
      const { unitBase, industryClass, workInjuryFloat } = declaration
      const rates = rules.ratesFor(industryClass, workInjuryFloat)
      if (rates === undefined) throw new RangeError('workInjuryFloat was not checked')
      const sums = { basesFen: this.#basesFen, days: this.#days }
      this.#sum(assessUnit(unitBase, rules, rates, sums))
    }
    return { employerFen: this.#employerFen, employeeFen: this.#employeeFen }
  }

  #sum(amounts: readonly AssessedAmount[]): void {
    for (const { employerFen, employeeFen } of amounts) {
      this.#employerFen += employerFen
      this.#employeeFen += employeeFen
    }
  }
}
