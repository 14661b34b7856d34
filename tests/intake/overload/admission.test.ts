/** What can not be done in time is refused early, in an order, and the answer says what to do. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Admission, requestClasses, type ShedAt } from '../../../src/intake/overload/admission.ts'
import { LoopTurn } from '../../../src/intake/overload/event-loop-budget.ts'
import { FairShares } from '../../../src/intake/overload/fair-shares.ts'
import { FilingLimit } from '../../../src/intake/overload/filing-limit.ts'
import { filingName } from '../../../src/intake/overload/gate.ts'
import { ProcessRate } from '../../../src/intake/overload/process-rate.ts'
import { classOf } from '../../../src/intake/overload/route-classes.ts'
import { CommitTimes } from '../../../src/journal/commit-times.ts'
import { answerTargetMs, retrySecondsElse } from '../../../src/limits.ts'
import { readConfig } from '../../../src/platform/config/config.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import {
  type EngineProcess,
  file,
  metricsOf,
  startProcess,
  tokenFor,
} from '../../support/engine.ts'
import { declare, rulesOf } from '../../support/journal.ts'
import { waitFor } from '../../support/wait.ts'

const { shedAt } = readConfig({})

function admissionWith(more: {
  signals?: Partial<Record<'lateMs' | 'memory' | 'disk', number>>
  shedAt?: Partial<ShedAt>
  requestsMax?: number
  backlog?: number
  rate?: ProcessRate
}) {
  let now = 0
  const times = new CommitTimes(() => now)
  const limit = new FilingLimit(times)
  const signals = { lateMs: 0, memory: 0, disk: 0, ...more.signals }
  return {
    limit,
    /** Commits of a journal that brings some 220 filings a second, so that 200 may be under way. */
    slowDown: () => {
      for (let i = 0; i < 50; i += 1) {
        const declarations = i % 2 === 0 ? 100 : 1
        times.begin(declarations, declarations)
        now += 1 + 4.9 * (declarations - 1)
        times.end(true)
      }
    },
    admission: new Admission({
      limit,
      shares: new FairShares(limit),
      turn: new LoopTurn(),
      rate: more.rate ?? new ProcessRate(),
      signals: () => signals,
      backlog: () => more.backlog ?? 0,
      shedAt: { ...shedAt, ...more.shedAt },
      requestsMax: more.requestsMax ?? 1_000,
    }),
  }
}

describe('who is let in', () => {
  test('classes are given up in their order, filings that are due last, look-ups only for the process', () => {
    const { admission, limit, slowDown } = admissionWith({})
    slowDown()
    expect(limit.limit).toBeGreaterThan(150)
    const given: string[] = []
    for (let i = 0; i <= 260; i += 1) {
      for (const of of ['reports', 'checks', 'filings', 'filings-due', 'lookups'] as const) {
        if (admission.check(of, 0) !== undefined && !given.includes(of)) given.push(of)
      }
      admission.enterFiling([], 0)
    }
    expect(given).toEqual(['reports', 'checks', 'filings', 'filings-due'])
  })

  test('no more than this process answers in time, however much the journal could do', () => {
    let activeMs = 0
    const rate = new ProcessRate(() => activeMs)
    for (let i = 1; i <= 2_500; i += 1) {
      activeMs += 1
      rate.accept(i)
    }
    const { admission, limit } = admissionWith({ rate, requestsMax: 10_000 })
    expect(limit.limit).toBeGreaterThan(1_000)
    const now = 2_500
    let entered = 0
    while (admission.check('filings-due', now) === undefined && entered < 5_000) {
      admission.enterFiling([], now)
      entered += 1
    }
    expect(entered).toBeCloseTo(answerTargetMs, -2)
  })

  test('memory and disk stop filings, and a full disk no look-ups', () => {
    expect(admissionWith({ signals: { memory: 1.1 } }).admission.check('filings-due', 0)).toEqual({
      class: 'filings-due',
      reason: 'memory',
    })
    const full = admissionWith({ signals: { disk: 2 } }).admission
    expect(full.check('filings-due', 0)?.reason).toBe('disk')
    expect(full.check('lookups', 0)).toBeUndefined()
  })

  test('what waits to be posted stops files that would begin, and nothing else', () => {
    const { admission } = admissionWith({ backlog: 0.8 })
    expect(requestClasses.filter((of) => admission.check(of, 0) !== undefined)).toEqual([])
    expect(admission.checkBacklog()).toEqual({ class: 'bulk', reason: 'backlog' })
    expect(admissionWith({ backlog: 0.79 }).admission.checkBacklog()).toBeUndefined()
  })

  test('requests under way are bounded, and each leaves once', () => {
    const { admission } = admissionWith({ requestsMax: 10 })
    const leave = Array.from({ length: 10 }, () => admission.enter())
    expect(admission.check('filings-due', 0)?.reason).toBe('requests')
    expect(admission.check('lookups', 0)).toBeUndefined()
    for (let i = 0; i < 3; i += 1) leave[0]?.()
    expect(admission.check('filings-due', 0)).toBeUndefined()
  })

  test('filings whose bodies come slowly hold no place for long', () => {
    const { admission, slowDown } = admissionWith({})
    slowDown()
    for (let i = 0; i < 500; i += 1) admission.arrive(0)
    expect(admission.check('filings-due', 1)?.reason).toBe('journal')
    expect(admission.checkKnown('late', 1)?.reason).toBe('journal')
    expect(admission.check('filings-due', 200)).toBeUndefined()
  })

  test('a filing that is here, or will not be, counts no longer as one to come, and each once', () => {
    const { admission, slowDown } = admissionWith({})
    slowDown()
    const arrived = Array.from({ length: 500 }, () => admission.arrive(0))
    for (let i = 0; i < 3; i += 1) for (const here of arrived.slice(0, 499)) here()
    expect(admission.check('filings-due', 1)).toBeUndefined()
    const later = Array.from({ length: 500 }, () => admission.arrive(100))
    for (const here of arrived) here() // of a moment that is over
    expect(admission.check('filings-due', 101)?.reason).toBe('journal')
    for (const here of later) here()
    expect(admission.check('filings-due', 102)).toBeUndefined()
  })

  test('who is refused is told when all before are in, by what the journal brings; no second stays empty', () => {
    const { admission, limit, slowDown } = admissionWith({})
    slowDown()
    const shed = { class: 'filings-due', reason: 'journal' } as const
    expect(admission.refuse(shed, 0, 'alone')).toBe(1)
    for (let i = 0; i < 200; i += 1) admission.enterFiling(['one'], 0)
    const told = Array.from({ length: 2_000 }, (_, i) => admission.refuse(shed, 0, `filing-${i}`))
    const last = Math.max(...told)
    expect(last).toBeGreaterThan((0.7 * 2_000) / limit.perSecond)
    expect(last).toBeLessThan((1.2 * 2_200) / limit.perSecond)
    const perSecond = Array.from(
      { length: last },
      (_, i) => told.filter((at) => at === i + 1).length,
    )
    for (const count of perSecond.slice(0, -2)) expect(count).toBeGreaterThan(0.8 * limit.perSecond)
    // The same ones again, at once and again: nobody's wait gets longer.
    for (let i = 0; i < 20_000; i += 1) admission.refuse(shed, 10, `filing-${i % 200}`)
    expect(admission.refuse(shed, 20, 'another')).toBeLessThanOrEqual(last + 2)
  })

  test('where waiting makes no line shorter, who is refused comes back after a while', () => {
    const { admission } = admissionWith({})
    for (const reason of ['off', 'disk', 'backlog'] as const) {
      const seconds = admission.refuse({ class: 'bulk', reason }, 0)
      expect(seconds).toBeGreaterThanOrEqual(retrySecondsElse)
      expect(seconds).toBeLessThan(1.2 * retrySecondsElse)
    }
  })

  test('only a filing of a known filer has a place in the line of those who were told to come back', () => {
    expect(filingName({ 'idempotency-key': 'key' }, 'filer')).toBe('filer\nkey')
    expect(filingName({ 'idempotency-key': 'key' }, undefined)).toBeUndefined()
    expect(filingName({ 'idempotency-key': 'k'.repeat(10_000) }, 'filer')).toBeUndefined()
    expect(filingName({}, 'filer')).toBeUndefined()
    const { admission, slowDown } = admissionWith({})
    slowDown()
    for (let i = 0; i < 5_000; i += 1) {
      admission.refuse({ class: 'filings-due', reason: 'journal' }, 0)
      admission.refuse({ class: 'reports', reason: 'journal' }, 0, `filer\n${i}`)
    }
    expect(admission.refuse({ class: 'filings-due', reason: 'journal' }, 0, 'filer\nkey')).toBe(1)
  })

  test('what was accepted in the last minute is counted', () => {
    const { admission } = admissionWith({})
    for (let second = 0; second < 100; second += 1)
      admission.enterFiling(['one'], 0)(0, 1_000 * second, second % 2 === 0)
    expect(admission.acceptedLastMinute(99_500)).toBe(30)
    expect(admission.acceptedLastMinute(200_000)).toBe(0)
  })

  test('the class of a request is known by its line', () => {
    expect(classOf('POST', '/v1/declarations')).toBe('filings-due')
    expect(classOf('POST', '/v1/declarations/check?x=1')).toBe('checks')
    expect(classOf('GET', '/v1/declarations?employer=1')).toBe('reports')
    expect(classOf('GET', '/v1/declarations/202411-x/receipt')).toBe('lookups')
    for (const free of ['/livez', '/readyz', '/.well-known/jwks.json', '/v1/findings/BUSY']) {
      expect(classOf('GET', free)).toBeUndefined()
    }
  })
})

test('a filing is due on its last day, and can wait on the day before', async () => {
  const database = await createDatabase()
  const { deadlineMicros } = rulesOf('340100', '2024-11')
  const hourMs = 3_600_000
  try {
    for (const [hoursBefore, status] of [
      [1, 202],
      [23, 202],
      [25, 503],
      [-1, 202],
    ] as const) {
      const nowMs = deadlineMicros / 1_000 - hoursBefore * hourMs
      const intake = await startProcess('intake', {
        DATABASE_URL: database.url,
        SHED_AT: 'filings=0',
        CLOCK_AHEAD_MS: `${Math.round(nowMs - Date.now())}`,
        LOG_LEVEL: 'fatal',
      })
      const declaration = declare({ lines: 1 })
      const token = await tokenFor([declaration.employer], { issuedAtMs: nowMs })
      const answer = await file(intake.address, token, `due-${hoursBefore}`, declaration)
      const { shed } = (await answer.json()) as { shed?: string }
      await intake.end()
      expect([answer.status, shed]).toEqual([status, status === 503 ? 'filings' : undefined])
    }
  } finally {
    await database.drop()
  }
})

describe('an intake in front of a slow journal', () => {
  let database: TestDatabase
  let intake: EngineProcess
  beforeAll(async () => {
    database = await createDatabase()
    await database.owner.query(
      `create function journal.slow() returns trigger language plpgsql as $$
       begin perform pg_sleep(0.05 + 0.001 * new.declarations); return new; end $$;
       create trigger slow before insert on journal.envelope
       for each row execute function journal.slow()`,
    )
    intake = await startProcess('intake', {
      DATABASE_URL: database.url,
      // At most twice the largest group is under way where commits are slow: fewer than the clients below.
      SHED_AT: 'reports=0,filings-due=0.1',
      LOG_LEVEL: 'warn',
    })
  })
  afterAll(async () => {
    await intake.end()
    await database.drop()
  })

  type Answer = { readonly status: number; readonly headers: Headers; readonly text: string }

  const journalRefusals =
    /spillway_shed_requests_total\{class="filings[^"]*",reason="journal"\} \d+/

  /**
   * Filings by four hundred clients at a time, each filing more whatever it was told, until the journal's
   * line is the reason why some are refused.
   */
  async function storm(): Promise<Answer[]> {
    const answers: Answer[] = []
    let isOver = false
    // A filer for each client: this is about all of them together.
    const client = async (number: number) => {
      let declaration = declare({ lines: 1 })
      const token = await tokenFor([declaration.employer])
      for (let sent = 0; !isOver; sent += 1) {
        const answer = await file(intake.address, token, `storm-${number}-${sent}`, declaration)
        const text = await answer.text()
        answers.push({ status: answer.status, headers: answer.headers, text })
        // The next one corrects what was accepted.
        if (answer.status !== 202) await pause(100 * Math.random())
        else declaration = { ...declaration, kind: 'correction', replaces: JSON.parse(text).id }
      }
    }
    const clients = Array.from({ length: 400 }, (_, number) => client(number))
    try {
      await waitFor('some to be refused as the journal has a line', async () =>
        journalRefusals.test(await metricsOf(intake)),
      )
    } finally {
      isOver = true
    }
    await Promise.all(clients)
    return answers
  }

  test('refusals say when to come back and what to do; what is accepted is there; then it is calm', async () => {
    const answers = await storm()
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 503]))
    const accepted = answers.filter(({ status }) => status === 202)
    for (const { status, headers, text } of answers) {
      if (status === 202) continue
      expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
      expect(headers.get('ratelimit')).toMatch(/^"filings";r=0;t=\d+$/)
      expect(headers.get('ratelimit-policy')).toMatch(/^"filings";q=\d+$/)
      expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
      const problem = JSON.parse(text)
      expect(problem).toMatchObject({ status: 503, code: 'BUSY', type: '/v1/findings/BUSY' })
      expect(problem.shed).toMatch(/^filings/)
      expect(problem.message['zh-CN']).toMatch(/[\u4e00-\u9fff]/)
    }
    const { rows } = await database.owner.query(
      'select count(*)::int as count from journal.acceptance',
    )
    expect(rows[0].count).toBe(accepted.length)
    await waitFor('it to be calm', async () => {
      const declaration = declare({ lines: 1 })
      const token = await tokenFor([declaration.employer])
      return (await file(intake.address, token, 'calm', declaration)).status === 202
    })
  })

  test('a class that is never let in is told so, in the language asked for; others are', async () => {
    const declaration = declare({ lines: 1 })
    const authorization = `Bearer ${await tokenFor([declaration.employer])}`
    const list = await fetch(`${intake.address}/v1/declarations?employer=${declaration.employer}`, {
      headers: { authorization, 'accept-language': 'zh-CN' },
    })
    expect(list.status).toBe(503)
    const problem = (await list.json()) as { detail: string; shed: string }
    expect(problem).toMatchObject({ shed: 'reports', detail: expect.stringContaining('列表查询') })
    const status = await fetch(`${intake.address}/v1/declarations/202411-nothing`, {
      headers: { authorization },
    })
    expect(status.status).toBe(404)
    for (const path of ['/livez', '/readyz']) {
      expect((await fetch(`${intake.address}${path}`)).status).toBe(200)
    }
  })
})
