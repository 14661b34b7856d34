/** The generator of a rehearsal, alone, against a server that answers at once. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Generators } from '../../bench/rehearsal/generators.ts'
import { readProfile } from '../../bench/rehearsal/profile.ts'
import { type MeasuredProcess, startProgram } from '../../bench/support/processes.ts'
import { createKeyring } from '../../src/platform/keyring.ts'

const body = `{"receipt":{"statement":"as it is"},"links":{}}`
const ANSWER = `HTTP/1.1 202 Accepted\r\ncontent-length: ${body.length}\r\n\r\n${body}`
const folder = mkdtempSync(path.join(tmpdir(), 'spillway-generator-test-'))
const keyringFile = path.join(folder, 'keyring.json')
createKeyring(keyringFile, new Date())

let server: MeasuredProcess
beforeAll(async () => {
  server = await startProgram('bench/programs/answer-at-once.ts', { ANSWER })
})
afterAll(async () => {
  await server.end()
  rmSync(folder, { recursive: true, force: true })
})

/** A day of nothing but filings, at one rate. */
function generators(seconds: number, perSecond: number): Generators {
  const from = 'A figure of this test alone.'
  const none = { value: 0, from }
  const profile = { ...readProfile('city'), statusReads: none, faultyShare: none }
  return new Generators({
    shape: {
      seconds,
      rates: new Float64Array(seconds).fill(perSecond),
      resends: new Float64Array(seconds),
      peakPerSecond: perSecond,
    },
    profile,
    filers: { keyringFile },
    addresses: [server.address],
    folder: mkdtempSync(path.join(folder, 'history-')),
    period: '2024-11',
    keyPrefix: 'test',
    ...{ count: 2, seed: 1, knowsPolicy: true, lateMsMax: 5_000, busyShareMax: 1 },
  })
}

test('what is due is sent once, answered, and in the history with its receipt', async () => {
  const some = generators(3, 100)
  await some.prepare()
  await some.run(Date.now() + 200)
  await some.stop()
  const sent = some.seen.reduce((sum, one) => sum + one.sent, 0)
  expect(Math.abs(sent - 300)).toBeLessThan(6 * Math.sqrt(300))
  expect(some.tally.total('accepted')).toBe(sent)
  const lines = some.historyFiles.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  )
  const tries = lines.filter(({ kind }) => kind === 'try').map(({ id }) => id)
  expect(new Set(tries).size).toBe(sent)
  const answers = lines.filter(({ kind }) => kind === 'answer')
  expect(answers).toHaveLength(sent)
  for (const { receipt } of answers) expect(receipt).toBe('{"statement":"as it is"}')
}, 60_000)

test('a day that is broken off leaves no generator, and nobody who waits for one', async () => {
  const some = generators(60, 50)
  await some.prepare()
  const running = expect(some.run(Date.now())).rejects.toThrow(/generator \d ended/)
  const pids = some.pids
  for (const pid of pids) expect(process.kill(pid, 0)).toBe(true)
  await some.stop()
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
  await running
}, 60_000)
