/**
 * The parts of a unit's lines, one after another. The employer pays for the full unit by all of its
 * lines. So the head, which comes last, carries the sums of the lines before it. They follow from the
 * file, so a worker that continues computes the same.
 */
import assert from 'node:assert/strict'
import type { OrdersOfDay, Part } from '../../declaration/part.ts'
import type { Declaration } from '../../declaration/schema.ts'
import { declarationId } from '../../journal/digest.ts'
import type { PeriodRules } from '../../policy/rules.ts'
import { addBases, addDays, noSums, sumsBases, wagesOf } from '../../policy/unit.ts'
import { type FiledUnitKey, partKeyOf } from './prior-declaration.ts'

type PartedUnit = FiledUnitKey & {
  /** Id of the head, which is the unit's declaration. */
  readonly id: string
  readonly parts: number
  /** False for units that an older version checked: each part pays for its own lines. */
  readonly headPays: boolean
}

export class UnitParts {
  readonly #unit: PartedUnit
  #number = 0
  #basesFen = noSums.basesFen
  #days: readonly OrdersOfDay[] = noSums.days
  readonly #ids: string[] = []

  constructor(unit: PartedUnit) {
    this.#unit = unit
  }

  /** Asserts that all parts were built: without its head the unit would never be in force. */
  end(): void {
    assert(
      this.#number === this.#unit.parts,
      'filing builds as many parts of a unit as the check counted',
    )
  }

  /** Builds the next part from its lines. It must be called for every part, filed ones too. */
  next({ employer, period, lines = [] }: Declaration, rules: PeriodRules): Part {
    this.#number += 1
    const [number, { id: of, parts: count, headPays }] = [this.#number, this.#unit]
    if (!headPays) return { of, number, count }
    if (number === count) {
      const unit = { basesFen: this.#basesFen, days: this.#days, ids: this.#ids }
      return { of, number, count, unit }
    }
    if (sumsBases(rules)) this.#basesFen = addBases(this.#basesFen, wagesOf(lines), rules)
    this.#days = addDays(this.#days, lines)
    const key = partKeyOf(this.#unit, number, count)
    this.#ids.push(declarationId(employer, period, key))
    return { of, number, count, unit: 'paid by the head' }
  }
}
