/**
 * Reassessment: the difference that a later pack makes to a declaration. It follows from the
 * declaration and two packs alone, all three in the journal, so that posting it in any order and any
 * number of times gives the same rows. It counts while its declaration is in force.
 */
import assert from 'node:assert/strict'
import type pg from 'pg'
import type { EnvelopeKey } from '../journal/envelope.ts'
import { loadPacks } from '../journal/policy-packs.ts'
import {
  type AcceptedDeclaration,
  type AcceptedOrder,
  type FoundDeclaration,
  findPlaces,
  readEnvelope,
} from '../journal/read.ts'
import { type Assessment, assessDeclaration, lineStride } from '../policy/assess.ts'
import { insurances } from '../policy/pack.ts'
import type { PeriodRules, Policies } from '../policy/rules.ts'
import { type DeadLetter, deadLetterOf } from './dead-letter.ts'
import type { PersonIndex } from './person.ts'

/** What another pack changes: later amounts less earlier ones. */
export type Difference = {
  /** Base, employer, employee for each insurance, of the declaration as a whole. */
  readonly totalsFen: readonly number[]
  readonly occupationalInjuryFen: number
  /** Lines whose amounts change, counted from 0, with the same numbers. */
  readonly lines: readonly { readonly line: number; readonly fen: readonly number[] }[]
  readonly provisional: boolean
  /** Nothing changes, not even whether it is provisional. */
  readonly none: boolean
}

/** A reassessment that is ready to be posted. */
export type PreparedReassessment = AcceptedOrder & {
  readonly envelope: bigint
  readonly of: { readonly envelope: bigint; readonly position: number }
  readonly difference: Difference
  /** Blind index of the person of each changed line, hexadecimal. */
  readonly persons: readonly string[]
}

export function differenceOf(
  declaration: AcceptedDeclaration['declaration'],
  before: PeriodRules,
  after: PeriodRules,
): Difference {
  const [earlier, later] = [before, after].map((rules) => assessDeclaration(declaration, rules))
  assert(earlier !== undefined && later !== undefined)
  const lines: { line: number; fen: number[] }[] = []
  const count = later.linesFen.length / lineStride
  for (let line = 0; line < count; line += 1) {
    const start = line * lineStride + 1
    const fen = later.linesFen
      .slice(start, start + lineStride - 1)
      .map((value, j) => value - (earlier.linesFen[start + j] as number))
    if (fen.some((value) => value !== 0)) lines.push({ line, fen })
  }
  const totals = totalsOf(later)
  const totalsFen = totalsOf(earlier).map((value, j) => (totals[j] as number) - value)
  const provisional = later.provisionalReasons.length > 0
  const same = totalsFen.every((value) => value === 0) && lines.length === 0
  return {
    totalsFen: totalsFen.slice(0, -1),
    occupationalInjuryFen: totalsFen.at(-1) as number,
    lines,
    provisional,
    none: same && provisional === earlier.provisionalReasons.length > 0,
  }
}

/** Three numbers for each insurance, then occupational injury. */
function totalsOf({ amounts }: Assessment): number[] {
  const numbers = insurances.flatMap((_, k) => {
    const { baseFen = 0, employerFen = 0, employeeFen = 0 } = amounts[k] ?? {}
    return [baseFen, employerFen, employeeFen]
  })
  return [...numbers, amounts[insurances.length]?.employerFen ?? 0]
}

export type ReassessDependencies = {
  readonly pool: pg.Pool
  readonly sealingKeys: readonly EnvelopeKey[]
  readonly policies: Policies
  readonly personIndex: PersonIndex
}

export type PreparedReassessments = {
  readonly ready: readonly PreparedReassessment[]
  readonly deadLetters: readonly DeadLetter[]
}

/** Finds each order's declaration and the difference; one that can't be made becomes a dead letter. */
export async function prepareReassessments(
  dependencies: ReassessDependencies,
  envelope: bigint,
  orders: readonly AcceptedOrder[],
): Promise<PreparedReassessments> {
  const { pool, policies } = dependencies
  const ready: PreparedReassessment[] = []
  const deadLetters: DeadLetter[] = []
  if (orders.length === 0) return { ready, deadLetters }
  const hashes = orders.flatMap(({ order }) => [order.policy, order.policyBefore])
  await loadPacks(pool, policies, hashes)
  const declarations = await readDeclarations(
    dependencies,
    orders.map(({ order }) => order.reassesses),
  )
  for (const accepted of orders) {
    try {
      ready.push(prepare(dependencies, envelope, accepted, declarations))
    } catch (error) {
      deadLetters.push(deadLetterOf(accepted, error))
    }
  }
  return { ready, deadLetters }
}

/** Declarations by id. Orders are written in the journal's order, so each envelope is opened once. */
async function readDeclarations(
  { pool, sealingKeys }: ReassessDependencies,
  ids: readonly string[],
): Promise<Map<string, FoundDeclaration>> {
  const places = await findPlaces(pool, ids)
  const found = new Map<string, FoundDeclaration>()
  for (const envelope of new Set([...places.values()].map((place) => place.envelope))) {
    const opened = await readEnvelope(pool, sealingKeys, envelope)
    for (const accepted of opened?.accepted ?? []) {
      if (places.has(accepted.id)) found.set(accepted.id, { ...accepted, envelope })
    }
  }
  return found
}

function prepare(
  { policies, personIndex }: ReassessDependencies,
  envelope: bigint,
  accepted: AcceptedOrder,
  declarations: ReadonlyMap<string, FoundDeclaration>,
): PreparedReassessment {
  const { reassesses, policy, policyBefore, period } = accepted.order
  const found = declarations.get(reassesses)
  assert(found !== undefined, 'a reassessment names a declaration that was accepted')
  const [before, after] = [policyBefore, policy].map((hash) => policies.rulesOf(hash, period))
  assert(before?.kind === 'rules' && after?.kind === 'rules', 'both packs cover the period')
  const difference = differenceOf(found.declaration, before, after)
  const lines = found.declaration.lines ?? []
  return {
    ...accepted,
    envelope,
    of: { envelope: found.envelope, position: found.position },
    difference,
    persons: difference.lines.map(({ line }) => {
      const { person } = lines[line] as (typeof lines)[number]
      return personIndex(person)
    }),
  }
}
