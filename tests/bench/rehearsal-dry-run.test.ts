/** A rehearsal beside a live installation, as an operator does it: create, start, rehearse, audit, remove. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { getPriority, tmpdir } from 'node:os'
import path from 'node:path'
import { Redis } from 'ioredis'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { assertRehearsed } from '../../bench/rehearsal/dry-run.ts'
import { readProfile } from '../../bench/rehearsal/profile.ts'
import type { RehearsalRecord } from '../../bench/rehearsal/record.ts'
import type { PublicJwk } from '../../src/journal/receipts/compact-jws.ts'
import { verifyReceipt } from '../../src/journal/receipts/receipt.ts'
import { batchNice, rehearsalNice } from '../../src/limits.ts'
import { readPurpose } from '../../src/platform/config/rehearsal.ts'
import { type Command, runCommand } from '../support/command.ts'
import { type EngineProcess, file, startProcess } from '../support/engine.ts'
import { declare } from '../support/journal.ts'
import {
  countRowsNaming,
  openRehearsal,
  type Rehearsal,
  ranOf,
  readGrowing,
  tokenOf,
} from '../support/rehearsal.ts'
import { waitFor } from '../support/wait.ts'
import { writeTinyDay } from './support/tiny-day.ts'

type Accepted = {
  readonly receipt: { readonly statement: { readonly environment: string } }
  readonly links: { readonly self: string }
}

const folder = mkdtempSync(path.join(tmpdir(), 'spillway-dry-run-'))
/** Of the rehearsal, with its queue. */
let env: Record<string, string>
let rehearsal: Rehearsal
let live: EngineProcess
let liveWorker: EngineProcess
/** `npm start` of the rehearsal. */
let started: Command
let address: string
beforeAll(async () => {
  rehearsal = await openRehearsal()
  const REDIS_URL = inject('redisUrl')
  env = { ...rehearsal.env, REDIS_URL }
  const liveEnv = { DATABASE_URL: rehearsal.live.url, ENVIRONMENT: `test-${path.basename(folder)}` }
  const [created, ...processes] = await Promise.all([
    rehearsal.command('create'),
    startProcess('intake', { ...liveEnv, REDIS_URL }),
    startProcess('worker', { ...liveEnv, REDIS_URL }),
  ])
  ;[live, liveWorker] = processes
  expect(created, created.text).toMatchObject({ code: 0 })
  started = runCommand('src/commands/start.ts', { ...env, PORT: '0', DATA_DIR: folder })
  const [, found = ''] = await started.says(/A rehearsal takes declarations at (\S+) /)
  address = found
})
afterAll(async () => {
  await Promise.all([started?.end(), live?.end(), liveWorker?.end()])
  await rehearsal?.drop()
  rmSync(folder, { recursive: true, force: true })
})

const liveToken = (employers: string[]) => tokenOf(inject('keyringFile'), employers)
const rehearsalToken = (employers: string[]) => tokenOf(env.KEYRING_FILE as string, employers)

async function accept(at: string, token: string, key: string, declaration: unknown) {
  const answer = await file(at, token, key, declaration)
  expect(answer.status, await answer.clone().text()).toBe(202)
  return (await answer.json()) as Accepted
}

function untilPosted(at: string, token: string, { links }: Accepted): Promise<true> {
  return waitFor(
    'a posting',
    async () => {
      const headers = { authorization: `Bearer ${token}` }
      const answer = await fetch(`${at}${links.self}`, { headers })
      return ((await answer.json()) as { status: string }).status === 'posted'
    },
    60_000,
  )
}

async function keysAt(at: string): Promise<readonly PublicJwk[]> {
  const answer = await fetch(`${at}/.well-known/jwks.json`)
  return ((await answer.json()) as { keys: readonly PublicJwk[] }).keys
}

/** Whom tokens, one a line, are for. */
function employersOf(tokens: string): string[] {
  return tokens
    .trim()
    .split(/\s+/)
    .flatMap((token) => (decodeJwt(token) as { employers: string[] }).employers)
}

// First, as the auditor knows of nothing else that was filed there.
test('a day is rehearsed and audited, and leaves nothing that counts', async () => {
  const before = await readGrowing(rehearsal.live.owner)
  const made = await ranOf(runCommand('bench/rehearse.ts', env, ['tokens', '60']))
  expect(made, made.text).toMatchObject({ code: 0 })
  const tokenFile = path.join(folder, 'tokens.txt')
  writeFileSync(tokenFile, made.text)
  // A small file: its worker goes after everybody else on a busy machine.
  const { profile, objectives, compress } = writeTinyDay(folder, { fileRows: 520 })
  const out = path.join(folder, 'dry')
  const { code, text } = await ranOf(
    runCommand('bench/rehearse.ts', {}, [
      ...['--compress', compress, '--profile', profile, '--objectives', objectives],
      ...['--generators', '1', '--out', out],
      ...['--url', address, '--dry-run', '--token-file', tokenFile],
    ]),
  )
  expect(code, text).toBe(0)
  expect(text).toMatch(/A dry run with .* \(environment "rehearsal-\w+"\): nothing of it counts/)
  expect(text).not.toMatch(/FOR REAL/)
  const record = JSON.parse(readFileSync(path.join(out, 'record.json'), 'utf8')) as RehearsalRecord
  expect(record.engine.kind).toBe('dry-run')
  expect(record.totals.accepted).toBeGreaterThan(100)
  expect(record.events.map(({ kind }) => kind)).toEqual(['file'])
  expect(readFileSync(path.join(out, 'report.html'), 'utf8')).toMatch(/dry run/)
  const employers = employersOf(made.text)
  expect(await readGrowing(rehearsal.live.owner)).toEqual(expect.arrayContaining(before))
  expect(await countRowsNaming(rehearsal.live.owner, employers)).toEqual({})
  const rehearsed = await countRowsNaming(rehearsal.owner, employers)
  expect(rehearsed['ledger.declaration']).toBeGreaterThan(record.totals.accepted)
  const { rows } = await rehearsal.owner.query(
    'select count(*)::int as waiting from journal.unposted',
  )
  expect(rows).toEqual([{ waiting: 0 }])
  const history = path.join(out, 'history.jsonl')
  const audited = await ranOf(runCommand('src/commands/audit.ts', env, ['--history', history]))
  expect(audited.text).toMatch(/Everything holds/)
  expect(Number(/(\d+) accepted in/.exec(audited.text)?.[1])).toBeGreaterThan(
    record.totals.accepted,
  )
}, 180_000)

test('the same declaration is accepted and posted by each; its receipt is of the one and of no other', async () => {
  const declaration = declare({ lines: 2 })
  const { employer } = declaration
  const counting = await liveToken([employer])
  const counted = await accept(live.address, counting, 'same', declaration)
  const rehearsing = await rehearsalToken([employer])
  const rehearsed = await accept(address, rehearsing, 'same', declaration)
  expect(counted.receipt.statement.environment).toMatch(/^test-/)
  expect(rehearsed.receipt.statement.environment).toBe(env.ENVIRONMENT)
  const [liveKeys, rehearsalKeys] = [await keysAt(live.address), await keysAt(address)]
  const valid = ({ receipt }: Accepted, keys: readonly PublicJwk[]) => verifyReceipt(receipt, keys)
  expect(rehearsalKeys.every(({ kid }) => kid?.startsWith('rehearsal-'))).toBe(true)
  expect(valid(counted, liveKeys).valid).toBe(true)
  expect(valid(rehearsed, rehearsalKeys).valid).toBe(true)
  expect(valid(counted, rehearsalKeys).valid).toBe(false)
  expect(valid(rehearsed, liveKeys)).toMatchObject({
    valid: false,
    reason: expect.stringMatching(/of a rehearsal, which counts for nothing/),
  })
  await untilPosted(live.address, counting, counted)
  await untilPosted(address, rehearsing, rehearsed)
})

test('a token is good where it was made for, and elsewhere refused with what it is', async () => {
  const declaration = declare({ lines: 1 })
  const { employer } = declaration
  const refused = await file(live.address, await rehearsalToken([employer]), 'token', declaration)
  expect(refused.status).toBe(401)
  expect(await refused.json()).toMatchObject({ code: 'TOKEN_FOR_REHEARSAL' })
  const other = await file(address, await liveToken([employer]), 'token', declaration)
  expect(other.status).toBe(401)
  expect(await other.json()).toMatchObject({ code: 'TOKEN_INVALID' })
  for (const owner of [rehearsal.live.owner, rehearsal.owner])
    expect(await countRowsNaming(owner, [employer])).toEqual({})
})

test('its processes leave the machine to the live ones', () => {
  const niceOf = (name: string) => {
    const [, pid] = new RegExp(`"pid":(\\d+)[^\\n]*"name":"${name}"`).exec(started.output()) ?? []
    return getPriority(Number(pid))
  }
  expect(getPriority(live.pid)).toBe(getPriority())
  expect(niceOf('intake')).toBe(getPriority() + rehearsalNice)
  expect(niceOf('worker')).toBe(getPriority() + rehearsalNice)
  expect(niceOf('batches')).toBe(getPriority() + rehearsalNice + batchNice)
})

test('nothing is sent to what may count, or with a token that may', async () => {
  const employer = '91350100M000100Y43'
  const tokens = async (token: Promise<string>) => ({
    tokens: [{ token: await token, employers: [employer] }],
  })
  const first = { profile: readProfile('city'), period: '2024-11', seed: 1 }
  const forRehearsals = await tokens(rehearsalToken([employer]))
  await expect(assertRehearsed({ url: live.address }, forRehearsals, first)).rejects.toThrow(
    /signs receipts that count, so nothing was sent/,
  )
  const counting = await tokens(liveToken([employer]))
  await expect(assertRehearsed({ url: address }, counting, first)).rejects.toThrow(
    /not for rehearsals, so nothing was sent/,
  )
  for (const owner of [rehearsal.live.owner, rehearsal.owner])
    expect(await countRowsNaming(owner, [employer])).toEqual({})
})

/** Keys in Redis of the rehearsal. */
async function keysInRedis(): Promise<string[]> {
  const redis = new Redis(inject('redisUrl'))
  const found: string[] = []
  const match = `{spillway:${env.ENVIRONMENT}*`
  for await (const keys of redis.scanStream({ match })) found.push(...(keys as string[]))
  redis.disconnect()
  return found
}

test('remove waits for its processes to be stopped, leaves nothing, and touches nothing that counts', async () => {
  const REDIS_URL = env.REDIS_URL as string
  const running = await rehearsal.command('remove', { REDIS_URL })
  expect(running, running.text).toMatchObject({ code: 1 })
  expect(running.text).toMatch(/still run .*stop them/)
  expect(await started.end('SIGINT')).toBe(0)
  expect(await keysInRedis()).not.toEqual([])
  const before = await readGrowing(rehearsal.live.owner)
  const removed = await rehearsal.command('remove', { REDIS_URL })
  expect(removed, removed.text).toMatchObject({ code: 0 })
  expect(await readPurpose(rehearsal.owner)).toBe('empty')
  expect(await keysInRedis()).toEqual([])
  expect(await readGrowing(rehearsal.live.owner)).toEqual(expect.arrayContaining(before))
  const declaration = declare({ lines: 1 })
  const token = await liveToken([declaration.employer])
  await untilPosted(live.address, token, await accept(live.address, token, 'on', declaration))
})
