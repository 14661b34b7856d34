/**
 * The store by which intakes share fairly is lost in the midst of a storm: nobody is shut out, each goes
 * by what it sees itself, and when the store is back they share again.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Declaration } from '../../../src/declaration/schema.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import {
  type EngineProcess,
  file,
  metricsOf,
  startProcess,
  tokenFor,
} from '../../support/engine.ts'
import { declare } from '../../support/journal.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait.ts'

const others = 6
/** Each of the others has one filing under way at each intake, the one far more than fit into the line. */
const clientsOfOne = 300
const afterRefusalMs = 100
const employersOfToken = 100

let database: TestDatabase
let redis: TestRedis
let intakes: readonly EngineProcess[]
beforeAll(async () => {
  database = await createDatabase()
  await database.owner.query(
    `create function journal.slow() returns trigger language plpgsql as $$
     begin perform pg_sleep(0.02 + 0.01 * new.declarations); return new; end $$;
     create trigger slow before insert on journal.envelope
     for each row execute function journal.slow()`,
  )
  redis = await startRedis()
  const env = { DATABASE_URL: database.url, REDIS_URL: redis.url, LOG_LEVEL: 'fatal' }
  intakes = await Promise.all([startProcess('intake', env), startProcess('intake', env)])
})
afterAll(async () => {
  await Promise.all(intakes.map((intake) => intake.end()))
  await redis.stop()
  await database.drop()
})

type Counts = { accepted: number; shed: number; share: number; wrong: number[] }

/** A filer with so many clients at each intake, one for an employer, each sending the next filing after an answer. */
async function startFiler(clients: number) {
  const declarations = intakes.map(() =>
    Array.from({ length: clients }, () => declare({ lines: 1 })),
  )
  const all = declarations.flat().map(({ employer }) => employer)
  const tokenOf = new Map<string, string>()
  for (let i = 0; i < all.length; i += employersOfToken) {
    const employers = all.slice(i, i + employersOfToken)
    const token = await tokenFor(employers, { subject: all[0] as string })
    for (const employer of employers) tokenOf.set(employer, token)
    // Known from a look-up, as portals are.
    const headers = { authorization: `Bearer ${token}` }
    for (const { address } of intakes) await fetch(`${address}/v1/declarations/none`, { headers })
  }
  const counts = intakes.map((): Counts => ({ accepted: 0, shed: 0, share: 0, wrong: [] }))
  const state = { running: true }
  const client = async (at: number, declaration: Declaration) => {
    const of = counts[at] as Counts
    const token = tokenOf.get(declaration.employer) as string
    let next: object = declaration
    for (let i = 0; state.running; i += 1) {
      const answer = await file(intakes[at]?.address ?? '', token, `filing-${i}`, next)
      const { id: replaces } = (await answer.json()) as { id: string }
      if (answer.status === 202) {
        of.accepted += 1
        // What stands is corrected again and again: a second regular one would be refused.
        next = { ...declaration, kind: 'correction', replaces }
        continue
      }
      if (answer.status === 429) of.share += 1
      else if (answer.status === 503) of.shed += 1
      else of.wrong.push(answer.status)
      await pause(afterRefusalMs)
    }
  }
  const clientsDone = declarations.flatMap((own, at) =>
    own.map((declaration) => client(at, declaration)),
  )
  return {
    /** By intake. */
    counts,
    stop: async () => {
      state.running = false
      await Promise.all(clientsDone)
    },
  }
}

async function heard(process: EngineProcess): Promise<number> {
  const text = await metricsOf(process)
  return Number(/^spillway_shares_heard (\d+)$/m.exec(text)?.[1])
}

const allHear = (howMany: number) =>
  waitFor(`each intake to hear ${howMany} others`, async () =>
    (await Promise.all(intakes.map(heard))).every((one) => one === howMany),
  )

test('the others go on being accepted, and the one as well, before, without and after the store', async () => {
  const filers = await Promise.all(Array.from({ length: others }, () => startFiler(1)))
  const one = await startFiler(clientsOfOne)
  const of = (filer: { counts: Counts[] }, what: 'accepted' | 'shed' | 'share') =>
    filer.counts.map((counts) => counts[what])
  /** Everybody is accepted some times more, at both intakes; and the one is told of its share. */
  const everybodyGoesOn = async (when: string) => {
    const before = [...filers, one].map((filer) => of(filer, 'accepted'))
    const toldBefore = of(one, 'share')
    await waitFor(
      `everybody to be accepted at both, ${when}`,
      () =>
        [...filers, one].every((filer, i) =>
          of(filer, 'accepted').every((count, at) => count >= (before[i]?.[at] ?? 0) + 3),
        ) && of(one, 'share').every((count, at) => count > (toldBefore[at] ?? 0) + 20),
      60_000,
    ).catch((error: Error) => {
      const seen = [...filers, one].map(({ counts }) => counts)
      throw new Error(`${error.message}: ${JSON.stringify(seen)}`)
    })
  }
  try {
    await allHear(1)
    await everybodyGoesOn('with the store')
    const port = Number(new URL(redis.url).port)
    await redis.stop()
    await allHear(0)
    await everybodyGoesOn('without it')
    redis = await startRedis({ port })
    await allHear(1)
    await everybodyGoesOn('with it again')
  } finally {
    await Promise.all([...filers, one].map(({ stop }) => stop()))
  }
  const sum = (list: readonly number[]) => list.reduce((all, count) => all + count, 0)
  const accepted = sum(filers.flatMap((filer) => of(filer, 'accepted')))
  const refused = sum(filers.flatMap((filer) => [...of(filer, 'shed'), ...of(filer, 'share')]))
  const counts = `others: ${accepted} accepted, ${refused} refused; the one: ${sum(of(one, 'accepted'))} accepted, ${sum(of(one, 'share'))} over its share`
  console.log(counts)
  expect([...filers, one].flatMap((filer) => filer.counts.flatMap(({ wrong }) => wrong))).toEqual(
    [],
  )
  expect(refused, counts).toBeLessThanOrEqual(0.05 * accepted)
}, 240_000)
