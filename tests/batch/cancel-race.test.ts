/**
 * A cancellation and a worker's step at the same time: a cancelled batch never gets rows afterwards.
 */
import { expect, test } from 'vitest'
import { advanceStage, writeStep } from '../../src/batch/lease/batch-lease.ts'
import { insertStagedPieces } from '../../src/batch/staging/staged-rows.ts'
import { cancelUpload } from '../../src/batch/uploads/cancel-and-expire.ts'
import { waitFor } from '../support/wait.ts'
import { rowsOf } from './support.ts'
import { claim, dependencies, journal, receive, useJournal } from './work-support.ts'

useJournal()

test('a cancellation waits for the step under way, and no step writes after it', async () => {
  const batch = await receive(rowsOf(1))
  const deps = dependencies()
  const work = await advanceStage(deps, await claim(), 'begin')
  const { owner } = journal.database
  const locks = await owner.connect()
  const pieces = async () =>
    (await owner.query('select from batch.piece where batch = $1', [batch])).rowCount
  // The step waits at its row of batch.work, as it does while an ended batch is deleted.
  await locks.query('begin')
  await locks.query('select from batch.work where batch = $1 for update', [batch])
  const waiting = async (count: number) => {
    const { rows } = await owner.query(
      `select count(*)::int as count from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rows[0].count >= count
  }
  const header = { employer: 'e', region: '340100', period: '2024-11' }
  const piece = { ...header, entry: 0, number: 1, header, rows: [] }
  const step = writeStep(deps, work, {}, (client) =>
    insertStagedPieces(client, deps.keys, batch, [piece]),
  )
  await waitFor('the step to wait', () => waiting(1))
  let seen: number | null = -1
  const cancelled = cancelUpload({ ...deps, sealingKeys: deps.keys.all }, batch).then(
    async (outcome) => {
      seen = await pieces()
      return outcome
    },
  )
  await waitFor('the cancellation to wait or end', async () => seen !== -1 || (await waiting(2)))
  await locks.query('commit')
  locks.release()
  await step
  expect(await cancelled).toBe('cancelled')
  expect(seen).toBe(await pieces())
  await expect(writeStep(deps, work, {}, async () => {})).rejects.toThrow('not worked on')
})
