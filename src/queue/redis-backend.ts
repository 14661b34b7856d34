/** The queue on Redis: where its keys are, how it connects, and BullMQ on it. */

import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRedisBackend, withBackend } from 'bullmq'
import { Redis } from 'ioredis'
import { type Lane, lanes } from '../journal/lanes.ts'
import { enqueueMsMax } from '../limits.ts'
import type { QueueBackend } from './backend.ts'
import {
  type EnvelopeReference,
  laneQueue,
  laneWorker,
  processor,
  queueName,
  queueOptions,
  withPauseAfterRefusal,
  workerOptions,
} from './jobs.ts'
import { createProbe, type RedisOptions } from './redis-probe.ts'

const onRedis = withBackend(withPauseAfterRefusal(createRedisBackend))

/** Braces: all keys of a lane in one slot of a Redis Cluster, lanes in different ones. */
const lanePrefix = (namespace: string, lane: Lane) => `{spillway:${namespace}:${lane}}`
/** Of keys that belong to no lane. */
const ownPrefix = (namespace: string) => `{spillway:${namespace}}`

/** Patterns of Redis for all keys of a namespace, and of no other. */
export function keyPatterns(namespace: string): string[] {
  const prefixes = [ownPrefix(namespace), ...lanes.map((lane) => lanePrefix(namespace, lane))]
  return prefixes.map((prefix) => `${prefix.replace(/[\\?*[\]]/g, '\\$&')}:*`)
}

/** BullMQ on Redis. `namespace` keeps engines that share a Redis apart. */
export function openRedisBackend(options: {
  readonly url: string
  /** A file with the certificate of who vouches for a server by TLS; undefined: those that Node trusts. */
  readonly ca?: string | undefined
  readonly namespace: string
  readonly onError: (error: Error) => void
}): QueueBackend {
  const { onError } = options
  const connections: Redis[] = []
  const tls = tlsOf(options.ca)
  const connect = (more: RedisOptions) => {
    const redis = new Redis(options.url, { ...reconnecting, ...tls, ...more })
    redis.on('error', onError)
    connections.push(redis)
    return redis
  }
  const probe = createProbe({
    connect: () =>
      connect({ ...failingFast, enableOfflineQueue: true, reconnectOnError: () => false }),
    // Whatever is between, a connection stays with the server that it led to, for as long as it lives.
    reconnect: () => {
      for (const redis of connections) if (redis.status === 'ready') redis.disconnect(true)
    },
    prefix: ownPrefix(options.namespace),
  })
  const prefix = (lane: Lane) => lanePrefix(options.namespace, lane)
  return {
    kind: 'redis',
    ...probe,
    openQueue: (lane) => {
      const connection = connect(failingFast)
      const settings = { ...queueOptions, connection, prefix: prefix(lane) }
      const build = () =>
        new onRedis.Queue<EnvelopeReference>(queueName(lane), settings).on('error', onError)
      return laneQueue(build, onError, probe.isFull)
    },
    openWorker: (lane, post) => {
      const connection = connect({ maxRetriesPerRequest: null })
      const settings = { ...workerOptions, connection, prefix: prefix(lane) }
      const build = () =>
        new onRedis.Worker(queueName(lane), processor(post), settings).on('error', onError)
      return laneWorker(build, onError)
    },
    close: async () => {
      for (const redis of connections) redis.disconnect()
    },
  }
}

/** Read once: a process goes on with what it trusted when it began. */
export function tlsOf(ca: string | undefined): RedisOptions {
  return ca === undefined ? {} : { tls: { ca: readFileSync(ca) } }
}

/** The default back-off takes up to 20 s to notice that Redis is back; this one about a second. */
const reconnecting: RedisOptions = {
  connectTimeout: 2_000,
  keepAlive: 10_000,
  retryStrategy: (attempt) => Math.min(1_000, 50 * 2 ** Math.min(attempt, 5)) + randomInt(100),
  // The words are the server's error codes, of a script's write too: after a failover the old primary
  // answers with them, and lets go who waits there for a job.
  reconnectOnError: (error) => (/\b(?:READONLY|UNBLOCKED)\b/.test(error.message) ? 2 : false),
}

/** A producer must know soon: what it can't enqueue, the sweeper will. */
const failingFast: RedisOptions = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  commandTimeout: enqueueMsMax,
}
