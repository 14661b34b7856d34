/**
 * Posting: ONE transaction for each envelope holds the posting marker, declarations, lines, amounts,
 * and what is in force. Any order, repetition or interleaving of envelopes gives the same ledger:
 * the marker lets an envelope in once, and what is in force is a maximum.
 *
 * If the process dies
 *  - before the commit: nothing is stored; the job runs again, or the sweeper brings it back;
 *  - during the commit: all is stored or nothing; the next run finds the marker or not;
 *  - after the commit, before the job is completed: the next run finds the marker.
 *
 * Lock order: the marker; declarations in parts, sorted; one global lock, if an earlier program accepted a
 * declaration that may have replaced one of another region, or been replaced from there; then the rows of what
 * is in force, sorted by employer, period and region.
 */

import type pg from 'pg'
import type { EnvelopeKey } from '../journal/envelope.ts'
import type { Lane } from '../journal/lanes.ts'
import { loadPacks } from '../journal/policy-packs.ts'
import { type OpenedEnvelope, readEnvelope } from '../journal/reading/read.ts'
import type { Policies } from '../policy/rules.ts'
import { type DeadLetter, deadLetterOf, insertDeadLetters } from './dead-letter.ts'
import { raiseInForce } from './in-force.ts'
import type { PersonIndex } from './person.ts'
import { runPipelined } from './pipeline.ts'
import { prepareDeclaration } from './prepare.ts'
import { prepareReassessments } from './reassessment/reassessment.ts'
import { copiesOf, type Postable } from './rows.ts'

/** The outcome of posting an envelope, in order of precedence. */
export type PostOutcome =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'alreadyPosted'; readonly lane: Lane }
  | {
      readonly kind: 'posted'
      readonly lane: Lane
      readonly declarations: number
      readonly deadLetters: readonly DeadLetter[]
    }

export type PostDependencies = {
  readonly pool: pg.Pool
  readonly sealingKeys: readonly EnvelopeKey[]
  readonly personIndex: PersonIndex
  readonly policies: Policies
  /** Whether one row of the data caused an error: the others can still be posted. */
  readonly isDataFault: (error: unknown) => boolean
  readonly inTransaction: <T>(
    pool: pg.Pool,
    work: (client: pg.PoolClient) => Promise<T>,
  ) => Promise<T>
  /** Called when an envelope's transaction has been sent, before its outcome is known. */
  readonly onUnderWay?: () => void
}

/** Makes the function that posts one envelope. It throws faults that a retry may fix. */
export function createPosting(dependencies: PostDependencies) {
  return async function postEnvelope(number: bigint): Promise<PostOutcome> {
    const { pool, sealingKeys, isDataFault } = dependencies
    const envelope = await readEnvelope(pool, sealingKeys, number)
    if (envelope === undefined) return { kind: 'unknown' }
    const prepared = await prepareAll(dependencies, envelope)
    if (prepared.deadLetters.length > 0) return postIsolating(dependencies, envelope, prepared)
    try {
      return await postWhole(dependencies, envelope, prepared.ready)
    } catch (error) {
      if (!isDataFault(error)) throw error
      return await postIsolating(dependencies, envelope, prepared)
    }
  }
}

export type Prepared = {
  readonly ready: readonly Postable[]
  readonly deadLetters: readonly DeadLetter[]
}

/** Prepares all declarations. One that throws becomes a dead letter and does not hold up the rest. */
export async function prepareAll(
  dependencies: PostDependencies,
  envelope: OpenedEnvelope,
): Promise<Prepared> {
  const { pool, policies } = dependencies
  await loadPacks(
    pool,
    policies,
    envelope.accepted.map(({ policyHash }) => policyHash),
  )
  const reassessed = await prepareReassessments(dependencies, envelope.number, envelope.orders)
  const ready: Postable[] = [...reassessed.ready]
  const deadLetters: DeadLetter[] = [...reassessed.deadLetters]
  for (const accepted of envelope.accepted) {
    try {
      ready.push(prepareDeclaration(dependencies, envelope.number, accepted))
    } catch (error) {
      deadLetters.push(deadLetterOf(accepted, error))
    }
  }
  return { ready, deadLetters }
}

/** Posts the full transaction in one round trip; nearly every envelope is posted so. */
async function postWhole(
  { pool, onUnderWay }: PostDependencies,
  envelope: OpenedEnvelope,
  ready: readonly Postable[],
): Promise<PostOutcome> {
  const { number, lane } = envelope
  const copies = copiesOf(ready)
  const statements = [
    mark(envelope),
    ...copies.statements,
    ...raiseInForce(number, ready),
    takeOff(number),
  ]
  const client = await pool.connect()
  let broken = true
  try {
    const posted = runPipelined(client, statements, copies.texts)
    onUnderWay?.()
    await posted
    broken = false
    return { kind: 'posted', lane, declarations: ready.length, deadLetters: [] }
  } catch (error) {
    if (!isMarked(error)) throw error
    broken = false
    return { kind: 'alreadyPosted', lane }
  } finally {
    client.release(broken)
  }
}

/** Posts step by step: a declaration that the database refuses becomes a dead letter; the rest is posted. */
async function postIsolating(
  { pool, inTransaction, isDataFault }: PostDependencies,
  envelope: OpenedEnvelope,
  { ready, deadLetters }: Prepared,
): Promise<PostOutcome> {
  const { number, lane } = envelope
  try {
    return await inTransaction(pool, async (client) => {
      await runPipelined(client, [mark(envelope)], [])
      const dead = [...deadLetters, ...(await insertHalves(client, ready, isDataFault))]
      const raises = raiseInForce(number, ready)
      if (raises.length > 0) await runPipelined(client, raises, [])
      await insertDeadLetters(client, number, lane, dead)
      await runPipelined(client, [takeOff(number)], [])
      const declarations = sizeOf(envelope) - dead.length
      return { kind: 'posted', lane, declarations, deadLetters: dead }
    })
  } catch (error) {
    if (!isMarked(error)) throw error
    return { kind: 'alreadyPosted', lane }
  }
}

/** Writes the marker, which lets an envelope in once. */
function mark(envelope: OpenedEnvelope): string {
  const { number, lane } = envelope
  return `
    insert into posting (envelope, lane, declarations)
    values (${number}, '${lane}', ${sizeOf(envelope)})`
}

/** Deletes the envelope's unposted row. Fails unless each of its acceptances is posted or a dead letter. */
function takeOff(envelope: bigint): string {
  return `call take_off_unposted(${envelope})`
}

function sizeOf({ accepted, orders }: OpenedEnvelope): number {
  return accepted.length + orders.length
}

/** Whether the marker was there: unique violation (23505) on its table. */
function isMarked(error: unknown): boolean {
  const { code, table } = error as { code?: unknown; table?: unknown }
  return code === '23505' && table === 'posting'
}

/**
 * Finds the declarations that can't be inserted by halving, each half under a savepoint: what can
 * be inserted stays. One bad declaration among n costs about 2 log2 n savepoints.
 */
async function insertHalves(
  client: pg.PoolClient,
  ready: readonly Postable[],
  isDataFault: PostDependencies['isDataFault'],
): Promise<readonly DeadLetter[]> {
  if (ready.length === 0) return []
  await client.query('savepoint half')
  try {
    const { statements, texts } = copiesOf(ready)
    await runPipelined(client, statements, texts)
    await client.query('release savepoint half')
    return []
  } catch (error) {
    if (!isDataFault(error)) throw error
    await client.query('rollback to savepoint half')
    await client.query('release savepoint half')
    if (ready.length === 1) return [deadLetterOf(ready[0] as Postable, error)]
  }
  const middle = ready.length >> 1
  const first = await insertHalves(client, ready.slice(0, middle), isDataFault)
  return [...first, ...(await insertHalves(client, ready.slice(middle), isDataFault))]
}
