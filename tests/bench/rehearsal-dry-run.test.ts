/** A short day with a running installation of real processes, in a dry run from end to end. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { RehearsalRecord } from '../../bench/rehearsal/record.ts'
import { databaseBeside } from '../../src/platform/rehearsal.ts'
import { runCommand } from '../support/command.ts'
import { type EngineProcess, startProcess, tokenFor } from '../support/engine.ts'
import {
  countRowsNaming,
  type Installation,
  openInstallation,
  readGrowing,
} from '../support/rehearsal.ts'
import { writeTinyDay } from './support/tiny-day.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'spillway-dry-run-'))
let installation: Installation
let processes: EngineProcess[]
let address: string
beforeAll(async () => {
  installation = await openInstallation(inject('redisUrl'))
  await installation.create()
  const { env } = installation
  processes = await Promise.all([
    startProcess('intake', env),
    startProcess('worker', env),
    startProcess('batches', env),
  ])
  const [intake] = processes as [EngineProcess]
  address = intake.address
}, 60_000)
afterAll(async () => {
  await Promise.all((processes ?? []).map((one) => one.end()))
  await installation?.drop()
})

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const command = runCommand('bench/rehearse.ts', env, args)
  return { code: await command.done, text: command.output() }
}

/** As an operator does who has the database and the keys of rehearsals. */
async function audit(history: string) {
  const { live, rehearsal, keyringFile } = installation
  const url = databaseBeside(live.ownerUrl, rehearsal)
  const env = { DATABASE_URL: url, KEYRING_FILE: keyringFile }
  const command = runCommand('src/audit.ts', env, ['--history', history])
  return { code: await command.done, text: command.output() }
}

async function dryRun(tokenFile: string, name: string) {
  const { profile, objectives } = writeTinyDay(folder, 10)
  const out = path.join(folder, name)
  const ran = await run([
    ...['--compress', '7200', '--profile', profile, '--objectives', objectives],
    ...['--generators', '1', '--out', out],
    ...['--url', address, '--dry-run', '--token-file', tokenFile],
  ])
  return { ...ran, out }
}

/** Whom tokens, one a line, are for. */
function employersOf(tokens: string): string[] {
  return tokens
    .trim()
    .split(/\s+/)
    .flatMap((token) => (decodeJwt(token) as { employers: string[] }).employers)
}

test('it passes, says what it was, and leaves nothing that counts', async () => {
  const before = await readGrowing(installation.live.owner)
  const made = await run(['tokens', '60'], installation.env)
  expect(made, made.text).toMatchObject({ code: 0 })
  const tokenFile = path.join(folder, 'tokens.txt')
  writeFileSync(tokenFile, made.text)
  const { code, text, out } = await dryRun(tokenFile, 'dry')
  expect(code, text).toBe(0)
  expect(text).toMatch(/A dry run with .* \(environment "rehearsal"\): nothing of it counts/)
  expect(text).not.toMatch(/FOR REAL/)
  const record = JSON.parse(readFileSync(path.join(out, 'record.json'), 'utf8')) as RehearsalRecord
  expect(record.engine.kind).toBe('dry-run')
  expect(record.totals.accepted).toBeGreaterThan(100)
  expect(record.events.map(({ kind }) => kind)).toEqual(['file'])
  expect(readFileSync(path.join(out, 'report.html'), 'utf8')).toMatch(/dry run/)
  const employers = employersOf(made.text)
  const { live, owner } = installation
  expect(await readGrowing(live.owner)).toEqual(expect.arrayContaining(before))
  expect(await countRowsNaming(live.owner, employers)).toEqual({})
  const rehearsed = await countRowsNaming(owner, employers)
  expect(rehearsed['ledger.declaration']).toBeGreaterThan(record.totals.accepted)
  const { rows } = await owner.query('select count(*)::int as waiting from journal.unposted')
  expect(rows).toEqual([{ waiting: 0 }])
  const audited = await audit(path.join(out, 'history.jsonl'))
  expect(audited.text).toMatch(/Everything holds/)
  expect(Number(/(\d+) accepted in/.exec(audited.text)?.[1])).toBeGreaterThan(
    record.totals.accepted,
  )
}, 180_000)

test('without keys of rehearsals there are no tokens, and it says how to make them', async () => {
  const env = { ...installation.env, REHEARSAL_KEYRING_FILE: path.join(folder, 'none.json') }
  const { code, text } = await run(['tokens', '1'], env)
  expect(code).toBe(2)
  expect(text).toMatch(/no keys of rehearsals at .*none\.json: "npm run rehearsal -- create"/)
})

test('a token with which something would count is never sent', async () => {
  const employer = '91350100M000100Y43'
  const tokenFile = path.join(folder, 'live.txt')
  writeFileSync(tokenFile, await tokenFor([employer]))
  const { code, text } = await dryRun(tokenFile, 'live')
  expect(code).toBe(2)
  expect(text).toMatch(/not for rehearsals, so nothing was sent/)
  expect(await countRowsNaming(installation.live.owner, [employer])).toEqual({})
}, 60_000)
