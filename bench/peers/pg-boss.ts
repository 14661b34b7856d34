/**
 * pg-boss, as its documentation has it: `send` is one statement and thus a transaction, committed
 * before it resolves (rows of the team's own in it would cost more: https://pgboss.io/api/adapters).
 * Workers fetch in batches, at once again after a full one, several of them in a process; handler and
 * completion are one transaction, so that a batch is posted exactly once
 * (https://pgboss.io/api/workers: batchSize, burstWhenBatchFull, localConcurrency, transactional).
 * Without LISTEN/NOTIFY, which costs a lock at each commit and gains only latency.
 */
import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { sha256Hex } from '../../src/journal/digest.ts'
import { type Filed, postingAtATime } from './filed.ts'
import { postStatement, postValues } from './ledger.ts'
import type { Peer } from './peer.ts'

const queue = 'declarations'
/** As large as Spillway's groups are under this load; and as many at a time. */
const batchSize = 64
const batchesAtATime = 4

async function open(connectionString: string): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString, max: postingAtATime })
  boss.on('error', () => {})
  await boss.start()
  return boss
}

/** The same for every retry of a filing, so that it is sent once: pg-boss wants a UUID. */
function jobIdOf({ id }: Filed): string {
  const hex = sha256Hex(id)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-')
}

export const pgBoss: Peer = {
  title: 'pg-boss, batches',
  prepare: async (databaseUrl) => {
    const boss = await open(databaseUrl)
    await boss.createQueue(queue, { retryLimit: 10, retryBackoff: true })
    await boss.stop({ graceful: false })
  },
  openIntake: async ({ databaseUrl }) => {
    const boss = await open(databaseUrl)
    return async (filed) => {
      await boss.send(queue, filed, { id: jobIdOf(filed) })
    }
  },
  startWorker: async ({ databaseUrl, ledger }) => {
    const boss = await open(databaseUrl)
    const options = {
      batchSize,
      localConcurrency: batchesAtATime,
      burstWhenBatchFull: true,
      pollingIntervalSeconds: 0.5,
      transactional: true,
    } as const
    await boss.work<Filed, void, typeof options>(queue, options, async (jobs, transaction) => {
      const prepared = jobs.map(({ data }) => ledger.prepare(data))
      await transaction.executeSql(postStatement.text, postValues(prepared))
    })
  },
  held: async ({ databaseUrl }) => {
    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    const { rows } = await client.query<{ id: string }>(
      `select data ->> 'id' as id from pgboss.job where name = $1 and state <> 'completed'`,
      [queue],
    )
    await client.end()
    return rows.map(({ id }) => id)
  },
  recovers: 'jobs expire after 15 min',
}
