import { expect, test } from 'vitest'
import { applicationRole, openPool } from '../../src/platform/postgres/postgres.ts'
import { countDeadJobs } from '../../src/queue/dead-jobs.ts'
import { openPostgresBackend } from '../../src/queue/postgres-backend.ts'
import { createDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait.ts'

test('jobs that are done and that an open snapshot keeps are counted', async () => {
  const database = await createDatabase()
  const { url } = database
  const pool = openPool({ url, name: 'test', connectionsMax: 1, statementMsMax: 5_000 })
  const backend = openPostgresBackend({ url, role: applicationRole, onError: () => {} })
  const queue = backend.openQueue('filing')
  const holder = await database.owner.connect()
  try {
    expect(await countDeadJobs(pool)).toBe(0)
    await holder.query('begin isolation level repeatable read; select')
    await queue.add(Array.from({ length: 100 }, (_, i) => BigInt(i + 1)))
    const worker = backend.openWorker('filing', async () => {})
    await waitFor('the jobs to be done', async () => (await queue.count()) === 0)
    await worker.close()
    await waitFor('them to be counted', async () => (await countDeadJobs(pool)) >= 100)
  } finally {
    holder.release(true)
    await queue.close()
    await backend.close()
    await pool.end()
    await database.drop()
  }
})
