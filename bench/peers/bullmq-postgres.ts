/**
 * BullMQ on its PostgreSQL backend, one job for each declaration, as
 * https://docs.bullmq.io/guide/postgresql has it: in the database of the ledger, the pool as large as
 * what is done at a time, completed jobs removed. `synchronous_commit` stays on, as the answer
 * must be durable.
 */
import { createPostgresBackend, withBackend } from 'bullmq'
import { heldMax, heldStates, queueOptions } from './bullmq-redis.ts'
import { type Filed, postingAtATime } from './filed.ts'
import { postStatement, postValues } from './ledger.ts'
import type { Peer } from './peer.ts'

const onPostgres = withBackend(createPostgresBackend)
const name = 'declarations'

const connectionTo = (connectionString: string, max = postingAtATime) => ({
  connection: { connectionString, max },
})

export const bullmqPostgres: Peer = {
  title: 'BullMQ on PostgreSQL, a job for each',
  prepare: async () => {}, // its schema comes with the migrated database
  openIntake: async ({ databaseUrl }) => {
    const queue = new onPostgres.Queue<Filed>(name, {
      ...queueOptions,
      ...connectionTo(databaseUrl),
    })
    queue.on('error', () => {})
    await queue.waitUntilReady()
    return async (filed) => {
      await queue.add('post', filed, { jobId: filed.id })
    }
  },
  startWorker: async ({ databaseUrl, ledger }) => {
    const post = async ({ data }: { readonly data: Filed }) => {
      await ledger.pool.query({ ...postStatement, values: postValues([ledger.prepare(data)]) })
    }
    const worker = new onPostgres.Worker<Filed>(name, post, {
      ...connectionTo(databaseUrl),
      concurrency: postingAtATime,
    })
    worker.on('error', () => {})
    await worker.waitUntilReady()
  },
  held: async ({ databaseUrl }) => {
    const queue = new onPostgres.Queue<Filed>(name, connectionTo(databaseUrl, 2))
    const jobs = await queue.getJobs([...heldStates], 0, heldMax)
    await queue.close()
    return jobs.map(({ data }) => data.id)
  },
  recovers: 'a lock of 30 s, and a look for stalled jobs every 30 s',
}
