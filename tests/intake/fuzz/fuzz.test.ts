/**
 * Every route, with requests that are harmed by structure: whatever comes, nothing fails, every refusal says in both
 * languages what to do, and nobody is named. A seed makes the requests: here always the same ones; `npm run fuzz`
 * goes on with other seeds (FUZZ_SECONDS, FUZZ_SEED) and prints the one that found something.
 */
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { instantMicros } from '../../../src/declaration/period.ts'
import { openApp } from '../../support/app.ts'
import { tokenFor } from '../../support/engine.ts'
import { everythingIn } from '../../support/everything.ts'
import { declare, type Journal, openJournal, policies } from '../../support/journal.ts'
import { absent, type Ids, type RouteRow, routeTable } from '../../support/route-table.ts'
import { basesOf, withPlanted } from './bases.ts'
import { type Answer, exchange } from './exchange.ts'
import { randomOf } from './hostile.ts'
import { faultsOf, hasPlanted } from './judge.ts'
import { bytesOf, harmRequest, type RawRequest } from './requests.ts'

const seconds = Number(process.env.FUZZ_SECONDS ?? 0)
const firstSeed = Number(process.env.FUZZ_SEED ?? 20_241_123)
/** Of each route and seed. */
const requestsOfRoute = 12
/** A machine may be busy; an answer that takes this long is none. */
const answerMsMax = 60_000
const underWayMax = 6

let journal: Journal
let opened: Awaited<ReturnType<typeof openApp>>
let port: number
let log = ''
let own: Ids
let ended: { batch: string; mark: string }
const table = routeTable({ own: () => own, ended: () => ended })
const tally = new Map<string, number>()

beforeAll(async () => {
  journal = await openJournal()
  const clock = { nowMicros: instantMicros('2024-11-23', '10:00') }
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      log += chunk
      done()
    },
  })
  opened = await openApp(journal, { policies, clock, logger: pino({ level: 'trace' }, stream) })
  await opened.app.listen({ host: '127.0.0.1', port: 0 })
  port = (opened.app.server.address() as AddressInfo).port
})
afterAll(async () => {
  await opened.close()
  await journal.close()
})

/** Of a seed's filer: a declaration that is posted, a batch, one that has ended, and a slot. */
async function makeOwn(seed: number): Promise<string> {
  const declaration = declare()
  const { employer } = declaration
  const token = await tokenFor([employer], { subject: `fuzz ${seed}` })
  const headers = { authorization: `Bearer ${token}` }
  const make = async (name: string): Promise<string> => {
    const {
      path: url,
      payload,
      headers: more,
    } = (table[name] as RouteRow).ask({ ...absent, employer, declaration: '' })
    const asked = { method: 'POST', url, headers: { ...headers, ...more } } as const
    const body = name === 'POST /v1/declarations' ? withPlanted(declaration) : (payload as object)
    const answer = await opened.app.inject({ ...asked, payload: body })
    expect(answer.statusCode, answer.body).toBeLessThan(300)
    return answer.json<{ id: string }>().id
  }
  const filed = await make('POST /v1/declarations')
  await journal.post(opened.envelopes.at(-1) as bigint)
  ended = { batch: await make('POST /v1/batches'), mark: 'cancelled.0.0.0.0' }
  await journal.pool.query(`update batch.batch set stage = 'cancelled' where id = $1`, [
    ended.batch,
  ])
  own = {
    employer,
    declaration: filed,
    batch: await make('POST /v1/batches'),
    slot: await make('POST /v1/slots'),
  }
  return token
}

type Case = { readonly name: string; readonly request: RawRequest; readonly seed: number }

function* casesOf(seed: number, token: string): Generator<Case> {
  const random = randomOf(seed)
  for (let i = 0; i < requestsOfRoute; i += 1)
    for (const { name, ...base } of basesOf(table, own, random)) {
      const holder = random.chance(94) ? token : undefined
      const request = harmRequest({ ...base, token: holder }, random, 1 + random.below(2))
      yield { name, request, seed }
    }
}

/** Sends all of a seed's requests; tells of each that is answered as none may be. */
async function runSeed(seed: number): Promise<string[]> {
  const cases = casesOf(seed, await makeOwn(seed))
  const wrong: string[] = []
  const work = async () => {
    for (const { name, request } of cases) {
      const bytes = bytesOf(request)
      const answer = await exchange(port, {
        ...{ bytes, isWhole: isWholeRequest(request), msMax: answerMsMax },
      }).catch((error: Error) => error)
      const faults = await judged(request, answer)
      if (faults.length === 0) continue
      const shown = `${bytes.subarray(0, 1_500)}`.replace(/Bearer eyJ\S+/, 'Bearer TOKEN')
      const said = answer instanceof Error ? answer.message : JSON.stringify(answer)?.slice(0, 800)
      wrong.push(`seed ${seed}, ${name}: ${faults.join('; ')}\n${shown}\n=> ${said}`)
    }
  }
  await Promise.all(Array.from({ length: underWayMax }, work))
  return wrong
}

async function judged(request: RawRequest, answer: Answer | undefined | Error): Promise<string[]> {
  if (answer instanceof Error) return [answer.message]
  if (answer === undefined) return isWholeRequest(request) ? ['no answer'] : []
  const code = /"code":"(\w+)"/.exec(answer.status < 400 ? '' : answer.body)?.[1] ?? ''
  const kind = `${answer.status} ${code}`.trim()
  tally.set(kind, (tally.get(kind) ?? 0) + 1)
  return faultsOf(request.method, answer)
}

/** Who says that more is to come, and ends, need not be answered. */
function isWholeRequest({ headers }: RawRequest): boolean {
  return !headers.some(([name]) => name === 'content-length' || name === 'transfer-encoding')
}

test(
  'whatever is asked of any route, nothing fails, and who is refused is told what to do',
  async () => {
    const endsAt = performance.now() + 1_000 * seconds
    let seed = firstSeed
    do {
      expect(await runSeed(seed)).toEqual([])
      const told = log
        .split('\n')
        .filter((line) => hasPlanted(line) || /"level":50|eyJ[\w-]{20}/.test(line))
      expect(told, `the log of seed ${seed}`).toEqual([])
      log = ''
      seed += 1
    } while (performance.now() < endsAt)
    if (seconds > 0)
      console.log(`seeds ${firstSeed} to ${seed - 1}:`, Object.fromEntries([...tally].sort()))
    // They come as far as what each route does, and are refused for many reasons.
    const all = [...tally.values()].reduce((sum, one) => sum + one, 0)
    const taken = [...tally]
      .filter(([kind]) => /^[23]/.test(kind))
      .reduce((sum, [, one]) => sum + one, 0)
    expect(taken / all).toBeGreaterThan(0.1)
    expect(tally.size).toBeGreaterThan(25)
    // It goes on as before, and what came is nowhere in clear.
    const after = declare()
    expect((await opened.file(after, 'after')).statusCode).toBe(202)
    expect(hasPlanted(await everythingIn(journal.database))).toBe(false)
  },
  180_000 + 1_000 * seconds,
)
