/** One filer that sends fifty times its share leaves the others what is theirs. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Declaration } from '../../../src/declaration/schema.ts'
import { FairShares } from '../../../src/intake/overload/fair-shares.ts'
import { startSharesExchange } from '../../../src/intake/overload/shares-exchange.ts'
import { exchangeOver } from '../../../src/intake-process/overload.ts'
import { sharesWindowMs } from '../../../src/limits.ts'
import { openRedisBackend } from '../../../src/queue/redis-backend.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import {
  type EngineProcess,
  file,
  freshMetricsOf,
  startProcess,
  tokenFor,
} from '../../support/engine.ts'
import { declare } from '../../support/journal.ts'
import { startRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait.ts'

test('where filings do not crowd, one filer may have it all', () => {
  const limit = { limit: 100, underWay: 49 }
  const shares = new FairShares(limit)
  for (let i = 0; i < 49; i += 1) shares.enter('one', 0)
  expect(shares.exceeds('one', 0)).toBe(false)
  limit.underWay = 50
  expect(shares.exceeds('one', 0)).toBe(false) // it is alone
  shares.enter('other', 0)
  expect(shares.exceeds('one', 0)).toBe(false)
  shares.enter('one', 0)
  expect(shares.exceeds('one', 0)).toBe(true)
  expect(shares.exceeds('other', 0)).toBe(false)
})

test('who files alone is not held back by the many employers for which it files', () => {
  const shares = new FairShares({ limit: 100, underWay: 90 })
  for (let i = 0; i < 90; i += 1) {
    shares.enter('portal', 0)
    shares.hold(i < 60 ? 'largest' : `employer-${i}`)
  }
  expect(shares.exceeds('portal', 0)).toBe(false)
  expect(shares.exceeds('largest', 0)).toBe(false)
  shares.enter('other', 0)
  expect(shares.exceeds('portal', 0)).toBe(true)
  expect(shares.exceeds('largest', 0)).toBe(true)
  expect(shares.exceeds('other', 0)).toBe(false)
})

test('who sends far less than the others is modest; where all send the same, nobody is', () => {
  const shares = new FairShares({ limit: 10, underWay: 10 })
  for (let i = 0; i < 10; i += 1) for (const who of ['a', 'b', 'c']) shares.arrive(who, 0)
  expect(['a', 'b', 'c'].map((who) => shares.isModest(who, 0))).toEqual([false, false, false])
  for (let i = 0; i < 500; i += 1) shares.arrive('monster', 0)
  expect(['a', 'monster'].map((who) => shares.isModest(who, 0))).toEqual([true, false])
})

test('shares are equal parts for those who filed lately, and at least one filing', () => {
  const shares = new FairShares({ limit: 10, underWay: 10 })
  const leave = Array.from({ length: 30 }, (_, i) => shares.enter(`filer-${i}`, 0))
  expect(shares.share(0)).toBe(1)
  for (const one of leave) one()
  expect(shares.share(sharesWindowMs + 1)).toBe(1) // the window before counts
  expect(shares.share(4 * sharesWindowMs)).toBe(10)
})

test('a filer that spreads over processes has one share; without their store each goes by itself', async () => {
  const redis = await startRedis()
  const open = () => {
    const backend = openRedisBackend({ url: redis.url, namespace: 'shares', onError: () => {} })
    const limit = { limit: 20, underWay: 20 }
    const shares = new FairShares(limit)
    const exchanging = startSharesExchange(shares, exchangeOver(backend.exchange))
    return { backend, shares, exchanging }
  }
  const [one, other] = [open(), open()]
  try {
    for (let i = 0; i < 12; i += 1) one.shares.enter('monster', performance.now())
    for (let i = 0; i < 12; i += 1) other.shares.enter('monster', performance.now())
    for (const { shares } of [one, other]) shares.enter('small', performance.now())
    // Of 40 places two filers have 20 each: the one has 24, though no process sees more than 12.
    await waitFor('both to hear of each other', () => {
      for (const { shares } of [one, other]) shares.enter('small', performance.now())()
      return [one, other].every(({ shares }) => shares.exceeds('monster', performance.now()))
    })
    expect(one.shares.exceeds('small', performance.now())).toBe(false)
    await redis.stop()
    await waitFor('each to go by itself', () => {
      for (const { shares } of [one, other]) shares.enter('small', performance.now())()
      return one.shares.share(performance.now()) === 10
    })
    expect(one.shares.exceeds('monster', performance.now())).toBe(true)
    expect(one.shares.exceeds('small', performance.now())).toBe(false)
  } finally {
    for (const { backend, exchanging } of [one, other]) {
      exchanging.stop()
      await backend.close()
    }
    await redis.stop()
  }
})

let database: TestDatabase
let intake: EngineProcess
beforeAll(async () => {
  database = await createDatabase()
  await database.owner.query(
    `create function journal.slow() returns trigger language plpgsql as $$
     begin perform pg_sleep(0.02 + 0.01 * new.declarations); return new; end $$;
     create trigger slow before insert on journal.envelope
     for each row execute function journal.slow()`,
  )
  intake = await startProcess('intake', { DATABASE_URL: database.url, LOG_LEVEL: 'warn' })
})
afterAll(async () => {
  await intake.end()
  await database.drop()
})

/** A filer with so many clients, one for an employer; each sends the next filing after an answer, until told to stop. */
async function startFiler(clients: number, filingsEach: number) {
  const declarations = Array.from({ length: clients }, () => declare({ lines: 1 }))
  const token = await tokenFor(declarations.map(({ employer }) => employer))
  // Known from a look-up, as portals are: who was never seen is nobody in particular at the gate.
  const authorization = `Bearer ${token}`
  await fetch(`${intake.address}/v1/declarations/none`, { headers: { authorization } })
  const statuses: number[] = []
  const state = { running: true }
  const client = async (declaration: Declaration) => {
    let next: object = declaration
    for (let i = 0; i < filingsEach && state.running; i += 1) {
      const answer = await file(intake.address, token, `filing-${i}`, next)
      statuses.push(answer.status)
      const { id: replaces } = (await answer.json()) as { id: string }
      if (answer.status === 202) next = { ...declaration, kind: 'correction', replaces }
    }
  }
  const done = Promise.all(declarations.map(client))
  const stop = async () => {
    state.running = false
    await done
  }
  return { statuses, done, stop }
}

test('the others are all accepted while the one is told to send less', async () => {
  const monster = await startFiler(200, 10_000)
  const others = await Promise.all(Array.from({ length: 8 }, () => startFiler(1, 8)))
  await Promise.all(others.map(({ done }) => done))
  await monster.stop()
  expect(others.flatMap(({ statuses }) => statuses)).toEqual(Array(8 * 8).fill(202))
  expect(monster.statuses.filter((status) => status === 429).length).toBeGreaterThan(100)
  expect(monster.statuses).toContain(202)
  const service = await fetch(`${intake.address}/v1/service/status`)
  expect(await service.json()).toMatchObject({ status: expect.stringMatching(/^(yellow|red)$/) })
  const metrics = await freshMetricsOf(intake)
  expect(metrics).toMatch(/spillway_shed_requests_total\{class="filings-due",reason="share"\} \d+/)
})
