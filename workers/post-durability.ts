/**
 * What a posting worker requires of Postgres and the queue. Its work can be posted again from the journal,
 * so it reports a setting that may lose data and goes on. Only a wrong clock stops it.
 */
import type pg from 'pg'
import {
  checkPostgres,
  DurabilityError,
  type DurabilityFault,
  type DurabilityWatch,
  sentencesOf,
  watchDurability,
} from '../src/platform/postgres/durability.ts'
import type { QueueBackend } from '../src/queue/backend.ts'
import type { WorkerOptions } from './worker.ts'

/**
 * The queue in Postgres uses its workers' clocks: one that is a minute ahead keeps the others for a minute
 * from taking over a dead worker's jobs.
 */
export async function refuseWrongClock(backend: QueueBackend, pool: pg.Pool): Promise<void> {
  if (backend.kind !== 'postgres') return
  const clock = (await checkPostgres(pool, 0)).filter(isOfClock)
  if (clock.length > 0) throw new DurabilityError(sentencesOf(clock))
}

export function watchPosting(
  backend: QueueBackend,
  pool: pg.Pool,
  standbys: number,
  { logger, onStuck }: WorkerOptions,
): Promise<DurabilityWatch> {
  return watchDurability({
    pools: [pool],
    mode: 'warn',
    standbys,
    onChange: (faults) => {
      logger.error({ faults }, 'what was posted could be lost')
      if (backend.kind === 'postgres' && faults.some(isOfClock)) onStuck('its clock is wrong')
    },
  })
}

function isOfClock({ setting }: DurabilityFault): boolean {
  return setting === 'clock'
}
