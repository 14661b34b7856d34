import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type EngineProcess, file, startProcess, tokenFor } from '../support/engine.ts'
import { declare, declareInTurn } from '../support/journal.ts'
import { openSocket } from '../support/socket.ts'
import { waitFor } from '../support/wait.ts'

let database: TestDatabase
/** Ended by some tests, and left to the next by others. */
let intake: EngineProcess
const startIntake = async () => {
  intake = await startProcess('intake', { DATABASE_URL: database.url })
}
beforeAll(async () => {
  database = await createDatabase()
  await startIntake()
})
afterAll(async () => {
  await intake.end('SIGKILL')
  await database.drop()
})

const count = async (sql: string) => Number((await database.owner.query(sql)).rows[0]?.count)

test('intake killed between commit and reply: the retry returns the original receipt, posted once', async () => {
  const declaration = declare()
  const token = await tokenFor([declaration.employer])
  const holder = await database.owner.connect()
  await holder.query('begin')
  await holder.query('lock table journal.acceptance in share mode')
  const answer = file(intake.address, token, 'key', declaration).then(
    () => 'answered',
    () => 'lost',
  )
  const waiting = `select count(*) from pg_stat_activity where application_name = 'spillway-accept' and wait_event_type = 'Lock' and datname = current_database()`
  await waitFor('the commit to wait', async () => (await count(waiting)) === 1)
  // The process stands still, so the commit ends without a reply; then it is killed.
  intake.signal('SIGSTOP')
  await holder.query('commit')
  holder.release()
  await waitFor(
    'the commit',
    async () => (await count('select count(*) from journal.acceptance')) === 1,
  )
  await intake.end('SIGKILL')
  expect(await answer).toBe('lost')

  await startIntake()
  const first = await file(intake.address, token, 'key', declaration)
  const second = await file(intake.address, token, 'key', declaration)
  expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([202, 'true'])
  expect(await second.text()).toBe(await first.text())
  const worker = await startProcess('worker', { DATABASE_URL: database.url })
  await waitFor(
    'posting',
    async () => (await count('select count(*) from ledger.declaration')) === 1,
  )
  await worker.end()
  expect(await count('select count(*) from journal.acceptance')).toBe(1)
})

test('a Postgres that goes away for a moment costs a wait, not an error', async () => {
  const declaration = declare()
  const token = await tokenFor([declaration.employer])
  const another = declareInTurn(declaration.employer)
  expect((await file(intake.address, token, 'before', declaration)).status).toBe(202)
  await database.owner.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'spillway-accept' and datname = current_database()`,
  )
  expect((await file(intake.address, token, 'after', another())).status).toBe(202)
})

test('SIGTERM under load: every request is answered, and every 202 is in the journal', async () => {
  const declarations = Array.from({ length: 150 }, () => declare())
  const tokens = await Promise.all(declarations.map(({ employer }) => tokenFor([employer])))
  const answers = declarations.map((declaration, i) =>
    file(intake.address, tokens[i] as string, `k${i}`, declaration).then(
      async (answer) => ({
        ...((await answer.json()) as { id: string }),
        status: answer.status,
      }),
      () => undefined,
    ),
  )
  await Promise.race(answers)
  expect(await intake.end('SIGTERM')).toBe(0)
  const answered = (await Promise.all(answers)).filter((answer) => answer !== undefined)
  const accepted = answered.filter(({ status }) => status === 202)
  expect(accepted.length).toBeGreaterThan(0)
  for (const { status } of answered) expect([202, 503]).toContain(status)
  const ids = accepted.map(({ id }) => `'${id}'`).join(',')
  expect(await count(`select count(*) from journal.acceptance where id in (${ids})`)).toBe(
    accepted.length,
  )
})

test('a request that comes over an open connection while it drains is answered, and the connection ended', async () => {
  await startIntake()
  const { employer } = declare()
  const client = await openSocket(intake.address)
  client.write('GET /v1/service/status HTTP/1.1\r\nHost: intake\r\n')
  const filing = await openSocket(intake.address)
  filing.write(
    `POST /v1/declarations HTTP/1.1\r\nHost: intake\r\nContent-Type: application/json\r\nContent-Length: 2\r\nAuthorization: Bearer ${await tokenFor([employer])}\r\n`,
  )
  await fetch(`${intake.address}/livez`) // by now, it has read what came before
  intake.signal('SIGTERM')
  await waitFor('it to take no connection', () =>
    fetch(`${intake.address}/livez`).then(
      () => false,
      () => true,
    ),
  )
  client.write('\r\n')
  filing.write('\r\n{}')
  await Promise.all([client.closed, filing.closed])
  expect(client.text()).toMatch(/^HTTP\/1.1 200 [\s\S]*connection: close/i)
  expect(filing.text()).toMatch(/^HTTP\/1.1 400 [\s\S]*IDEMPOTENCY_KEY_MISSING/)
  expect(await intake.end('SIGTERM')).toBe(0)
})
