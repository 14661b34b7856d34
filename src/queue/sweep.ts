/**
 * The sweeper puts every envelope that was accepted and not posted back on its queue: after a lost
 * enqueue, a Redis that was emptied, a job that vanished. A sweep takes a bounded number of pages
 * and the next goes on where it ended, round and round, however long the backlog is. One process
 * sweeps at a time; that two do so does no harm, as a job's id is its envelope's.
 */
import type pg from 'pg'
import type { Lane } from '../journal/lanes.ts'
import { findUnposted, type UnpostedEnvelope } from '../journal/unposted.ts'
import {
  sweepAgeMsMin,
  sweepEveryMs,
  sweepPageEnvelopes,
  sweepPagesMax,
  sweepStillMsMax,
} from '../limits.ts'
import type { LaneQueue } from './backend.ts'

export type SweeperDependencies = {
  readonly pool: pg.Pool
  readonly queues: ReadonlyMap<Lane, LaneQueue>
  readonly onSwept: (envelopes: number) => void
  readonly onError: (error: unknown) => void
  readonly everyMs?: number
  readonly ageMsMin?: number
}

export type Sweeper = { stop(): Promise<void> }

/** Any fixed number serves; it must only differ from other users of the database. */
const lockKey = 5_177_204_632

/** Starts sweeping; `stop` ends it after the sweep under way. */
export function startSweeper(dependencies: SweeperDependencies): Sweeper {
  const stopping = new AbortController()
  const running = run(dependencies, stopping.signal)
  return {
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

async function run(dependencies: SweeperDependencies, signal: AbortSignal): Promise<void> {
  let after = 0n
  while (!signal.aborted) {
    try {
      after = await sweep(dependencies, after)
    } catch (error) {
      dependencies.onError(error)
    }
    await pause(dependencies.everyMs ?? sweepEveryMs, signal)
  }
}

/** One sweep, under a lock that ends with its transaction. Returns where the next one begins. */
async function sweep(dependencies: SweeperDependencies, after: bigint): Promise<bigint> {
  const client = await dependencies.pool.connect()
  let failed: Error | undefined
  try {
    // A sweeper that stands still must not keep the others from sweeping.
    await client.query(`begin; set local idle_in_transaction_session_timeout = ${sweepStillMsMax}`)
    const { rows } = await client.query<{ mine: boolean }>(
      'select pg_try_advisory_xact_lock($1) as mine',
      [lockKey],
    )
    return rows[0]?.mine ? await sweepPages(dependencies, client, after) : after
  } catch (error) {
    failed = error as Error
    throw error
  } finally {
    if (failed === undefined) await client.query('rollback')
    client.release(failed)
  }
}

async function sweepPages(
  { queues, onSwept, ageMsMin }: SweeperDependencies,
  client: pg.PoolClient,
  start: bigint,
): Promise<bigint> {
  let after = start
  for (let page = 0; page < sweepPagesMax; page += 1) {
    const found = await findUnposted(client, {
      after,
      ageMsMin: ageMsMin ?? sweepAgeMsMin,
      limit: sweepPageEnvelopes,
    })
    for (const [lane, queue] of queues) {
      const envelopes = numbersOf(found, lane)
      if (envelopes.length > 0) await queue.add(envelopes)
    }
    if (found.length > 0) onSwept(found.length)
    if (found.length < sweepPageEnvelopes) return 0n
    after = found[found.length - 1]?.number as bigint
  }
  return after
}

function numbersOf(found: readonly UnpostedEnvelope[], lane: Lane): bigint[] {
  return found.filter((envelope) => envelope.lane === lane).map(({ number }) => number)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
