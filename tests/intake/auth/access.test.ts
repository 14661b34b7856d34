/**
 * Every route × every role × what is in reach, another's, or nowhere. The routes are those that Fastify has:
 * one without a row here fails. What is another's is answered as what is not there.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { AccessLog } from '../../../src/access/log.ts'
import { instantMicros } from '../../../src/declaration/period.ts'
import { type Act, type Role, roles, scopeOf } from '../../../src/intake/auth/roles.ts'
import { packToken } from '../../../src/intake/sessions/packed-token.ts'
import { Seals } from '../../../src/intake/sessions/seals.ts'
import { readKeyring } from '../../../src/platform/config/key-store.ts'
import { openLog, readLog } from '../../support/access.ts'
import { openApp } from '../../support/app.ts'
import { tokenFor } from '../../support/engine.ts'
import { declare, type Journal, openJournal, policies } from '../../support/journal.ts'
import { absent, type Ids, type RouteRow, routeTable } from '../../support/route-table.ts'
import { routesOf } from '../../support/routes.ts'

let journal: Journal
let opened: Awaited<ReturnType<typeof openApp>>
let log: AccessLog

const mine = declare()
const theirs = declare()
const { employer } = mine
const nobody = declare().employer
let own: Ids
let none: Ids

const table = routeTable({ own: () => own, ended: () => ({ batch: ended, mark: endedMark }) })

let ended: string
let endedMark: string

const subject = 'the one who files'
const scopes = ['declarations:write', 'declarations:read']

/** A token of a role that reaches the declaration, or one that does not. */
function tokenOf(role: Role, reaches: boolean): Promise<string> {
  const { of } = roles[role]
  return tokenFor(of === 'employers' ? [reaches ? employer : theirs.employer] : [], {
    ...{ subject, roles: [role], scopes },
    ...(of === 'regions' && { regions: [reaches ? '340000' : '110000'] }),
  })
}

async function answerTo(name: string, ids: Ids, token: string | undefined) {
  const [method] = name.split(' ') as ['GET']
  const { path: url, payload, headers } = (table[name] as RouteRow).ask(ids)
  const answer = await opened.app.inject({
    ...{ method, url },
    ...(payload !== undefined && { payload }),
    headers: { ...headers, ...(token && { authorization: `Bearer ${token}` }) },
  })
  const isProblem = String(answer.headers['content-type']).includes('problem')
  const { traceId: _, ...problem } = isProblem && answer.body ? JSON.parse(answer.body) : {}
  return { status: answer.statusCode, problem, body: isProblem ? '' : answer.body }
}

beforeAll(async () => {
  journal = await openJournal()
  const clock = { nowMicros: instantMicros('2024-11-23', '10:00') }
  log = openLog(journal)
  opened = await openApp(journal, { policies, clock, accessLog: log })
  const declaration = (await opened.file(mine, 'mine')).json().id as string
  await opened.file(theirs, 'theirs')
  for (const envelope of opened.envelopes) await journal.post(envelope)
  const token = await tokenOf('filer', true)
  const made = { ...absent, employer, declaration }
  const idOf = async (name: string) => {
    const { status, body } = await answerTo(name, made, token)
    expect(status, body).toBe(201)
    return JSON.parse(body).id as string
  }
  own = { ...made, batch: await idOf('POST /v1/batches'), slot: await idOf('POST /v1/slots') }
  none = { ...absent, employer: nobody }
  ended = await idOf('POST /v1/batches')
  await journal.pool.query(`update batch.batch set stage = 'cancelled' where id = $1`, [ended])
  endedMark = 'cancelled.0.0.0.0'
})
afterAll(async () => {
  await opened.close()
  await journal.close()
})

test('every route has a row, and every row a route', () => {
  const found = routesOf(opened.app)
  // A HEAD that comes with a GET is answered as it is, without the body.
  const isWithGet = (name: string) => found.includes(name.replace('HEAD ', 'GET '))
  const routes = found.filter(
    (name) => !(name.startsWith('HEAD ') && isWithGet(name)) && !name.includes('/documentation'),
  )
  expect(routes.length).toBeGreaterThan(20)
  expect([...new Set(routes)].sort()).toEqual(Object.keys(table).sort())
})

test('metrics are not on the public port', async () => {
  for (const url of ['/metrics', '/METRICS', '/%6detrics', '/metrics/', '/metrics?a=1']) {
    const answer = await opened.app.inject({ url })
    expect([url, answer.statusCode]).toEqual([url, 404])
  }
})

test.each(Object.keys(table))('%s takes a token with its scope, or none', async (name) => {
  const { act, ok } = table[name] as RouteRow
  const without = await answerTo(name, own, undefined)
  if (act === undefined) return expect(ok).toContain(without.status)
  expect(without.status, without.body).toBe(401)
  const others = scopes.filter((scope) => scope !== scopeOf[act])
  const wrong = await tokenFor([employer], { subject, scopes: others })
  const answer = await answerTo(name, own, wrong)
  expect(answer.status).toBe(403)
  if (!name.startsWith('HEAD')) expect(answer.problem.code).toBe('SCOPE_MISSING')
})

const read = Object.keys(table).filter(
  (name) => name.startsWith('GET') && (table[name] as RouteRow).act !== undefined,
)
test.each(read)('%s is kept by no browser that has a session, nor by a cache', async (name) => {
  const { ok } = table[name] as RouteRow
  const token = await tokenOf('filer', true)
  const { path: url, headers } = (table[name] as RouteRow).ask(own)
  const asked = async (more: Record<string, string>) => {
    const answer = await opened.app.inject({ url, headers: { ...headers, ...more } })
    expect(ok, answer.body).toContain(answer.statusCode)
    return answer.headers['cache-control']
  }
  const seals = new Seals(() => readKeyring(inject('keyringFile')).sessionKeys)
  const cookie = `spillway-session=${seals.seal('session', packToken(token))}`
  expect(await asked({ cookie })).toBe('no-store')
  expect(await asked({ authorization: `Bearer ${token}` })).toMatch(
    /^(no-store|private, no-cache)$/,
  )
})

// A filer's last: it takes things away.
describe.each((Object.keys(roles) as Role[]).reverse())('%s', (role) => {
  const { of, may } = roles[role]
  const isStaff = of === 'regions'
  // What takes a thing away comes last.
  const names = Object.keys(table)
    .filter((name) => (table[name] as RouteRow).act !== undefined)
    .sort((one, other) => Number(one.startsWith('DELETE')) - Number(other.startsWith('DELETE')))

  test.each(names)('%s', async (name) => {
    const { act, beyond, ok } = table[name] as RouteRow
    const [reaching, other] = [await tokenOf(role, true), await tokenOf(role, false)]
    const [foreign, nothing] = [await answerTo(name, own, other), await answerTo(name, none, other)]
    if (!(may as readonly Act[]).includes(act as Act)) {
      const answer = await answerTo(name, own, reaching)
      for (const one of [foreign, nothing, answer]) expect(one.status, one.body).toBe(403)
      if (!name.startsWith('HEAD')) expect(answer.problem.code).toBe('ROLE_MISSING')
      return
    }
    expect(foreign).toEqual(nothing)
    const isListed = beyond === 'list' || (isStaff && beyond === 'named')
    if (isListed) {
      expect(foreign.status).toBe(200)
      for (const id of Object.values(own)) expect(foreign.body).not.toContain(id)
    } else {
      expect(foreign.status, foreign.body).toBe(beyond === 'named' ? 403 : 404)
      const code = beyond === 'named' ? 'EMPLOYER_NOT_YOURS' : 'NOT_FOUND'
      if (!name.startsWith('HEAD')) expect(foreign.problem.code).toBe(code)
    }
    const reached = await answerTo(name, own, reaching)
    if (isStaff && beyond === 'owner') expect(reached).toEqual(nothing)
    else expect(ok, reached.body).toContain(reached.status)
  })
})

describe('a filer of some regions', () => {
  const tokenIn = (region: string) => tokenFor([employer], { subject, regions: [region] })
  const filing = Object.entries(table).filter(
    ([, { act, beyond }]) => act === 'file' && beyond === 'named',
  )

  test.each(filing)('files for no other: %s', async (name, { ok }) => {
    const elsewhere = await answerTo(name, own, await tokenIn('110000'))
    expect(elsewhere).toMatchObject({ status: 403, problem: { code: 'REGION_NOT_YOURS' } })
    expect(ok).toContain((await answerTo(name, own, await tokenIn('340000'))).status)
  })

  const looking = Object.entries(table).filter(([name]) => name.startsWith('GET /v1/declarations'))
  test.each(looking)('sees what was posted for these: %s', async (name, { beyond, ok }) => {
    const elsewhere = await answerTo(name, own, await tokenIn('110000'))
    if (beyond === 'id') {
      expect(elsewhere).toEqual(await answerTo(name, none, await tokenIn('110000')))
      expect(elsewhere.status).toBe(404)
    } else expect(elsewhere.body).not.toContain(own.declaration)
    const seen = await answerTo(name, own, await tokenIn('340100'))
    expect(ok).toContain(seen.status)
    expect(seen.body).toContain(own.declaration)
  })
})

test('whatever was read with a token is in the access log, by whom, and whether it was there', async () => {
  await log.stop()
  const entries = await readLog(journal)
  const reads = Object.keys(table).filter(
    (name) => /^(GET|HEAD)/.test(name) && (table[name] as RouteRow).act !== undefined,
  )
  expect(reads.length).toBeGreaterThan(10)
  for (const name of reads) {
    const url = name.split(' ')[1]
    const { ok, act } = table[name] as RouteRow
    const found = entries.flatMap((one) => ('read' in one && one.read === url ? one : []))
    expect(
      found.some(({ status }) => ok.includes(status ?? 0)),
      name,
    ).toBe(true)
    expect(
      found.some(({ status }) => status === 403),
      `${name}, refused for its scope`,
    ).toBe(true)
    expect(
      found.every(({ who }) => 'subject' in who && who.subject === subject),
      name,
    ).toBe(true)
    const mayRead = (Object.keys(roles) as Role[]).filter((role) =>
      (roles[role].may as readonly Act[]).includes(act as Act),
    )
    for (const role of mayRead.filter((one) => one !== 'filer'))
      expect(
        found.some(({ who }) => 'roles' in who && who.roles?.includes(role)),
        name,
      ).toBe(true)
  }
})
