/** What the queue's backend could not do at its first try, it does at a later one. */
import type pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { buildUntilReady } from '../../src/queue/build-until-ready.ts'
import { type EngineProcess, file, startProcess, tokenFor } from '../support/engine.ts'
import { declare, filingOf, type Journal, openJournal } from '../support/journal.ts'
import { waitFor } from '../support/wait.ts'

let journal: Journal
let holder: pg.PoolClient
let engine: EngineProcess | undefined
beforeEach(async () => {
  journal = await openJournal()
  const { owner, name } = journal.database
  // The first query that BullMQ asks of each connection runs into its time-out (57014).
  await owner.query(`alter database ${name} set statement_timeout = '300ms'`)
  holder = await owner.connect()
  await holder.query('set statement_timeout = 0; begin; lock table bullmq.migration')
})
afterEach(async () => {
  await engine?.end('SIGKILL')
  holder.release(true)
  await journal.close()
})

async function startInTrouble(kind: 'worker' | 'intake'): Promise<EngineProcess> {
  const started = await startProcess(kind, { DATABASE_URL: journal.database.url })
  engine = started
  await waitFor('the trouble', () => started.output().includes('the queue has trouble'))
  await holder.query('rollback')
  return started
}

test('a worker whose first query failed posts all the same, and ends at SIGTERM', async () => {
  const worker = await startInTrouble('worker')
  const { envelope } = await journal.openWriter()([filingOf(declare(), 'after the trouble')])
  const isPosted = async () => {
    const text = 'select from ledger.posting where envelope = $1'
    return (await journal.database.owner.query(text, [envelope])).rows.length === 1
  }
  await waitFor('it to be posted', isPosted)
  expect(await worker.end('SIGTERM')).toBe(0)
})

test('an intake whose first query failed puts on the queue what it accepts', async () => {
  const intake = await startInTrouble('intake')
  await waitFor('a job', async () => {
    const declaration = declare()
    const token = await tokenFor([declaration.employer])
    expect((await file(intake.address, token, 'key', declaration)).status).toBe(202)
    const { rows } = await journal.database.owner.query('select from bullmq.job')
    return rows.length > 0
  })
})

test('what does not become ready is closed and built anew, until it is closed for good', async () => {
  const errors: string[] = []
  let built = 0
  let closed = 0
  const build = () => {
    const number = ++built
    return {
      number,
      waitUntilReady: async () => {
        if (number < 3) throw new Error(`not ready ${number}`)
      },
      close: async () => {
        closed += 1
      },
    }
  }
  const lasting = buildUntilReady(build, ({ message }) => errors.push(message), 5)
  expect((await lasting.ready).number).toBe(3)
  expect(errors).toEqual(['not ready 1', 'not ready 2'])
  await lasting.close()
  expect([built, closed]).toEqual([3, 3])
})
