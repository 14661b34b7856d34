/** Acceptance, lookups and posting have connections of their own: none waits for another's. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type EngineProcess, file, startProcess, tokenFor } from '../support/engine.ts'
import { declare, declareInTurn } from '../support/journal.ts'
import { waitFor } from '../support/wait.ts'

let database: TestDatabase
let intake: EngineProcess
let worker: EngineProcess
beforeAll(async () => {
  database = await createDatabase()
  intake = await startProcess('intake', { DATABASE_URL: database.url })
  worker = await startProcess('worker', { DATABASE_URL: database.url })
})
afterAll(async () => {
  await Promise.all([intake.end(), worker.end()])
  await database.drop()
})

/** More than any pool has connections. */
const many = Array.from({ length: 20 }, (_, i) => i)
const declaration = declare()
const another = declareInTurn(declaration.employer)
const fileAgain = async (key: string) =>
  (await file(intake.address, await tokenFor([declaration.employer]), key, another())).status

async function look(id: string): Promise<number> {
  const authorization = `Bearer ${await tokenFor([declaration.employer])}`
  return (await fetch(`${intake.address}/v1/declarations/${id}`, { headers: { authorization } }))
    .status
}

/** Holds a lock while `work` runs; what waits for it is in `waiting`. */
async function whileLocked(sql: string, waiting: string, begin: () => void, work: () => unknown) {
  const client = await database.owner.connect()
  try {
    await client.query(`begin; ${sql}`)
    begin()
    await waitFor('connections to wait', async () => {
      const { rows } = await database.owner.query(
        `select from pg_stat_activity where datname = current_database()
           and wait_event_type = 'Lock' and application_name = $1`,
        [waiting],
      )
      return rows.length > 0
    })
    await work()
  } finally {
    await client.query('rollback')
    client.release()
  }
}

test('lookups that hang, all of them, hold up no filing', async () => {
  const filed = await file(
    intake.address,
    await tokenFor([declaration.employer]),
    'first',
    declaration,
  )
  const { id } = (await filed.json()) as { id: string }
  let answered = 0
  const lookups: Promise<unknown>[] = []
  await whileLocked(
    'lock table ledger.declaration in access exclusive mode',
    'spillway-read',
    () => {
      for (const _ of many) lookups.push(look(id).then(() => (answered += 1)))
    },
    async () => {
      const statuses = await Promise.all(
        many.map((i) => fileAgain(`beside lookups ${i}`.replaceAll(' ', '-'))),
      )
      expect(new Set(statuses)).toEqual(new Set([202]))
      expect(answered).toBe(0)
    },
  )
  await Promise.all(lookups)
})

test('filings that hang, all of them, hold up no lookup; nor does posting', async () => {
  const filed = await file(
    intake.address,
    await tokenFor([declaration.employer]),
    'second',
    another(),
  )
  const { id } = (await filed.json()) as { id: string }
  let answered = 0
  const filings: Promise<unknown>[] = []
  await whileLocked(
    'lock table journal.envelope, ledger.posting in exclusive mode',
    'spillway-accept',
    () => {
      for (const i of many) filings.push(fileAgain(`hanging-${i}`).then(() => (answered += 1)))
    },
    async () => {
      const statuses = await Promise.all(many.map(() => look(id)))
      expect(new Set(statuses)).toEqual(new Set([200]))
      expect(answered).toBe(0)
    },
  )
  await Promise.all(filings)
  await waitFor('what was filed to be posted', async () => {
    const { rows } = await database.owner.query('select from journal.unposted limit 1')
    return rows.length === 0
  })
})
