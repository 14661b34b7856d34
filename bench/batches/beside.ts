/**
 * Filings at an open rate of a third of what intake takes: their latency without a file, and while one
 * is received, read, filed and posted.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fire, prepareFilings } from '../support/filings.ts'
import { runOpenLoad } from '../support/open-load.ts'
import { startProgram } from '../support/processes.ts'
import { type Figure, median, say } from '../support/report.ts'
import { startServices } from '../support/services.ts'
import type { Filings } from '../support/unique-filings.ts'
import { makeFile } from './made-file.ts'
import { send } from './send.ts'

const roundSeconds = 10
const calmRounds = 4
/** Rounds beside a file of any size: a run ends. */
const besideRoundsMax = 60

type Round = { readonly p50: number; readonly p99: number; readonly refused: number }

export async function besideFilings(rows: number): Promise<Figure[]> {
  const services = await startServices()
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-batches-'))
  const { databaseUrl, keyringFile, redisUrl } = services
  const env = { DATABASE_URL: databaseUrl, KEYRING_FILE: keyringFile, REDIS_URL: redisUrl }
  try {
    const made = await makeFile(folder, 'csv', rows, 21)
    const filings = await prepareFilings(services)
    const processes = [
      await startProgram('src/commands/intake.ts', env),
      await startProgram('workers/post.ts', env),
      await startProgram('workers/batches.ts', env),
    ] as const
    const { address } = processes[0]
    await fire(address, filings, { duration: 5 }, true)
    const { accepted, seconds } = await fire(address, filings, { duration: 5 }, true)
    const load = loadOf(address, filings, accepted / seconds / 3)
    const calm: Round[] = []
    for (let i = 0; i < calmRounds; i += 1) calm.push(await load())
    const beside: Round[] = []
    let posted = false
    const sending = send(keyringFile, address, made).finally(() => {
      posted = true
    })
    sending.catch(() => {}) // told by the await below
    while (!posted && beside.length < besideRoundsMax) beside.push(await load())
    const { postedSeconds } = await sending
    for (const { end } of processes) await end()
    say(`beside a file of ${rows} rows: ${JSON.stringify({ calm, beside, postedSeconds })}`)
    return figuresOf(rows, accepted / seconds / 3, calm, beside, postedSeconds)
  } finally {
    await services.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function loadOf(address: string, filings: Filings, perSecond: number) {
  let rounds = 0
  return async (): Promise<Round> => {
    rounds += 1
    const seen = await runOpenLoad({
      ports: [Number(new URL(address).port)],
      perSecond,
      seconds: roundSeconds,
      filings,
      keyPrefix: `beside-${rounds}`,
      keepAnswers: false,
      seed: rounds,
    })
    return { ...seen.acceptedMs, refused: seen.refused }
  }
}

function figuresOf(
  rows: number,
  perSecond: number,
  calm: readonly Round[],
  beside: readonly Round[],
  postedSeconds: number,
): Figure[] {
  const name = (figure: string) => `filings beside ${rows} rows: ${figure}`
  const p99 = (rounds: readonly Round[]) => median(rounds.map((round) => round.p99))
  return [
    { figure: name('offered, a third of capacity'), value: perSecond, unit: 'declarations/s' },
    { figure: name('p99 without the file'), value: p99(calm), unit: 'ms' },
    { figure: name('p99 beside it'), value: p99(beside), unit: 'ms' },
    {
      figure: name('p99 beside it / without'),
      value: p99(beside) / p99(calm),
      unit: 'ratio',
      goal: { atMost: 1.5 },
    },
    {
      figure: name('worst 10 s, p99'),
      value: Math.max(...beside.map((round) => round.p99)),
      unit: 'ms',
    },
    {
      figure: name('refused'),
      value: beside.reduce((sum, { refused }) => sum + refused, 0),
      unit: 'filings',
    },
    { figure: name('the file, all in force'), value: rows / postedSeconds, unit: 'rows/s' },
  ]
}
