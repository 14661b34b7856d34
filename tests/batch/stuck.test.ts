/**
 * A batch worker that answers but does nothing is found by its missing progress.
 */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBatchWorker } from '../../src/batch/worker/batch-worker.ts'
import { inTransaction } from '../../src/platform/postgres/postgres.ts'
import { startWatchdog } from '../../src/queue/watchdog.ts'
import { type EngineProcess, startProcess, tokenFor } from '../support/engine.ts'
import { type Journal, openJournal, policies } from '../support/journal.ts'
import { waitFor } from '../support/wait.ts'
import { batchReaches, csvOf, employersOf, rowsOf, sendFile, sourceOf } from './support.ts'

const misbehave = fileURLToPath(new URL('../../bench/faults/misbehave.mjs', import.meta.url))

let journal: Journal
beforeAll(async () => {
  journal = await openJournal()
})
afterAll(() => journal.close())

test('a worker that takes none of the files that wait says why, ends, and another takes them', async () => {
  const env = { DATABASE_URL: journal.database.url }
  const [intake, stuck] = await Promise.all([
    startProcess('intake', env),
    startProcess('batches', {
      ...env,
      ...{ WORKER_PORT: '0', NODE_OPTIONS: `--import ${misbehave}` },
    }),
  ])
  const live = () => fetch(`${stuck.address}/livez`).catch(() => undefined)
  let next: EngineProcess | undefined
  try {
    stuck.signal('SIGWINCH')
    await waitFor('it to be deaf', () => stuck.output().includes('takes nothing from now on'))
    const rows = rowsOf(3)
    const token = await tokenFor(employersOf(rows))
    const id = await sendFile(intake.address, token, csvOf(rows))
    expect((await live())?.status).toBe(200)
    expect(await stuck.gone).toBe(1)
    expect(stuck.output()).toMatch(/"reason":"1 files wait, and none was taken for \d+ s"/)
    expect(stuck.output()).toContain('nothing moves; ending, to be started again')
    next = await startProcess('batches', env)
    const batch = await batchReaches(intake.address, token, id, ['posting'], 60_000)
    expect(batch.progress.rows).toMatchObject({ filed: 3 })
  } finally {
    await Promise.all([intake.end(), stuck.end(), next?.end()])
  }
}, 240_000)

test('a worker whose step never ends says so; one that works, or has nothing to do, is left alone', async () => {
  const { owner } = journal.database
  let rows = rowsOf(3)
  const receive = () =>
    owner.query(
      `insert into batch.batch (id, subject, may_file_for, period, region, kind, format, mode, stage,
         received, received_at)
       values ($1, 'bureau', $2, '2024-11', '340100', 'regular', 'csv', 'accept-good', 'received',
         100, now())`,
      [randomUUID(), employersOf(rows)],
    )
  const [sealing] = journal.keyring.sealingKeys
  if (sealing === undefined) throw new Error('no key')
  let end: (error: Error) => void = () => {}
  let hangs = false
  const openFiling = () => {
    const accept = journal.openWriter()
    return {
      acceptGroup: (group: Parameters<typeof accept>[0]) =>
        hangs
          ? new Promise<never>((_, reject) => {
              end = reject
            })
          : accept(group),
      enqueue: () => {},
    }
  }
  let finished = 0
  const limits = { idleMs: 10_000, underWayMs: 10_000 }
  const worker = startBatchWorker(
    {
      pool: journal.pool,
      inTransaction,
      keys: { sealing, all: journal.keyring.sealingKeys, salts: journal.keyring.salts },
      policies,
      sourceOf: () => sourceOf(csvOf(rows)),
      openFiling,
      onFinished: () => {
        finished += 1
      },
      onTriedOften: () => {},
      onError: () => {},
    },
    limits,
  )
  const told: string[] = []
  const watchdog = startWatchdog(worker.checks, (why) => told.push(why), 50)
  try {
    for (let i = 1; i <= 5; i += 1) {
      await receive()
      await waitFor('it to be filed', () => finished === i)
    }
    expect(told).toEqual([])
    hangs = true
    rows = rowsOf(3) // of another employer, which has no declaration in force
    await receive()
    await waitFor('it to be told', () => told.length > 0)
    expect(told[0]).toMatch(/^a step of a file is under way for \d+ s$/)
  } finally {
    watchdog.stop()
    hangs = false
    end(new Error('the test ends'))
    await worker.stop()
  }
})
