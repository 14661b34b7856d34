/** Reads over HTTP are in the access log: an auditor's before its answer is given, a filer's soon after. */
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AccessEntry } from '../../../src/access/entry.ts'
import type { AccessLog } from '../../../src/access/log.ts'
import { instantMicros } from '../../../src/declaration/period.ts'
import { openLog, readLog } from '../../support/access.ts'
import { openApp } from '../../support/app.ts'
import { tokenFor } from '../../support/engine.ts'
import { declare, type Journal, openJournal, policies } from '../../support/journal.ts'
import { waitFor } from '../../support/wait.ts'

let journal: Journal
let log: AccessLog
let opened: Awaited<ReturnType<typeof openApp>>
let down = false
const declaration = declare()
let id: string

beforeAll(async () => {
  journal = await openJournal()
  const pool = {
    query: (query: pg.QueryConfig) =>
      down ? Promise.reject(new Error('gone')) : journal.pool.query(query),
  } as unknown as pg.Pool
  log = openLog(journal, { pool })
  const clock = { nowMicros: instantMicros('2024-11-23', '10:00') }
  opened = await openApp(journal, { policies, clock, accessLog: log })
  id = (await opened.file(declaration, 'key')).json().id
})
afterAll(async () => {
  await opened.close()
  await log.stop()
  await journal.close()
})

const tokenOf = (role: string) =>
  tokenFor(role === 'filer' ? [declaration.employer] : [], {
    subject: `a ${role}`,
    ...(role !== 'filer' && { roles: [role], regions: ['340000'] }),
  })
const ask = async (role: string, url: string, more: Record<string, string> = {}) =>
  opened.app.inject({ url, headers: { authorization: `Bearer ${await tokenOf(role)}`, ...more } })
const readsOf = async (subject: string) =>
  (await readLog(journal)).filter(
    (one): one is AccessEntry =>
      'read' in one && 'subject' in one.who && one.who.subject === subject,
  )

test('an auditor’s look at another’s declaration is durable before the auditor has the answer', async () => {
  const answer = await ask('auditor', `/v1/declarations/${id}/explanation`)
  expect(answer.statusCode).toBe(200)
  // Nothing was waited for here.
  expect(await readsOf('a auditor')).toEqual([
    {
      at: expect.any(Number),
      who: {
        ...{ issuer: 'spillway', subject: 'a auditor', tokenId: expect.any(String) },
        ...{ address: '127.0.0.1', roles: ['auditor'] },
      },
      ...{ read: '/v1/declarations/:id/explanation', status: 200 },
      ...{ id, employer: declaration.employer },
    },
  ])
})

test('who may not see something, and asks for it, is noted', async () => {
  const answer = await ask('help-desk', `/v1/declarations/${id}/amounts`)
  expect([answer.statusCode, answer.json().code]).toEqual([403, 'ROLE_MISSING'])
  // It saw nothing, so the answer waits for nothing.
  await waitFor('the entry', async () => (await readsOf('a help-desk')).length === 1)
  expect(await readsOf('a help-desk')).toMatchObject([
    { read: '/v1/declarations/:id/amounts', status: 403 },
  ])
})

test('a list is told by employer and places, and what is in an address and is no id is not told', async () => {
  const number = '11010519491231002X'
  await ask('auditor', `/v1/declarations?employer=${declaration.employer}&period=2024-11`)
  const [, list] = await readsOf('a auditor')
  expect(list).toMatchObject({ employer: declaration.employer, period: '2024-11', count: 1 })
  expect(list?.from).toBe(list?.to)
  await ask('auditor', `/v1/declarations/${number}`)
  await ask('auditor', `/v1/declarations?employer=${number}`)
  const entries = await readsOf('a auditor')
  expect(entries.map(({ status }) => status)).toEqual([200, 200, 404, 200])
  expect(JSON.stringify(entries)).not.toContain(number)
})

test('where it can’t be written, staff are refused and filers are not; then it says what was read', async () => {
  down = true
  const staff = await ask('supervisor', `/v1/declarations/${id}`)
  expect(staff.statusCode, staff.body).toBe(503)
  expect(staff.json()).toMatchObject({ code: 'UNAVAILABLE' })
  expect(staff.headers).not.toHaveProperty('etag')
  expect(staff.body).not.toContain(declaration.employer)
  expect((await ask('filer', `/v1/declarations/${id}`)).statusCode).toBe(200)
  down = false
  expect((await ask('supervisor', `/v1/declarations/${id}`)).statusCode).toBe(200)
  expect((await readsOf('a filer')).map(({ status }) => status)).toEqual([200])
  const again = await ask('supervisor', `/v1/declarations/${id}`)
  const known = await ask('supervisor', `/v1/declarations/${id}`, {
    'if-none-match': String(again.headers.etag),
  })
  expect(known.statusCode).toBe(304)
  expect((await readsOf('a supervisor')).at(-1)).toMatchObject({ status: 304, id })
})
