/** The generator of a rehearsal, alone, against a server that answers at once. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Generators } from '../../bench/rehearsal/load/generators.ts'
import { readProfile } from '../../bench/rehearsal/profile.ts'
import { type MeasuredProcess, startProgram } from '../../bench/support/processes.ts'
import { createKeyring } from '../../src/platform/config/keyring.ts'
import { runCommand } from '../support/command.ts'

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

type Wish = {
  readonly address?: string
  readonly resends?: number
  readonly employers?: readonly string[]
}

/** A day of nothing but filings, at one rate. */
function generators(seconds: number, perSecond: number, wish: Wish = {}): Generators {
  const from = 'A figure of this test alone.'
  const none = { value: 0, from }
  const resends = { value: { usual: 0, beforeCutOff: 0, afterSeconds: 0.05 }, from }
  const profile = { ...readProfile('city'), statusReads: none, faultyShare: none, resends }
  return new Generators({
    shape: {
      seconds,
      rates: new Float64Array(seconds).fill(perSecond),
      resends: new Float64Array(seconds).fill(wish.resends ?? 0),
      peakPerSecond: perSecond,
    },
    profile,
    filers:
      wish.employers === undefined
        ? { keyringFile }
        : { tokens: wish.employers.map((one) => ({ token: `of ${one}`, employers: [one] })) },
    addresses: [wish.address ?? server.address],
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
})

test('of those whom tokens name, each files with one generator, and all do', async () => {
  const employers = ['a', 'b', 'c', 'd', 'e']
  const some = generators(2, 60, { employers })
  expect((await some.prepare()).employers).toBe(employers.length)
  await some.run(Date.now() + 200)
  await some.stop()
  const filed = some.historyFiles.map(
    (file) => new Set(readFileSync(file, 'utf8').match(/(?<="employer":")[^"]+/g)),
  )
  expect(filed).toEqual([new Set(['a', 'c', 'e']), new Set(['b', 'd'])])
})

test('who sends again counts once, whichever of the two is accepted first', async () => {
  let asked = 0
  const slow = createServer((request, response) => {
    asked += 1
    const afterMs = asked % 2 === 0 ? 0 : 200
    request.resume().once('end', () => setTimeout(() => response.writeHead(202).end(body), afterMs))
  })
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve))
  const { port } = slow.address() as AddressInfo
  const some = generators(3, 60, { address: `http://127.0.0.1:${port}`, resends: 1 })
  await some.prepare()
  await some.run(Date.now() + 200)
  await some.stop()
  slow.closeAllConnections()
  slow.close()
  const ids = some.historyFiles.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line) => /"kind":"try".*"id":"([^"]+)"/.exec(line)?.[1] ?? []),
  )
  expect(ids.length).toBeGreaterThan(1.5 * new Set(ids).size)
  expect(some.tally.total('accepted')).toBe(new Set(ids).size)
  expect(some.tally.total('offered')).toBe(new Set(ids).size)
})

test('a day that is broken off leaves no generator, and nobody who waits for one', async () => {
  const some = generators(60, 50)
  await some.prepare()
  const running = expect(some.run(Date.now())).rejects.toThrow(/generator \d ended/)
  const pids = some.pids
  for (const pid of pids) expect(process.kill(pid, 0)).toBe(true)
  await some.stop()
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
  await running
})

test('its benchmark drives an intake and, half as fast again, a generator, and tells both', async () => {
  const short = { BENCH_ROUNDS: '1', BENCH_SECONDS: '1' }
  const bench = runCommand('bench/generator.ts', short, ['--json'])
  const code = await bench.done
  expect([0, 1], bench.output()).toContain(code) // 1: a goal is missed, as on a busy machine
  const lines = bench
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
  const told = lines.map((line) => JSON.parse(line) as { figure: string; value: number })
  const of = (figure: string) =>
    told.find((one) => one.figure.includes(figure))?.value ?? Number.NaN
  // How much it is, the benchmark's own goals judge.
  for (const figure of ['intake, one process', 'one generator'])
    expect(of(figure), figure).toBeGreaterThan(0)
  const ratio = of('CPU, intake') / of('CPU, generator')
  expect(of('core for core')).toBeCloseTo(ratio, 1)
})
