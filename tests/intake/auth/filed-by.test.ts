/** Who filed what: sealed with the envelope, told to auditors and to who filed it, and to nobody else. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFiler, readActs } from '../../../src/batch/state/acts.ts'
import { runSteps } from '../../../src/batch/worker/batch-worker.ts'
import { instantMicros } from '../../../src/declaration/period.ts'
import { readAccepted } from '../../../src/journal/reading/read.ts'
import { readConfig } from '../../../src/platform/config/config.ts'
import { operatorOf } from '../../../src/platform/installation/operator.ts'
import { csvOf, employersOf, rowsOf, sourceOf } from '../../batch/support.ts'
import { claim, dependencies, journal, postAll, useJournal } from '../../batch/work-support.ts'
import { openApp } from '../../support/app.ts'
import { tokenFor } from '../../support/engine.ts'
import { declare, filingOf, policies } from '../../support/journal.ts'

useJournal()

const proxy = '127.0.0.1'
let opened: Awaited<ReturnType<typeof openApp>>
beforeAll(async () => {
  const clock = { nowMicros: instantMicros('2024-11-23', '10:00') }
  opened = await openApp(journal, { policies, clock, trustedProxies: [proxy, '10.9.0.0/16'] })
})
afterAll(() => opened.close())

const staff = (role: string, region = '340000') =>
  tokenFor([], { subject: `a ${role}`, roles: [role], regions: [region] })
const clerk = (employer: string, subject: string, issuer?: string) =>
  tokenFor([employer], { subject, ...(issuer !== undefined && { issuer }) })
const jtiOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti as string

async function file(token: string, declaration: object, more: Record<string, string> = {}) {
  const answer = await opened.app.inject({
    ...{ method: 'POST', url: '/v1/declarations', payload: declaration },
    headers: { authorization: `Bearer ${token}`, 'idempotency-key': 'key', ...more },
  })
  expect(answer.statusCode, answer.body).toBe(202)
  return answer.json().id as string
}

async function look(token: string, id: string, query = '') {
  const url = `/v1/declarations/${id}${query}`
  const answer = await opened.app.inject({ url, headers: { authorization: `Bearer ${token}` } })
  return { status: answer.statusCode, filedBy: answer.json().filedBy }
}

test('an auditor sees who filed another’s declaration, its filer on asking, and nobody else', async () => {
  const declaration = declare()
  const { employer } = declaration
  const token = await clerk(employer, 'clerk one')
  const id = await file(token, declaration, { 'x-forwarded-for': '203.0.113.9, 10.9.1.1' })
  const filedBy = {
    ...{ issuer: 'spillway', subject: 'clerk one', tokenId: jtiOf(token) },
    address: '203.0.113.9',
  }
  for (const posted of [false, true]) {
    if (posted) await postAll()
    for (const role of ['auditor', 'supervisor'])
      expect(await look(await staff(role), id)).toEqual({ status: 200, filedBy })
    expect(await look(token, id, '?filedBy=true')).toEqual({ status: 200, filedBy })
    // Another token of the same person is that person's.
    const later = await clerk(employer, 'clerk one')
    expect(await look(later, id, '?filedBy=true')).toEqual({ status: 200, filedBy })
    expect(await look(token, id)).toEqual({ status: 200 })
    const others = [clerk(employer, 'clerk two'), staff('operator'), staff('help-desk')]
    for (const other of await Promise.all(others))
      expect(await look(other, id, '?filedBy=true')).toEqual({ status: 200 })
  }
  expect((await look(await staff('auditor', '110000'), id)).status).toBe(404)
  // Who is an auditor elsewhere and a filer here is told as a filer.
  const both = await tokenFor([employer], {
    ...{ subject: 'both', roles: ['viewer', 'auditor'], regions: ['110000', '340100'] },
  })
  expect((await look(both, id)).filedBy).toEqual(filedBy)
})

test('who is no trusted proxy does not say who it is', async () => {
  const [near, far, zoned] = [declare(), declare(), declare()]
  const ask = async (declaration: typeof near, remoteAddress: string, forwarded: string) => {
    const token = await clerk(declaration.employer, 'clerk')
    const answer = await opened.app.inject({
      ...{ method: 'POST', url: '/v1/declarations', payload: declaration, remoteAddress },
      headers: {
        authorization: `Bearer ${token}`,
        'idempotency-key': 'key',
        'x-forwarded-for': forwarded,
      },
    })
    return (await look(await staff('auditor'), answer.json().id)).filedBy.address
  }
  expect(await ask(near, '198.51.100.7', '203.0.113.9')).toBe('198.51.100.7')
  // What is no address is no address, whoever passes it on.
  expect(await ask(far, proxy, '11010519491231002X')).toBe(proxy)
  expect(await ask(zoned, proxy, `fe80::1%${'a'.repeat(5_000)}`)).toBe('fe80::1')
  expect(() => readConfig({ TRUSTED_PROXIES: '10.0.0.0/33' })).toThrow(/TRUSTED_PROXIES must be/)
  expect(readConfig({ TRUSTED_PROXIES: '10.0.0.7, fd00::/8' }).trustedProxies).toEqual([
    ...['10.0.0.7', 'fd00::/8'],
  ])
})

test('a replay keeps who was first, and a correction has its own', async () => {
  const declaration = declare()
  const { employer } = declaration
  const [one, two] = await Promise.all([clerk(employer, 'one'), clerk(employer, 'two')])
  const id = await file(one, declaration)
  expect(await file(two, declaration)).toBe(id)
  const auditor = await staff('auditor')
  expect((await look(auditor, id)).filedBy.subject).toBe('one')
  const correction = { ...declare({ employer }), kind: 'correction', replaces: id }
  const corrected = await file(two, correction, { 'idempotency-key': 'other' })
  expect((await look(auditor, corrected)).filedBy).toMatchObject({
    ...{ subject: 'two', tokenId: jtiOf(two) },
  })
  expect((await look(auditor, id)).filedBy.subject).toBe('one')
})

test('what was accepted before anybody was told is as valid as ever', async () => {
  const filing = filingOf(declare(), 'of before')
  const { envelope } = await journal.openWriter()([filing])
  expect(await journal.post(envelope as bigint)).toMatchObject({ kind: 'posted' })
  expect(await look(await staff('auditor'), filing.id)).toEqual({ status: 200 })
  const { pool, keyring } = journal
  expect(await readAccepted(pool, keyring.sealingKeys, filing.id)).not.toHaveProperty('filedBy')
})

test('who ran a command is known by the login that the database knows', async () => {
  const by = await operatorOf(journal.pool, 'reassess')
  expect(by).toMatchObject({ command: 'reassess', login: 'spillway_operator' })
  const filings = [
    { ...filingOf(declare(), 'ordered'), by },
    filingOf(declare(), 'not told'),
    { ...filingOf(declare(), 'too'), by: { ...by } },
  ]
  await journal.openWriter()(filings)
  const auditor = await staff('auditor')
  const told = await Promise.all(filings.map(({ id }) => look(auditor, id)))
  expect(told.map(({ filedBy }) => filedBy)).toEqual([by, undefined, by])
})

test('a file tells who began it, brought its last byte and cancelled it, sealed', async () => {
  const rows = rowsOf(2, 2)
  const employers = employersOf(rows)
  const token = await tokenFor(employers, { subject: 'bureau' })
  const headers = { authorization: `Bearer ${token}` }
  const begin = async (key: string) => {
    const payload = {
      ...{ period: '2024-11', region: '340100', kind: 'regular', mode: 'accept-good' },
      ...{ format: 'csv', size: csvOf(rows).length },
    }
    const answer = await opened.app.inject({
      ...{ method: 'POST', url: '/v1/batches', payload },
      headers: { ...headers, 'idempotency-key': key },
    })
    expect(answer.statusCode, answer.body).toBe(201)
    return answer.json().id as string
  }
  const [filed, dropped] = [await begin('one'), await begin('two')]
  const later = await tokenFor(employers, { subject: 'bureau' })
  const sent = await opened.app.inject({
    ...{ method: 'PATCH', url: `/v1/batches/${filed}/file`, payload: csvOf(rows) },
    headers: {
      authorization: `Bearer ${later}`,
      'content-type': 'application/offset+octet-stream',
      'upload-offset': '0',
    },
  })
  expect(sent.statusCode, sent.body).toBe(204)
  const url = `/v1/batches/${dropped}`
  expect((await opened.app.inject({ method: 'DELETE', url, headers })).statusCode).toBe(204)

  const { pool, keyring, database } = journal
  const { sealingKeys } = keyring
  const actsOf = async (id: string) =>
    (await readActs(pool, sealingKeys, id)).map(({ act, by }) => [act, by.subject, by.tokenId])
  expect(await actsOf(filed)).toEqual([
    ['begin', 'bureau', jtiOf(token)],
    ['complete', 'bureau', jtiOf(later)],
  ])
  expect((await actsOf(dropped)).map(([act]) => act)).toEqual(['begin', 'cancel'])
  const kept = await database.owner.query('select sealed from batch.act')
  for (const { sealed } of kept.rows) expect(sealed.includes(jtiOf(token))).toBe(false)
  await expect(pool.query('update batch.act set batch = batch')).rejects.toMatchObject({
    code: '42501',
  })
  await expect(pool.query('delete from batch.act')).rejects.toMatchObject({ code: '42501' })

  await runSteps(dependencies({ sourceOf: () => sourceOf(csvOf(rows)) }), await claim())
  const { rows: units } = await pool.query('select id from batch.unit where batch = $1', [filed])
  expect(units).toHaveLength(2)
  for (const { id } of units)
    expect((await look(await staff('auditor'), id)).filedBy).toEqual({
      ...{ issuer: 'spillway', subject: 'bureau', tokenId: jtiOf(later), batch: filed },
      address: proxy,
    })
  // An act that is passed off as another's is none.
  await database.owner.query('update batch.act set batch = $1 where batch = $2', [dropped, filed])
  await expect(readActs(pool, sealingKeys, dropped)).rejects.toMatchObject({ code: 'UNREADABLE' })
  expect(await findFiler(pool, sealingKeys, { batch: 'b', issuer: '', subject: 's' })).toEqual({
    ...{ batch: 'b', issuer: '', subject: 's' },
  })
})
