/** What is rehearsed goes another way than what counts, from the first byte to the last. */
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { kidOf } from '../../src/intake/dispatch.ts'
import type { PublicJwk } from '../../src/journal/compact-jws.ts'
import { verifyReceipt } from '../../src/journal/receipt.ts'
import { readKeyring } from '../../src/platform/keyring.ts'
import {
  type EngineProcess,
  file,
  freshMetricsOf,
  startProcess,
  tokenFor,
} from '../support/engine.ts'
import { declare } from '../support/journal.ts'
import {
  countRowsNaming,
  type Installation,
  openInstallation,
  rehearsalToken,
  untilRehearsed,
} from '../support/rehearsal.ts'
import { waitFor } from '../support/wait.ts'

type Accepted = {
  readonly id: string
  readonly receipt: { readonly statement: { readonly environment: string } }
  readonly links: { readonly self: string }
}

let installation: Installation
let intake: EngineProcess
let worker: EngineProcess
beforeAll(async () => {
  installation = await openInstallation(inject('redisUrl'))
  await installation.create()
  intake = await startProcess('intake', installation.env)
  worker = await startProcess('worker', { ...installation.env, WORKER_PORT: '0' })
  await untilRehearsed(installation, intake)
}, 60_000)
afterAll(async () => {
  await Promise.all([intake?.end(), worker?.end()])
  await installation?.drop()
})

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
const get = (path: string, token?: string) =>
  fetch(`${intake.address}${path}`, token === undefined ? {} : bearer(token))

async function accept(token: string, key: string, declaration: unknown): Promise<Accepted> {
  const answer = await file(intake.address, token, key, declaration)
  expect(answer.status).toBe(202)
  return (await answer.json()) as Accepted
}

async function keysAt(path: string): Promise<readonly PublicJwk[]> {
  return ((await (await get(path)).json()) as { keys: readonly PublicJwk[] }).keys
}

/** Until a worker has posted it, on the side of its token. */
function untilPosted(token: string, { links }: Accepted): Promise<true> {
  return waitFor('a posting', async () => {
    const answer = await get(links.self, token)
    return ((await answer.json()) as { status: string }).status === 'posted' || undefined
  })
}

test('a filing goes by its token alone; its receipt is of its side, and of no other', async () => {
  const declaration = declare({ lines: 2 })
  const { employer } = declaration
  const liveToken = await tokenFor([employer])
  const token = await rehearsalToken(installation, [employer])
  const live = await accept(liveToken, 'same', declaration)
  const rehearsed = await accept(token, 'same', declaration)
  expect(live.receipt.statement.environment).toMatch(/^test-/)
  expect(rehearsed.receipt.statement.environment).toBe('rehearsal')
  const liveKeys = await keysAt('/.well-known/jwks.json')
  const rehearsalKeys = await keysAt('/.well-known/rehearsal-jwks.json')
  expect(rehearsalKeys.every(({ kid }) => kid?.startsWith('rehearsal-'))).toBe(true)
  expect(verifyReceipt(rehearsed.receipt, rehearsalKeys).valid).toBe(true)
  expect(verifyReceipt(rehearsed.receipt, liveKeys).valid).toBe(false)
  expect(verifyReceipt(live.receipt, liveKeys).valid).toBe(true)
  expect(verifyReceipt(live.receipt, rehearsalKeys).valid).toBe(false)
  await untilPosted(liveToken, live)
  await untilPosted(token, rehearsed)
})

test('what is rehearsed is posted where it was rehearsed, and leaves no row in the live database', async () => {
  const declaration = declare({ lines: 3 })
  const { employer, period } = declaration
  const token = await rehearsalToken(installation, [employer])
  const accepted = await accept(token, 'posted', declaration)
  await untilPosted(token, accepted)
  expect(await countRowsNaming(installation.live.owner, [employer])).toEqual({})
  expect(await countRowsNaming(installation.owner, [employer])).toMatchObject({
    'journal.acceptance': 1,
    'ledger.declaration': 1,
  })
  const { rows } = await installation.owner.query(
    'select lines from ledger.declaration where id = $1',
    [accepted.id],
  )
  expect(rows).toEqual([{ lines: 3 }])
  const live = await tokenFor([employer])
  expect((await get(accepted.links.self, live)).status).toBe(404)
  const list = `/v1/declarations?employer=${employer}&period=${period}`
  const listed = async (of: string) =>
    ((await (await get(list, of)).json()) as { declarations: unknown[] }).declarations.length
  expect([await listed(token), await listed(live)]).toEqual([1, 0])
})

test('a live filing beside it is posted in the live database alone', async () => {
  const declaration = declare({ lines: 1 })
  const token = await tokenFor([declaration.employer])
  await untilPosted(token, await accept(token, 'live', declaration))
  expect(await countRowsNaming(installation.owner, [declaration.employer])).toEqual({})
})

test('a false name of a key opens nothing on either side', async () => {
  const declaration = declare({ lines: 1 })
  const { employer } = declaration
  const [liveKey] = readKeyring(inject('keyringFile')).tokenKeys
  const [rehearsalKey] = readKeyring(installation.keyringFile).tokenKeys
  if (liveKey === undefined || rehearsalKey === undefined) throw new Error('no keys')
  const forged = (signer: typeof liveKey, kid: string | undefined) =>
    new SignJWT({ employers: [employer], scope: 'declarations:write declarations:read' })
      .setProtectedHeader({ alg: 'Ed25519', ...(kid !== undefined && { kid }) })
      .setIssuer('spillway')
      .setAudience('spillway')
      .setSubject(employer)
      .setIssuedAt()
      .setExpirationTime('10m')
      .sign(signer.privateKey)
  for (const token of [
    await forged(liveKey, rehearsalKey.kid), // signed for what counts, said to be rehearsed
    await forged(rehearsalKey, liveKey.kid),
    await forged(rehearsalKey, undefined),
    await forged(liveKey, 'rehearsal-unknown'),
  ]) {
    const answer = await file(intake.address, token, 'forged', declaration)
    expect(answer.status).toBe(401)
  }
  for (const owner of [installation.live.owner, installation.owner])
    expect(await countRowsNaming(owner, [employer])).toEqual({})
  expect(kidOf(`Bearer ${await forged(liveKey, 'one')}`)).toBe('one')
  for (const none of [undefined, 'Bearer x', 'Bearer e30.e30.', `Bearer ${'e'.repeat(9_000)}.`])
    expect(kidOf(none)).toBeUndefined()
})

test('metrics and the status of the service are told apart', async () => {
  const declaration = declare({ lines: 1 })
  const token = await rehearsalToken(installation, [declaration.employer])
  const figures = async () => {
    const text = await freshMetricsOf(intake)
    const of = (name: string) =>
      Number(new RegExp(`^${name}\\{lane="filing"\\} (\\d+)`, 'm').exec(text)?.[1])
    return [
      of('spillway_accepted_declarations_total'),
      of('spillway_rehearsal_accepted_declarations_total'),
    ] as const
  }
  const [live, rehearsed] = await figures()
  await accept(token, 'counted', declaration)
  expect(await figures()).toEqual([live, rehearsed + 1])
  const posted = await freshMetricsOf(worker)
  expect(posted).toMatch(/^spillway_rehearsal_posted_declarations_total\{lane="filing"\} [1-9]/m)
  const names = [...posted.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
  expect(new Set(names).size).toBe(names.length)
  await installation.owner.query(
    `insert into journal.unposted (envelope, lane, declarations, accepted_at, committed_at)
     values (999999, 'unheard-of', 77, now(), now())`,
  )
  const backlogOf = async (of?: string) => {
    const status = (await (await get('/v1/service/status', of)).json()) as {
      backlog: { declarations: number }
    }
    return status.backlog.declarations
  }
  await waitFor('its own backlog', async () => (await backlogOf(token)) === 77)
  expect(await backlogOf()).toBe(0)
  await installation.owner.query('delete from journal.unposted where envelope = 999999')
})
