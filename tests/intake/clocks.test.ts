/**
 * The clock of one of two intakes is half a minute off: nobody is refused for it, what one gave serves
 * at the other, and the order of what was accepted is that of its commits.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Declaration } from '../../src/declaration/schema.ts'
import { clockSkewMsMax } from '../../src/limits.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type EngineProcess, file, metricsOf, startProcess, tokenFor } from '../support/engine.ts'
import { declare, declareInTurn } from '../support/journal.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'

type Accepted = {
  readonly id: string
  readonly acceptedAt: string
  readonly receipt: { readonly statement: { readonly attemptedAt?: string } }
}

const clocks = ['right', 'ahead', 'behind'] as const
const aheadMs = { right: 0, ahead: 30_000, behind: -30_000 }
type ByClock = Readonly<Record<(typeof clocks)[number], EngineProcess>>

let database: TestDatabase
let redis: TestRedis
let intakes: ByClock
/** The same clocks, in intakes that refuse every filing. */
let refusers: ByClock
let worker: EngineProcess
beforeAll(async () => {
  database = await createDatabase()
  redis = await startRedis()
  const env = { DATABASE_URL: database.url, REDIS_URL: redis.url, LOG_LEVEL: 'error' }
  const startAll = async (more: Record<string, string>) => {
    const started = clocks.map(async (clock) => {
      const off = clock === 'right' ? {} : { CLOCK_AHEAD_MS: `${aheadMs[clock]}` }
      return [clock, await startProcess('intake', { ...env, ...off, ...more })] as const
    })
    return Object.fromEntries(await Promise.all(started)) as ByClock
  }
  intakes = await startAll({})
  refusers = await startAll({ SHED_AT: 'filings-due=0' })
  worker = await startProcess('worker', env)
})
afterAll(async () => {
  await Promise.all([...all(), worker].map((process) => process.end()))
  await redis.stop()
  await database.drop()
})

const all = () => [intakes, refusers].flatMap((byClock) => clocks.map((clock) => byClock[clock]))

describe.each(['ahead', 'behind'] as const)('one of two clocks is 30 s %s', (clock) => {
  let right: EngineProcess
  let wrong: EngineProcess
  let refusing: readonly EngineProcess[]
  beforeAll(() => {
    right = intakes.right
    wrong = intakes[clock]
    refusing = [refusers.right, refusers[clock]]
  })

  async function accepted(answer: Response): Promise<Accepted> {
    const text = await answer.text()
    expect(answer.status, text).toBe(202)
    return JSON.parse(text) as Accepted
  }

  test('a ticket that one gave serves at the other, and no attempt is later than its acceptance', async () => {
    for (const [gave, takes] of [
      [refusing[0], wrong],
      [refusing[1], right],
      [refusing[1], wrong],
    ] as const) {
      const declaration = declare()
      const token = await tokenFor([declaration.employer])
      const refused = await file(gave?.address ?? '', token, 'ticket', declaration)
      expect(refused.status).toBe(503)
      const { attemptTicket } = (await refused.json()) as { attemptTicket: string }
      const more = { 'attempt-ticket': attemptTicket }
      const answer = await accepted(await file(takes.address, token, 'ticket', declaration, more))
      const { attemptedAt } = answer.receipt.statement
      expect(attemptedAt).toBeDefined()
      expect(Date.parse(attemptedAt ?? '')).toBeLessThanOrEqual(Date.parse(answer.acceptedAt))
    }
  })

  test('a retry at the other returns the original receipt, byte for byte', async () => {
    for (const [first, other] of [
      [right, wrong],
      [wrong, right],
    ] as const) {
      const declaration = declare()
      const token = await tokenFor([declaration.employer])
      const original = await file(first.address, token, 'retried', declaration)
      const again = await file(other.address, token, 'retried', declaration)
      expect([original.status, again.status]).toEqual([202, 202])
      expect(again.headers.get('idempotency-replayed')).toBe('true')
      expect(await again.text()).toBe(await original.text())
    }
  })

  test('a token is taken by both from its first second to its last', async () => {
    const [key] = readKeyring(inject('keyringFile')).tokenKeys
    const nowSeconds = Math.floor(Date.now() / 1_000)
    for (const { address } of [right, wrong]) {
      const declaration = declare()
      const another = declareInTurn(declaration.employer)
      const token = await new SignJWT({
        employers: [declaration.employer],
        scope: 'declarations:write',
      })
        .setProtectedHeader({ alg: 'Ed25519', kid: key?.kid ?? '', typ: 'JWT' })
        .setIssuer('spillway')
        .setAudience('spillway')
        .setSubject(declaration.employer)
        .setIssuedAt(nowSeconds)
        .setNotBefore(nowSeconds)
        .setExpirationTime(nowSeconds + 20)
        .sign(key?.privateKey as Parameters<SignJWT['sign']>[0])
      for (const name of ['verified', 'recalled'])
        await accepted(await file(address, token, name, another()))
    }
  })

  test('in force is what was accepted last, though its clock says earlier', async () => {
    const original = declare()
    const token = await tokenFor([original.employer])
    let last = await accepted(await file(right.address, token, 'original', original))
    const told = [last.acceptedAt]
    for (const [i, { address }] of [wrong, right, wrong, right].entries()) {
      const correction = {
        ...declare({ employer: original.employer }),
        kind: 'correction',
        replaces: last.id,
      } as Declaration
      last = await accepted(await file(address, token, `correction-${i}`, correction))
      told.push(last.acceptedAt)
    }
    // The difference is seen, and is no more than that of the clocks.
    const steps = told.slice(1).map((at, i) => Date.parse(at) - Date.parse(told[i] ?? ''))
    expect(Math.min(...steps)).toBeLessThan(-15_000)
    expect(Math.min(...steps)).toBeGreaterThan(-clockSkewMsMax)
    const { rows: order } = await database.owner.query(
      'select id from journal.acceptance where employer = $1 order by envelope, position',
      [original.employer],
    )
    expect(order.at(-1)).toEqual({ id: last.id })
    await waitFor('posting', async () => {
      const { rows } = await database.owner.query('select from journal.unposted limit 1')
      return rows.length === 0
    })
    const { rows } = await database.owner.query(
      `select d.id from ledger.in_force f
       join ledger.declaration d on d.envelope = f.envelope and d.position = f.position
       where f.employer = $1`,
      [original.employer],
    )
    expect(rows).toEqual([{ id: last.id }])
  })
})

test('all of them go on hearing each other’s shares', async () => {
  const heard = async (process: EngineProcess) => {
    const text = await metricsOf(process)
    return Number(/^spillway_shares_heard (\d+)$/m.exec(text)?.[1])
  }
  const others = all().length - 1
  for (const process of all())
    await waitFor('it to hear the others', async () => (await heard(process)) === others)
  // Whoever took another for gone would have it forgotten by now.
  for (let look = 0; look < 15; look += 1, await pause(200))
    for (const process of all()) expect(await heard(process)).toBe(others)
})
