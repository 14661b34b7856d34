/**
 * Reassessing a region's periods: what the current pack changes in what is in force, as a report,
 * and where wanted as orders in the journal, which workers post like anything else.
 *
 * If the process dies
 *  - before an order's commit: nothing is ordered; the next run finds the declaration again;
 *  - after it: the order is posted. The next run leaves the declaration alone while its order waits,
 *    and afterwards finds it up to date.
 *
 * An order names its predecessor: the last reassessment in effect, or the declaration. Its id is made of the
 * predecessor and the pack, so that the same change may come again (B, A, B), but the same order never does.
 * An order that became a dead letter has no followers: the next pack's order follows its predecessor, and if
 * the dead letter is posted after all, it has no effect.
 *
 * An advisory lock lets one run work at a time: two with different packs could start from the same
 * reassessment. If the lock is lost, as with its connection, the later order takes effect.
 */
import type pg from 'pg'
import type { AcceptGroup } from '../../journal/accept.ts'
import type { Attribution } from '../../journal/attribution.ts'
import { digestOf } from '../../journal/digest.ts'
import type { EnvelopeKey } from '../../journal/envelope.ts'
import type { Filing } from '../../journal/filing.ts'
import { loadPacks } from '../../journal/policy-packs.ts'
import {
  type AcceptedDeclaration,
  findPositions,
  readEnvelope,
} from '../../journal/reading/read.ts'
import { JournalReader } from '../../journal/reading/reader.ts'
import { canonicalOrder, orderId } from '../../journal/reassessment-order.ts'
import {
  bulkEnvelopeLinesMax,
  reassessedEnvelopesMax,
  reassessmentsPerEnvelope,
} from '../../limits.ts'
import { type Difference, differenceOf } from '../../policy/difference.ts'
import type { PeriodRules, Policies } from '../../policy/rules.ts'
import { stillOffered } from '../../policy/still-offered.ts'
import { hasUnitBase, sumsBases } from '../../policy/unit.ts'
import { otherPartsBy, partsBefore } from '../parts-before.ts'
import { findOutdated, type OutdatedDeclaration, type OutdatedQuery } from './outdated.ts'

export type ReassessingDependencies = {
  readonly pool: pg.Pool
  readonly sealingKeys: readonly EnvelopeKey[]
  readonly policies: Policies
  /** Microseconds since 1970. */
  readonly nowMicros: () => number
  /** Accepts a group of orders; undefined for a dry run. */
  readonly acceptGroup: AcceptGroup | undefined
  /** Who orders, where that is to be kept. */
  readonly by?: Attribution | undefined
  readonly onChange: (change: Change) => void
  readonly onSkipped: (id: string, reason: SkipReason) => void
}

/** One declaration whose amounts change. */
export type Change = {
  readonly declaration: AcceptedDeclaration['declaration']
  readonly policyHashBefore: string
  readonly difference: Difference
}

/**
 * `waiting`: an earlier reassessment is not posted yet. `dead letter`: this one was ordered and could not be
 * posted. The other reasons need a pack with what the declaration names.
 */
export type SkipReason = 'waiting' | 'dead letter' | 'not covered' | 'not offered' | 'pack unknown'

/** Goes through all outdated declarations once. */
export async function reassessAll(
  dependencies: ReassessingDependencies,
  query: OutdatedQuery,
): Promise<void> {
  const { pool, policies, acceptGroup } = dependencies
  let group = new OrderGroup()
  /** Of this run: none of them is of a declaration that comes later in it. */
  const own = new Set<bigint | undefined>()
  const accept = async () => {
    if (group.orders.length > 0) own.add((await acceptGroup?.(group.orders))?.envelope)
    group = new OrderGroup()
  }
  for await (const page of findOutdated(pool, query)) {
    await loadPacks(
      pool,
      policies,
      page.flatMap(({ policyHashBefore, policyHashFirst }) => [policyHashBefore, policyHashFirst]),
    )
    for await (const change of changesIn(dependencies, page, query.policyHash, own)) {
      dependencies.onChange(change)
      if (!group.hasRoomFor(change)) await accept()
      group.add(change, orderOf(change, query.policyHash, dependencies))
    }
  }
  await accept()
}

/** Groups as many orders as one transaction posts in time: orders are small, but not what they open and change. */
class OrderGroup {
  readonly orders: Filing[] = []
  #lines = 0
  #envelopes = new Set<bigint>()
  /** Each lies in an envelope of its own, or may. */
  #partsBefore = 0

  hasRoomFor({ declaration, envelope, partsBefore }: FoundChange): boolean {
    const opened = this.#envelopes.size + (this.#envelopes.has(envelope) ? 0 : 1)
    return (
      this.orders.length < reassessmentsPerEnvelope &&
      this.#lines + (declaration.lines?.length ?? 0) <= bulkEnvelopeLinesMax &&
      opened + this.#partsBefore + partsBefore <= reassessedEnvelopesMax
    )
  }

  add({ declaration, envelope, partsBefore }: FoundChange, order: Filing): void {
    this.orders.push(order)
    this.#lines += declaration.lines?.length ?? 0
    this.#envelopes.add(envelope)
    this.#partsBefore += partsBefore
  }
}

type FoundChange = Change & {
  readonly id: string
  /** Of the declaration, and how many parts before it posting reads with it. */
  readonly envelope: bigint
  readonly partsBefore: number
  readonly follows: string
  readonly after: PeriodRules
}

async function* changesIn(
  dependencies: ReassessingDependencies,
  page: readonly OutdatedDeclaration[],
  policyHash: string,
  own: ReadonlySet<bigint | undefined>,
): AsyncGenerator<FoundChange> {
  const { pool, sealingKeys, onSkipped } = dependencies
  const ordered = await findPositions(
    pool,
    page.map((outdated) => orderId(outdated, outdated.follows, policyHash)),
  )
  let number: bigint | undefined
  let accepted = new Map<number, AcceptedDeclaration>()
  const journal = new JournalReader(pool, sealingKeys)
  for (const outdated of page) {
    const { id, follows, envelope, position, waitsFor } = outdated
    if (waitsFor.some((waiting) => !own.has(waiting))) {
      onSkipped(id, 'waiting')
      continue
    }
    if (ordered.has(orderId(outdated, follows, policyHash))) {
      onSkipped(id, 'dead letter')
      continue
    }
    if (envelope !== number) {
      number = envelope
      const opened = await readEnvelope(pool, sealingKeys, number)
      accepted = new Map(opened?.accepted.map((one) => [one.position, one]))
    }
    const found = accepted.get(position)
    if (found === undefined) throw new Error(`the journal lacks declaration ${id}`)
    const change = await changeOf(dependencies, journal, found, outdated, policyHash)
    if (typeof change === 'string') onSkipped(id, change)
    else if (change !== undefined) yield { ...change, id, envelope }
  }
}

/** Undefined where nothing changes. */
async function changeOf(
  { policies }: ReassessingDependencies,
  journal: JournalReader,
  { declaration, part }: AcceptedDeclaration,
  outdated: OutdatedDeclaration,
  policyHash: string,
): Promise<Omit<FoundChange, 'id' | 'envelope'> | SkipReason | undefined> {
  const { period } = declaration
  const after = policies.rulesOf(policyHash, period)
  if (after?.kind !== 'rules') return 'not covered'
  const last = { follows: outdated.follows, hash: outdated.policyHashBefore }
  // Earlier versions of this program posted zero for what a pack lacked: then the first pack is compared.
  const first = { follows: outdated.id, hash: outdated.policyHashFirst }
  for (const { follows, hash } of last.follows === first.follows ? [last] : [last, first]) {
    const before = policies.rulesOf(hash, period)
    if (before?.kind !== 'rules') return 'pack unknown'
    const others = await otherPartsBy(journal, part, [before, after], hasUnitBase)
    if (!stillOffered(declaration, after, others[1])) return 'not offered'
    try {
      const difference = differenceOf(declaration, before, after, others)
      if (difference.none && follows === last.follows) return undefined
      const read = [before, after].some(sumsBases) ? partsBefore(part).length : 0
      const change = { declaration, policyHashBefore: hash, difference, after, follows }
      return { ...change, partsBefore: read }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
  return 'not offered'
}

function orderOf(
  { id, declaration, policyHashBefore, after, follows }: FoundChange,
  policyHash: string,
  { nowMicros, by }: ReassessingDependencies,
): Filing {
  const { employer, period, region } = declaration
  const order = {
    kind: 'reassessment',
    employer,
    period,
    region,
    policy: policyHash,
    policyBefore: policyHashBefore,
    reassesses: id,
    follows,
  } as const
  const canonical = Buffer.from(canonicalOrder(order))
  return {
    id: orderId(declaration, follows, policyHash),
    employer,
    period,
    kind: order.kind,
    digest: digestOf(canonical),
    acceptedAtMicros: nowMicros(),
    deadlineMicros: after.deadlineMicros,
    onTime: true, // made by the agency; nobody is late
    canonical,
    policy: { region, hash: policyHash },
    expects: 'anything',
    lines: 0,
    ...(by && { by }),
  }
}

/** Any number; the same for every run on a database. */
const lockKey = 7_300_514_021

/** Runs `work` while no other reassessment does; undefined when another is under way. */
export async function aloneReassessing<T>(
  pool: pg.Pool,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const client = await pool.connect()
  try {
    const { rows } = await client.query<{ locked: boolean }>(
      'select pg_try_advisory_lock($1) as locked',
      [lockKey],
    )
    return rows[0]?.locked === true ? await work() : undefined
  } finally {
    client.release(true) // ends the session, and the lock with it
  }
}
