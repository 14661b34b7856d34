/** What answers tell browsers, who may ask for what where, and what one sender may leave unfinished. */
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { csvOf } from '../../src/declaration/csv.ts'
import type { FindingList } from '../../src/declaration/findings.ts'
import { shedHeaders } from '../../src/intake/overload/shed.ts'
import type { Readiness } from '../../src/intake/routes/health.ts'
import { oneAtATime, serveOperators } from '../../src/intake/routes/operators-port.ts'
import { uploadBytesMax, uploadsOpenBytesMax } from '../../src/limits.ts'
import { readConfig } from '../../src/platform/config/config.ts'
import { readKeyring, readTokenPublicKeys } from '../../src/platform/config/key-store.ts'
import { openApp } from '../support/app.ts'
import { declare, type Journal, openJournal, policies } from '../support/journal.ts'
import { waitFor } from '../support/wait.ts'

let journal: Journal
let opened: Awaited<ReturnType<typeof openApp>>
const clock = { nowMicros: Date.now() * 1_000 }
beforeAll(async () => {
  journal = await openJournal()
  opened = await openApp(journal, { policies, clock, hstsSeconds: 31_536_000 })
})
afterAll(async () => {
  await opened.close()
  await journal.close()
})

describe('every answer', () => {
  test.each([
    ['a page', '/v1/findings/NOT_FOUND', 200, { accept: 'text/html' }],
    ['the first page', '/', 200, { accept: 'text/html' }],
    ['JSON', '/v1/policies', 200, {}],
    ['a file', '/v1/batches/template?format=csv', 200, {}],
    ['the documentation', '/documentation/', 200, {}],
    ['health', '/livez', 200, {}],
    ['a refusal', '/v1/declarations?employer=1', 401, {}],
    ['no route', '/nowhere', 404, {}],
    ['another method', '/v1/batches/x/file', 405, {}],
    ['no address', '/v1/%', 400, {}],
    ['a NUL', '/v1/findings/%00', 400, {}],
  ])('that is %s is what its media type says, and in no frame', async (_, url, status, headers) => {
    const answer = await opened.app.inject({ url, headers })
    expect(answer.statusCode).toBe(status)
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
    })
  })

  test('says that it comes by TLS alone, where that is set; one of the gate is no page', async () => {
    const hsts = 'strict-transport-security'
    const said = await opened.app.inject({ url: '/v1/policies' })
    expect(said.headers[hsts]).toBe('max-age=31536000')
    const unset = await openApp(journal, { policies, clock })
    expect((await unset.app.inject({ url: '/v1/policies' })).headers).not.toHaveProperty(hsts)
    await unset.close()
    expect(readConfig({}).hstsSeconds).toBe(0)
    expect(shedHeaders({ class: 'reports', reason: 'off' }, 1, 1)).toMatchObject({
      'x-content-type-options': 'nosniff',
    })
  })
})

describe('the operators’ port', () => {
  const readiness: Readiness = {
    checkDatabase: async () => {},
    isDraining: () => false,
    stuck: () => undefined,
    durability: () => ({ refuses: false, settings: '' }),
    commitTrouble: () => '',
    keysTrouble: () => '',
    queueTrouble: () => '',
  }

  test('is on loopback, of intake and of workers, wherever filers are served', () => {
    const { operators, workerOperators, host } = readConfig({
      ...{ HOST: '0.0.0.0', PORT: '8443', WORKER_PORT: '9000' },
    })
    expect(host).toBe('0.0.0.0')
    expect(operators).toEqual({ host: '127.0.0.1', port: 9443 })
    expect(workerOperators).toEqual({ host: '127.0.0.1', port: 9000 })
    expect(readConfig({ PORT: '65000' }).operators.port).toBe(64_000)
    expect(readConfig({ OPERATORS_HOST: '10.0.0.7', OPERATORS_PORT: '9' }).operators).toEqual({
      ...{ host: '10.0.0.7', port: 9 },
    })
    expect(() => readConfig({ PORT: '8080', OPERATORS_PORT: '8080' })).toThrow(/OPERATORS_PORT/)
  })

  test('however many ask for metrics at once or within a second, they are read once', async () => {
    let reads = 0
    let go = () => {}
    const slow = new Promise<void>((resolve) => {
      go = resolve
    })
    const app = await serveOperators({ host: '127.0.0.1', port: 0 }, readiness, async () => {
      reads += 1
      await slow
      if (reads === 3) throw new Error('nobody reads this')
      return `reads ${reads}\n`
    })
    if (app === undefined) throw new Error('it does not listen')
    try {
      const scrape = () => app.inject({ url: '/metrics' })
      const many = Array.from({ length: 50 }, scrape)
      await waitFor('the reading', () => reads === 1)
      go()
      for (const one of await Promise.all(many)) expect(one.body).toBe('reads 1\n')
      await waitFor('the next', async () => (await scrape()).body === 'reads 2\n')
      const failed = await waitFor('one that fails', async () => {
        const answer = await scrape()
        return answer.statusCode !== 200 && answer
      })
      expect([failed.statusCode, failed.body]).toEqual([503, 'unavailable\n'])
      await waitFor('one after it', async () => (await scrape()).statusCode === 200)
      const [live, ready] = [await app.inject('/livez'), await app.inject('/readyz')]
      expect([live.statusCode, ready.statusCode]).toEqual([200, 200])
    } finally {
      await app.close()
    }
  })

  test('a reading that is asked for while one is under way is that one', async () => {
    let reads = 0
    const read = oneAtATime(async () => {
      reads += 1
      return `${reads}`
    })
    expect(await Promise.all([read(), read(), read()])).toEqual(['1', '1', '1'])
  })
})

test.each([
  ['http://keys.example/jwks.json', false],
  ['http://127.0.0.1.example/jwks.json', false],
  ['http://127.0.0.1@keys.example/jwks.json', false],
  ['http://10.0.0.1/jwks.json', false],
  ['http://127.0.0.1:8000/jwks.json', true],
  ['http://localhost/jwks.json', true],
  ['http://[::1]/jwks.json', true],
  ['https://keys.example/jwks.json', true],
])('keys of tokens are taken from %s: %s', (url, isTaken) => {
  const read = () => readConfig({ JWKS_URL: url }).token.jwksUrl
  if (isTaken) expect(read()).toBe(url)
  else expect(read).toThrow(/JWKS_URL must start with https/)
})

test.each([0o640, 0o604, 0o620, 0o666])(
  'a keyring of mode %o, which others can read or write, is refused',
  (mode) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'spillway-mode-'))
    try {
      const file = path.join(folder, 'keyring.json')
      cpSync(inject('keyringFile'), file)
      expect(readKeyring(file).receiptKeys).toHaveLength(1)
      chmodSync(file, mode)
      for (const read of [readKeyring, readTokenPublicKeys])
        expect(() => read(file)).toThrow(`"chmod 600 ${file}"`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)

test('no field of a table of findings begins like a formula', () => {
  const text = { 'zh-CN': '\n=1', en: '＝1' }
  const finding = { pointer: '\t=1', code: '=1', severity: 'error', message: text, fix: text }
  const list = { written: () => [finding] } as unknown as FindingList
  const [, row = ''] = [...csvOf(list)]
  const fields = row.trim().split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)
  const risky = fields.filter((field) => /^"?[=+\-@\t\r\n＝＋－＠]/.test(field))
  expect(risky).toEqual([])
})

test('one sender’s unfinished files have so many bytes together, whether or not their sizes are said', async () => {
  const { employer } = declare()
  const members = { employer, period: '2024-11', region: '340100', kind: 'regular', mode: 'check' }
  const headers = await opened.headersFor([employer])
  let keys = 0
  const begin = (more: object = {}) => {
    keys += 1
    const own = { ...headers, 'idempotency-key': `open-${keys}` }
    const payload = { ...members, ...more }
    return opened.app.inject({ method: 'POST', url: '/v1/batches', headers: own, payload })
  }
  const unsaid = (await begin()).json().id
  const send = (more: object = {}) =>
    opened.app.inject({
      ...{ method: 'PATCH', url: `/v1/batches/${unsaid}/file`, payload: 'bytes' },
      headers: {
        ...{ ...headers, 'content-type': 'application/offset+octet-stream' },
        ...{ 'upload-offset': '0', ...more },
      },
    })
  const begun = []
  for (let bytes = 0; bytes + uploadBytesMax <= uploadsOpenBytesMax; bytes += uploadBytesMax)
    begun.push(await begin({ size: uploadBytesMax }))
  expect(new Set(begun.map(({ statusCode }) => statusCode))).toEqual(new Set([201]))
  for (const refused of [
    await begin({ size: 1 }),
    await send(),
    await send({ 'upload-length': '9' }),
  ]) {
    expect(refused.statusCode, refused.body).toBe(413)
    expect(refused.json()).toMatchObject({
      code: 'UPLOADS_TOO_MANY_BYTES',
      fix: { 'zh-CN': expect.stringMatching(/取消/), en: expect.stringMatching(/cancel/) },
    })
  }
  const url = `/v1/batches/${begun[0]?.json().id}`
  expect((await opened.app.inject({ method: 'DELETE', url, headers })).statusCode).toBe(204)
  expect((await send({ 'upload-length': '9' })).statusCode).toBe(204)
  expect((await begin({ size: uploadBytesMax - 9 })).statusCode).toBe(201)
  expect((await begin({ size: 1 })).statusCode).toBe(413)
})

test('the first page links what is there, in both languages, the reader’s first', async () => {
  const headers = { accept: 'text/html', 'accept-language': 'zh-CN' }
  const { body } = await opened.app.inject({ url: '/', headers })
  expect(/<html lang="([^"]+)"/.exec(body)?.[1]).toBe('zh-CN')
  const links = [...body.matchAll(/href="([^"]+)"/g)].map(([, link]) => link as string)
  expect(links.length).toBeGreaterThan(8)
  for (const url of new Set(links)) {
    const answer = await opened.app.inject({ url, headers })
    expect([url, answer.statusCode]).toEqual([url, 200])
  }
  const asData = await opened.app.inject({ url: '/' })
  expect(Object.keys(asData.json<{ links: object }>().links)).toEqual(
    expect.arrayContaining(links.slice(0, 4)),
  )
})
