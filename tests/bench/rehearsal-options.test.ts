/** What an operator asks for, and what is refused before anything starts. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { assertHarmless, fileFirst, readTokens } from '../../bench/rehearsal/load/remote.ts'
import { readOptions } from '../../bench/rehearsal/options.ts'
import { readProfile } from '../../bench/rehearsal/profile.ts'
import { createDatabase } from '../support/database.ts'
import { startProcess, tokenFor } from '../support/engine.ts'

const city = ['--profile', 'city']
const remote = [...city, '--url', 'http://127.0.0.1:1', '--token-file', 'token.txt']

test('a running installation is filed with for real by who says so alone; else it is a dry run', () => {
  expect(() => readOptions(remote)).toThrow(/--dry-run[\s\S]*--yes-file-for-real/)
  expect(() => readOptions([...remote, '--dry-run', '--yes-file-for-real'])).toThrow(/Not both/)
  expect(() => readOptions([...city, '--dry-run'])).toThrow(/need --url/)
  const expected = { url: 'http://127.0.0.1:1', tokenFile: 'token.txt' }
  const { remote: real } = readOptions([...remote, '--yes-file-for-real'])
  const { remote: dry } = readOptions([...remote, '--dry-run'])
  expect([real, dry]).toEqual([
    { ...expected, dryRun: false },
    { ...expected, dryRun: true },
  ])
  expect(() => readOptions([...remote, '--yes-file-for-real', '--faults', 'none'])).toThrow(/own/)
})

test('faults are found by a part of their name, which may have commas, and a time', () => {
  const faults = 'worker killed@10:30,the queue emptied (FLUSHALL, truncate)@15:00'
  const { own } = readOptions([...city, '--queue', 'redis', '--faults', faults])
  expect(own.faults.map(({ fault, at }) => [fault.name, at])).toEqual([
    ['worker killed (SIGKILL)', '10:30'],
    ['the queue emptied (FLUSHALL, truncate)', '15:00'],
  ])
  expect(readOptions(city).own.faults).toHaveLength(2)
  expect(readOptions([...city, '--queue', 'postgres']).own.faults).toHaveLength(1)
  expect(readOptions([...city, '--faults', 'none']).own.faults).toEqual([])
  expect(() => readOptions([...city, '--faults', 'meteor@10:30'])).toThrow(/no fault "meteor"/)
  expect(() => readOptions([...city, '--faults', 'worker killed'])).toThrow(/like/)
})

test('steps and throttle are read, and what is none is refused', () => {
  const { own } = readOptions([...city, '--scale', 'workers=3@14:00', '--throttle', '200,50'])
  expect(own.scale).toEqual([{ kind: 'workers', count: 3, at: '14:00' }])
  expect(own.throttle).toEqual({ commitMs: 200, declarationMs: 50 })
  expect(() => readOptions([...city, '--scale', 'workers@14:00'])).toThrow(/--scale/)
  expect(() => readOptions([...city, '--compress', '0'])).toThrow(/--compress/)
  expect(() => readOptions([])).toThrow(/Usage/)
})

test('an installation whose receipts may be of production is not rehearsed with', async () => {
  const employer = '91350100M000100Y43'
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'spillway-tokens-')), 'tokens.txt')
  writeFileSync(file, `${await tokenFor([employer])}\n`)
  const filers = readTokens(file)
  expect(filers.tokens[0]?.employers).toEqual([employer])
  const day = { profile: readProfile('city'), period: '2024-11', seed: 1 }
  for (const [environment, harmless] of [
    ['production', false],
    ['staging', true],
  ] as const) {
    // Each of its own: what is filed first stands.
    const database = await createDatabase()
    const intake = await startProcess('intake', {
      DATABASE_URL: database.url,
      ENVIRONMENT: environment,
      DURABILITY: 'warn',
    })
    const options = { url: intake.address, tokenFile: file }
    const told = assertHarmless(options, filers, day)
    if (harmless) expect(await told).toMatch(/^staging/)
    else await expect(told).rejects.toThrow(/"production.*may be production/)
    await intake.end()
    await database.drop()
  }
})

test('a rehearsal that is not open yet is waited for, and filed with once', async () => {
  const keys: unknown[] = []
  const opening = createServer((request, response) => {
    keys.push(request.headers['idempotency-key'])
    if (keys.length === 1) response.writeHead(503, { 'retry-after': '0' }).end()
    else response.writeHead(202).end('{"receipt":{"statement":{"environment":"rehearsal"}}}')
  })
  await new Promise<void>((resolve) => opening.listen(0, '127.0.0.1', resolve))
  const { port } = opening.address() as AddressInfo
  const filers = { tokens: [{ token: 'of nobody', employers: ['91350100M000100Y43'] }] }
  const day = { profile: readProfile('city'), period: '2024-11', seed: 1 }
  const { statement } = await fileFirst(`http://127.0.0.1:${port}`, filers, day)
  expect(statement.environment).toBe('rehearsal')
  expect(keys).toHaveLength(2)
  expect(keys[0]).toBe(keys[1])
  opening.close()
})
