/** Signing in with a real identity provider (oidc-provider), and all that can go wrong on the way. */
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { type Authenticator, createAuthenticator } from '../../../src/intake/auth/authentication.ts'
import { type TokenKeys, tokenKeys } from '../../../src/intake/auth/token-keys.ts'
import { Provider } from '../../../src/intake/portal/provider.ts'
import { Seals } from '../../../src/intake/sessions/seals.ts'
import { clockSkewMsMax } from '../../../src/limits.ts'
import { readConfig } from '../../../src/platform/config/config.ts'
import { readKeyring } from '../../../src/platform/config/key-store.ts'
import { openApp } from '../../support/app.ts'
import {
  Browser,
  clientId,
  clientSecret,
  openIdentityProvider,
  portalOrigin,
  resource,
  type Said,
} from '../../support/identity-provider.ts'
import { declare, type Journal, openJournal, policies } from '../../support/journal.ts'

let journal: Journal
let idp: Awaited<ReturnType<typeof openIdentityProvider>>
let opened: Awaited<ReturnType<typeof openApp>>
let keys: TokenKeys
let authenticator: Authenticator
const clock = { nowMicros: Date.now() * 1_000 }
/** How far intake's clock is ahead of the provider's. */
let aheadMs = 0
const { employer } = declare()

const usual: Said = {
  subject: 'wang',
  claims: { employers: [employer], roles: ['filer'] },
  audience: 'spillway',
  scope: 'declarations:read declarations:write',
  allows: true,
}
const said = { ...usual }

const settings = {
  ...{ clientId, clientSecret, resource },
  clientAuth: 'basic',
  scope: 'openid offline_access declarations:read declarations:write',
} as const

beforeAll(async () => {
  journal = await openJournal()
  idp = await openIdentityProvider(said)
  keys = tokenKeys({ jwksUrl: `${idp.issuer}/jwks` })
  authenticator = createAuthenticator({
    ...{ issuer: idp.issuer, audience: 'spillway', keys, now: () => Date.now() + aheadMs },
  })
  const provider = new Provider({ ...settings, issuer: idp.issuer }, portalOrigin)
  opened = await openApp(journal, {
    ...{ policies, clock, authenticator },
    signIn: { kind: 'provider', provider },
    session: { isSecure: true, origin: portalOrigin },
  })
})
afterAll(async () => {
  await opened.close()
  await idp.close()
  await journal.close()
})
beforeEach(() => {
  Object.assign(said, usual)
  aheadMs = 0
  authenticator.forget()
})

const browser = () => new Browser(opened.app)
const ours = { 'sec-fetch-site': 'same-origin', host: 'portal.example.cn' } as const
const sessionIn = async ({ cookie }: Browser) =>
  (await opened.app.inject({ url: '/session', headers: { cookie, ...ours } })).json()

async function post(one: Browser, url: string, headers: Record<string, string> = ours) {
  const answer = await opened.app.inject({
    ...{ method: 'POST', url, headers: { cookie: one.cookie, ...headers } },
  })
  one.keep('portal', [answer.headers['set-cookie'] ?? []].flat())
  return answer
}

describe('a sign-in', () => {
  test('goes to the provider and ends, with a session, where it was asked for', async () => {
    const one = browser()
    await one.visit(`/sign-in?returnTo=${encodeURIComponent('/verify?of=1#receipt')}`)
    expect(one.visited.at(-1)).toBe(`${portalOrigin}/verify?of=1#receipt`)
    expect(await sessionIn(one)).toMatchObject({
      ...{ signedIn: true, subject: 'wang', employers: [employer], roles: ['filer'] },
      ...{ renewable: true, signIn: { kind: 'provider', href: '/sign-in' } },
    })
    expect(one.cookie).toMatch(/^__Host-spillway-session=.*__Host-spillway-renewal=/)
    const filed = await opened.app.inject({
      ...{ method: 'POST', url: '/v1/declarations', payload: declare({}, { employer }) },
      headers: { cookie: one.cookie, 'idempotency-key': 'by-session', ...ours },
    })
    expect(filed.statusCode, filed.body).toBe(202)
  })

  test('asks with PKCE, a state and a nonce, none of which a browser can read again', async () => {
    const begun = await opened.app.inject({ url: '/sign-in' })
    const asked = new URL(String(begun.headers.location))
    expect(asked.origin).toBe(idp.issuer)
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      ...{ response_type: 'code', client_id: clientId, code_challenge_method: 'S256' },
      ...{ redirect_uri: `${portalOrigin}/sign-in/callback`, resource },
    })
    const set = String(begun.headers['set-cookie'])
    for (const name of ['state', 'nonce', 'code_challenge']) {
      const value = asked.searchParams.get(name) ?? ''
      expect(value.length).toBeGreaterThan(30)
      expect(set).not.toContain(value)
    }
    expect(set).toMatch(
      /^__Host-spillway-sign-in=[\w-]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600; Secure$/,
    )
    expect(begun.headers['cache-control']).toBe('no-store')
  })

  test('never ends at another site', async () => {
    for (const asked of ['https://evil.example/', '//evil.example', '/\\evil.example']) {
      const one = browser()
      const end = await one.visit(`/sign-in?returnTo=${encodeURIComponent(asked)}`)
      expect(end.href).toBe(`${portalOrigin}/`)
    }
  })

  test('that is declined is told in both languages, and begins nothing', async () => {
    said.allows = false
    const one = browser()
    const end = await one.visit('/sign-in')
    expect(end.status).toBe(403)
    for (const text of ['登录已取消', 'was cancelled', 'SIGN_IN_DECLINED'])
      expect(end.body).toContain(text)
    expect((await sessionIn(one)).signedIn).toBe(false)
  })
})

describe('an answer of the provider', () => {
  const answered = async () => {
    const one = browser()
    const { href } = await one.visit('/sign-in', '/sign-in/callback')
    return { one, href }
  }

  test('serves once: replayed, with the cookie of then, it begins no session', async () => {
    const { one, href } = await answered()
    const { cookie } = one
    expect((await one.visit(href)).href).toBe(`${portalOrigin}/`)
    const thief = browser()
    thief.cookie = cookie
    const replayed = await thief.visit(href)
    expect([replayed.status, replayed.body.includes('SIGN_IN_STALE')]).toEqual([400, true])
    expect((await sessionIn(thief)).signedIn).toBe(false)
  })

  test('is of use to the browser that asked alone: nobody is signed in as somebody else', async () => {
    const attacker = await answered()
    const victim = browser()
    for (const before of [undefined, await answered()]) {
      if (before !== undefined) victim.cookie = before.one.cookie
      const end = await victim.visit(attacker.href)
      expect([end.status, end.body.includes('SIGN_IN_STALE')]).toEqual([400, true])
      expect((await sessionIn(victim)).signedIn).toBe(false)
    }
  })

  test('with another state, code or issuer than it was asked, or none, begins nothing', async () => {
    const changes: ((query: URLSearchParams) => void)[] = [
      (query) => query.set('state', 'another'),
      (query) => query.delete('state'),
      (query) => query.append('state', 'another'),
      (query) => query.set('code', 'invented'),
      (query) => query.delete('code'),
      (query) => query.set('iss', 'https://evil.example'),
      (query) => query.set('error', 'x\r\nset-cookie: a=b'),
    ]
    for (const change of changes) {
      const { one, href } = await answered()
      const url = new URL(href)
      change(url.searchParams)
      const end = await one.visit(url.href)
      expect(end.status, url.search).toBeGreaterThanOrEqual(400)
      expect(end.body).toContain('SIGN_IN_')
      expect((await sessionIn(one)).signedIn).toBe(false)
    }
    expect((await browser().visit('/sign-in/callback')).status).toBe(400)
  })

  test('that comes after ten minutes, or to a sealed state that was changed, begins nothing', async () => {
    const { one, href } = await answered()
    one.cookie = one.cookie.replace(/.{4}$/, 'AAAA')
    expect((await one.visit(href)).status).toBe(400)
    const late = await answered()
    const seals = new Seals(() => readKeyring(inject('keyringFile')).sessionKeys)
    const value = late.one.cookie.split('=')[1] as string
    const kept = JSON.parse(seals.open('sign-in', value)?.toString() ?? '')
    const sealed = seals.seal(
      'sign-in',
      Buffer.from(JSON.stringify({ ...kept, untilMs: Date.now() })),
    )
    late.one.cookie = `__Host-spillway-sign-in=${sealed}`
    expect((await late.one.visit(late.href)).status).toBe(400)
  })
})

describe('a token of the provider', () => {
  test.each<[string, Partial<Said>, string]>([
    ['names no employers', { claims: { roles: ['filer'] } }, 'employers'],
    ['has employers that are none', { claims: { employers: 7 } }, ''],
    ['is for another audience', { audience: 'https://elsewhere.example' }, ''],
  ])('that %s begins no session, and the page says so', async (_, more, claim) => {
    Object.assign(said, more)
    const one = browser()
    const end = await one.visit('/sign-in')
    expect([end.status, end.body.includes('SIGN_IN_TOKEN')]).toEqual([403, true])
    expect(end.body).toContain('账号')
    if (claim !== '') expect(end.body).toContain(`<code>${claim}</code>`)
    expect((await sessionIn(one)).signedIn).toBe(false)
  })

  test.each([clockSkewMsMax - 5_000, -(clockSkewMsMax - 5_000)])(
    'is good where clocks differ by %d ms',
    async (ms) => {
      aheadMs = ms
      const one = browser()
      await one.visit('/sign-in')
      expect((await sessionIn(one)).signedIn).toBe(true)
    },
  )

  test('of a clock that is further ahead is refused', async () => {
    aheadMs = -(clockSkewMsMax + 10_000)
    expect((await browser().visit('/sign-in')).body).toContain('SIGN_IN_TOKEN')
  })

  test('of a new key is good at once; of one that was withdrawn, its session ends', async () => {
    const before = browser()
    await before.visit('/sign-in')
    await idp.rotate(idp.key)
    // As access-watch.ts does every few seconds.
    const look = async () => (await keys.refresh()) && authenticator.forget()
    await look()
    const after = browser()
    await after.visit('/sign-in')
    expect((await sessionIn(before)).signedIn).toBe(true)
    expect((await sessionIn(after)).signedIn).toBe(true)
    await idp.rotate()
    await look()
    for (const one of [before, after])
      expect(await sessionIn(one)).toMatchObject({ signedIn: false, code: 'TOKEN_INVALID' })
    const again = browser()
    await again.visit('/sign-in')
    expect((await sessionIn(again)).signedIn).toBe(true)
  })
})

describe('a session', () => {
  test('goes on under another token, of the claims of then, and not for whoever asks', async () => {
    const one = browser()
    await one.visit('/sign-in')
    const { cookie } = one
    said.claims = { employers: [employer], roles: ['viewer'] }
    const foreign = { 'sec-fetch-site': 'cross-site', host: 'portal.example.cn' }
    expect((await post(one, '/session/renew', foreign)).statusCode).toBe(403)
    const renewed = await post(one, '/session/renew')
    expect([renewed.statusCode, renewed.headers['cache-control']]).toEqual([200, 'no-store'])
    expect(renewed.json()).toMatchObject({ signedIn: true, renewable: true, roles: ['viewer'] })
    expect(one.cookie).not.toBe(cookie)
    expect((await sessionIn(one)).roles).toEqual(['viewer'])
    said.claims = {}
    const refused = await post(one, '/session/renew')
    expect([refused.statusCode, refused.json().claim ?? refused.json().code]).toEqual([
      401,
      'TOKEN_INVALID',
    ])
    expect(one.cookie).toBe('')
    expect((await post(one, '/session/renew')).json().code).toBe('SESSION_ENDED')
  })

  test('that is ended is renewed no more, and tells where to sign out of the provider', async () => {
    const one = browser()
    await one.visit('/sign-in')
    const { cookie } = one
    const ended = await post(one, '/session/end')
    expect(ended.statusCode).toBe(200)
    const out = new URL(ended.json().providerSignOut)
    expect(out.origin).toBe(idp.issuer)
    expect(out.searchParams.get('post_logout_redirect_uri')).toBe(`${portalOrigin}/`)
    expect([one.cookie, (await sessionIn(one)).signedIn]).toEqual(['', false])
    // A copy of the cookies: the provider has forgotten the grant.
    const copy = browser()
    copy.cookie = cookie
    expect((await post(copy, '/session/renew')).json().code).toBe('SESSION_ENDED')
    const page = await fetch(out)
    expect(page.status).toBe(200)
  })
})

describe('without the provider', () => {
  const closed = 'http://127.0.0.1:9'

  test('a sign-in is told to wait, and sessions go on', async () => {
    const one = browser()
    await one.visit('/sign-in')
    const provider = new Provider({ ...settings, issuer: closed }, portalOrigin)
    const other = await openApp(journal, {
      ...{ policies, clock, authenticator },
      signIn: { kind: 'provider', provider },
      session: { isSecure: true, origin: portalOrigin },
    })
    try {
      const answer = await other.app.inject({ url: '/sign-in' })
      expect(answer.statusCode).toBe(503)
      expect(answer.headers['retry-after']).toBe('30')
      expect(answer.body).toContain('SIGN_IN_UNAVAILABLE')
      const headers = { cookie: one.cookie, ...ours }
      expect((await other.app.inject({ url: '/session', headers })).json().signedIn).toBe(true)
      const renewing = { method: 'POST', url: '/session/renew', headers } as const
      const renewed = await other.app.inject(renewing)
      expect([renewed.statusCode, renewed.json().code]).toEqual([503, 'UNAVAILABLE'])
      expect(renewed.headers['set-cookie']).toBeUndefined()
    } finally {
      await other.close()
    }
  })

  test('its settings are needed together, and by https', () => {
    const env = {
      ...{ OIDC_CLIENT_ID: 'portal', TOKEN_ISSUER: 'https://idp.example.cn' },
      ...{ JWKS_URL: 'https://idp.example.cn/jwks', PORTAL_URL: 'https://portal.example.cn/' },
    }
    expect(readConfig(env).portal).toMatchObject({
      origin: portalOrigin,
      signIn: { kind: 'provider', issuer: 'https://idp.example.cn', clientAuth: 'basic' },
    })
    expect(readConfig({ ...env, ENVIRONMENT: 'rehearsal' }).portal.signIn).toBeUndefined()
    for (const [wrong, told] of [
      [{ PORTAL_URL: 'http://portal.example.cn' }, /PORTAL_URL/],
      [{ PORTAL_URL: 'https://portal.example.cn/portal' }, /PORTAL_URL/],
      [{ PORTAL_URL: '' }, /PORTAL_URL/],
      [{ JWKS_URL: '' }, /JWKS_URL/],
      [{ TOKEN_ISSUER: 'spillway' }, /TOKEN_ISSUER/],
      [{ TOKEN_ISSUER: 'http://idp.example.cn' }, /TOKEN_ISSUER/],
      [{ OIDC_CLIENT_AUTH: 'jwt' }, /OIDC_CLIENT_AUTH/],
      [{ OIDC_SCOPE: 'declarations:read' }, /OIDC_SCOPE/],
    ] as const)
      expect(() => readConfig({ ...env, ...wrong })).toThrow(told)
  })
})
