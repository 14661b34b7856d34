/**
 * BullMQ on Redis, one job for each declaration, as its documentation has it: the queue fails fast and
 * the worker waits (https://docs.bullmq.io/guide/going-to-production), a job that fails is tried again
 * with a growing back-off (https://docs.bullmq.io/guide/retrying-failing-jobs), completed jobs are
 * removed (https://docs.bullmq.io/guide/workers/auto-removal-of-jobs; to keep the last 1,000 takes the
 * PostgreSQL backend twice the CPU), several jobs are done at a time
 * (https://docs.bullmq.io/guide/workers/concurrency), the id of the job is that of what it is about
 * (https://docs.bullmq.io/guide/jobs/job-ids). Redis has `appendfsync always` and `noeviction`: the
 * first page calls every second enough, but then what was acknowledged in that second can be lost.
 */
import { createRedisBackend, withBackend } from 'bullmq'
import { Redis } from 'ioredis'
import { type Filed, postingAtATime } from './filed.ts'
import { postStatement, postValues } from './ledger.ts'
import type { Peer } from './peer.ts'

const onRedis = withBackend(createRedisBackend)
const name = 'declarations'

/** Shared with the PostgreSQL backend's peer, where the same pages hold. */
export const queueOptions = {
  defaultJobOptions: {
    attempts: 10,
    backoff: { type: 'exponential', delay: 1_000 },
    removeOnComplete: true,
    removeOnFail: { count: 5_000 },
  },
}

/** States in which a job is not posted; the last one is for somebody to look at. */
export const heldStates = ['wait', 'active', 'delayed', 'prioritized', 'failed'] as const
/** Jobs of a state that are looked at. */
export const heldMax = 100_000

export const bullmqRedis: Peer = {
  title: 'BullMQ on Redis, a job for each',
  prepare: async () => {},
  openIntake: async ({ redisUrl }) => {
    const connection = new Redis(redisUrl, { enableOfflineQueue: false, maxRetriesPerRequest: 1 })
    connection.on('error', () => {})
    const queue = new onRedis.Queue<Filed>(name, { ...queueOptions, connection })
    queue.on('error', () => {})
    await queue.waitUntilReady()
    return async (filed) => {
      await queue.add('post', filed, { jobId: filed.id })
    }
  },
  startWorker: async ({ redisUrl, ledger }) => {
    const connection = new Redis(redisUrl, { maxRetriesPerRequest: null })
    connection.on('error', () => {})
    const post = async ({ data }: { readonly data: Filed }) => {
      await ledger.pool.query({ ...postStatement, values: postValues([ledger.prepare(data)]) })
    }
    const worker = new onRedis.Worker<Filed>(name, post, {
      connection,
      concurrency: postingAtATime,
    })
    worker.on('error', () => {})
    await worker.waitUntilReady()
  },
  held: async ({ redisUrl }) => {
    const connection = new Redis(redisUrl, { maxRetriesPerRequest: null })
    const queue = new onRedis.Queue<Filed>(name, { connection })
    const jobs = await queue.getJobs([...heldStates], 0, heldMax)
    await queue.close()
    connection.disconnect()
    return jobs.map(({ data }) => data.id)
  },
  recovers: 'a lock of 30 s, and a look for stalled jobs every 30 s',
}
