/**
 * The queue that the configuration names: Redis when REDIS_URL is set, Postgres otherwise.
 */
import type { Lane } from '../../journal/lanes.ts'
import type { LaneQueue, QueueBackend } from '../../queue/backend.ts'
import { openPostgresBackend } from '../../queue/postgres-backend.ts'
import { openRedisBackend } from '../../queue/redis-backend.ts'
import type { Config } from '../config/config.ts'
import { applicationRole } from '../postgres/postgres.ts'
import type { Logger } from '../process/logger.ts'
import type { Stops } from '../process/stops.ts'
import type { Installation } from './installation.ts'
import { createQueueWatch, type QueueWatch } from './queue-watch.ts'

export type Queues = {
  readonly backend: QueueBackend
  /** One for each lane that was asked for. */
  readonly queues: ReadonlyMap<Lane, LaneQueue>
  readonly watch: QueueWatch
}

/** An installation's queues; what is wrong with them is logged, and counted by `onTroubles`. */
export function openQueues(
  { config, url }: Installation,
  lanes: readonly Lane[],
  logger: Logger,
  onTroubles: (count: number) => void,
  stops: Stops,
): Queues {
  const watch = createQueueWatch(logger, onTroubles)
  const backend = openQueueBackend(config, url, watch.note)
  stops.add(() => backend.close())
  const queues = new Map(lanes.map((lane) => [lane, backend.openQueue(lane)]))
  stops.add(() => Promise.all([...queues.values()].map((queue) => queue.close())))
  watch.watch(backend)
  stops.add(() => watch.stop())
  return { backend, queues, watch }
}

function openQueueBackend(
  { redisUrl, redisCa: ca, queueNamespace }: Config,
  databaseUrl: string,
  onError: (error: Error) => void,
): QueueBackend {
  return redisUrl === undefined
    ? openPostgresBackend({ url: databaseUrl, role: applicationRole, onError })
    : openRedisBackend({ url: redisUrl, ca, namespace: queueNamespace, onError })
}
