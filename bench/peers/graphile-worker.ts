/**
 * Graphile Worker, as its documentation has it: a job is added in the request, with a key, so that a
 * retry adds none (https://worker.graphile.org/docs/job-key); for a high throughput its worker keeps a
 * local queue, one more than it runs at a time, and completes jobs in batches, with the values that
 * https://worker.graphile.org/docs/performance starts from; the pool is two more than it runs at a
 * time. A task has one job, and is one transaction.
 */
import { Logger, makeWorkerUtils, run, runMigrations } from 'graphile-worker'
import pg from 'pg'
import { type Filed, postingAtATime } from './filed.ts'
import { postStatement, postValues } from './ledger.ts'
import type { Peer } from './peer.ts'

const task = 'post'
const quiet = new Logger(() => () => {})

function poolTo(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: postingAtATime + 2 })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

export const graphileWorker: Peer = {
  title: 'Graphile Worker, a job for each',
  prepare: async (connectionString) => {
    await runMigrations({ connectionString, logger: quiet })
  },
  openIntake: async ({ databaseUrl }) => {
    const { addJob } = await makeWorkerUtils({ pgPool: poolTo(databaseUrl), logger: quiet })
    return async (filed) => {
      await addJob(task, filed, { jobKey: filed.id })
    }
  },
  startWorker: async ({ databaseUrl, ledger }) => {
    const worker = await run({
      pgPool: poolTo(databaseUrl),
      logger: quiet,
      noHandleSignals: true,
      preset: {
        worker: {
          concurrentJobs: postingAtATime,
          localQueue: { size: postingAtATime + 1 },
          completeJobBatchDelay: 25,
          failJobBatchDelay: 25,
        },
      },
      taskList: {
        [task]: async (payload, { withPgClient }) => {
          const values = postValues([ledger.prepare(payload as Filed)])
          await withPgClient((client) => client.query({ ...postStatement, values }))
        },
      },
    })
    // It ends when it can't go on: as under a supervisor, the process starts anew.
    worker.promise.catch(() => {}).finally(() => process.exit(1))
  },
  held: async ({ databaseUrl }) => {
    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    const { rows } = await client.query<{ id: string }>(
      `select payload ->> 'id' as id from graphile_worker._private_jobs`,
    )
    await client.end()
    return rows.map(({ id }) => id)
  },
  recovers: 'jobs stay locked for 4 h',
}
