/**
 * Reassessment: the difference that a later pack makes to a declaration. It follows from the
 * declaration and two packs alone, all of them in the journal, so that posting it in any order and any
 * number of times gives the same rows. It counts while its declaration is in force, and while no later
 * one that is posted goes back behind it: the view `ledger.reassessment_that_counts` says which do.
 */
import assert from 'node:assert/strict'
import type pg from 'pg'
import type { EnvelopeKey } from '../../journal/envelope.ts'
import { loadPacks } from '../../journal/policy-packs.ts'
import {
  type AcceptedOrder,
  type FoundDeclaration,
  findPositions,
  readEnvelope,
} from '../../journal/reading/read.ts'
import { JournalReader } from '../../journal/reading/reader.ts'
import type { OtherParts } from '../../policy/assess.ts'
import { type Difference, differenceOf } from '../../policy/difference.ts'
import type { PeriodRules, Policies } from '../../policy/rules.ts'
import { type DeadLetter, deadLetterOf } from '../dead-letter.ts'
import { otherPartsBy } from '../parts-before.ts'
import type { PersonIndex } from '../person.ts'

type JournalPosition = { readonly envelope: bigint; readonly position: number }

/** A reassessment that is ready to be posted. */
export type PreparedReassessment = AcceptedOrder & {
  readonly envelope: bigint
  readonly of: JournalPosition
  /** What it is the difference to; undefined where the order does not say. */
  readonly follows: JournalPosition | undefined
  readonly difference: Difference
  /** Blind index of the person of each changed line, hexadecimal. */
  readonly persons: readonly string[]
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

/**
 * Finds each order's declaration and the difference; one that can't be made becomes a dead letter. It
 * throws where the journal can't be read.
 */
export async function prepareReassessments(
  dependencies: ReassessDependencies,
  envelope: bigint,
  orders: readonly AcceptedOrder[],
): Promise<PreparedReassessments> {
  const { pool, sealingKeys, policies } = dependencies
  const ready: PreparedReassessment[] = []
  const deadLetters: DeadLetter[] = []
  if (orders.length === 0) return { ready, deadLetters }
  const hashes = orders.flatMap(({ order }) => [order.policy, order.policyBefore])
  await loadPacks(pool, policies, hashes)
  const places = await findPositions(
    pool,
    orders.flatMap(({ order: { reassesses, follows = reassesses } }) => [reassesses, follows]),
  )
  const declarations = await readDeclarations(
    dependencies,
    orders.map(({ order }) => order.reassesses),
    places,
  )
  const journal = new JournalReader(pool, sealingKeys)
  for (const accepted of orders) {
    const found = declarations.get(accepted.order.reassesses)
    const packs = packsOf(policies, accepted)
    const others = await otherPartsBy(journal, found?.part, packs)
    try {
      const { follows } = accepted.order
      const place = follows === undefined ? undefined : places.get(follows)
      assert(follows === undefined || place !== undefined, 'what it follows was accepted')
      const reassessed = { found, packs, others, follows: place }
      ready.push(prepare(dependencies, envelope, accepted, reassessed))
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
  places: ReadonlyMap<string, JournalPosition>,
): Promise<Map<string, FoundDeclaration>> {
  const wanted = new Set(ids)
  const found = new Map<string, FoundDeclaration>()
  for (const envelope of new Set(ids.flatMap((id) => places.get(id)?.envelope ?? []))) {
    const opened = await readEnvelope(pool, sealingKeys, envelope, wanted)
    for (const accepted of opened?.accepted ?? []) found.set(accepted.id, { ...accepted, envelope })
  }
  return found
}

/** What it was assessed with before, and with what it is now; fewer where one does not cover its period. */
function packsOf(policies: Policies, { order }: AcceptedOrder): readonly PeriodRules[] {
  return [order.policyBefore, order.policy].flatMap((hash) => {
    const rules = policies.rulesOf(hash, order.period)
    return rules?.kind === 'rules' ? [rules] : []
  })
}

type Reassessed = {
  readonly found: FoundDeclaration | undefined
  readonly packs: readonly PeriodRules[]
  readonly others: readonly OtherParts[]
  readonly follows: JournalPosition | undefined
}

function prepare(
  { personIndex }: ReassessDependencies,
  envelope: bigint,
  accepted: AcceptedOrder,
  { found, packs: [before, after], others, follows }: Reassessed,
): PreparedReassessment {
  assert(found !== undefined, 'a reassessment names a declaration that was accepted')
  assert(before !== undefined && after !== undefined, 'both packs cover the period')
  const difference = differenceOf(found.declaration, before, after, others)
  const lines = found.declaration.lines ?? []
  return {
    ...accepted,
    envelope,
    of: { envelope: found.envelope, position: found.position },
    follows,
    difference,
    persons: difference.lines.map(({ line }) => {
      const { person } = lines[line] as (typeof lines)[number]
      return personIndex(person)
    }),
  }
}
