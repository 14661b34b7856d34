/**
 * `npm run bench:generator [-- --json]`: whether a rehearsal's generator is faster than intake, core for core.
 * Otherwise a rehearsal would show the generator's limit. In turns, one intake process accepts what 100
 * clients send, and one generator process sends half as much again, prepared beforehand, to a server that
 * answers at once with the bytes of a real receipt.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Generators } from './rehearsal/load/generators.ts'
import { readObjectives } from './rehearsal/objectives.ts'
import { type Profile, readProfile } from './rehearsal/profile.ts'
import { benchArguments } from './support/arguments.ts'
import { fire, prepareFilings } from './support/filings.ts'
import { cpuMicros, type MeasuredProcess, startProgram } from './support/processes.ts'
import { type Figure, median, report, say } from './support/report.ts'
import { startServices } from './support/services.ts'
import { type Filing, type Filings, nextFiling } from './support/unique-filings.ts'

const rounds = Number(process.env.BENCH_ROUNDS ?? 5)
const seconds = Number(process.env.BENCH_SECONDS ?? 8)
/** What the generator must be able to do, over what intake can. */
const least = 1.5
const lines = 5
const period = '2024-11'

type Round = {
  /** Declarations a second, and CPU for each. */
  readonly accepted: number
  readonly intakeMicros: number
  readonly sent: number
  readonly generatorMicros: number
  /** Of what it sent, more than the allowed time after it was due. */
  readonly lateShare: number
}

async function main(): Promise<void> {
  benchArguments('bench:generator', {})
  const services = await startServices()
  try {
    const { databaseUrl, redisUrl, keyringFile } = services
    const env = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, KEYRING_FILE: keyringFile }
    const intake = await startProgram('src/commands/intake.ts', env)
    const filings = await prepareFilings(services, { lines })
    const ANSWER = await answerTo(intake.address, nextFiling(filings))
    const server = await startProgram('bench/programs/answer-at-once.ts', { ANSWER })
    await fire(intake.address, filings, { duration: 3 }, true) // warm
    const measured: Round[] = []
    for (let round = 1; round <= rounds; round += 1) {
      const driven = await driveIntake(intake, filings)
      const alone = await generate(least * driven.accepted, server, keyringFile)
      measured.push({ ...driven, ...alone })
      say(
        `round ${round}: intake ${Math.round(driven.accepted)}/s at ${driven.intakeMicros.toFixed(0)} µs; generator ${Math.round(alone.sent)}/s at ${alone.generatorMicros.toFixed(0)} µs, ${(100 * alone.lateShare).toFixed(1)} % late`,
      )
    }
    await server.end()
    await intake.end()
    if (!report('bench:generator', figuresOf(measured))) process.exitCode = 1
  } finally {
    await services.stop()
  }
}

/** The bytes of a real answer, so that the generator has as much to read and to keep. */
async function answerTo(address: string, { body, authorization }: Filing): Promise<string> {
  const answer = await fetch(`${address}/v1/declarations`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', 'idempotency-key': 'generator' },
    body,
  })
  if (answer.status !== 202) throw new Error(`a first filing had ${answer.status}`)
  const text = Buffer.from(await answer.arrayBuffer()).toString('latin1')
  const head = [...answer.headers]
    .filter(([name]) => name !== 'content-length' && name !== 'connection')
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  return `HTTP/1.1 202 Accepted\r\n${head}content-length: ${text.length}\r\n\r\n${text}`
}

async function driveIntake({ address, pid }: MeasuredProcess, filings: Filings) {
  const before = cpuMicros(pid)
  const { accepted, seconds: took } = await fire(address, filings, { duration: seconds }, true)
  return { accepted: accepted / took, intakeMicros: (cpuMicros(pid) - before) / accepted }
}

/** A day of so many seconds at one rate, with nothing but filings. */
async function generate(perSecond: number, { address }: MeasuredProcess, keyringFile: string) {
  const { lateMs, busyShare } = readObjectives().generator
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-generator-'))
  const generators = new Generators({
    shape: {
      seconds,
      rates: new Float64Array(seconds).fill(perSecond),
      resends: new Float64Array(seconds),
      peakPerSecond: perSecond,
    },
    ...{ profile: plain(), filers: { keyringFile }, addresses: [address], folder, period },
    ...{ count: 1, seed: 1, keyPrefix: 'generator', knowsPolicy: true },
    ...{ lateMsMax: lateMs, busyShareMax: busyShare },
  })
  try {
    await generators.prepare()
    const [pid = -1] = generators.pids
    const before = cpuMicros(pid)
    await generators.run(Date.now() + 500)
    const micros = cpuMicros(pid) - before
    const [{ sent, late } = { sent: 0, late: 0 }] = generators.seen
    if (generators.tally.total('accepted') !== sent)
      throw new Error(`of ${sent} sent, ${generators.tally.total('accepted')} had an answer`)
    return { sent: sent / seconds, generatorMicros: micros / sent, lateShare: late / sent }
  } finally {
    await generators.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function plain(): Profile {
  const from = 'A figure of this benchmark alone.'
  return {
    ...readProfile('city'),
    statusReads: { value: 0, from },
    correctionShare: { value: 0, from },
    faultyShare: { value: 0, from },
    lines: { value: [{ share: 1, min: lines, max: lines }], from },
  }
}

function figuresOf(measured: readonly Round[]): Figure[] {
  const of = (figure: keyof Round) => median(measured.map((round) => round[figure]))
  return [
    { figure: 'intake, one process: accepted', value: of('accepted'), unit: 'declarations/s' },
    { figure: 'CPU, intake process', value: of('intakeMicros'), unit: 'µs/declaration' },
    { figure: 'one generator, alone: sent', value: of('sent'), unit: 'declarations/s' },
    { figure: 'CPU, generator', value: of('generatorMicros'), unit: 'µs/declaration' },
    {
      figure: 'sent more than 100 ms late',
      value: of('lateShare'),
      unit: 'share',
      goal: { atMost: readObjectives().generator.lateShare },
    },
    {
      figure: 'generator / intake, core for core',
      value: median(measured.map((round) => round.intakeMicros / round.generatorMicros)),
      unit: 'ratio',
      goal: { atLeast: least },
    },
  ]
}

await main()
