/** Where posting falls behind, no more files are taken; filings and all else are. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { applicationRole } from '../../../src/platform/postgres/postgres.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import { type EngineProcess, file, startProcess, tokenFor } from '../../support/engine.ts'
import { declare } from '../../support/journal.ts'
import { waitFor } from '../../support/wait.ts'

let database: TestDatabase
let intake: EngineProcess
beforeAll(async () => {
  database = await createDatabase()
  intake = await startProcess('intake', {
    DATABASE_URL: database.url,
    LOG_LEVEL: 'warn',
    BACKLOG_SECONDS_MAX: '60', // files are given up at 48
  })
})
afterAll(async () => {
  await intake.end()
  await database.drop()
})

const declaration = declare()

async function begin(): Promise<{ status: number; shed?: string; reason?: string }> {
  // Each a filer of its own: one may not begin many.
  const { employer } = declare()
  const answer = await fetch(`${intake.address}/v1/batches`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await tokenFor([employer])}`,
      'idempotency-key': 'batch',
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      employer,
      period: '2024-11',
      region: '340100',
      kind: 'regular',
      mode: 'accept-good',
    }),
  })
  return { ...((await answer.json()) as object), status: answer.status }
}

/** Begins batches until one is answered so. */
const beginsWith = (status: number) =>
  waitFor(`a batch to get ${status}`, async () => (await begin()).status === status)

/** Ten envelopes that have waited for so long: one or two may be some that can't be opened. */
const waits = (seconds: number) =>
  database.owner.query(
    `insert into journal.unposted (envelope, lane, declarations, accepted_at, committed_at)
     select -g, 'filing', 1, now(), now() - $1::integer * interval '1 second'
     from generate_series(1, 10) as g
     on conflict (envelope) do update set committed_at = excluded.committed_at`,
    [seconds],
  )

test('files are refused while the oldest envelope waits too long, and taken again after it', async () => {
  expect((await begin()).status).toBe(201)
  await waits(100)
  await beginsWith(503)
  expect(await begin()).toMatchObject({ code: 'BUSY', shed: 'bulk', reason: 'backlog' })
  const token = await tokenFor([declaration.employer])
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  expect((await file(intake.address, token, 'beside', declaration)).status).toBe(202)
  const url = `${intake.address}/v1/declarations`
  const list = await fetch(`${url}?employer=${declaration.employer}`, { headers })
  expect(list.status).toBe(200)
  const body = JSON.stringify(declaration)
  const check = await fetch(`${url}/check`, { method: 'POST', headers, body })
  expect(check.status).toBe(200)
  // Filings are never told to be refused for it.
  expect(await (await fetch(`${intake.address}/v1/service/status`)).json()).not.toHaveProperty(
    'openOutage',
  )
  await waits(5)
  await beginsWith(201)
})

test('where it can not be read, it is no reason', async () => {
  await waits(100)
  await beginsWith(503)
  await database.owner.query(`revoke select on journal.unposted from ${applicationRole}`)
  await beginsWith(201)
  await database.owner.query(`grant select on journal.unposted to ${applicationRole}`)
  await beginsWith(503)
})
