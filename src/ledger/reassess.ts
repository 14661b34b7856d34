/**
 * Reassessing a region's periods: what the current pack changes in what is in force, as a report,
 * and where wanted as orders in the journal, which workers post like anything else.
 *
 * If the process dies
 *  - before an order's commit: nothing is ordered; the next run finds the declaration again;
 *  - after it: the order is posted. The next run leaves the declaration alone while its order waits,
 *    and afterwards finds it up to date. An order's id follows from declaration and packs, so the
 *    same one can't count twice.
 *
 * One run at a time (an advisory lock): two with different packs could both order from the same start.
 */
import type pg from 'pg'
import type { AcceptGroup, Filing } from '../journal/accept.ts'
import { declarationId, digestOf } from '../journal/digest.ts'
import type { EnvelopeKey } from '../journal/envelope.ts'
import { loadPacks } from '../journal/policy-packs.ts'
import { type AcceptedDeclaration, readEnvelope } from '../journal/read.ts'
import { JournalReader } from '../journal/reader.ts'
import { canonicalOrder } from '../journal/reassessment-order.ts'
import { bulkEnvelopeLinesMax, reassessmentsPerEnvelope } from '../limits.ts'
import { type Difference, differenceOf } from '../policy/difference.ts'
import type { PeriodRules, Policies } from '../policy/rules.ts'
import { stillOffered } from '../policy/still-offered.ts'
import { hasUnitBase } from '../policy/unit.ts'
import { findOutdated, type OutdatedDeclaration, type OutdatedQuery } from './outdated.ts'
import { otherPartsBy } from './parts-before.ts'

export type ReassessingDependencies = {
  readonly pool: pg.Pool
  readonly sealingKeys: readonly EnvelopeKey[]
  readonly policies: Policies
  /** Microseconds since 1970. */
  readonly nowMicros: () => number
  /** Accepts a group of orders; undefined for a dry run. */
  readonly acceptGroup: AcceptGroup | undefined
  readonly onChange: (change: Change) => void
  readonly onSkipped: (id: string, reason: SkipReason) => void
}

/** One declaration whose amounts change. */
export type Change = {
  readonly declaration: AcceptedDeclaration['declaration']
  readonly policyHashBefore: string
  readonly difference: Difference
}

/** Waiting: an earlier reassessment is not posted yet. The others need a pack that has what they name. */
export type SkipReason = 'waiting' | 'not covered' | 'not offered' | 'pack unknown'

/** Goes through all outdated declarations once. */
export async function reassessAll(
  dependencies: ReassessingDependencies,
  query: OutdatedQuery,
): Promise<void> {
  const { pool, policies, acceptGroup } = dependencies
  let orders: Filing[] = []
  let lines = 0
  /** Of this run: none of them is of a declaration that comes later in it. */
  const own = new Set<bigint | undefined>()
  const accept = async () => {
    if (orders.length > 0) own.add((await acceptGroup?.(orders))?.envelope)
    orders = []
    lines = 0
  }
  for await (const page of findOutdated(pool, query)) {
    await loadPacks(
      pool,
      policies,
      page.map(({ policyHashBefore }) => policyHashBefore),
    )
    for await (const change of changesIn(dependencies, page, query.policyHash, own)) {
      dependencies.onChange(change)
      // As many as a transaction posts in time: an order is small, what it changes is not.
      const more = change.declaration.lines?.length ?? 0
      if (orders.length === reassessmentsPerEnvelope || lines + more > bulkEnvelopeLinesMax)
        await accept()
      orders.push(orderOf(change, query.policyHash, dependencies))
      lines += more
    }
  }
  await accept()
}

type FoundChange = Change & { readonly id: string; readonly after: PeriodRules }

async function* changesIn(
  { pool, sealingKeys, policies, onSkipped }: ReassessingDependencies,
  page: readonly OutdatedDeclaration[],
  policyHash: string,
  own: ReadonlySet<bigint | undefined>,
): AsyncGenerator<FoundChange> {
  let number: bigint | undefined
  let accepted = new Map<number, AcceptedDeclaration>()
  const journal = new JournalReader(pool, sealingKeys)
  for (const outdated of page) {
    if (outdated.waitsFor.some((envelope) => !own.has(envelope))) {
      onSkipped(outdated.id, 'waiting')
      continue
    }
    if (outdated.envelope !== number) {
      number = outdated.envelope
      const opened = await readEnvelope(pool, sealingKeys, number)
      accepted = new Map(opened?.accepted.map((one) => [one.position, one]))
    }
    const found = accepted.get(outdated.position)
    if (found === undefined) throw new Error(`the journal lacks declaration ${outdated.id}`)
    const change = await changeOf(policies, journal, found, outdated.policyHashBefore, policyHash)
    if (typeof change === 'string') onSkipped(outdated.id, change)
    else if (!change.difference.none) yield { ...change, id: outdated.id }
  }
}

async function changeOf(
  policies: Policies,
  journal: JournalReader,
  { declaration, part }: AcceptedDeclaration,
  policyHashBefore: string,
  policyHash: string,
): Promise<Omit<FoundChange, 'id'> | SkipReason> {
  const before = policies.rulesOf(policyHashBefore, declaration.period)
  const after = policies.rulesOf(policyHash, declaration.period)
  if (before?.kind !== 'rules') return 'pack unknown'
  if (after?.kind !== 'rules') return 'not covered'
  const others = await otherPartsBy(journal, part, [before, after], hasUnitBase)
  if (!stillOffered(declaration, after, others[1])) return 'not offered'
  try {
    const difference = differenceOf(declaration, before, after, others)
    return { declaration, policyHashBefore, difference, after }
  } catch (error) {
    if (error instanceof RangeError) return 'not offered'
    throw error
  }
}

function orderOf(
  { id, declaration, policyHashBefore, after }: FoundChange,
  policyHash: string,
  { nowMicros }: ReassessingDependencies,
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
  } as const
  const canonical = Buffer.from(canonicalOrder(order))
  return {
    id: declarationId(employer, period, `reassessment ${id} ${policyHashBefore} ${policyHash}`),
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
