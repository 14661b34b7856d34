import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Line } from '../../src/declaration/schema.ts'
import { clockSkewMsMax } from '../../src/limits.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { type EngineProcess, file, startProcess, tokenFor } from '../support/engine.ts'
import { declare } from '../support/journal.ts'

let database: TestDatabase
let intake: EngineProcess
let token: string
const good = declare()
const [line] = good.lines as [Line]

beforeAll(async () => {
  database = await createDatabase()
  intake = await startProcess('intake', { DATABASE_URL: database.url })
  token = await tokenFor([good.employer])
})
afterAll(async () => {
  expect(intake.output()).not.toContain('"level":50')
  await intake.end()
  await database.drop()
})

type Problem = {
  type: string
  title: string
  status: number
  code: string
  total?: number
  errors?: { pointer: string; code: string; message: { 'zh-CN': string; en: string } }[]
}

/** Sends a request and checks what every refusal has in common. */
async function refused(
  headers: Record<string, string>,
  body: string | Buffer,
  path = '/v1/declarations',
): Promise<Problem> {
  const answer = await fetch(`${intake.address}${path}`, { method: 'POST', headers, body })
  const text = await answer.text()
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  expect(text).not.toMatch(/\bat .*\.ts|node_modules|Error:/)
  const problem = JSON.parse(text) as Problem
  expect(problem.status).toBe(answer.status)
  expect(problem.type).toBe(`/v1/findings/${problem.code}`)
  const explained = await fetch(`${intake.address}${problem.type}`)
  expect(explained.status).toBe(200)
  const { rows } = await database.owner.query('select count(*)::int as kept from journal.envelope')
  expect(rows[0].kept).toBe(0)
  return problem
}

const headers = (more: Record<string, string> = {}) => ({
  authorization: `Bearer ${token}`,
  'idempotency-key': 'key',
  'content-type': 'application/json',
  ...more,
})
const send = (body: unknown, more: Record<string, string> = {}) =>
  refused(headers(more), typeof body === 'string' ? body : JSON.stringify(body))
const faults = ({ errors = [] }: Problem) => errors.map(({ pointer, code }) => `${pointer} ${code}`)

describe('what is not a declaration', () => {
  test.each([
    ['{', 400, 'BODY_MALFORMED'],
    ['', 400, 'BODY_MALFORMED'],
    ['{"__proto__":{"a":1}}', 400, 'BODY_MALFORMED'],
    ['[]', 422, 'DECLARATION_INVALID'],
    ['null', 422, 'DECLARATION_INVALID'],
    ['"x"', 422, 'DECLARATION_INVALID'],
    ['{}', 422, 'DECLARATION_INVALID'],
  ])('%s', async (body, status, code) => {
    expect(await send(body)).toMatchObject({ status, code })
  })

  test.each(['region', 'period', 'employer', 'kind'])(
    'a NUL, or half a character, in its %s beside another fault',
    async (member) => {
      for (const text of ['a\0b', '\0', '\ud800'])
        for (const path of ['/v1/declarations', '/v1/declarations/check']) {
          const body = JSON.stringify({ ...good, lines: 'none', [member]: text })
          const url = `${intake.address}${path}`
          const answer = await fetch(url, { method: 'POST', headers: headers(), body })
          expect([200, 403, 422], `${path} ${text}`).toContain(answer.status)
        }
    },
  )

  test('another content type, or a body in another encoding', async () => {
    expect(await send(good, { 'content-type': 'text/plain' })).toMatchObject({ status: 415 })
    expect(await send(good, { 'content-type': 'text/csv' })).toMatchObject({ status: 415 })
  })

  test('a body above the limit', async () => {
    const name = 'x'.repeat(5 * 1024 * 1024)
    expect(await send({ ...good, name })).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' })
  })

  test('a path or method that does not exist', async () => {
    expect(await refused(headers(), '{}', '/v1/nothing')).toMatchObject({ status: 404 })
  })
})

/** GB18030, of names that a decoder which replaces would make the same. */
const gb18030 = { 王文: 'cdf5cec4', 李娜: 'c0eec4c8' } as const

function inGb18030(name: keyof typeof gb18030, value: unknown): Buffer {
  const [before, after] = JSON.stringify(value).split(line.person.name) as [string, string]
  return Buffer.concat([Buffer.from(before), Buffer.from(gb18030[name], 'hex'), Buffer.from(after)])
}

describe('bytes that are not UTF-8', () => {
  const routes = ['/v1/declarations', '/v1/declarations/check', '/v1/batches', '/v1/slots']

  test.each(routes)('are refused at %s, with their place and what they look like', async (path) => {
    const body = inGb18030('王文', good)
    const offset = body.indexOf(0xcd)
    const problem = await refused(headers(), body, path)
    expect(problem).toMatchObject({
      ...{ status: 400, code: 'BODY_ENCODING' },
      notUtf8: { offset, line: 1, column: offset + 1, encoding: 'GB18030' },
    })
    expect(problem).toMatchObject({ detail: expect.stringContaining('GB18030') })
  })

  test('are refused whatever name they are, under the same key, inflated too', async () => {
    for (const name of ['王文', '李娜'] as const) {
      const body = inGb18030(name, good)
      expect(await refused(headers(), body)).toMatchObject({ code: 'BODY_ENCODING' })
      const zipped = headers({ 'content-encoding': 'gzip' })
      expect(await refused(zipped, gzipSync(body))).toMatchObject({ code: 'BODY_ENCODING' })
    }
  })

  test('may be UTF-8 with a character cut', async () => {
    const body = Buffer.from(JSON.stringify(good, null, 1))
    const cut = body.indexOf('"', body.indexOf(line.person.name)) - 1
    const cutBody = Buffer.concat([body.subarray(0, cut), body.subarray(cut + 1)])
    const { notUtf8 } = (await refused(headers(), cutBody)) as { notUtf8?: { line: number } }
    expect(notUtf8).toMatchObject({ encoding: 'UTF-8' })
    expect(notUtf8?.line).toBeGreaterThan(5)
  })

  test.each(['gbk', '"GB18030"', 'utf-16', 'iso-8859-1', ''])(
    'another charset, declared: %s',
    async (charset) => {
      const type = `application/json; charset=${charset}`
      const problem = await refused(headers({ 'content-type': type }), inGb18030('王文', good))
      expect(problem).toMatchObject({ status: 415, code: 'CHARSET_UNSUPPORTED' })
    },
  )

  test.each(['utf-8', 'UTF-8', '"utf-8"', 'utf8', 'us-ascii'])(
    'the charset %s is none',
    async (charset) => {
      const type = `application/json; charset=${charset}`
      expect(await send({}, { 'content-type': type })).toMatchObject({
        code: 'DECLARATION_INVALID',
      })
    },
  )

  test('in the metadata of tus, and in the fields and the file name of a form', async () => {
    const tus = { 'tus-resumable': '1.0.0', 'upload-length': '10' }
    const { 'content-type': _, ...others } = headers(tus)
    const metadata = `filename ${Buffer.from('b9a4d7ca', 'hex').toString('base64')}`
    const begun = refused(
      { ...others, 'upload-metadata': metadata },
      Buffer.alloc(0),
      '/v1/batches',
    )
    expect(await begun).toMatchObject({ code: 'UPLOAD_METADATA_INVALID' })
    const form = (field: string, file: string) =>
      Buffer.from(
        `--x\r\ncontent-disposition: form-data; name="period"\r\n\r\n${field}\r\n` +
          `--x\r\ncontent-disposition: form-data; name="file"; filename="${file}"\r\n\r\na\r\n--x--\r\n`,
        'latin1',
      )
    const type = { 'content-type': 'multipart/form-data; boundary=x' }
    for (const body of [form('2024-11', '\xb9\xa4\xd7\xca.csv'), form('\xb9\xa4', 'a.csv')]) {
      const problem = await refused(headers(type), body, '/v1/batches')
      expect(problem).toMatchObject({ status: 400, code: 'FORM_ENCODING' })
    }
  })
})

test.each(['\\ud800.csv', 'a\\ufffd.csv'])(
  'the name of a file has lost no character: %s',
  async (filename) => {
    const body = `{"period":"2024-11","region":"340100","kind":"regular","mode":"accept-good","filename":"${filename}"}`
    const problem = await refused(headers(), body, '/v1/batches')
    expect(faults(problem)).toContain('/filename TEXT_CHARACTERS')
  },
)

describe('a member that is there twice', () => {
  test.each([
    ['/lines/0/wage', JSON.stringify(good).replace('"wage"', '"wage":"1.00","wage"')],
    ['/lines/0/wage', JSON.stringify(good).replace('"wage"', '"w\\u0061ge":"1.00","wage"')],
    ['/employer', JSON.stringify(good).replace('"employer"', '"employer":"","employer"')],
    ['', '{"11010519491231002X":1,"11010519491231002X":2}'],
  ])('is refused with its place: %s', async (pointer, body) => {
    for (const path of ['/v1/declarations', '/v1/declarations/check', '/v1/batches']) {
      const problem = await refused(headers(), body, path)
      expect(problem).toMatchObject({ status: 400, code: 'JSON_KEY_REPEATED', pointer })
      expect(JSON.stringify(problem)).not.toContain('19491231')
    }
  })
})

describe('the token', () => {
  const body = JSON.stringify(good)
  test.each([
    ['', 'TOKEN_MISSING'],
    ['Basic abc', 'TOKEN_MISSING'],
    ['Bearer abc', 'TOKEN_INVALID'],
    ['Bearer a.b.c', 'TOKEN_INVALID'],
  ])('%s', async (authorization, code) => {
    expect(await refused(headers({ authorization }), body)).toMatchObject({ status: 401, code })
  })

  test('expired, for another audience, altered, without the scope, of another employer', async () => {
    const cases = [
      [
        await tokenFor([good.employer], { ttlSeconds: -1 - clockSkewMsMax / 1_000 }),
        'TOKEN_EXPIRED',
      ],
      [await tokenFor([good.employer], { audience: 'another' }), 'TOKEN_INVALID'],
      [`${token.slice(0, -6)}AAAAAA`, 'TOKEN_INVALID'],
      [await tokenFor([good.employer], { scopes: ['declarations:read'] }), 'SCOPE_MISSING'],
      [await tokenFor([declare().employer]), 'EMPLOYER_NOT_YOURS'],
      [await tokenFor([]), 'EMPLOYER_NOT_YOURS'],
    ] as const
    for (const [bearer, code] of cases) {
      expect(await refused(headers({ authorization: `Bearer ${bearer}` }), body)).toMatchObject({
        code,
      })
    }
  })

  test('unsigned tokens are refused', async () => {
    const [, payload] = token.split('.')
    const header = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
    const authorization = `Bearer ${header}.${payload}.`
    expect(await refused(headers({ authorization }), body)).toMatchObject({ code: 'TOKEN_INVALID' })
  })
})

describe('the Idempotency-Key', () => {
  const { 'idempotency-key': _, ...without } = headers()
  test('missing, blank, over-long, with a space', async () => {
    const body = JSON.stringify(good)
    const key = (value: string) => refused(headers({ 'idempotency-key': value }), body)
    expect(await refused({ ...without, authorization: `Bearer ${token}` }, body)).toMatchObject({
      status: 400,
      code: 'IDEMPOTENCY_KEY_MISSING',
    })
    expect(await key('""')).toMatchObject({ status: 400, code: 'IDEMPOTENCY_KEY_INVALID' })
    expect(await key('k'.repeat(256))).toMatchObject({
      status: 400,
      code: 'IDEMPOTENCY_KEY_INVALID',
    })
    expect(await key('two words')).toMatchObject({ status: 400, code: 'IDEMPOTENCY_KEY_INVALID' })
  })
})

describe('faults in the declaration', () => {
  test('unknown fields, numbers for strings, NUL characters, all at once', async () => {
    const planted = { ...line, wage: 6500, person: { ...line.person, name: 'a\u0000b', age: 5 } }
    const problem = await send({ ...good, bonus: 1, lines: [planted, { ...line, wage: '1e5' }] })
    expect(problem).toMatchObject({ status: 422, code: 'DECLARATION_INVALID' })
    expect(faults(problem)).toEqual(
      expect.arrayContaining([
        '/bonus FIELD_UNKNOWN',
        '/lines/0/wage FIELD_TYPE',
        '/lines/0/person/age FIELD_UNKNOWN',
        '/lines/1/wage FIELD_FORMAT',
      ]),
    )
    expect(faults(problem).some((fault) => fault.startsWith('/lines/0/person/name'))).toBe(true)
  })

  test('a lone half of a character, which no encoding can carry', async () => {
    const body = JSON.stringify(good).replace(line.person.name, '\\ud800')
    expect(faults(await send(body)).some((fault) => fault.startsWith('/lines/0/person/name'))).toBe(
      true,
    )
  })

  test('every finding speaks Chinese and English and names the next step', async () => {
    const { errors = [] } = await send({ ...good, period: '2031-01', region: '999999', kind: 'x' })
    expect(errors.length).toBeGreaterThanOrEqual(3)
    for (const error of errors) {
      expect(error).toMatchObject({
        severity: 'error',
        message: { 'zh-CN': expect.stringMatching(/[\u4e00-\u9fff]/), en: expect.any(String) },
        fix: { 'zh-CN': expect.stringMatching(/[\u4e00-\u9fff]/), en: expect.any(String) },
      })
    }
  })

  test('a period in the future and a region without a policy', async () => {
    for (const period of ['2099-01', '9999-12']) {
      expect(faults(await send({ ...good, period }))).toContain('/period PERIOD_IN_FUTURE')
    }
    expect(faults(await send({ ...good, region: '110000' }))).toContain('/region REGION_UNKNOWN')
    expect(faults(await send({ ...good, period: '2001-01' }))).toContain(
      '/period PERIOD_BEFORE_PACK',
    )
  })

  test('10,000 lines with 10,000 faults, filed late: a capped list and the total', async () => {
    const bad = { ...line, person: { ...line.person, idNumber: '123' } }
    const problem = await send({ ...good, lines: Array.from({ length: 10_000 }, () => bad) })
    expect([problem.errors?.length, problem.total]).toEqual([200, 10_001])
  })

  test('10,001 lines', async () => {
    const lines = Array.from({ length: 10_001 }, () => line)
    expect(faults(await send({ ...good, lines }))).toContain('/lines LINES_TOO_MANY')
  })

  test('no refusal repeats a planted number or name', async () => {
    const number = '110105194912310021'
    const person = { ...line.person, idNumber: number, name: '王某某丙' }
    const problem = await send({
      ...good,
      lines: [
        { ...line, person },
        { ...line, wage: number },
      ],
    })
    expect(JSON.stringify(problem)).not.toContain(number)
    expect(JSON.stringify(problem)).not.toContain('王某某丙')
  })
})

test('a request that never ends its headers or is no HTTP is answered or closed, and intake lives on', async () => {
  const { hostname, port } = new URL(intake.address)
  const closed = new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write('NOT HTTP\r\n\r\n'))
    socket.resume().once('close', resolve)
  })
  await closed
  expect((await fetch(`${intake.address}/livez`)).status).toBe(200)
})

test('what is asked of a list is checked', async () => {
  const list = (query: string) =>
    fetch(`${intake.address}/v1/declarations?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    })
  for (const query of [
    '',
    'employer=x',
    `employer=${good.employer}&limit=0`,
    `employer=${good.employer}&x=1`,
    `employer=${good.employer}&before=1'`,
  ]) {
    expect((await list(query)).status, query).toBe(400)
  }
  expect((await list(`employer=${declare().employer}`)).status).toBe(403)
  expect((await list(`employer=${good.employer}`)).status).toBe(200)
})

test('somebody else’s declaration is not found, like one that does not exist', async () => {
  const other = declare()
  const theirs = await tokenFor([other.employer])
  const answer = await file(intake.address, theirs, 'theirs', other)
  const { id } = (await answer.json()) as { id: string }
  const look = async (path: string) =>
    (
      await fetch(`${intake.address}/v1/declarations/${path}`, {
        headers: { authorization: `Bearer ${token}` },
      })
    ).status
  expect(await look(id)).toBe(404)
  expect(await look(`${id}/receipt`)).toBe(404)
  expect(await look('202411-00000000000000000000000000')).toBe(404)
})

test('lookups see by a role that sees for whom they ask alone, whatever the process may read else', async () => {
  const own = { headers: { authorization: `Bearer ${token}` } }
  const look = async () =>
    (await fetch(`${intake.address}/v1/declarations?employer=${good.employer}`, own)).status
  // A process that looked things up as the role of all else could read no view any more.
  await database.owner.query('revoke select on all tables in schema seen from spillway_app')
  try {
    expect(await look()).toBe(200)
  } finally {
    await database.owner.query('grant select on all tables in schema seen to spillway_app')
  }
})
