/**
 * The queue that the configuration names: Redis when REDIS_URL is set, Postgres otherwise.
 */
import type { Lane } from '../journal/lanes.ts'
import type { LaneQueue, QueueBackend } from '../queue/backend.ts'
import { openPostgresBackend } from '../queue/postgres-backend.ts'
import { openRedisBackend } from '../queue/redis-backend.ts'
import type { Config } from './config.ts'
import type { Logger } from './logger.ts'
import { applicationRole } from './postgres.ts'
import type { Side } from './rehearsal.ts'
import type { Stops } from './stops.ts'

/** How often the same trouble of the queue is logged. */
const quietMs = 5_000

/** A side's queues, one for each of these lanes. */
export function openQueues(
  { config, url }: Side,
  lanes: readonly Lane[],
  logger: Logger,
  stops: Stops,
): { readonly backend: QueueBackend; readonly queues: ReadonlyMap<Lane, LaneQueue> } {
  const backend = openQueueBackend(config, url, logger)
  stops.add(() => backend.close())
  const queues = new Map(lanes.map((lane) => [lane, backend.openQueue(lane)]))
  stops.add(() => Promise.all([...queues.values()].map((queue) => queue.close())))
  return { backend, queues }
}

function openQueueBackend(
  { redisUrl, queueNamespace }: Config,
  databaseUrl: string,
  logger: Logger,
): QueueBackend {
  let loggedAt = 0
  const onError = (error: Error) => {
    if (Date.now() - loggedAt < quietMs) return
    loggedAt = Date.now()
    logger.warn({ err: error }, 'the queue has trouble; acceptance goes on')
  }
  return redisUrl === undefined
    ? openPostgresBackend({ url: databaseUrl, role: applicationRole, onError })
    : openRedisBackend({ url: redisUrl, namespace: queueNamespace, onError })
}
