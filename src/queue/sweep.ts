/**
 * The sweeper puts every accepted and unposted envelope back on its queue: after a lost enqueue, an emptied
 * Redis, a vanished job. A sweep takes a bounded number of pages, and the next one goes on where it ended,
 * however long the backlog is. Put-off envelopes come back last, a few at a time. A lane that takes nothing
 * is skipped until the next sweep; the others are swept all the same. One process sweeps at a time. Two at
 * once do no harm, because a job's id is its envelope's.
 */
import type pg from 'pg'
import type { Lane } from '../journal/lanes.ts'
import { takeDue } from '../journal/put-off.ts'
import { findUnposted, type UnpostedEnvelope } from '../journal/reading/unposted.ts'
import {
  putOffPerSweep,
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
    // A hanging sweeper must not keep the others from sweeping.
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
    // The server may have ended the session meanwhile: then the connection goes, and not its place.
    failed ??= await client.query('rollback').then(
      () => undefined,
      (error: Error) => error,
    )
    client.release(failed)
  }
}

async function sweepPages(
  dependencies: SweeperDependencies,
  client: pg.PoolClient,
  start: bigint,
): Promise<bigint> {
  const { ageMsMin = sweepAgeMsMin } = dependencies
  const takes = new Map(dependencies.queues)
  let after = start
  for (let page = 0; page < sweepPagesMax; page += 1) {
    const found = await findUnposted(client, { after, ageMsMin, limit: sweepPageEnvelopes })
    await putBack(dependencies, takes, found)
    after = found.length < sweepPageEnvelopes ? 0n : (found.at(-1) as UnpostedEnvelope).number
    if (after === 0n) break
  }
  // By itself: it must not be undone with the sweep's lock, nor hold a row while a queue is waited for.
  await putBack(dependencies, takes, await takeDue(dependencies.pool, putOffPerSweep))
  return after
}

/** Adds to each lane's queue what is its own; a lane that fails is taken out of those that take. */
async function putBack(
  { onSwept, onError }: SweeperDependencies,
  takes: Map<Lane, LaneQueue>,
  found: readonly UnpostedEnvelope[],
): Promise<void> {
  let added = 0
  for (const [lane, queue] of [...takes]) {
    const envelopes = numbersOf(found, lane)
    if (envelopes.length === 0) continue
    try {
      await queue.add(envelopes)
      added += envelopes.length
    } catch (error) {
      takes.delete(lane)
      onError(error)
    }
  }
  if (added > 0) onSwept(added)
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
