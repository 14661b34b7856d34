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
 * Locks are taken in this order: the marker, then what is in force, sorted by employer and period.
 */

import type { KeyObject } from 'node:crypto'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { EnvelopeKey } from '../journal/envelope.ts'
import type { Lane } from '../journal/lanes.ts'
import { type AcceptedDeclaration, type OpenedEnvelope, readEnvelope } from '../journal/read.ts'
import type { Policies } from '../policy/rules.ts'
import { type DeadLetter, deadLetterOf, insertDeadLetters } from './dead-letter.ts'
import { raiseInForce } from './in-force.ts'
import { prepareDeclaration } from './prepare.ts'
import { type CopyTable, copyStatements, copyText, type PreparedDeclaration } from './rows.ts'

/** What became of an envelope, in order of precedence. */
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
  readonly blindIndexSecret: KeyObject
  readonly policies: Policies
  /** True for an error that one row of the data causes: the others can still be posted. */
  readonly isDataFault: (error: unknown) => boolean
  readonly inTransaction: <T>(
    pool: pg.Pool,
    work: (client: pg.PoolClient) => Promise<T>,
  ) => Promise<T>
}

/** Makes the function that posts one envelope. It throws what a later try may mend. */
export function createPosting(dependencies: PostDependencies) {
  return async function postEnvelope(number: bigint): Promise<PostOutcome> {
    const { pool, sealingKeys, isDataFault } = dependencies
    const envelope = await readEnvelope(pool, sealingKeys, number)
    if (envelope === undefined) return { kind: 'unknown' }
    const prepared = prepareAll(dependencies, envelope)
    try {
      return await post(dependencies, envelope, prepared, insertRows)
    } catch (error) {
      if (!isDataFault(error)) throw error
      return await post(dependencies, envelope, prepared, isolating(dependencies))
    }
  }
}

type Prepared = {
  readonly ready: readonly PreparedDeclaration[]
  readonly deadLetters: readonly DeadLetter[]
}

/** Prepares every declaration; one that throws becomes a dead letter and doesn't hold up the rest. */
function prepareAll(dependencies: PostDependencies, envelope: OpenedEnvelope): Prepared {
  const ready: PreparedDeclaration[] = []
  const deadLetters: DeadLetter[] = []
  for (const accepted of envelope.accepted) {
    try {
      ready.push(prepareDeclaration(dependencies, envelope.number, accepted))
    } catch (error) {
      deadLetters.push(deadLetterOf(accepted, error))
    }
  }
  return { ready, deadLetters }
}

/** Inserts declarations with all that belongs to them; resolves with those that could not be. */
type Insert = (
  client: pg.PoolClient,
  prepared: readonly PreparedDeclaration[],
) => Promise<readonly DeadLetter[]>

function post(
  { pool, inTransaction }: PostDependencies,
  envelope: OpenedEnvelope,
  { ready, deadLetters }: Prepared,
  insert: Insert,
): Promise<PostOutcome> {
  const { number, lane, accepted } = envelope
  return inTransaction(pool, async (client) => {
    if (!(await mark(client, envelope))) return { kind: 'alreadyPosted', lane }
    const dead = [...deadLetters, ...(await insert(client, ready))]
    await insertDeadLetters(client, number, lane, dead)
    return { kind: 'posted', lane, declarations: accepted.length - dead.length, deadLetters: dead }
  })
}

/** Writes the marker, and takes the envelope off the unposted. False: it was posted before. */
async function mark(client: pg.PoolClient, { number, lane, accepted }: OpenedEnvelope) {
  const { rowCount } = await client.query({
    name: 'mark-posted',
    text: `
      with taken as (
        delete from journal.unposted where envelope = $1
      )
      insert into posting (envelope, lane, declarations)
      values ($1, $2, $3)
      on conflict (envelope) do nothing`,
    values: [number, lane, accepted.length],
  })
  return rowCount === 1
}

async function insertRows(client: pg.PoolClient, prepared: readonly PreparedDeclaration[]) {
  for (const table of Object.keys(copyStatements) as CopyTable[]) {
    const text = copyText(table, prepared)
    if (text === '') continue
    await copyIn(client, copyStatements[table], text)
  }
  await raiseInForce(client, prepared)
  return []
}

/** One COPY. Without `stream.pipeline`, which costs an abort signal and an error for each. */
function copyIn(client: pg.PoolClient, statement: string, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = client.query(copyFrom(statement))
    stream.once('finish', resolve)
    stream.once('error', reject)
    stream.end(text)
  })
}

/**
 * Finds the declarations that can't be inserted by halving, each half under a savepoint: what can
 * be inserted stays. One bad declaration among n costs about 2 log2 n savepoints.
 */
function isolating({ isDataFault }: PostDependencies): Insert {
  return async function insertHalves(client, prepared): Promise<readonly DeadLetter[]> {
    if (prepared.length === 0) return []
    await client.query('savepoint half')
    try {
      await insertRows(client, prepared)
      await client.query('release savepoint half')
      return []
    } catch (error) {
      if (!isDataFault(error)) throw error
      await client.query('rollback to savepoint half')
      await client.query('release savepoint half')
      if (prepared.length === 1) return [deadLetterOf(prepared[0] as AcceptedDeclaration, error)]
    }
    const middle = prepared.length >> 1
    const first = await insertHalves(client, prepared.slice(0, middle))
    return [...first, ...(await insertHalves(client, prepared.slice(middle)))]
  }
}
