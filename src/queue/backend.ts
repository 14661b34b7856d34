/**
 * The one place that knows BullMQ, and where it keeps its jobs: Redis, or its PostgreSQL backend.
 * Above it, a queue is a queue. Jobs are references: an envelope's number and nothing else.
 */
import { randomInt, randomUUID } from 'node:crypto'
import { createPostgresBackend, createRedisBackend, withBackend } from 'bullmq'
import { type RedisOptions as AllRedisOptions, Redis } from 'ioredis'
import { type Lane, lanes } from '../journal/lanes.ts'
import {
  enqueueMsMax,
  envelopesAtATime,
  jobLockMs,
  postRetryMsMax,
  redisFullJobs,
  redisFullShare,
  redisLookEveryMs,
  stalledCheckMs,
  transientRetryMsMax,
} from '../limits.ts'

/** Producer's end of a lane. */
export type LaneQueue = {
  /** Adds references; one that is in the queue already is left alone. A time-out is "unknown". */
  add(envelopes: readonly bigint[]): Promise<void>
  /** Jobs that wait or run. */
  count(): Promise<number>
  /** Jobs that any worker could take now. */
  waiting(): Promise<number>
  close(): Promise<void>
}

/** Consumer's end of a lane. */
export type LaneWorker = {
  /** Takes no more envelopes; resolves when those under way are done. */
  close(): Promise<void>
}

/** What a rejection's message is where time alone mends its cause. */
export const mendedByTime = 'transient'

/** Posts one envelope; a rejection puts it back on the queue with a back-off. */
export type PostEnvelope = (envelope: bigint) => Promise<void>

/** What is wrong with where the queue is kept, and whether it lost what it held. */
export type QueueCheck = {
  readonly faults: readonly {
    readonly setting: string
    readonly risk: string
    readonly mend: string
  }[]
  readonly emptied: boolean
  /** What would be better otherwise, though nothing acknowledged can be lost by it. */
  readonly advice: readonly string[]
}

export type QueueBackend = {
  readonly kind: 'redis' | 'postgres'
  /** Looks at the queue's server; one that is away has no faults, as acceptance needs none. */
  check(): Promise<QueueCheck>
  /** Told whenever its server is reached anew. */
  onReconnect(listener: () => void): void
  /** Tells a text to the other processes, and hears what they told lately; where there is a store. */
  readonly exchange?: (name: string, text: string, msMax: number) => Promise<string[]>
  openQueue(lane: Lane): LaneQueue
  openWorker(lane: Lane, post: PostEnvelope): LaneWorker
  /** Ends what the backend holds itself; close queues and workers first. */
  close(): Promise<void>
}

type RedisOptions = Omit<AllRedisOptions, 'replyMapping'>
type EnvelopeReference = { readonly envelope: string }

const onRedis = withBackend(createRedisBackend)
const onPostgres = withBackend(createPostgresBackend)

const queueName = (lane: Lane) => `spillway-${lane}`
/** Not all digits and without a colon, which BullMQ refuses. */
const jobId = (envelope: bigint) => `envelope-${envelope}`

/**
 * A job that fails is tried "for ever" (the number must fit an int4). It is removed when done and
 * would be when failed: the journal knows what is unposted, and a failed job that is kept would
 * stop the sweeper from adding its envelope again.
 */
const queueOptions = {
  defaultJobOptions: {
    attempts: 1_000_000_000,
    backoff: { type: 'custom' },
    removeOnComplete: true,
    removeOnFail: true,
    stackTraceLimit: 1,
  },
  streams: { events: { maxLen: 100 } },
}

/** `maxStalledCount`: a worker that dies on an envelope, however often, must not fail it. */
const workerOptions = {
  concurrency: envelopesAtATime,
  lockDuration: jobLockMs,
  stalledInterval: stalledCheckMs,
  maxStalledCount: 1_000_000_000,
  runRetryDelay: 1_000,
  drainDelay: 2,
  settings: { backoffStrategy: retryDelayMs },
}

/** Full jitter on a doubling bound, so that workers don't come back all at once. */
function retryDelayMs(attemptsMade: number, _type?: string, error?: Error): number {
  const max = error?.message === mendedByTime ? transientRetryMsMax : postRetryMsMax
  return randomInt(50, Math.min(max, 100 * 2 ** Math.min(attemptsMade, 10)) + 1)
}

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
  readonly namespace: string
  readonly onError: (error: Error) => void
}): QueueBackend {
  const connections: Redis[] = []
  const connect = (more: RedisOptions) => {
    const redis = new Redis(options.url, { ...reconnecting, ...more })
    redis.on('error', options.onError)
    connections.push(redis)
    return redis
  }
  const probe = createProbe(connect, options.namespace)
  const prefix = (lane: Lane) => lanePrefix(options.namespace, lane)
  return {
    kind: 'redis',
    ...probe,
    openQueue: (lane) => {
      const connection = connect(failingFast)
      const settings = { ...queueOptions, connection, prefix: prefix(lane) }
      const queue = new onRedis.Queue<EnvelopeReference>(queueName(lane), settings)
      return laneQueue(queue.on('error', options.onError), probe.isFull)
    },
    openWorker: (lane, post) => {
      const connection = connect({ maxRetriesPerRequest: null })
      const settings = { ...workerOptions, connection, prefix: prefix(lane) }
      const worker = new onRedis.Worker(queueName(lane), processor(post), settings)
      return laneWorker(worker.on('error', options.onError))
    },
    close: async () => {
      for (const redis of connections) redis.disconnect()
    },
  }
}

/** BullMQ's PostgreSQL backend, in schema `bullmq`; needs a direct connection (LISTEN). */
export function openPostgresBackend(options: {
  readonly url: string
  readonly role: string
  readonly onError: (error: Error) => void
}): QueueBackend {
  const connection = {
    connectionString: options.url,
    options: `-c role=${options.role}`,
    max: envelopesAtATime + 1,
    connectionTimeoutMillis: enqueueMsMax,
    keepAlive: true,
  }
  return {
    kind: 'postgres',
    openQueue: (lane) => {
      const settings = { ...queueOptions, connection }
      const queue = new onPostgres.Queue<EnvelopeReference>(queueName(lane), settings)
      return laneQueue(queue.on('error', options.onError), () => false)
    },
    openWorker: (lane, post) => {
      const settings = { ...workerOptions, connection }
      const worker = new onPostgres.Worker(queueName(lane), processor(post), settings)
      return laneWorker(worker.on('error', options.onError))
    },
    // It is kept where the journal is, and checked with it.
    check: async () => ({ faults: [], emptied: false, advice: [] }),
    onReconnect: () => {},
    close: async () => {},
  }
}

/** A connection that looks at the server, made when it is first used. */
function createProbe(connect: (more: RedisOptions) => Redis, namespace: string) {
  const epochKey = `${ownPrefix(namespace)}:epoch`
  const self = randomUUID()
  let redis: Redis | undefined
  let epoch: string | undefined
  const open = () => {
    redis ??= connect({ ...failingFast, enableOfflineQueue: true, reconnectOnError: () => false })
    return redis
  }
  return {
    onReconnect: (listener: () => void) => void open().on('ready', listener),
    check: async (): Promise<QueueCheck> => {
      const info = await open()
        .info()
        .catch(() => undefined)
      if (info === undefined) return { faults: [], emptied: false, advice: [] }
      const made = `${Date.now()}-${randomInt(2 ** 47)}`
      // A replica refuses it, and an old release does not know it: that is told by the faults.
      const found = await open()
        .set(epochKey, made, 'NX', 'GET')
        .then(
          (before) => before ?? made,
          () => epoch,
        )
      // Another epoch, or none where there was one: it was emptied, or an older copy took over.
      const emptied = epoch !== undefined && epoch !== found
      epoch = found
      return { faults: redisFaults(info), emptied, advice: redisAdvice(info) }
    },
    isFull: watchMemory(open),
    exchange: async (name: string, text: string, msMax: number): Promise<string[]> => {
      const key = `${ownPrefix(namespace)}:${name}`
      const redis = open()
      // By the store's clock: those of the processes' machines may be apart.
      const [seconds, micros] = await redis.time()
      const nowMs = 1_000 * Number(seconds) + Number(micros) / 1_000
      await redis.hset(key, self, `${nowMs} ${text}`)
      await redis.pexpire(key, msMax)
      const all = await redis.hgetall(key)
      const heard: string[] = []
      for (const [process, told] of Object.entries(all)) {
        if (process === self) continue
        const space = told.indexOf(' ')
        // Another store may have taken over, with a clock of its own.
        if (Math.abs(nowMs - Number(told.slice(0, space))) < msMax)
          heard.push(told.slice(space + 1))
        else await redis.hdel(key, process)
      }
      return heard
    },
  }
}

/**
 * Whether Redis has less room than its workers need: at its `maxmemory` it refuses them as well as
 * producers, and nothing would drain it. Looked at every now and then, while something is enqueued;
 * one that can't be asked counts as having room, as the adding itself will tell.
 */
function watchMemory(open: () => Redis): () => boolean {
  let full = false
  let lookedAt = Number.NEGATIVE_INFINITY
  const look = async () => {
    const info = await open().info('memory')
    const [used, max] = [numberIn(info, 'used_memory'), numberIn(info, 'maxmemory')]
    full = max > 0 && used > redisFullShare * max
  }
  return () => {
    const now = performance.now()
    if (now - lookedAt > redisLookEveryMs) {
      lookedAt = now
      look().catch(() => {
        full = false
      })
    }
    return full
  }
}

function numberIn(info: string, name: string): number {
  return Number(told(info, name) ?? 0)
}

function told(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim()
}

/** Persistence is not asked for: what it would save, the sweeper finds in the journal. */
function redisAdvice(info: string): string[] {
  if (numberIn(info, 'maxmemory') > 0) return []
  return [
    'Redis has no maxmemory: what else grows in it can take the memory of its machine. Set it: config set maxmemory 1gb',
  ]
}

/** From INFO, which needs no right to read the configuration. */
function redisFaults(info: string): QueueCheck['faults'] {
  const faults: QueueCheck['faults'][number][] = []
  const policy = told(info, 'maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction') {
    const risk = `Redis drops parts of the queue when it is full (${policy})`
    faults.push({
      setting: 'maxmemory-policy',
      risk,
      mend: 'config set maxmemory-policy noeviction',
    })
  }
  if (told(info, 'role') === 'slave') {
    const risk = 'this Redis only follows another and takes nothing'
    faults.push({ setting: 'replica', risk, mend: 'point REDIS_URL at the primary' })
  }
  if (Number.parseInt(told(info, 'redis_version') ?? '7', 10) < 7) {
    faults.push({
      setting: 'redis_version',
      risk: 'releases before 7 are not tested',
      mend: 'upgrade',
    })
  }
  return faults
}

/** The default back-off takes up to 20 s to notice that Redis is back; this one about a second. */
const reconnecting: RedisOptions = {
  connectTimeout: 2_000,
  keepAlive: 10_000,
  retryStrategy: (attempt) => Math.min(1_000, 50 * 2 ** Math.min(attempt, 5)) + randomInt(100),
  // The words are the server's error code: after a failover, the old primary answers with it.
  reconnectOnError: (error) => (/^READONLY /.test(error.message) ? 2 : false),
}

/** A producer must know soon: what it can't enqueue, the sweeper will. */
const failingFast: RedisOptions = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  commandTimeout: enqueueMsMax,
}

/** What the lanes need of a BullMQ queue; both backends' queues have it. */
type BullQueue = {
  addBulk(
    jobs: { name: string; data: EnvelopeReference; opts: { jobId: string } }[],
  ): Promise<unknown>
  getJobCountByTypes(...types: ('wait' | 'active' | 'delayed')[]): Promise<number>
  close(): Promise<unknown>
}

/** There is too little room: the journal has what is left out, and the sweeper tries again. */
export class QueueFullError extends Error {
  override name = 'QueueFullError'
}

/** What fills Redis may be another's: a few jobs always go in, so that posting goes on. */
async function roomWhenFull(queue: BullQueue): Promise<number> {
  const counted = queue.getJobCountByTypes('wait', 'active', 'delayed')
  return Math.max(0, redisFullJobs - (await withDeadline(counted, enqueueMsMax)))
}

function laneQueue(queue: BullQueue, isFull: () => boolean): LaneQueue {
  return {
    add: async (envelopes) => {
      const room = isFull() ? await roomWhenFull(queue) : envelopes.length
      // Not atomic on Redis: some may be in and others not when it throws. The sweeper evens it out.
      const jobs = envelopes.slice(0, room).map((envelope) => ({
        name: 'post',
        data: { envelope: `${envelope}` },
        opts: { jobId: jobId(envelope) },
      }))
      if (jobs.length > 0) await withDeadline(queue.addBulk(jobs), enqueueMsMax)
      if (jobs.length < envelopes.length) throw new QueueFullError('Redis has too little room')
    },
    count: () => withDeadline(queue.getJobCountByTypes('wait', 'active', 'delayed'), enqueueMsMax),
    waiting: () => withDeadline(queue.getJobCountByTypes('wait'), enqueueMsMax),
    close: async () => {
      await queue.close()
    },
  }
}

function laneWorker(worker: { close(): Promise<unknown> }): LaneWorker {
  return {
    close: async () => {
      await worker.close()
    },
  }
}

function processor(post: PostEnvelope) {
  return (job: { readonly data: EnvelopeReference }) => post(BigInt(job.data.envelope))
}

export class QueueDeadlineError extends Error {
  override name = 'QueueDeadlineError'
}

async function withDeadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new QueueDeadlineError(`no answer in ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, deadline])
  } finally {
    clearTimeout(timer)
    promise.catch(() => {}) // it may still fail, long after nobody waits
  }
}
