/**
 * Sessions of browsers: a request with the cookie is as one with its token, and no more; who sends it from
 * another site, changes it, or has one of before a key was retired, gets nothing.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createAuthenticator } from '../../../src/intake/auth/authentication.ts'
import { tokenKeys } from '../../../src/intake/auth/token-keys.ts'
import { returnToOf } from '../../../src/intake/portal/return-to.ts'
import type { SignInWay } from '../../../src/intake/portal/sign-in.ts'
import { readCookie } from '../../../src/intake/sessions/cookies.ts'
import { packToken, unpackToken } from '../../../src/intake/sessions/packed-token.ts'
import { Seals } from '../../../src/intake/sessions/seals.ts'
import { sealedCharactersMax } from '../../../src/limits.ts'
import { readConfig } from '../../../src/platform/config/config.ts'
import {
  readKeyring,
  readSessionKeys,
  readTokenPublicKeys,
} from '../../../src/platform/config/key-store.ts'
import {
  completeKeyring,
  listKeys,
  retireKey,
  rotateKeyring,
} from '../../../src/platform/config/keyring.ts'
import { openLog, readLog } from '../../support/access.ts'
import { openApp } from '../../support/app.ts'
import { tokenFor } from '../../support/engine.ts'
import { declare, type Journal, openJournal, policies } from '../../support/journal.ts'

let journal: Journal
let opened: Awaited<ReturnType<typeof openApp>>
let folder: string
const clock = { nowMicros: Date.now() * 1_000 }
const mine = declare()
const { employer } = mine
/** Whose next token the sign-in in development gives. */
const given = { token: '' }
const signIn: SignInWay = { kind: 'development', issue: async () => given.token }
const keyringFile = () => path.join(folder, 'keyring.json')
const denied = new Set<string>()

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'spillway-sessions-'))
  cpSync(inject('keyringFile'), keyringFile())
  journal = await openJournal()
  const keys = tokenKeys({ publicJwk: readTokenPublicKeys(inject('keyringFile')) })
  const authenticator = createAuthenticator({
    ...{ issuer: 'spillway', audience: 'spillway', keys, now: Date.now },
    denies: ({ subject }) => denied.has(subject),
  })
  const seals = new Seals(() => readSessionKeys(keyringFile()))
  opened = await openApp(journal, {
    ...{ policies, clock, signIn, authenticator, session: { seals }, accessLog: openLog(journal) },
  })
})
afterAll(async () => {
  await opened.close()
  await journal.close()
  rmSync(folder, { recursive: true, force: true })
})

type App = typeof opened
const ours = { 'sec-fetch-site': 'same-origin' } as const
const form = { 'content-type': 'application/x-www-form-urlencoded' } as const

/** Signs in as the holder of a token; the cookies as a browser sends them back. */
async function sessionOf(token: string, { app }: App = opened): Promise<string> {
  given.token = token
  const answer = await app.inject({
    ...{ method: 'POST', url: '/sign-in', headers: { ...form, ...ours } },
    payload: `employers=${employer}&name=clerk&role=filer`,
  })
  expect(answer.statusCode, answer.body).toBe(303)
  return cookiesOf(answer.headers['set-cookie'])
}

function cookiesOf(set: string | string[] | undefined): string {
  return [set ?? []]
    .flat()
    .map((one) => one.split(';')[0] as string)
    .filter((one) => !one.endsWith('='))
    .join('; ')
}

const ask = (cookie: string, url: string, headers: Record<string, string> = {}) =>
  opened.app.inject({ url, headers: { cookie, ...headers } })

let filings = 0
const file = (
  cookie: string,
  headers: Record<string, string>,
  declaration: object = declare({}, { employer }),
) => {
  filings += 1
  return opened.app.inject({
    ...{ method: 'POST', url: '/v1/declarations', payload: declaration },
    headers: { cookie, 'idempotency-key': `session-${filings}`, ...headers },
  })
}

describe('a session', () => {
  test('is as its token: the same answers, roles, scopes, employers, and entries of who did it', async () => {
    const token = await tokenFor([employer], { subject: 'clerk' })
    const cookie = await sessionOf(token)
    const filed = await file(cookie, ours)
    expect(filed.statusCode, filed.body).toBe(202)
    const { id } = filed.json()
    const byCookie = await ask(cookie, `/v1/declarations/${id}?filedBy=true`)
    const headers = { authorization: `Bearer ${token}` }
    const byToken = await opened.app.inject({ url: `/v1/declarations/${id}?filedBy=true`, headers })
    expect([byCookie.statusCode, byCookie.body]).toEqual([200, byToken.body])
    expect(byCookie.json().filedBy).toMatchObject({ subject: 'clerk' })
    const other = await file(cookie, ours, declare())
    expect([other.statusCode, other.json().code]).toEqual([403, 'EMPLOYER_NOT_YOURS'])
    const viewer = await sessionOf(await tokenFor([employer], { roles: ['viewer'] }))
    expect((await file(viewer, ours)).json().code).toBe('ROLE_MISSING')
    expect((await ask(viewer, `/v1/declarations/${id}`)).statusCode).toBe(200)
    const reader = await tokenFor([employer], { scopes: ['declarations:read'] })
    expect((await file(await sessionOf(reader), ours)).json().code).toBe('SCOPE_MISSING')
  })

  test('of another employer finds of this one what is not there', async () => {
    const cookie = await sessionOf(await tokenFor([employer]))
    const { id } = (await file(cookie, ours, declare({ period: '2024-10' }, { employer }))).json()
    const stranger = await sessionOf(await tokenFor([declare().employer]))
    for (const rest of ['', '/receipt', '/amounts', '/explanation'])
      expect((await ask(stranger, `/v1/declarations/${id}${rest}`)).json().code).toBe('NOT_FOUND')
  })

  test('tells who is signed in and until when, never the token, and is kept by no cache', async () => {
    const token = await tokenFor([employer], { subject: 'clerk', ttlSeconds: 600 })
    const answer = await ask(await sessionOf(token), '/session', ours)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.json()).toMatchObject({
      ...{ signedIn: true, subject: 'clerk', employers: [employer], roles: ['filer'] },
      ...{ may: ['file', 'look', 'open'], environment: 'test', renewable: false },
      signIn: { kind: 'development', href: '/sign-in' },
    })
    const { expiresAt, now } = answer.json()
    expect(Date.parse(expiresAt) - Date.parse(now)).toBeGreaterThan(500_000)
    for (const part of token.split('.')) expect(answer.body).not.toContain(part)
    const nobody = await opened.app.inject('/session')
    expect([nobody.statusCode, nobody.json().signedIn]).toEqual([200, false])
    // Who only asks who they are reads nothing of anybody.
    const read = (await readLog(journal)).filter((one) => 'read' in one && one.read === '/session')
    expect(read).toEqual([])
  })

  test('ends with its token, with a denial, and when it is ended', async () => {
    const hourAgo = Date.now() - 3_600_000
    const ended = packToken(await tokenFor([employer], { ttlSeconds: 60, issuedAtMs: hourAgo }))
    const sealed = new Seals(() => readSessionKeys(keyringFile())).seal('session', ended)
    const old = `spillway-session=${sealed}`
    const refused = await ask(old, `/v1/declarations?employer=${employer}`)
    expect([refused.statusCode, refused.json().code]).toEqual([401, 'SESSION_ENDED'])
    expect((await ask(old, '/session')).json()).toMatchObject({
      ...{ signedIn: false, code: 'SESSION_ENDED' },
    })

    const cookie = await sessionOf(await tokenFor([employer], { subject: 'barred' }))
    denied.add('barred')
    // As access-watch.ts does.
    opened.app.authenticator.forget()
    const barred = await ask(cookie, `/v1/declarations?employer=${employer}`)
    expect([barred.statusCode, barred.json().code]).toEqual([401, 'TOKEN_WITHDRAWN'])

    const end = await opened.app.inject({
      ...{ method: 'POST', url: '/session/end', headers: { cookie, ...ours } },
    })
    expect([end.statusCode, end.json()]).toEqual([200, { signedIn: false }])
    expect(cookiesOf(end.headers['set-cookie'])).toBe('')
    for (const set of [end.headers['set-cookie'] ?? []].flat()) expect(set).toContain('Max-Age=0')
  })

  test('is of no use to a request that has a bearer token', async () => {
    const cookie = await sessionOf(await tokenFor([employer]))
    const headers = { cookie, authorization: 'Bearer x.y.z' }
    const answer = await opened.app.inject({
      ...{ url: `/v1/declarations?employer=${employer}`, headers },
    })
    expect(answer.json().code).toBe('TOKEN_INVALID')
    // And what a bearer sends from wherever needs no proof of its origin, whatever cookies it carries.
    const token = await tokenFor([employer])
    const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
    const filed = await file(
      cookie,
      { authorization: `Bearer ${token}`, ...foreign },
      declare({ period: '2024-09' }, { employer }),
    )
    expect(filed.statusCode, filed.body).toBe(202)
  })
})

describe('another site', () => {
  const sites: [string, Record<string, string>][] = [
    [
      'tells that it is another',
      { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    ],
    ['is a neighbour', { 'sec-fetch-site': 'same-site', origin: 'https://other.localhost' }],
    ['says only its origin', { origin: 'https://evil.example' }],
    ['hides its origin', { origin: 'null' }],
    ['says nothing', {}],
    ['is the address bar', { 'sec-fetch-site': 'none' }],
    ['has our name in its own', { origin: 'http://localhost:80.evil.example' }],
  ]
  test.each(sites)('files nothing with the session: one that %s', async (_, headers) => {
    const cookie = await sessionOf(await tokenFor([employer]))
    const answer = await file(cookie, headers)
    expect([answer.statusCode, answer.json().code]).toEqual([403, 'ORIGIN_FOREIGN'])
    for (const url of ['/session/end', '/session/renew', '/sign-in']) {
      const more = url === '/sign-in' ? form : {}
      const one = await opened.app.inject({
        ...{ method: 'POST', url, headers: { cookie, ...headers, ...more } },
      })
      expect([url, one.statusCode]).toEqual([url, 403])
      expect(one.headers['set-cookie']).toBeUndefined()
    }
    const batch = await opened.app.inject({
      ...{ method: 'DELETE', url: '/v1/batches/0a0a0a0a-0000-4000-8000-000000000000' },
      headers: { cookie, ...headers },
    })
    expect([batch.statusCode, batch.json().code]).toEqual([403, 'ORIGIN_FOREIGN'])
  })

  test('reads nothing with it either, where the browser tells', async () => {
    const cookie = await sessionOf(await tokenFor([employer]))
    const url = `/v1/declarations?employer=${employer}`
    for (const site of ['cross-site', 'same-site']) {
      const answer = await ask(cookie, url, { 'sec-fetch-site': site })
      expect([answer.statusCode, answer.json().code]).toEqual([403, 'ORIGIN_FOREIGN'])
      expect((await ask(cookie, '/session', { 'sec-fetch-site': site })).json().signedIn).toBe(
        false,
      )
    }
    for (const site of ['same-origin', 'none'])
      expect((await ask(cookie, url, { 'sec-fetch-site': site })).statusCode).toBe(200)
  })

  test('is told from ours by its origin, where a browser is too old to say', async () => {
    const cookie = await sessionOf(await tokenFor([employer]))
    const headers = { origin: 'http://localhost:80', host: 'localhost:80' }
    const filed = await file(cookie, headers, declare({ period: '2024-08' }, { employer }))
    expect(filed.statusCode, filed.body).toBe(202)
  })

  test('is whatever is not where people come to, where that is set, whatever host is asked', async () => {
    const origin = 'https://portal.example.cn'
    const secure = { isSecure: true, origin }
    const other = await openApp(journal, { policies, clock, signIn, session: secure })
    try {
      const headers = { host: 'evil.example', origin: 'https://evil.example' }
      const cookie = `__Host-spillway-session=${new Seals(() => readKeyring(inject('keyringFile')).sessionKeys).seal('session', packToken(await tokenFor([employer])))}`
      const end = (more: Record<string, string>) =>
        other.app.inject({ method: 'POST', url: '/session/end', headers: { cookie, ...more } })
      expect((await end(headers)).statusCode).toBe(403)
      const ended = await end({ ...headers, origin })
      expect(ended.statusCode).toBe(200)
      for (const set of [ended.headers['set-cookie'] ?? []].flat())
        expect(set).toMatch(/^__Host-spillway-.*; Path=\/; HttpOnly; SameSite=Lax; .*; Secure$/)
    } finally {
      await other.close()
    }
  })
})

describe('a cookie', () => {
  test('that is changed in any place, or of another purpose, opens nothing', async () => {
    const cookie = await sessionOf(await tokenFor([employer]))
    const value = readCookie(cookie, 'spillway-session') ?? ''
    const bytes = Buffer.from(value, 'base64url')
    for (const at of [0, 1, 6, 7, 18, 19, bytes.length - 17, bytes.length - 1]) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] as number) ^ 1
      const answer = await ask(
        `spillway-session=${changed.toString('base64url')}`,
        `/v1/declarations?employer=${employer}`,
      )
      expect([at, answer.statusCode, answer.json().code]).toEqual([at, 401, 'SESSION_ENDED'])
    }
    for (const junk of ['x', '%00', 'a'.repeat(sealedCharactersMax), '..', '"'])
      expect((await ask(`spillway-session=${junk}`, '/session')).json().signedIn).toBe(false)
    const seals = new Seals(() => readSessionKeys(keyringFile()))
    const content = packToken(await tokenFor([employer]))
    for (const purpose of ['sign-in', 'renewal'] as const)
      expect(seals.open('session', seals.seal(purpose, content) ?? '')).toBeUndefined()
  })

  test('larger than one that we make is not even opened, and a token that needs it begins no session', async () => {
    const seals = new Seals(() => readSessionKeys(keyringFile()))
    const value = seals.seal('session', packToken(await tokenFor([employer]))) ?? ''
    const padded = value.padEnd(sealedCharactersMax + 1, 'A')
    expect(seals.open('session', padded)).toBeUndefined()
    expect((await ask(`spillway-session=${padded}`, '/session')).statusCode).toBe(200)
    const many = Array.from({ length: 250 }, () => declare().employer)
    expect(cookiesOf(await sessionOf(await tokenFor(many))).length).toBeLessThan(4_000)
    given.token = await tokenFor(Array.from({ length: 1_000 }, () => declare().employer))
    const answer = await opened.app.inject({
      ...{ method: 'POST', url: '/sign-in', headers: { ...form, ...ours } },
      payload: `employers=${employer}&name=clerk&role=filer`,
    })
    expect(answer.statusCode).toBe(403)
    expect(answer.body).toContain('SIGN_IN_TOO_LARGE')
    expect(answer.headers['set-cookie']).toBeUndefined()
  })

  test('holds any token as it was, to the byte', async () => {
    const token = await tokenFor([employer])
    const [head = '', payload = '', signature = ''] = token.split('.')
    for (const one of [token, `${head}.${payload}A.${signature}`, 'x', 'a.b', 'a.b.c.d', '..'])
      expect(unpackToken(packToken(one))).toBe(one)
  })

  test('of a key that is retired ends; one of a key before a rotation goes on', async () => {
    const file = path.join(folder, 'rotated.json')
    cpSync(inject('keyringFile'), file)
    const seals = new Seals(() => readSessionKeys(file))
    const [first] = readSessionKeys(file)
    const value = seals.seal('session', Buffer.from('a')) as string
    rotateKeyring(file, new Date())
    seals.refresh()
    expect(seals.open('session', value)?.toString()).toBe('a')
    expect(seals.open('session', seals.seal('session', Buffer.from('b')) ?? '')?.toString()).toBe(
      'b',
    )
    expect(retireKey(file, first?.kid ?? '', new Date())).toMatchObject({ kind: 'session' })
    seals.refresh()
    expect(seals.open('session', value)).toBeUndefined()
    const last = readSessionKeys(file)
    expect(last.length).toBe(1)
    const { successor } = retireKey(file, last[0]?.kid ?? '', new Date())
    expect(readSessionKeys(file).map(({ kid }) => kid)).toEqual([successor])
    const told = listKeys(file).filter(({ kind }) => kind === 'session')
    expect(told.map(({ does }) => does.split(':')[0])).toEqual([
      'seals sessions',
      'nothing',
      'nothing',
    ])
    completeKeyring(file, new Date()) // has one
    expect(readSessionKeys(file).length).toBe(1)
  })
})

describe('the sign-in in development', () => {
  const post = (headers: Record<string, string>, payload: string) =>
    opened.app.inject({
      method: 'POST',
      url: '/sign-in',
      headers: { ...form, ...headers },
      payload,
    })

  test('is a page that says what it is, without a script, and shows again what is wrong', async () => {
    const page = await opened.app.inject({ url: '/sign-in?returnTo=/%23/declare' })
    expect(page.statusCode).toBe(200)
    for (const said of ['虚构', 'made up', 'ENVIRONMENT', 'value="/#/declare"'])
      expect(page.body).toContain(said)
    expect(page.headers['content-security-policy']).toMatch(
      /default-src 'none'.*form-action 'self'/,
    )
    const wrong = await post(
      ours,
      `employers=${encodeURIComponent('"><script>')}&name=x&role=filer`,
    )
    expect(wrong.statusCode).toBe(422)
    expect(wrong.body).toContain('&#34;&#62;&#60;')
    expect(wrong.body).not.toContain('<script>')
  })

  test('is for this machine alone: not by another name, nor through a proxy', async () => {
    const body = `employers=${employer}&name=clerk&role=filer`
    for (const headers of [
      { host: 'portal.example.cn' },
      { host: 'localhost.evil.example' },
      { 'x-forwarded-for': '10.0.0.7' },
      { forwarded: 'for=10.0.0.7' },
      { via: '1.1 proxy' },
    ]) {
      expect((await opened.app.inject({ url: '/sign-in', headers })).statusCode).toBe(404)
      const answer = await post({ ...ours, ...headers }, body)
      expect(answer.statusCode).toBe(404)
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    const remote = await opened.app.inject({ url: '/sign-in', remoteAddress: '10.0.0.7' })
    expect(remote.statusCode).toBe(404)
  })

  test('is there only in ENVIRONMENT development, on loopback, without a provider', () => {
    const kindOf = (env: Record<string, string>) => readConfig(env).portal.signIn?.kind
    expect(kindOf({})).toBe('development')
    expect(kindOf({ HOST: '::1' })).toBe('development')
    for (const env of [
      { ENVIRONMENT: 'production' },
      { ENVIRONMENT: 'rehearsal' },
      { HOST: '0.0.0.0' },
      { HOST: '10.0.0.7' },
      { HOST: 'portal.example.cn' },
      { JWKS_URL: 'https://idp.example.cn/jwks' },
    ])
      expect(kindOf(env as unknown as Record<string, string>)).toBeUndefined()
  })
})

test.each([
  ['/', '/'],
  ['/#/declare/340100', '/#/declare/340100'],
  ['/verify?x=1', '/verify?x=1'],
  ['//evil.example', '/'],
  ['/\\evil.example', '/'],
  ['/\t/evil.example', '/'],
  ['https://evil.example/', '/'],
  ['javascript:alert(1)', '/'],
  ['/a/..//evil.example', '/'],
  ['/.//evil.example', '/'],
  ['/sign-in', '/'],
  ['evil', '/'],
  ['', '/'],
  ['/%0d%0aset-cookie:x', '/%0d%0aset-cookie:x'],
  [`/${'a'.repeat(600)}`, '/'],
])('a sign-in that is to end at %j ends at %j', (asked, end) => {
  expect(returnToOf(asked)).toBe(end)
})
