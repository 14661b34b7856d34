/** What intake tells about rules: pre-check, explanation, policies, meanings, and replays. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { catalogue } from '../../src/declaration/catalogue/catalogue.ts'
import { instantMicros } from '../../src/declaration/period.ts'
import type { Declaration } from '../../src/declaration/schema.ts'
import { problemKinds } from '../../src/intake/problems/problem-kinds.ts'
import { openPool } from '../../src/platform/postgres/postgres.ts'
import type { PolicyPack } from '../../src/policy/pack.ts'
import { openApp } from '../support/app.ts'
import { declare, type Journal, openJournal } from '../support/journal.ts'
import { hefei, madeUp, policiesOf } from '../support/packs.ts'

let journal: Journal
let opened: Awaited<ReturnType<typeof openApp>>
const clock = { nowMicros: instantMicros('2024-11-23', '10:00') }
beforeAll(async () => {
  journal = await openJournal()
  opened = await openApp(journal, { policies: policiesOf(hefei, madeUp), clock })
})
afterAll(async () => {
  await opened.close()
  await journal.close()
})

type Told = {
  valid: boolean
  total: number
  findings: { code: string; pointer: string }[]
  assessment?: { total: object; policy: { hash: string } }
  explanation?: { lines: { line: number; amounts: { amount: string }[] }[] }
  status: string
  detail: string
  errors: { code: string; pointer: string; message: { en: string } }[]
}

async function postAll(): Promise<void> {
  for (const envelope of opened.envelopes) await journal.post(envelope)
}

describe('pre-check', () => {
  test('it tells findings, amounts and their explanation, and keeps nothing', async () => {
    const declaration = declare({ lines: 3 })
    const answer = await opened.check(declaration)
    expect(answer.statusCode).toBe(200)
    const told = answer.json<Told>()
    expect(told.valid).toBe(true)
    expect(told.explanation?.lines.map(({ line }) => line)).toEqual([1, 2, 3])
    const { rows } = await journal.database.owner.query(
      'select from journal.acceptance where employer = $1',
      [declaration.employer],
    )
    expect(rows).toEqual([])
    const page = await opened.check(declaration, {}, '?line=2&count=1')
    expect(page.json<Told>().explanation?.lines.map(({ line }) => line)).toEqual([2])
    expect((await opened.check(declaration, {}, '?lines=2')).statusCode).toBe(400)
  })

  test('all findings are there as a table, also more than an answer carries', async () => {
    const declaration = declare({ lines: 300 })
    const lines = declaration.lines?.map((line) => ({
      ...line,
      person: { ...line.person, name: ` ${line.person.name}` },
      wage: '6500.00',
    }))
    const body = { ...declaration, lines }
    const told = (await opened.check(body)).json<Told>()
    expect([told.findings.length, told.total]).toEqual([200, 300])
    const table = await opened.check(body, { accept: 'text/csv' })
    expect(table.headers['content-type']).toBe('text/csv; charset=utf-8')
    const rows = table.body.trim().split('\r\n')
    expect(rows).toHaveLength(301)
    expect(rows[0]).toMatch(/pointer,line,code,severity,/)
    expect([...table.rawPayload.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]) // for spreadsheets
    expect(rows[300]).toMatch(/^\/lines\/299\/person\/name,300,NAME_SPACES,warning,/)
  })

  test('joins and leaves are held against what is in force for the period before', async () => {
    const before = declare({ period: '2024-10', lines: 2 })
    const { employer } = before
    const [stays, leaves] = before.lines ?? []
    const filed = {
      ...before,
      lines: [
        { ...stays, change: 'none' },
        { ...leaves, change: 'leave' },
      ] as Declaration['lines'],
    }
    await opened.file(filed as Declaration, 'history')
    await postAll()
    const now = declare({ employer, lines: 1 })
    const lines = [
      { ...stays, change: 'join' },
      { ...leaves, change: 'none' },
      { ...now.lines?.[0], change: 'leave' },
    ]
    const told = (await opened.check({ ...now, lines } as Declaration)).json<Told>()
    expect(
      told.findings
        .map(({ pointer, code }) => `${pointer} ${code}`)
        .filter((one) => /change/.test(one)),
    ).toEqual([
      '/lines/0/change JOIN_ALREADY_INSURED',
      '/lines/1/change JOIN_NOT_DECLARED',
      '/lines/2/change LEAVE_NOT_INSURED',
    ])
    // It warns in the pre-check alone: filing is not held up.
    expect((await opened.file({ ...now, lines } as Declaration, 'joins')).statusCode).toBe(202)
  })

  test('another employer’s declaration is not checked', async () => {
    const headers = await opened.headersFor([declare().employer])
    expect((await opened.check(declare(), headers)).statusCode).toBe(403)
  })
})

describe('what was accepted stays accepted', () => {
  test('a correction of nothing is refused, one of something is not', async () => {
    const regular = declare({ lines: 1 })
    const correction = {
      ...regular,
      kind: 'correction' as const,
      replaces: `202411-${'0'.repeat(26)}`,
    }
    const refused = await opened.file(correction, 'nothing')
    expect(refused.json<Told>().errors.map(({ code }) => code)).toContain('REPLACES_NOTHING')
    expect((await opened.check(correction)).json<Told>()).toMatchObject({ valid: false })
    const { id } = (await opened.file(regular, 'something')).json<{ id: string }>()
    expect((await opened.file({ ...correction, replaces: id }, 'correction')).statusCode).toBe(202)
  })

  test('a retry after the period has closed gets the original receipt', async () => {
    const late = { nowMicros: instantMicros('2024-12-16', '10:00') }
    const closing = await openApp(journal, { policies: policiesOf(hefei, madeUp), clock: late })
    const [line] = declare({ lines: 1 }).lines ?? []
    const base = { ...declare({ lines: 1 }), region: '999000', unitBase: '99999.00' }
    const declaration = { ...base, lines: [line] } as Declaration
    const first = await closing.file(declaration, 'closing')
    expect(first.statusCode).toBe(202)
    late.nowMicros = instantMicros('2024-12-17', '17:00')
    const retried = await closing.file(declaration, 'closing')
    expect([retried.statusCode, retried.body]).toEqual([202, first.body])
    expect(retried.headers['idempotency-replayed']).toBe('true')
    const other = await closing.file(declaration, 'too-late')
    expect(other.statusCode).toBe(422)
    expect(other.json<Told>().errors[0]).toMatchObject({ code: 'PERIOD_CLOSED' })
    await closing.close()
  })
})

describe('explanation', () => {
  test('an accepted declaration is explained as the pre-check did, before and after posting', async () => {
    const declaration = declare({ lines: 2 })
    const checked = (await opened.check(declaration)).json<Told>()
    const { id } = (await opened.file(declaration, 'explained')).json<{ id: string }>()
    const url = `/v1/declarations/${id}/explanation`
    const early = await opened.get(url, declaration.employer)
    expect(early.json()).toMatchObject({
      id,
      explanation: checked.explanation,
      findings: checked.findings,
      reassessments: [],
    })
    await postAll()
    expect((await opened.get(url, declaration.employer)).body).toBe(early.body)
    const status = (await opened.get(`/v1/declarations/${id}`, declaration.employer)).json()
    expect(status).toMatchObject({ assessment: checked.assessment, links: { explanation: url } })
    expect((await opened.get(url, declare().employer)).statusCode).toBe(404)
    expect((await opened.get(url)).statusCode).toBe(401)
    expect((await opened.get(`${url}?line=0`, declaration.employer)).statusCode).toBe(400)
  })

  test('it stays with the pack of its acceptance when another becomes current', async () => {
    const [first] = declare({ lines: 1 }).lines ?? []
    const declaration = {
      ...declare({ lines: 1 }),
      lines: [{ ...first, wage: '1000' }],
    } as Declaration
    const { id } = (await opened.file(declaration, 'pinned')).json<{ id: string }>()
    const url = `/v1/declarations/${id}/explanation`
    const before = (await opened.get(url, declaration.employer)).body
    const limits = hefei.limits.map((row) => ({ ...row, floor: '4999' }))
    const later = await openApp(journal, { policies: policiesOf({ ...hefei, limits }), clock })
    expect((await later.get(url, declaration.employer)).body).toBe(before)
    expect((await later.check(declaration)).body).toContain('4999.00')
    await later.close()
  })
})

describe('policies', () => {
  test('the parameters of a day, and what changed since one', async () => {
    expect((await opened.get('/v1/policies')).json()).toMatchObject({
      regions: [{ region: '340100' }, { region: '999000' }],
    })
    const answer = await opened.get('/v1/policies/340100?on=2024-11-23')
    expect(answer.json()).toMatchObject({
      period: '2024-11',
      deadline: '2024-12-01T00:00:00.000000+08:00',
      parameters: expect.arrayContaining([
        expect.objectContaining({
          key: 'limits',
          values: expect.objectContaining({ floor: '4227' }),
        }),
      ]),
    })
    const changes = (await opened.get('/v1/policies/340100/changes?since=2024-09-01')).json<{
      changes: { key: string }[]
    }>()
    expect(changes.changes.map(({ key }) => key)).toContain('limits')
  })

  test('an unknown region is told with those there are, a wrong day is refused', async () => {
    const unknown = await opened.get('/v1/policies/110000')
    expect(unknown.statusCode).toBe(404)
    expect(unknown.json<Told>().errors[0]).toMatchObject({ code: 'REGION_UNKNOWN' })
    expect(unknown.json<Told>().errors[0]?.message.en).toContain('340100, 999000')
    const early = await opened.get('/v1/policies/340100?on=2011-01-01')
    expect(early.json<Told>().errors[0]).toMatchObject({ code: 'PERIOD_BEFORE_PACK' })
    expect((await opened.get('/v1/policies/340100?on=tomorrow')).statusCode).toBe(400)
    expect((await opened.get('/v1/policies/340100/changes')).statusCode).toBe(400)
  })
})

describe('what a code means', () => {
  test('every finding and problem is there as data and as a page', async () => {
    for (const code of [...Object.keys(catalogue), ...Object.keys(problemKinds)]) {
      const data = await opened.get(`/v1/findings/${code}`)
      expect(data.json()).toMatchObject({ code, title: { en: expect.any(String) } })
      const page = await opened.get(`/v1/findings/${code}`, undefined, { accept: 'text/html' })
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(page.body).toContain(`<code>${code}</code>`)
      expect(page.body).not.toMatch(/\{\w+\}|undefined|<script/)
    }
    expect((await opened.get('/v1/findings/NOTHING')).statusCode).toBe(404)
    expect((await opened.get('/v1/findings/__proto__')).statusCode).toBe(404)
  })

  test('the reader’s language comes first on the page, and is that of detail', async () => {
    const read = async (language: string) => {
      const headers = { accept: 'text/html', 'accept-language': language }
      const page = (await opened.get('/v1/findings/ID_LENGTH', undefined, headers)).body
      const problem = await opened.check(declare(), {
        authorization: 'Bearer x',
        'accept-language': language,
      })
      return [/<html lang="([^"]+)"/.exec(page)?.[1], problem.headers['content-language']]
    }
    expect(await read('zh-CN,zh;q=0.9,en;q=0.8')).toEqual(['zh-CN', 'zh-CN'])
    expect(await read('en-GB,en;q=0.9,zh;q=0.5')).toEqual(['en', 'en'])
    expect(await read('zh-Hant-TW')).toEqual(['zh-CN', 'zh-CN'])
    expect(await read('fr')).toEqual(['en', 'en'])
    const chinese = await opened.get('/nowhere', undefined, { 'accept-language': 'zh' })
    expect(chinese.json<Told>().detail).toMatch(/\p{Script=Han}/u)
    expect((await opened.get('/nowhere')).json<Told>().detail).toMatch(/^Not found\. /)
  })
})

test('a reassessment is told with the declaration: difference, explanation, surcharge', async () => {
  const { reassessAll } = await import('../../src/ledger/reassessment/reassess.ts')
  const { createAcceptGroup } = await import('../../src/journal/accept.ts')
  const { recordPacks } = await import('../../src/journal/policy-packs.ts')
  const [first] = declare({ lines: 1 }).lines ?? []
  const declaration = {
    ...declare({ lines: 1 }),
    lines: [{ ...first, wage: '1000' }],
  } as Declaration
  const { employer } = declaration
  const { id } = (await opened.file(declaration, 'reassessed')).json<{ id: string }>()
  await postAll()
  const limits = hefei.limits.map((row) => ({ ...row, floor: '4500' }))
  const pack: PolicyPack = { ...hefei, limits }
  const policies = policiesOf(pack)
  const { pool, keyring } = journal
  const { receiptKeys, sealingKeys } = keyring
  const [signer] = receiptKeys
  const [sealingKey] = sealingKeys
  if (signer === undefined || sealingKey === undefined) throw new Error('no keys')
  const accept = createAcceptGroup({
    pool,
    signer,
    sealingKey,
    salts: keyring.salts,
    environment: () => 'test',
    lane: 'bulk',
  })
  await recordPacks(pool, policies)
  await reassessAll(
    {
      pool,
      sealingKeys,
      policies,
      nowMicros: () => clock.nowMicros,
      acceptGroup: async (group) => {
        const result = await accept(group)
        if (result.envelope !== undefined) await journal.post(result.envelope)
        return result
      },
      onChange: () => {},
      onSkipped: () => {},
    },
    {
      region: '340100',
      from: '2024-11',
      to: '2024-11',
      policyHash: policies.current.get('340100')?.hash ?? '',
    },
  )
  const status = (await opened.get(`/v1/declarations/${id}`, employer)).json<{
    reassessments: { id: string; total: { employer: string } }[]
  }>()
  // 273 yuan more × 23.1%: 43.68 + 17.47 + 1.36 (22.50 − 21.14) + 0.55 (9.00 − 8.45)
  expect(status.reassessments).toMatchObject([{ total: { employer: '63.06' }, lines: 1 }])
  const explained = (await opened.get(`/v1/declarations/${id}/explanation`, employer)).json<{
    explanation: { lines: { amounts: { amount: string }[] }[] }
    reassessments: { surchargeFreeUntil: string; explanation: Told['explanation'] }[]
  }>()
  expect(explained.explanation.lines[0]?.amounts[0]?.amount).toBe('676.32')
  expect(explained.reassessments[0]).toMatchObject({ surchargeFreeUntil: '2024-12-31' })
  expect(explained.reassessments[0]?.explanation?.lines[0]?.amounts[0]?.amount).toBe('720.00')
  const [order] = status.reassessments
  const own = await opened.get(`/v1/declarations/${order?.id}/explanation`, employer)
  expect([own.statusCode, own.headers.location]).toEqual([
    303,
    `/v1/declarations/${id}/explanation`,
  ])
  const listed = (await opened.get(`/v1/declarations?employer=${employer}`, employer)).json<{
    declarations: { kind: string; status: string }[]
  }>()
  expect(listed.declarations.map(({ kind, status: stands }) => [kind, stands])).toEqual([
    ['reassessment', 'posted'],
    ['regular', 'posted'],
  ])
})

test('with the database away, every call that reads it answers 503 and when to come back', async () => {
  const readPool = openPool({
    url: 'postgres://127.0.0.1:1/nowhere', // nobody listens there
    name: 'away',
    connectionsMax: 1,
    statementMsMax: 1_000,
  })
  const policies = policiesOf(hefei, madeUp)
  const away = await openApp(journal, { policies, clock, readPool })
  const declaration = declare({ lines: 1 })
  const correction = { ...declaration, kind: 'correction', replaces: `202411-${'0'.repeat(26)}` }
  const id = '202411-00000000000000000000000000'
  for (const answer of [
    await away.file({ ...correction, kind: 'regular' }, 'away'),
    await away.check(correction),
    await away.get(`/v1/declarations/${id}`, declaration.employer),
    await away.get(`/v1/declarations/${id}/receipt`, declaration.employer),
    await away.get(`/v1/declarations/${id}/explanation`, declaration.employer),
  ]) {
    expect(answer.statusCode).toBe(503)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  }
  await away.close()
  await readPool.end()
})
