/** Who may come in no more: by a key that is withdrawn, a denial, or the end of a token; and what then ends. */
import { createHash } from 'node:crypto'
import { chmodSync, cpSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { decodeJwt, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { issueToken } from '../../../src/intake/auth/issue-token.ts'
import { type TokenKeys, tokenKeys } from '../../../src/intake/auth/token-keys.ts'
import { addDenial, Denials, listDenials } from '../../../src/journal/denials.ts'
import { chunkBytesMax, clockSkewMsMax, publishedKeysMsMax } from '../../../src/limits.ts'
import { readKeyring, readTokenPublicKeys } from '../../../src/platform/config/key-store.ts'
import { listKeys, retireKey, rotateKeyring } from '../../../src/platform/config/keyring.ts'
import { openApp } from '../../support/app.ts'
import { runCommand } from '../../support/command.ts'
import { type TokenOptions, tokenFor } from '../../support/engine.ts'
import { declare, type Journal, openJournal, policies } from '../../support/journal.ts'
import { type LetIn, type LetInRules, openLetIn } from '../../support/let-in.ts'
import { waitFor } from '../../support/wait.ts'

let journal: Journal
let folder: string
const ends: (() => Promise<void> | void)[] = []

beforeAll(async () => {
  journal = await openJournal()
  folder = mkdtempSync(path.join(tmpdir(), 'spillway-revocation-'))
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})
afterAll(async () => {
  await journal.close()
  rmSync(folder, { recursive: true, force: true })
})

const { employer } = declare()

const openProcess = (keys: TokenKeys, rules: Partial<LetInRules> = {}) =>
  openLetIn(journal.pool, ends, { keys, ...rules })

const ownKeys = () => tokenKeys({ readPublicJwk: () => readTokenPublicKeys(inject('keyringFile')) })

/** As a request is let in: by what was verified before, or anew. */
async function enters({ authenticator }: LetIn, token: string): Promise<string> {
  const known = authenticator.recall(token) ?? (await authenticator.verify(token))
  return 'kind' in known ? known.kind : known.subject
}

const isRefused = (one: LetIn, token: string, as = 'withdrawn') =>
  waitFor(`${as} of a token`, async () => (await enters(one, token)) === as, 60_000)

const why = { operator: 'Li', reason: 'a laptop was stolen' }

describe('a denial', () => {
  const tokenOf = (subject: string, more: TokenOptions = {}) =>
    tokenFor([employer], { subject, ...more })

  test('of a token refuses it in every process, and no other of its holder, until it is lifted', async () => {
    const [one, other] = [await openProcess(ownKeys()), await openProcess(ownKeys())]
    const [stolen, kept] = [await tokenOf('wang'), await tokenOf('wang')]
    const { jti: value = '' } = decodeJwt(stolen)
    for (const process of [one, other]) expect(await enters(process, stolen)).toBe('wang')
    const denied = { claim: 'jti', value, issuer: '', ...why } as const
    expect(await addDenial(journal.pool, { act: 'deny', ...denied })).toBe(true)
    expect(await addDenial(journal.pool, { act: 'deny', ...denied })).toBe(false)
    for (const process of [one, other]) {
      await isRefused(process, stolen)
      expect(await enters(process, kept)).toBe('wang')
    }
    // One that starts afterwards has it from its first request on.
    expect(await enters(await openProcess(ownKeys()), stolen)).toBe('withdrawn')
    expect(await listDenials(journal.pool)).toMatchObject([denied])
    const { owner } = journal.database // a posting worker may not lift
    await addDenial(owner, { act: 'lift', ...denied })
    await isRefused(one, stolen, 'wang')
    expect(await addDenial(owner, { act: 'lift', ...denied })).toBe(false)
  })

  test('of a holder refuses all that it has and will have, by a command that notes who and why', async () => {
    const one = await openProcess(ownKeys())
    const [old, foreign] = [await tokenOf('zhang'), await tokenOf('zhangsan')]
    expect(await enters(one, old)).toBe('zhang')
    const env = { DATABASE_URL: journal.database.url, DATA_DIR: folder }
    const run = async (...args: string[]) => {
      const command = runCommand('src/commands/denials.ts', env, args)
      return { code: await command.done, output: command.output() }
    }
    const told = ['--operator', 'Li', '--reason', 'left\u001b[2J the firm']
    expect((await run('deny', '--sub', 'zhang')).code).toBe(2) // nobody says why
    expect(await run('deny', '--sub', 'zhang', ...told)).toMatchObject({ code: 0 })
    await isRefused(one, old)
    expect(await enters(one, await tokenOf('zhang'))).toBe('withdrawn')
    expect(await enters(one, foreign)).toBe('zhangsan')
    const listed = await run('list')
    expect(listed.output).toMatch(/ sub zhang {2}by Li: left\\u\{1b\}\[2J the firm\n1 denied\.\n$/)
    expect(await run('lift', '--sub', 'zhang', ...told)).toMatchObject({ code: 0 })
    await isRefused(one, old, 'zhang')
    expect((await run('lift', '--sub', 'zhang', ...told)).code).toBe(1)
  })

  test('by `sub` holds whatever the issuer, unless one is named, whose denial is lifted by itself', async () => {
    const denials = new Denials(journal.pool)
    const deny = { act: 'deny', claim: 'sub', ...why } as const
    const denied = async (subject: string) => {
      await denials.refresh()
      return ['https://a.example', 'https://b.example', ''].map((issuer) =>
        denials.denies({ issuer, subject, tokenId: undefined }),
      )
    }
    await addDenial(journal.pool, { ...deny, value: 'known by sub alone', issuer: '' })
    expect(await denied('known by sub alone')).toEqual([true, true, true])
    const namesake = { ...deny, value: 'a namesake', issuer: 'https://a.example' }
    await addDenial(journal.pool, namesake)
    expect(await denied('a namesake')).toEqual([true, false, false])
    // No text of an issuer and a subject is that of others.
    expect(await denied('https://a.example a namesake')).toEqual([false, false, false])
    await addDenial(journal.pool, { ...namesake, issuer: '' })
    const { owner } = journal.database
    expect(await addDenial(owner, { ...namesake, act: 'lift' })).toBe(true)
    expect(await denied('a namesake')).toEqual([true, true, true])
    const run = async (...args: string[]) => {
      const env = { DATABASE_URL: journal.database.url, DATA_DIR: folder }
      const told = ['--sub', 'a namesake', '--operator', 'Li', '--reason', 'r']
      const command = runCommand('src/commands/denials.ts', env, [...args, ...told])
      return { code: await command.done, output: command.output() }
    }
    const of = ['--issuer', 'https://b.example']
    expect(await run('deny', ...of)).toMatchObject({ code: 0 })
    expect(await run('lift')).toMatchObject({
      output: 'sub a namesake: lifted; sub a namesake of https://b.example is still refused.\n',
    })
    expect(await denied('a namesake')).toEqual([false, true, false])
    expect((await run('lift', ...of)).output).toMatch(/^sub a namesake of https:.*taken again/)
    expect(await denied('a namesake')).toEqual([false, false, false])
  })

  test('that was committed after a newer one is seen all the same', async () => {
    const denials = new Denials(journal.pool)
    const client = await journal.pool.connect()
    const deny = { act: 'deny', claim: 'sub', issuer: '', ...why } as const
    try {
      await client.query('begin')
      await addDenial(client, { ...deny, value: 'early' })
      await addDenial(journal.pool, { ...deny, value: 'late' })
      await denials.refresh()
      const holder = (subject: string) => ({ issuer: 'any', subject, tokenId: undefined })
      expect(['early', 'late'].map((one) => denials.denies(holder(one)))).toEqual([false, true])
      await client.query('commit')
      expect(await denials.refresh()).toBe(true)
      expect(['early', 'late'].map((one) => denials.denies(holder(one)))).toEqual([true, true])
      expect(await denials.refresh()).toBe(false)
    } finally {
      client.release()
    }
  })

  test('counts on where the list can not be read any more; without a list nobody is let in', async () => {
    let isAway = false
    const query = (async (...asked: Parameters<Journal['pool']['query']>) => {
      if (isAway) throw new Error('the list is locked')
      return journal.pool.query(...asked)
    }) as unknown as Journal['pool']['query']
    const one = await openProcess(ownKeys(), { pool: { query } })
    const token = await tokenOf('late')
    expect(await enters(one, token)).toBe('withdrawn')
    isAway = true
    const age = one.ageSeconds()
    await waitFor('its age', () => one.errors.length > 0 && one.ageSeconds() > age, 60_000)
    expect(await enters(one, token)).toBe('withdrawn')
    expect(await enters(one, await tokenOf('somebody'))).toBe('somebody')
    expect(one.errors).toHaveLength(1) // told once
    await expect(openProcess(ownKeys(), { pool: { query } })).rejects.toThrow('the list is locked')
  })
})

describe('a key of the keyring', () => {
  const copy = (name: string) => {
    const file = path.join(folder, name)
    cpSync(inject('keyringFile'), file)
    return file
  }
  const tokenBy = (file: string, index: number) => {
    const key = readKeyring(file).tokenKeys[index]
    if (key === undefined) throw new Error('no such key')
    const request = { subject: 'one', employers: [employer], scopes: [], ttlSeconds: 600 }
    return issueToken({ key, issuer: 'spillway', audience: 'spillway' }, request)
  }

  test('that is retired stops without a restart, and one that takes its place begins', async () => {
    const file = copy('tokens.json')
    const one = await openProcess(tokenKeys({ readPublicJwk: () => readTokenPublicKeys(file) }))
    const [key] = readKeyring(file).tokenKeys
    const token = await tokenBy(file, 0)
    expect(await enters(one, token)).toBe('one')
    rotateKeyring(file, new Date())
    const renewed = await tokenBy(file, 0)
    await isRefused(one, renewed, 'one')
    expect(await enters(one, token)).toBe('one')
    const kid = key?.kid ?? ''
    expect(retireKey(file, kid, new Date())).toEqual({ kind: 'token', successor: undefined })
    await isRefused(one, token, 'invalid')
    expect(await enters(one, renewed)).toBe('one')
    // The last one: whoever runs the engine can still make tokens.
    const [last] = readKeyring(file).tokenKeys
    const { successor } = retireKey(file, last?.kid ?? '', new Date())
    await isRefused(one, renewed, 'invalid')
    await isRefused(one, await tokenBy(file, 0), 'one')
    expect(readKeyring(file).tokenKeys.map((each) => each.kid)).toEqual([successor])
    const retired = listKeys(file).filter(({ does }) => does.startsWith('nothing: retired'))
    expect(retired.map((each) => each.kid)).toEqual([last?.kid, kid])
    expect(() => retireKey(file, kid, new Date())).toThrow(/has no key .* in use\. It has /)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    chmodSync(file, 0o400)
    rotateKeyring(file, new Date())
    expect(statSync(file).mode & 0o777, 'as it was').toBe(0o400)
  })

  test('that signed receipts or sealed data is never lost, however often keys are retired', () => {
    const file = copy('others.json')
    const first = readKeyring(file)
    const [receipt, sealing] = [first.receiptKeys[0]?.kid ?? '', first.sealingKeys[0]?.kid ?? '']
    for (let i = 0; i < 2; i += 1)
      for (const kid of [receipt, sealing]) retireKey(file, kid, new Date())
    const { receiptKeys, sealingKeys } = readKeyring(file)
    expect(receiptKeys.map(({ kid }) => kid)).toEqual([expect.not.stringMatching(receipt), receipt])
    expect(sealingKeys.map(({ kid }) => kid)).toEqual([expect.not.stringMatching(sealing), sealing])
    expect(sealingKeys[1]?.secret.equals(first.sealingKeys[0]?.secret as never)).toBe(true)
  })
})

test('a key that a provider withdrew stops; while it can not be asked, what it published last counts for a while', async () => {
  let published: JWK[] | undefined = []
  const server = createServer((_request, response) => {
    response.writeHead(published === undefined ? 500 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: published ?? [] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => new Promise((resolve) => server.close(() => resolve())))
  ends.push(() => server.closeAllConnections())
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  const make = async (kid: string) => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256' }
    const token = new SignJWT({ employers: [employer], scope: '' })
      .setProtectedHeader({ alg: 'ES256', kid })
      .setIssuer('https://tokens.example')
      .setAudience('spillway')
      .setSubject(kid)
      .setIssuedAt()
      .setExpirationTime('2h')
    return { jwk, token: await token.sign(privateKey) }
  }
  const [first, second] = [await make('first'), await make('second')]
  published = [first.jwk, second.jwk]
  const one = await openProcess(tokenKeys({ jwksUrl }), { issuer: 'https://tokens.example' })
  for (const { token, jwk } of [first, second]) expect(await enters(one, token)).toBe(jwk.kid)
  published = [second.jwk]
  await isRefused(one, first.token, 'invalid')
  expect(await enters(one, second.token)).toBe('second')
  published = undefined
  await waitFor('that it fails', () => one.errors.length > 0, 60_000)
  expect(await enters(one, second.token)).toBe('second')
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + publishedKeysMsMax + 1_000 })
  ends.push(() => void vi.useRealTimers())
  await isRefused(one, second.token, 'unavailable')
  published = [second.jwk]
  await isRefused(one, second.token, 'second')
})

test('an open stream of events ends with its token: when it expires, its key is retired, or it is denied', async () => {
  const file = path.join(folder, 'streams.json')
  cpSync(inject('keyringFile'), file)
  let aheadMs = 0
  const now = () => Date.now() + aheadMs
  const keys = tokenKeys({ readPublicJwk: () => readTokenPublicKeys(file) })
  const { authenticator } = await openProcess(keys, { now })
  const clock = { nowMicros: Date.now() * 1_000 }
  const opened = await openApp(journal, { policies, clock, authenticator })
  ends.push(() => opened.close())
  const open = async (subject: string, more: TokenOptions) => {
    const authorization = `Bearer ${await tokenFor([employer], { subject, ...more })}`
    const begun = await opened.app.inject({
      ...{ method: 'POST', url: '/v1/batches' },
      headers: { authorization, 'idempotency-key': subject },
      payload: { employer, period: '2024-11', region: '340100', kind: 'regular', mode: 'check' },
    })
    expect(begun.statusCode, begun.body).toBe(201)
    const url = `/v1/batches/${begun.json().id}/events`
    const read = opened.app.inject({ url, headers: { authorization } })
    let isOver = false
    void read.then(() => {
      isOver = true
    })
    return {
      over: () => isOver,
      end: async () => {
        const { statusCode, body } = await read
        expect(statusCode).toBe(200)
        expect(body).toContain('event: progress')
        expect(body).not.toContain('event: end')
      },
    }
  }
  const [short, denied, signed] = [
    await open('short', { ttlSeconds: 600 }),
    await open('denied', {}),
    await open('signed', {}),
  ]
  aheadMs = 600_000 + clockSkewMsMax
  await short.end()
  expect([denied, signed].map((one) => one.over())).toEqual([false, false])
  await addDenial(journal.pool, { act: 'deny', claim: 'sub', value: 'denied', issuer: '', ...why })
  await denied.end()
  expect(signed.over()).toBe(false)
  const [key] = readKeyring(file).tokenKeys
  retireKey(file, key?.kid ?? '', new Date())
  await signed.end()
})

test.each([
  ['as it comes', false],
  ['with a checksum', true],
])('a file whose sender is denied while it comes is taken no further, %s', async (_, isChecked) => {
  const { authenticator } = await openProcess(ownKeys())
  const opened = await openApp(journal, {
    ...{ policies, clock: { nowMicros: Date.now() * 1_000 }, authenticator },
  })
  ends.push(() => opened.close())
  const subject = isChecked ? 'slow-checked' : 'slow'
  const authorization = `Bearer ${await tokenFor([employer], { subject })}`
  const begun = await opened.app.inject({
    ...{ method: 'POST', url: '/v1/batches' },
    headers: { authorization, 'idempotency-key': subject },
    payload: { employer, period: '2024-11', region: '340100', kind: 'regular', mode: 'check' },
  })
  const url = `/v1/batches/${begun.json().id}/file`
  async function* slowly() {
    yield Buffer.alloc(chunkBytesMax)
    await addDenial(journal.pool, { act: 'deny', claim: 'sub', value: subject, issuer: '', ...why })
    await waitFor('the denial', () => authenticator.recall(authorization.slice(7)) === undefined)
    for (let i = 0; i < 8; i += 1) yield Buffer.alloc(chunkBytesMax)
  }
  const answer = await opened.app.inject({
    ...{ method: 'PATCH', url, payload: Readable.from(slowly()) },
    headers: {
      authorization,
      ...{ 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' },
      ...(isChecked && {
        'content-length': `${9 * chunkBytesMax}`,
        'upload-checksum': `sha1 ${createHash('sha1')
          .update(Buffer.alloc(9 * chunkBytesMax))
          .digest('base64')}`,
      }),
    },
  })
  expect(answer.statusCode, answer.body).toBe(401)
  expect(answer.json().code).toBe('TOKEN_WITHDRAWN')
  const { rows } = await journal.pool.query('select received from batch.batch where subject = $1', [
    subject,
  ])
  expect(Number(rows[0].received)).toBeLessThanOrEqual(chunkBytesMax)
})
