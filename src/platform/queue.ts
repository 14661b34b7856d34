/**
 * The queue that the configuration names: Redis when REDIS_URL is set, Postgres otherwise.
 */
import { openPostgresBackend, openRedisBackend, type QueueBackend } from '../queue/backend.ts'
import type { Config } from './config.ts'
import type { Logger } from './logger.ts'
import { applicationRole } from './postgres.ts'

/** How often the same trouble of the queue is logged. */
const quietMs = 5_000

export function openQueueBackend(
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
