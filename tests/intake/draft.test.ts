/** A month's declaration, drafted from what is in force for the month before: for who may file it, and nobody else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AccessLog } from '../../src/access/log.ts'
import { instantMicros } from '../../src/declaration/period.ts'
import { type Declaration, type EmployeeLine, linesMax } from '../../src/declaration/schema.ts'
import { draftLine } from '../../src/intake/routes/draft.ts'
import { declarationId } from '../../src/journal/digest.ts'
import { openLog, readLog } from '../support/access.ts'
import { openApp } from '../support/app.ts'
import { type TokenOptions, tokenFor } from '../support/engine.ts'
import { declare, filingOf, type Journal, openJournal, policies } from '../support/journal.ts'

let journal: Journal
let opened: Awaited<ReturnType<typeof openApp>>
let log: AccessLog
beforeAll(async () => {
  journal = await openJournal()
  log = openLog(journal)
  const clock = { nowMicros: instantMicros('2024-11-23', '10:00') }
  opened = await openApp(journal, { policies, clock, accessLog: log })
})
afterAll(async () => {
  await opened.close()
  await journal.close()
})

/** Files, and posts it. */
async function file(declaration: Declaration, key: string): Promise<string> {
  const before = opened.envelopes.length
  const answer = await opened.file(declaration, key)
  expect(answer.statusCode, answer.body).toBe(202)
  for (const envelope of opened.envelopes.slice(before)) await journal.post(envelope)
  return answer.json().id
}

/** Accepts the parts of a declaration, each in an envelope of its own, and posts them. */
async function acceptInParts(declaration: Declaration, key: string, each: number): Promise<string> {
  const { employer, period, lines = [] } = declaration
  const of = declarationId(employer, period, key)
  const count = Math.ceil(lines.length / each)
  const write = journal.openWriter()
  for (let number = 1; number <= count; number += 1) {
    const own = { ...declaration, lines: lines.slice((number - 1) * each, number * each) }
    const filing = filingOf(own, number === count ? key : `${key}/${number}`, { of, number, count })
    const { envelope } = await write([filing])
    await journal.post(envelope as bigint)
  }
  return of
}

async function draftOf(employer: string, query = 'period=2024-11', more: TokenOptions = {}) {
  const token = await tokenFor([employer], more)
  return opened.app.inject({
    url: `/v1/employers/${employer}/draft?${query}`,
    headers: { authorization: `Bearer ${token}` },
  })
}

const changing = (line: unknown, change: EmployeeLine['change']) => ({
  ...(line as EmployeeLine),
  change,
})

describe('a draft', () => {
  test('has last month’s lines as they were filed, without leavers, with joiners as the others', async () => {
    const declaration = declare({ period: '2024-10', lines: 4 })
    const { employer, region, lines: [one, two, three, four] = [] } = declaration
    const lines = [
      changing(one, 'none'),
      changing(two, 'leave'),
      changing(three, 'join'),
      changing(four, 'none'),
    ]
    const id = await file({ ...declaration, lines }, 'last')
    const answer = await draftOf(employer)
    expect(answer.statusCode, answer.body).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    const { from, leftOut, ...draft } = answer.json()
    expect(from).toEqual({ id, period: '2024-10', lines: 4 })
    expect(leftOut).toEqual({ left: 1, platform: 0 })
    const drafted = [one, three, four].map((line) => changing(line, 'none'))
    const { industryClass, workInjuryFloat } = declaration
    expect(draft).toEqual({
      ...{ employer, region, period: '2024-11', kind: 'regular', lines: drafted },
      ...(industryClass !== undefined && { industryClass }),
      ...(workInjuryFloat !== undefined && { workInjuryFloat }),
    })
    const next = await file(draft, 'this-month') // as it is
    expect((await draftOf(employer)).json().standing).toBe(next)
  })

  test('is of what is in force: of a correction, and of nothing that was cancelled', async () => {
    const declaration = declare({ period: '2024-10', lines: 2 })
    const { employer, lines = [] } = declaration
    const replaces = await file(declaration, 'first')
    const corrected = { ...declaration, kind: 'correction' as const, replaces }
    const id = await file({ ...corrected, lines: lines.slice(1) }, 'second')
    const draft = (await draftOf(employer)).json()
    expect([draft.from.id, draft.lines.length]).toEqual([id, 1])
    const { lines: _, ...rest } = declaration
    await file({ ...rest, kind: 'cancellation', replaces: id }, 'third')
    const answer = await draftOf(employer)
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'DRAFT_ABSENT'])
    expect(answer.json().fix['zh-CN']).toContain('从空白申报开始')
  })

  test('is of one region: of several, the one that is named, and never one beyond the token', async () => {
    const declaration = declare({ period: '2024-10' })
    const { employer } = declaration
    const hefei = await file({ ...declaration, region: '340100' }, 'hefei')
    const wuhu = await file(
      { ...declare({ period: '2024-10' }, { employer }), region: '340200' },
      'wuhu',
    )
    const asked = await draftOf(employer)
    expect([asked.statusCode, asked.json().parameter]).toEqual([400, 'region'])
    expect(asked.json().allowed.en).toBe('340100, 340200')
    const of = async (query: string, more = {}) =>
      (await draftOf(employer, `period=2024-11${query}`, more)).json()
    expect((await of('&region=340100')).from.id).toBe(hefei)
    expect((await of('&region=340200')).from.id).toBe(wuhu)
    expect((await of('', { regions: ['340200'] })).from.id).toBe(wuhu)
    expect((await of('&region=340100', { regions: ['340200'] })).code).toBe('REGION_NOT_YOURS')
    expect((await of('&region=340300')).code).toBe('DRAFT_ABSENT')
  })

  test('of parts in several envelopes has all of their lines, in order', async () => {
    const declaration = declare({ period: '2024-10', lines: 1_203 })
    const { employer, lines = [] } = declaration
    const id = await acceptInParts(declaration, 'parts', 500)
    const draft = (await draftOf(employer)).json()
    expect(draft.from).toEqual({ id, period: '2024-10', lines: 1_203 })
    const left = (lines as EmployeeLine[]).filter(({ change }) => change !== 'leave')
    expect(draft.lines).toEqual(left.map((line) => changing(line, 'none')))
    expect(draft.leftOut.left).toBe(lines.length - left.length)
  })

  test('has no orders of a month that is over', () => {
    const [line] = declare({ lines: 1 }).lines ?? []
    const days = [{ date: '2024-10-07', service: 'ride-hailing', orders: 3 }]
    const { person } = line as EmployeeLine
    expect(draftLine({ person, category: 'platform', days })).toBe('platform')
    const flexible = { person, category: 'flexible', tier: '60', medical: 'none' } as const
    expect(draftLine({ ...flexible, change: 'join' })).toEqual({ ...flexible, change: 'none' })
  })

  test('of more lines than a declaration may have is refused, with what to do', async () => {
    const declaration = declare({ period: '2024-10', lines: linesMax + 1 })
    await acceptInParts(declaration, 'large', 5_000)
    const answer = await draftOf(declaration.employer)
    expect([answer.statusCode, answer.json().code]).toEqual([409, 'DRAFT_TOO_LARGE'])
    expect(answer.json().fix.en).toContain('/v1/batches')
  })
})

describe('a draft of a correction', () => {
  const correctionOf = (employer: string, id: string, period = '2024-10') =>
    draftOf(employer, `period=${period}&corrects=${id}`)

  test('has the lines as they were filed, names what it replaces, and is accepted as it is', async () => {
    const declaration = declare({ period: '2024-10', lines: 3 })
    const { employer, lines: [one, two, three] = [] } = declaration
    const lines = [changing(one, 'join'), changing(two, 'leave'), changing(three, 'none')]
    const { envelopes } = opened
    const id = (await opened.file({ ...declaration, lines }, 'first')).json().id
    // Accepted is enough: a clerk need not wait until it is posted.
    const { from, leftOut, standing, ...draft } = (await correctionOf(employer, id)).json()
    expect(from).toEqual({ id, period: '2024-10', lines: 3 })
    expect(leftOut).toEqual({ left: 0, platform: 0 })
    expect(standing).toBe(id)
    expect(draft).toEqual({ ...declaration, kind: 'correction', replaces: id, lines })
    for (const envelope of envelopes.slice(-1)) await journal.post(envelope)
    const corrected = await file({ ...draft, lines: lines.slice(1) }, 'second')
    const late = (await correctionOf(employer, id)).json()
    expect([late.replaces, late.standing], 'another one stands by now').toEqual([id, corrected])
    expect((await correctionOf(employer, corrected)).json().lines).toEqual(lines.slice(1))
  })

  test('is of a declaration of this employer and month alone', async () => {
    const declaration = declare({ period: '2024-10' })
    const { employer } = declaration
    const id = await file(declaration, 'mine')
    const other = declare({ period: '2024-10' })
    const another = await file(other, 'other')
    for (const [uscc, of, period] of [
      [employer, another, '2024-10'],
      [other.employer, id, '2024-10'],
      [employer, id, '2024-11'],
      [employer, 'none', '2024-10'],
    ] as const) {
      const answer = await correctionOf(uscc, of, period)
      expect([answer.statusCode, answer.json().code]).toEqual([404, 'NOT_FOUND'])
    }
  })

  test('of parts has all of their lines under the id of the whole, asked by any part', async () => {
    const declaration = declare({ period: '2024-10', lines: 700 })
    const { employer, lines = [] } = declaration
    const id = await acceptInParts(declaration, 'parts-corrected', 500)
    const draft = (await correctionOf(employer, id)).json()
    expect([draft.replaces, draft.from.lines, draft.lines]).toEqual([id, 700, lines])
    const part = declarationId(employer, '2024-10', 'parts-corrected/1')
    expect((await correctionOf(employer, part)).json().replaces).toBe(id)
    const large = declare({ period: '2024-10', lines: linesMax + 1 })
    const tooMany = await acceptInParts(large, 'large-corrected', 5_000)
    expect((await correctionOf(large.employer, tooMany)).json().code).toBe('DRAFT_TOO_LARGE')
  })
})

describe('names and numbers of a draft', () => {
  test('are for who may file for the employer, and whoever read them is in the access log', async () => {
    const declaration = declare({ period: '2024-10', lines: 2 })
    const { employer, lines = [] } = declaration
    const id = await file(declaration, 'mine')
    const other = declare().employer
    const url = `/v1/employers/${employer}/draft?period=2024-11`
    const by = async (employers: string[], more: TokenOptions = {}) => {
      const token = await tokenFor(employers, { subject: 'reader', ...more })
      return opened.app.inject({ url, headers: { authorization: `Bearer ${token}` } })
    }
    for (const [answer, code] of [
      [await by([other]), 'EMPLOYER_NOT_YOURS'],
      [await by([employer], { roles: ['viewer'] }), 'ROLE_MISSING'],
      [await by([], { roles: ['auditor'], regions: ['000000'] }), 'ROLE_MISSING'],
      [await by([employer], { scopes: ['declarations:read'] }), 'SCOPE_MISSING'],
      [await by([employer], { scopes: ['declarations:write'] }), 'SCOPE_MISSING'],
    ] as const) {
      expect([answer.statusCode, answer.json().code]).toEqual([403, code])
      for (const line of lines as EmployeeLine[])
        expect(answer.body).not.toContain(line.person.name)
    }
    const foreign = await by([other])
    const nowhere = await opened.app.inject({
      url: `/v1/employers/${declare().employer}/draft?period=2024-11`,
      headers: { authorization: `Bearer ${await tokenFor([other])}` },
    })
    const { traceId: _one, ...told } = foreign.json()
    const { traceId: _other, ...toldNowhere } = nowhere.json()
    expect(told).toEqual(toldNowhere)
    expect((await by([employer])).statusCode).toBe(200)
    await log.stop()
    const entries = (await readLog(journal)).filter(
      (one) =>
        'read' in one && one.read === '/v1/employers/:uscc/draft' && one.employer === employer,
    )
    expect(entries.map((one) => 'status' in one && one.status)).toEqual([
      403, 403, 403, 403, 403, 403, 200,
    ])
    expect(entries.at(-1)).toMatchObject({
      ...{ employer, id, period: '2024-11', region: declaration.region, count: 2 },
      who: { subject: 'reader' },
    })
    expect(JSON.stringify(entries)).not.toContain((lines[0] as EmployeeLine).person.idNumber)
  })
})

test.each([
  ['', 'period'],
  ['period=2024-13', 'period'],
  ['period=2024-11&region=34', 'region'],
  ['period=2024-11&from=x', 'from'],
])('?%s is told what it may be', async (query, parameter) => {
  const answer = await draftOf(declare().employer, query)
  expect([answer.statusCode, answer.json().parameter]).toEqual([400, parameter])
})
