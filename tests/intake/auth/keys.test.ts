/** Keys that others publish, and keys that are rotated. */

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { Declaration } from '../../../src/declaration/schema.ts'
import { verifyReceipt } from '../../../src/journal/receipts/receipt.ts'
import { readKeyring } from '../../../src/platform/config/key-store.ts'
import { retireKey, rotateKeyring } from '../../../src/platform/config/keyring.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import { file, startProcess, tokenFor } from '../../support/engine.ts'
import { declare, declareInTurn } from '../../support/journal.ts'
import { waitFor } from '../../support/wait.ts'

let database: TestDatabase
let folder: string
beforeAll(async () => {
  database = await createDatabase()
  folder = mkdtempSync(path.join(tmpdir(), 'spillway-keys-'))
})
afterAll(async () => {
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
})

type Authority = {
  readonly url: string
  publish(keys: readonly JWK[]): void
  close(): Promise<void>
}

/** An authority that publishes keys over HTTP. */
async function startAuthority(): Promise<Authority> {
  let published: readonly JWK[] = []
  const server: Server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: published }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    publish: (keys) => {
      published = keys
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function authorityKey(alg: string, kid: string) {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  const token = (employer: string) =>
    new SignJWT({ employers: [employer], scope: 'declarations:write declarations:read' })
      .setProtectedHeader({ alg, kid })
      .setIssuer('https://tokens.example')
      .setAudience('filing')
      .setSubject(employer)
      .setIssuedAt()
      .setExpirationTime('10m')
      .sign(privateKey)
  return { jwk: { ...(await exportJWK(publicKey)), kid, alg }, token }
}

test('tokens of an authority with a JWKS are taken, also after it changes its keys; its absence is told as such', async () => {
  const authority = await startAuthority()
  const first = await authorityKey('ES256', 'first')
  const second = await authorityKey('RS256', 'second')
  const intake = await startProcess('intake', {
    DATABASE_URL: database.url,
    JWKS_URL: authority.url,
    TOKEN_ISSUER: 'https://tokens.example',
    TOKEN_AUDIENCE: 'filing',
  })
  // It publishes none: nobody can be let in, which is an outage of ours, whoever is turned away.
  const readiness = async () => {
    const answer = await fetch(`${intake.address}/readyz`)
    return { status: answer.status, keys: ((await answer.json()) as { keys?: string }).keys }
  }
  expect(await readiness()).toEqual({ status: 503, keys: 'the keys of JWKS_URL can not be read' })
  await waitFor('the outage', async () => {
    const { rows } = await database.owner.query('select cause from journal.outage')
    return rows[0]?.cause === 'keys'
  })
  authority.publish([first.jwk])
  await waitFor('it to be ready', async () => (await readiness()).status === 200)
  const { employer } = declare()
  const another = declareInTurn(employer)
  const declared = new Map<string, Declaration>()
  const ofKey = (key: string) => {
    const declaration = declared.get(key) ?? another()
    declared.set(key, declaration)
    return declaration
  }
  const status = async (token: string, key: string) =>
    (await file(intake.address, token, key, ofKey(key))).status
  expect(await status(await first.token(employer), 'jwks-1')).toBe(202)
  expect(await status(await tokenFor([employer]), 'jwks-2')).toBe(401)
  authority.publish([second.jwk])
  const renewed = await second.token(employer)
  await waitFor('the new keys', async () => (await status(renewed, 'jwks-3')) === 202)
  await authority.close()
  expect(await status(renewed, 'jwks-4')).toBe(202) // verified before
  const third = await authorityKey('ES256', 'third')
  const unknown = await third.token(employer)
  await waitFor('503', async () => (await status(unknown, 'jwks-5')) === 503)
  await intake.end()
})

test('after a rotation, old receipts verify, old tokens work until their key is retired, and old envelopes are posted', async () => {
  const keyringFile = path.join(folder, 'keyring.json')
  cpSync(inject('keyringFile'), keyringFile)
  const env = { DATABASE_URL: database.url, KEYRING_FILE: keyringFile }
  const declaration = declare()
  const token = await tokenFor([declaration.employer])
  const [oldTokenKey] = readKeyring(keyringFile).tokenKeys
  const before = await startProcess('intake', env)
  // It runs on through the rotation, and posts what is sealed with keys of after its start.
  const worker = await startProcess('worker', env)
  const old = await file(before.address, token, 'before', declaration)
  const oldText = await old.text()
  await before.end()

  rotateKeyring(keyringFile, new Date())
  const after = await startProcess('intake', env)
  const again = await file(after.address, token, 'before', declaration)
  expect(await again.text()).toBe(oldText)
  const fresh = await file(after.address, token, 'after', declareInTurn(declaration.employer)())
  const { keys } = (await (await fetch(`${after.address}/.well-known/jwks.json`)).json()) as {
    keys: Parameters<typeof verifyReceipt>[1]
  }
  const kids = [oldText, await fresh.text()].map((text) => {
    const verdict = verifyReceipt(JSON.parse(text).receipt, keys)
    return verdict.valid ? verdict.kid : verdict.reason
  })
  expect(new Set(kids).size).toBe(2)
  expect(keys.map(({ kid }) => kid)).toEqual(expect.arrayContaining(kids))
  await waitFor('posting', async () => {
    const { rowCount } = await database.owner.query(
      'select 1 from ledger.declaration where employer = $1',
      [declaration.employer],
    )
    return rowCount === 2
  })
  await worker.end()
  expect(retireKey(keyringFile, oldTokenKey?.kid ?? '', new Date()).kind).toBe('token')
  // Without a restart, also of a token that it has taken before.
  await waitFor(
    'the end of tokens of the retired key',
    async () => (await file(after.address, token, 'before', declaration)).status === 401,
    60_000,
  )
  await after.end()
})
