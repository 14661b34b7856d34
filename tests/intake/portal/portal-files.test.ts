/** The portal as it was built, served by intake: kept by browsers as it may be, and nothing else of the folder. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readPortal } from '../../../src/intake/portal/portal-files.ts'
import { openApp } from '../../support/app.ts'
import { type Journal, openJournal, policies } from '../../support/journal.ts'

let journal: Journal
let opened: Awaited<ReturnType<typeof openApp>>
let without: typeof opened
let folder: string
const clock = { nowMicros: Date.now() * 1_000 }
const script = 'export const portal = 1\n'.repeat(100)
const page = '<!doctype html><script type="module" src="/assets/main-Ab12.js"></script>'

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'spillway-portal-'))
  const built = path.join(folder, 'built')
  mkdirSync(path.join(built, 'assets'), { recursive: true })
  const asset = path.join(built, 'assets', 'main-Ab12.js')
  writeFileSync(asset, script)
  writeFileSync(`${asset}.br`, brotliCompressSync(script))
  writeFileSync(`${asset}.gz`, gzipSync(script))
  writeFileSync(path.join(built, 'index.html'), page)
  writeFileSync(path.join(built, 'sw.js'), script)
  writeFileSync(path.join(built, 'assets', 'notes.txt'), 'not for browsers')
  writeFileSync(path.join(folder, 'secret.js'), 'beside it')
  journal = await openJournal()
  opened = await openApp(journal, { policies, clock, portalDir: built })
  without = await openApp(journal, { policies, clock })
})
afterAll(async () => {
  for (const one of [opened, without]) await one.close()
  await journal.close()
  rmSync(folder, { recursive: true, force: true })
})

const ask = (url: string, headers: Record<string, string> = {}, { app } = opened) =>
  app.inject({ url, headers })

test.each(['/', '/verify'])('%s is the page, kept nowhere, under a strict policy', async (url) => {
  const answer = await ask(url, { accept: 'text/html,*/*' })
  expect([answer.statusCode, answer.body]).toEqual([200, page])
  expect(answer.headers['cache-control']).toBe('no-store')
  const policy = String(answer.headers['content-security-policy'])
  for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"])
    expect(policy).toContain(rule)
  expect(policy).not.toMatch(/unsafe|https?:|\*/)
  expect(answer.headers['x-content-type-options']).toBe('nosniff')
})

test('a file whose name has a hash is kept for ever, and sent as the browser takes it', async () => {
  const url = '/assets/main-Ab12.js'
  const plain = await ask(url)
  expect([plain.statusCode, plain.body]).toEqual([200, script])
  expect(plain.headers).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'accept-encoding',
    'x-content-type-options': 'nosniff',
  })
  const br = await ask(url, { 'accept-encoding': 'gzip, deflate, br' })
  expect(br.headers['content-encoding']).toBe('br')
  expect(brotliDecompressSync(br.rawPayload).toString()).toBe(script)
  const gzip = await ask(url, { 'accept-encoding': 'gzip, br;q=0' })
  expect(gzip.headers['content-encoding']).toBe('gzip')
  expect(gunzipSync(gzip.rawPayload).toString()).toBe(script)
  for (const accepted of ['identity', 'br;q=0.0', 'brotli'])
    expect(
      (await ask(url, { 'accept-encoding': accepted })).headers['content-encoding'],
    ).toBeUndefined()
})

test('a file whose name stays is asked for again, and sent when it changed', async () => {
  const first = await ask('/sw.js')
  expect([first.statusCode, first.headers['cache-control']]).toEqual([200, 'no-cache'])
  const again = await ask('/sw.js', { 'if-none-match': String(first.headers.etag) })
  expect([again.statusCode, again.body]).toEqual([304, ''])
})

test.each([
  '/assets/notes.txt',
  '/assets/main-Ab12.js.br',
  '/assets/../../secret.js',
  '/assets/%2e%2e/%2e%2e/secret.js',
  '/assets/..%2f..%2fsecret.js',
  '/assets/',
  '/assets/index.html',
  '/index.html',
  '/icons/none.png',
])('%s is not there', async (url) => {
  expect((await ask(url)).statusCode).toBe(404)
})

test('without a build, intake answers / as before, and nothing else of the portal', async () => {
  expect((await ask('/', { accept: 'text/html' }, without)).body).toContain(
    '社会保险缴费申报受理服务',
  )
  for (const url of ['/verify', '/assets/main-Ab12.js', '/sw.js'])
    expect((await ask(url, {}, without)).statusCode).toBe(404)
  expect(readPortal(path.join(folder, 'nowhere'))).toBeUndefined()
})

test('who asks for data at / gets links, with a portal and without', async () => {
  for (const one of [opened, without])
    expect((await ask('/', {}, one)).json()).toHaveProperty('links')
})
