/** What tokens of identity providers say, however they write it; and what a refused one is told. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { createAuthenticator } from '../../../src/intake/auth/authentication.ts'
import { claimNames, type Filer, filerOf } from '../../../src/intake/auth/claims.ts'
import { RefusedTokens } from '../../../src/intake/auth/refused-tokens.ts'
import { patternOfRegion } from '../../../src/intake/auth/roles.ts'
import { tokenKeys } from '../../../src/intake/auth/token-keys.ts'
import { clockSkewMsMax, refusedTokensLogMs, tokenSecondsMax } from '../../../src/limits.ts'

const employer = '91350100M000100Y43'
const iat = 1_900_000_000
const exp = iat + 3_600
const plain = { sub: 'one', iat, exp, scope: 'declarations:read', employers: [employer] }
const read = (payload: object, names = {}) =>
  filerOf(payload as Record<string, unknown>, 'issuer', { ...claimNames, ...names })

describe('a token', () => {
  test.each([
    ['texts', { ...plain, employers: employer }],
    ['arrays', { ...plain, scope: ['declarations:read'] }],
  ])('may have its lists as %s', (_, payload) => {
    expect(read(payload)).toEqual(read(plain))
    expect(read(plain)).toMatchObject({ issuer: 'issuer', subject: 'one', roles: ['filer'] })
  })

  test('has its claims by the names that are set, within each other or with dots', () => {
    const { scope, employers, ...rest } = plain
    const names = {
      scope: 'scp',
      employers: 'https://agency.example/employers',
      roles: 'realm_access.roles',
    }
    const filer = read(
      {
        ...rest,
        scp: scope,
        'https://agency.example/employers': employers,
        realm_access: { roles: ['offline_access', 'viewer'] },
      },
      names,
    ) as Filer
    expect([...filer.employers]).toEqual([employer])
    expect(filer).toMatchObject({ roles: ['viewer'], reach: { file: undefined } })
    expect(read(plain, names)).toEqual({ claim: 'scp', fault: 'missing' })
  })

  test.each([
    ['sub', { ...plain, sub: undefined }, 'missing'],
    ['sub', { ...plain, sub: '' }, 'missing'],
    ['sub', { ...plain, sub: 7 }, 'malformed'],
    ['sub', { ...plain, sub: 'a\0b' }, 'malformed'],
    ['scope', { ...plain, scope: undefined }, 'missing'],
    ['scope', { ...plain, scope: 7 }, 'malformed'],
    ['employers', { ...plain, employers: undefined }, 'missing'],
    ['employers', { ...plain, employers: [7] }, 'malformed'],
    ['employers', { ...plain, employers: undefined, roles: ['viewer', 'auditor'] }, 'missing'],
    ['roles', { ...plain, roles: { filer: true } }, 'malformed'],
    ['regions', { ...plain, roles: 'auditor' }, 'missing'],
    ['regions', { ...plain, roles: 'auditor', regions: ['Hefei'] }, 'malformed'],
    ['exp', { ...plain, exp: undefined }, 'missing'],
  ])('is refused for its %s', (claim, payload, fault) => {
    expect(read(payload)).toEqual({ claim, fault })
  })

  test('of staff reaches its regions, and no employers that it may name', () => {
    const payload = { ...plain, roles: ['auditor', 'help-desk'], regions: ['340100', '110000'] }
    const filer = read(payload) as Filer
    expect(filer.employers.size).toBe(0)
    const regions = ['3401%', '11%']
    expect(filer.reach).toEqual({
      file: undefined,
      look: { employers: [], regions },
      open: { employers: [], regions },
      trace: { employers: [], regions },
    })
    const both = read({ ...payload, roles: 'viewer operator' }) as Filer
    expect(both.reach.open).toEqual({ employers: [employer], within: regions, regions: [] })
    expect(both.reach.look).toEqual({ employers: [employer], within: regions, regions })
    const filer340100 = read({ ...plain, regions: '340100' }) as Filer
    expect(filer340100.regions).toEqual(['3401%'])
    expect(filer340100.reach.look).toEqual({
      ...{ employers: [employer], within: ['3401%'], regions: [] },
    })
    expect((read({ ...plain, roles: ['admin'] }) as Filer).reach.look).toBeUndefined()
  })

  test('is known by its id, whatever that is, and never refused for it', () => {
    const idOf = (jti: unknown) => (read({ ...plain, jti }) as Filer).tokenId
    expect([idOf('a-1'), idOf(undefined), idOf(7), idOf('')]).toEqual([
      ...['a-1', undefined, undefined, undefined],
    ])
    for (const odd of ['x'.repeat(129), 'a\0b', '\u001b[2J', '\ud800', '张'])
      expect(idOf(odd)).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  test('of a region reaches what is in it', () => {
    expect(['000000', '340000', '340100', '340102', '34'].map(patternOfRegion)).toEqual([
      '%',
      '34%',
      '3401%',
      '340102%',
      undefined,
    ])
  })
})

describe('a signed token', () => {
  const rules = {
    issuer: 'https://tokens.example',
    audience: 'filing',
    now: () => iat * 1_000,
  }
  const sign = (
    alg: string,
    privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'],
    more: JWTPayload = {},
  ) =>
    new SignJWT({ ...plain, iss: rules.issuer, aud: ['other', rules.audience], ...more })
      .setProtectedHeader({ alg, kid: alg })
      .sign(privateKey)

  test.each(['ES256', 'ES384', 'RS256', 'RS512', 'PS256', 'Ed25519'])(
    'with %s is taken, and told what it lacks',
    async (alg) => {
      const { publicKey, privateKey } = await generateKeyPair(alg)
      const publicJwk = [{ ...(await exportJWK(publicKey)), kid: alg, alg }]
      const authenticator = createAuthenticator({ ...rules, keys: tokenKeys({ publicJwk }) })
      const verify = async (more: JWTPayload = {}) =>
        authenticator.verify(await sign(alg, privateKey, more))
      expect(await verify()).toMatchObject({ subject: 'one', issuer: rules.issuer })
      expect(await verify({ aud: rules.audience })).toMatchObject({ subject: 'one' })
      for (const claim of ['iss', 'aud', 'sub', 'iat', 'exp', 'scope', 'employers'])
        expect(await verify({ [claim]: undefined })).toMatchObject({ kind: 'invalid', claim })
      // What is wrong with a claim that is there, its issuer knows best: the log has it.
      const elsewhere = await verify({ aud: 'another' })
      expect(elsewhere).toMatchObject({ kind: 'invalid', why: { claim: 'aud' } })
      expect(elsewhere).not.toHaveProperty('claim')
      expect(await verify({ exp: 1_800_000_000 })).toMatchObject({ kind: 'expired' })
    },
  )

  test('has one spelling: no other of the same bytes is remembered beside it', async () => {
    const { publicKey, privateKey } = await generateKeyPair('Ed25519')
    const publicJwk = [{ ...(await exportJWK(publicKey)), kid: 'Ed25519', alg: 'Ed25519' }]
    const authenticator = createAuthenticator({ ...rules, keys: tokenKeys({ publicJwk }) })
    const token = await sign('Ed25519', privateKey)
    expect(await authenticator.verify(token)).toMatchObject({ subject: 'one' })
    const last = token.at(-1) as string
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const spareBit = letters[letters.indexOf(last) ^ 1]
    for (const other of [
      ...[`${token}==`, `${token.slice(0, -5)} ${token.slice(-5)}`],
      ...[`${token.slice(0, -5)}\t${token.slice(-5)}`, `${token.slice(0, -1)}${spareBit}`],
    ])
      expect(await authenticator.verify(other), other).toMatchObject({ kind: 'invalid' })
  })

  test('is taken for as long as one may be valid, from its beginning and from now', async () => {
    const { publicKey, privateKey } = await generateKeyPair('Ed25519')
    const publicJwk = [{ ...(await exportJWK(publicKey)), kid: 'Ed25519', alg: 'Ed25519' }]
    const keys = tokenKeys({ publicJwk })
    const authenticator = createAuthenticator({ ...rules, keys, secondsMax: 3_600 })
    const verify = async (more: JWTPayload) =>
      authenticator.verify(await sign('Ed25519', privateKey, more))
    const skew = clockSkewMsMax / 1_000
    const good = [plain, { iat: iat + skew, exp: exp + skew }, { iat: iat - 3_000, exp: iat + 600 }]
    for (const one of good) expect(await verify(one)).toMatchObject({ subject: 'one' })
    const long = { kind: 'lifetime', secondsMax: 3_600 }
    expect(await verify({ exp: exp + 1 })).toMatchObject(long)
    // It was to be valid for a year, and has an hour left.
    expect(await verify({ iat: iat - 365 * 86_400 })).toMatchObject(long)
    // One that claims to begin later, to end later.
    const later = { iat: iat + 86_400, exp: exp + 86_400 }
    expect(await verify(later)).toMatchObject({ kind: 'invalid', why: { claim: 'iat' } })
    expect(await verify({ iat: 'now' as never })).toMatchObject({ kind: 'invalid' })
    const unset = createAuthenticator({ ...rules, keys })
    const token = await sign('Ed25519', privateKey, { exp: iat + tokenSecondsMax + 1 })
    expect(await unset.verify(token)).toMatchObject({ ...long, secondsMax: tokenSecondsMax })
  })
})

test('however many forged tokens come, the log has a line for each reason once in a while', () => {
  const lines: object[] = []
  const log = { warn: (line: object) => lines.push(line) } as never
  const refused = new RefusedTokens()
  const refusal = { kind: 'invalid', why: { code: 'ERR_JWS_SIGNATURE' } } as const
  for (let i = 0; i < 1_000; i += 1) refused.refused(log, refusal, i)
  refused.refused(log, { kind: 'expired', why: {} }, 5)
  refused.refused(log, refusal, refusedTokensLogMs)
  expect(lines).toMatchObject([{ count: 1 }, { refusal: 'expired', count: 1 }, { count: 1_000 }])
})
