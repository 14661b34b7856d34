/**
 * What tells one filer that something of another's is there: attacks by who may file for one employer, and
 * asks for what is another's and for what nobody has. Both are answered in the same words, after the same
 * statements, which find nothing; and no envelope is opened, however large.
 */
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runSteps } from '../../../src/batch/worker/batch-worker.ts'
import { instantMicros } from '../../../src/declaration/period.ts'
import { csvOf, rowsOf } from '../../batch/support.ts'
import {
  claim,
  dependencies,
  journal,
  keptRowsOf,
  postAll,
  receiveFile,
  useJournal,
} from '../../batch/work-support.ts'
import { openApp } from '../../support/app.ts'
import { declare, policies } from '../../support/journal.ts'

useJournal()

/** Each statement with what it found. */
const asked: string[] = []

/** The journal's pool for lookups, which tells what is asked of it. */
function openWatched() {
  const { readPool: pool } = journal
  return new Proxy(pool, {
    get: (target, name) => {
      const member = Reflect.get(target, name)
      if (name !== 'query') return typeof member === 'function' ? member.bind(target) : member
      return async (query: pg.QueryConfig) => {
        const result = await pool.query(query)
        asked.push(`${query.name}: ${result.rows.length}`)
        return result
      }
    },
  })
}

let opened: Awaited<ReturnType<typeof openApp>>
const attacker = declare().employer
const victim = declare({ lines: 30 })
let theirs: string
beforeAll(async () => {
  const clock = { nowMicros: instantMicros('2024-11-23', '10:00') }
  opened = await openApp(journal, { policies, clock, readPool: openWatched() })
  theirs = (await opened.file(victim, 'theirs')).json().id
  await postAll()
})
afterAll(() => opened.close())

const absent = '202411-aaaaaaaaaaaaaaaaaaaaaaaaaa'

/** Everything that can be told from outside. */
async function answerTo(request: { url: string; method?: 'GET' | 'POST'; payload?: object }) {
  asked.length = 0
  const { statusCode, headers, body } = await opened.app.inject({
    ...{ method: 'GET', ...request },
    headers: { ...(await opened.headersFor([attacker])), 'idempotency-key': 'attack' },
  })
  const { traceId: _, ...problem } = JSON.parse(body)
  const { date: _date, 'content-length': _length, ...told } = headers
  return { statusCode, headers: told, problem, asked: [...asked] }
}

describe("what is another's is answered as what is not there", () => {
  test.each([
    ['', ['find-standing: 0']],
    ['/receipt', ['find-acceptances: 0']],
    ['/amounts', ['find-places: ']],
    ['/amounts?format=csv', ['find-places: ']],
    ['/explanation', ['find-places: ']],
    ['/explanation?line=5&count=9', ['find-places: ']],
    ['/explanation?row=2', ['find-places: ']],
  ])('GET /v1/declarations/{id}%s', async (rest, statements) => {
    const own = await opened.get(`/v1/declarations/${theirs}${rest}`, victim.employer)
    expect(own.statusCode, own.body).toBe(200)
    const foreign = await answerTo({ url: `/v1/declarations/${theirs}${rest}` })
    const none = await answerTo({ url: `/v1/declarations/${absent}${rest}` })
    expect(foreign).toMatchObject({ statusCode: 404, problem: { code: 'NOT_FOUND' } })
    expect({ ...foreign, asked: [] }).toEqual({ ...none, asked: [] })
    for (const { asked } of [foreign, none])
      expect(asked).toEqual(statements.map((one) => expect.stringContaining(one)))
  })

  test.each(['correction', 'cancellation'] as const)('in replaces of a %s', async (kind) => {
    const { lines, ...header } = declare({}, { employer: attacker, kind })
    const body = kind === 'cancellation' ? header : { ...header, lines }
    for (const path of ['/v1/declarations', '/v1/declarations/check']) {
      const attack = (replaces: string) =>
        answerTo({ url: path, method: 'POST', payload: { ...body, replaces } })
      const foreign = await attack(theirs)
      expect(foreign).toEqual(await attack(absent))
      expect(JSON.stringify(foreign.problem)).toContain('REPLACES_NOTHING')
    }
  })

  test('in a declaration for another employer, whatever stands', async () => {
    const own = { ...declare(), employer: declare().employer }
    for (const path of ['/v1/declarations', '/v1/declarations/check']) {
      const foreign = await answerTo({ url: path, method: 'POST', payload: victim })
      const none = await answerTo({ url: path, method: 'POST', payload: own })
      expect(foreign).toMatchObject({ statusCode: 403, problem: { code: 'EMPLOYER_NOT_YOURS' } })
      expect(foreign).toEqual(none)
      expect(foreign.asked).toEqual([])
    }
    const list = (employer: string) => answerTo({ url: `/v1/declarations?employer=${employer}` })
    expect(await list(victim.employer)).toEqual(await list(own.employer))
  })
})

describe("a file with rows of another's employer tells nothing of it", () => {
  const { employer, period } = victim
  const nobody = declare().employer

  test.each(['regular', 'correction', 'cancellation', 'addition'])('%s', async (kind) => {
    const told: object[] = []
    for (const foreign of [employer, nobody]) {
      const rows = rowsOf(2).map(([, ...rest]) => [foreign, ...rest])
      // It came before what stands was accepted, or after: either would be told of an employer of one's own.
      for (const receivedAt of ['2024-11-20T10:00:00+08:00', '2024-11-25T10:00:00+08:00']) {
        const asked = { format: 'csv', mayFileFor: [attacker], kind, receivedAt } as const
        const batch = await receiveFile(csvOf(rows), asked)
        await runSteps(dependencies(), await claim())
        told.push(await toldOf(batch))
      }
    }
    expect(told[0]).toMatchObject({ units: [{ latest: null, replaces: null, keeps: null }] })
    expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(1)
  })

  test.each(['regular', 'correction', 'cancellation'] as const)('NDJSON: %s', async (kind) => {
    const told: object[] = []
    for (const [foreign, replaces] of [[employer, theirs] as const, [nobody, absent] as const]) {
      const { lines, ...header } = declare({}, { employer: foreign, period, kind })
      const body = {
        ...header,
        ...(kind !== 'regular' && { replaces }),
        ...(kind !== 'cancellation' && { lines }),
      }
      const asked = { format: 'ndjson', mayFileFor: [attacker] } as const
      const batch = await receiveFile(Buffer.from(JSON.stringify(body)), asked)
      await runSteps(dependencies(), await claim())
      told.push(await toldOf(batch))
    }
    expect(told[0]).toEqual(told[1])
    expect(JSON.stringify(told[0])).not.toContain(theirs)
  })
})

/** What a file came to, without what its sender said: codes and parameters, and what is kept of its units. */
async function toldOf(batch: string) {
  const findings = (await keptRowsOf(batch)).map((row) => row.findings)
  const { rows: units } = await journal.pool.query(
    'select period, latest, replaces, keeps, parts from batch.unit where batch = $1',
    [batch],
  )
  return { findings, units }
}
