/**
 * `npm run bench:overload [-- --json] [--svg FILE]`: what happens beyond capacity. Filings come at an
 * open rate, at multiples of the capacity measured before, and latency counts from when each was due.
 * Two settings: a journal that is slow (a trigger that sleeps, 20 ms for a commit and 1 ms for each
 * declaration in it), and intake's own core, with declarations of 50 lines, so that the generator
 * beside it is not the limit. The engine's admission takes turns with @fastify/under-pressure alone. Then
 * shares: of ten filers one sends at fifty times its share, or nothing, in turns, while the others send at a
 * calm rate. At the end a worker posts everything and the auditor looks. `BENCH_SETTINGS=shares` runs one
 * part alone.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { auditHistory } from '../src/audit/audit.ts'
import { HistoryFile } from '../src/audit/history.ts'
import { canonicalDeclaration } from '../src/declaration/canonical.ts'
import type { Declaration } from '../src/declaration/schema.ts'
import { declarationId, digestOf } from '../src/journal/digest.ts'
import { readKeyring } from '../src/platform/keyring.ts'
import type { LoadOrder, LoadSeen } from './programs/open-load.ts'
import { chartsSvg, type Line, type LineChart, pointsChart } from './support/chart.ts'
import { type Filing, fire, prepareFilings } from './support/filings.ts'
import { runOpenLoad } from './support/open-load.ts'
import { cpuMicros, type MeasuredProcess, residentMiB, startProgram } from './support/processes.ts'
import { type Figure, machine, median, report, say } from './support/report.ts'
import { type Services, startServices } from './support/services.ts'

const multiples = (process.env.BENCH_MULTIPLES ?? '0.5,1,1.5,2,3,5').split(',').map(Number)
const roundSeconds = Number(process.env.BENCH_SECONDS ?? 6)
const backends = (process.env.BENCH_BACKENDS ?? 'redis,postgres').split(',')
const settings = (process.env.BENCH_SETTINGS ?? 'journal,cpu,shares').split(',')
const turns = Number(process.env.BENCH_TURNS ?? 3)
const calmSeconds = 6
const warmSeconds = 5
/** Lines of a declaration: where CPU is to be the limit, so many that the generator is none. */
const linesOf: Readonly<Record<string, number>> = { journal: 5, cpu: 50 }

/** Of the part about shares. */
const filers = 10
const greedyTimes = 50
/** Of the capacity, by all the others together. */
const calmShare = 0.4

const programs = ['admission', 'under-pressure'] as const
type Program = (typeof programs)[number]

type Round = {
  readonly program: Program
  readonly multiple: number
  readonly seen: LoadSeen
  readonly seconds: number
  /** CPU microseconds of the intake process. */
  readonly cpuMicros: number
  readonly residentMiB: number
  /** Second after the load's end in which latency was calm again and nothing refused; 5x only. */
  readonly calmAfter: number | undefined
}

type Sweep = {
  readonly name: string
  readonly capacity: number
  readonly rounds: readonly Round[]
  /** CPU of one refusal at the gate. */
  readonly refusalMicros: number
  readonly lost: boolean
}

async function main(): Promise<void> {
  const sweeps: Sweep[] = []
  const shares: Figure[] = []
  for (const setting of settings) {
    for (const backend of backends) {
      if (setting === 'shares') shares.push(...(await greedy(backend)))
      else sweeps.push(await sweep(setting, backend))
    }
  }
  const at = process.argv.indexOf('--svg')
  if (at > 0) writeFileSync(process.argv[at + 1] ?? '', chartsSvg(sweeps.flatMap(chartsOf)))
  if (!process.argv.includes('--json')) for (const one of sweeps) table(one)
  if (!report('bench:overload', [...sweeps.flatMap(figuresOf), ...shares])) process.exitCode = 1
}

async function sweep(setting: string, backend: string): Promise<Sweep> {
  const name = `${setting} on ${backend}`
  const services = await startServices()
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-overload-'))
  const owner = new pg.Pool({ connectionString: services.databaseUrl, max: 2 })
  const history = new HistoryFile(path.join(folder, 'history.jsonl'))
  try {
    if (setting === 'journal') await slowDown(owner)
    const filings = await prepareFilings(services, linesOf[setting])
    const intakes = {
      admission: await startIntake(services, backend, 'admission'),
      'under-pressure': await startIntake(services, backend, 'under-pressure'),
    }
    for (const { address } of Object.values(intakes)) {
      await fire(address, filings, { duration: warmSeconds }, true)
    }
    const capacity = await measureCapacity(intakes.admission, filings)
    say(`${name}: capacity ${Math.round(capacity)}/s`)
    const rounds: Round[] = []
    for (const multiple of multiples) {
      for (const program of programs) {
        const intake = intakes[program]
        const round = await measure({ intake, program, multiple, capacity, filings, history })
        rounds.push(round)
        const { accepted, refused, acceptedMs, lateMs } = round.seen
        say(
          `${name}, ${multiple}x, ${program}: ${accepted} accepted (p99 ${acceptedMs.p99.toFixed(0)} ms), ${refused} refused, generator late ${lateMs.toFixed(1)} ms`,
        )
      }
    }
    for (const intake of Object.values(intakes)) await intake.end()
    const refusalMicros = await measureRefusal(services, filings)
    history.close()
    const lost = !(await auditAll(services, owner, backend, path.join(folder, 'history.jsonl')))
    return { name, capacity, rounds, refusalMicros, lost }
  } finally {
    await owner.end()
    await services.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The journal of a slow disk: a commit takes 20 ms, and each declaration in it 1 ms more. */
async function slowDown(owner: pg.Pool): Promise<void> {
  await owner.query(
    `create function journal.slow() returns trigger language plpgsql as $$
     begin perform pg_sleep(0.020 + 0.001 * new.declarations); return new; end $$;
     create trigger slow before insert on journal.envelope for each row execute function journal.slow()`,
  )
}

function startIntake(
  { databaseUrl, keyringFile, redisUrl }: Services,
  backend: string,
  program: Program,
): Promise<MeasuredProcess> {
  const env = {
    DATABASE_URL: databaseUrl,
    KEYRING_FILE: keyringFile,
    ...(backend === 'redis' && { REDIS_URL: redisUrl }),
  }
  const preload = program === 'under-pressure' ? 'programs/under-pressure.mjs' : undefined
  return startProgram('src/intake.ts', env, preload)
}

/** As many as are accepted when each of a hundred clients sends the next after an answer. */
async function measureCapacity({ address }: MeasuredProcess, filings: readonly Filing[]) {
  await fire(address, filings, { duration: 2 }, true)
  const { accepted, seconds } = await fire(address, filings, { duration: roundSeconds }, true)
  return accepted / seconds
}

/** CPU of an intake that refuses everything. */
async function measureRefusal(services: Services, filings: readonly Filing[]): Promise<number> {
  const { databaseUrl, keyringFile } = services
  const env = { DATABASE_URL: databaseUrl, KEYRING_FILE: keyringFile, SHED_AT: 'filings-due=0' }
  const intake = await startProgram('src/intake.ts', env)
  await fire(intake.address, filings, { duration: 2 }, true)
  const before = cpuMicros(intake.pid)
  const { refused } = await fire(intake.address, filings, { duration: 4 }, true)
  const micros = (cpuMicros(intake.pid) - before) / refused
  await intake.end()
  return micros
}

type Measure = {
  readonly intake: MeasuredProcess
  readonly program: Program
  readonly multiple: number
  readonly capacity: number
  readonly filings: readonly Filing[]
  readonly history: HistoryFile
}

let loads = 0

async function measure({ intake, program, multiple, capacity, filings, history }: Measure) {
  const before = cpuMicros(intake.pid)
  const perSecond = multiple * capacity
  const seen = await load(intake, filings, history, perSecond, roundSeconds)
  const cpu = cpuMicros(intake.pid) - before
  const last = multiple === multiples.at(-1)
  const calm = last && (await load(intake, filings, history, 0.5 * capacity, calmSeconds))
  await pause(500)
  return {
    program,
    multiple,
    seen,
    seconds: roundSeconds,
    cpuMicros: cpu,
    residentMiB: residentMiB(intake.pid),
    calmAfter: calm ? secondsUntilCalm(calm) : undefined,
  }
}

/** Seconds until nothing is refused any more and the 99th percentile is what it stays at. */
function secondsUntilCalm({ seconds }: LoadSeen): number {
  const settled = seconds.at(-1)?.p99 ?? Number.POSITIVE_INFINITY
  const unsettled = seconds.findLastIndex(({ refused, p99 }) => refused > 0 || p99 > 3 * settled)
  return unsettled + 1
}

async function load(
  { address }: MeasuredProcess,
  filings: readonly Filing[],
  history: HistoryFile,
  perSecond: number,
  seconds: number,
): Promise<LoadSeen> {
  loads += 1
  const keyPrefix = `overload-${loads}`
  const port = Number(new URL(address).port)
  const order: LoadOrder = {
    port,
    perSecond,
    seconds,
    filings,
    keyPrefix,
    keepAnswers: true,
    seed: loads,
  }
  const seen = await runOpenLoad(order)
  remember(history, filings, keyPrefix, seen)
  return { ...seen, answers: [] }
}

let attempts = 0

/** What was accepted, for the auditor; all others may be posted or not. */
function remember(
  history: HistoryFile,
  filings: readonly Filing[],
  keyPrefix: string,
  { sent, answers }: LoadSeen,
): void {
  const digests = filings.map(({ body }) => {
    const declaration = JSON.parse(body) as Declaration
    const digest = digestOf(Buffer.from(canonicalDeclaration(declaration))).toString('hex')
    return { ...declaration, digest }
  })
  const accepted = new Map(answers.map(({ number, body }) => [number, body]))
  for (let number = 0; number < sent; number += 1) {
    attempts += 1
    const { employer, period, digest } = digests[number % digests.length] as (typeof digests)[0]
    const id = declarationId(employer, period, `${keyPrefix}-${number}`)
    history.add({ kind: 'try', n: attempts, id, employer, period, digest, fen: [] })
    const body = accepted.get(number)
    if (body === undefined) continue
    const at = body.indexOf('"receipt":') + '"receipt":'.length
    const receipt = body.slice(at, body.lastIndexOf(',"links":'))
    history.add({ kind: 'answer', n: attempts, status: 202, receipt })
  }
}

/** Posts everything; capacity was measured with filings that the history does not know. */
async function auditAll(
  services: Services,
  owner: pg.Pool,
  backend: string,
  historyFile: string,
): Promise<boolean> {
  const { databaseUrl, keyringFile, redisUrl } = services
  const worker = await startProgram('workers/post.ts', {
    DATABASE_URL: databaseUrl,
    KEYRING_FILE: keyringFile,
    ...(backend === 'redis' && { REDIS_URL: redisUrl }),
  })
  for (let left = 1; left > 0; await pause(200)) {
    const { rows } = await owner.query('select from journal.unposted limit 1')
    left = rows.length
  }
  await worker.end()
  const keyring = readKeyring(keyringFile)
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { verdicts } = await auditHistory({
      client,
      historyFile,
      sealingKeys: keyring.sealingKeys,
      publicKeys: keyring.receiptKeys.map(({ publicJwk }) => publicJwk),
      onProgress: () => {},
    })
    const broken = verdicts.filter(({ code, offenders }) => offenders > 0 && code !== 'I3')
    for (const { code, title, offenders } of broken) say(`${code} ${title}: BROKEN by ${offenders}`)
    return broken.length === 0
  } finally {
    await client.end()
  }
}

/** One filer sends at fifty times its share, or nothing, in turns; how are the others served? */
async function greedy(backend: string): Promise<Figure[]> {
  const name = `shares on ${backend}`
  const services = await startServices()
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-shares-'))
  const owner = new pg.Pool({ connectionString: services.databaseUrl, max: 2 })
  const historyFile = path.join(folder, 'history.jsonl')
  const history = new HistoryFile(historyFile)
  try {
    await slowDown(owner)
    const all = await prepareFilings(services, linesOf.journal, filers)
    const ofTheOne = ({ authorization }: Filing) => authorization === all[0]?.authorization
    const one = all.filter(ofTheOne)
    const others = all.filter((filing) => !ofTheOne(filing))
    const intake = await startIntake(services, backend, 'admission')
    await fire(intake.address, all, { duration: warmSeconds }, true)
    const capacity = await measureCapacity(intake, all)
    const calm = () => load(intake, others, history, calmShare * capacity, roundSeconds)
    const perSecond = (greedyTimes * capacity) / filers
    const rounds: SharesRound[] = []
    for (let turn = 0; turn < turns; turn += 1) {
      const without = await calm()
      const [beside, greedy] = await Promise.all([
        calm(),
        load(intake, one, history, perSecond, roundSeconds),
      ])
      rounds.push({ without, beside, greedy })
      say(
        `${name}: others p99 ${without.acceptedMs.p99.toFixed(0)} ms, and ${beside.acceptedMs.p99.toFixed(0)} beside the one (${greedy.accepted} accepted, ${greedy.refused} refused)`,
      )
      await pause(500)
    }
    await intake.end()
    history.close()
    const lost = !(await auditAll(services, owner, backend, historyFile))
    return sharesFigures(name, capacity, rounds, lost)
  } finally {
    await owner.end()
    await services.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

type SharesRound = {
  /** The others, without the one and beside it. */
  readonly without: LoadSeen
  readonly beside: LoadSeen
  readonly greedy: LoadSeen
}

function sharesFigures(
  name: string,
  capacity: number,
  rounds: readonly SharesRound[],
  lost: boolean,
): Figure[] {
  const middle = (of: (round: SharesRound) => number) => median(rounds.map(of))
  const without = middle((round) => round.without.acceptedMs.p99)
  const beside = middle((round) => round.beside.acceptedMs.p99)
  const refused = middle(({ beside: { refused, sent } }) => refused / sent)
  const late = (seen: LoadSeen) => seen.lateMs
  return [
    { figure: `${name}: capacity`, value: capacity, unit: 'declarations/s' },
    {
      figure: `${name}: the generators were late, p99 at most`,
      value: Math.max(...rounds.map((round) => Math.max(...Object.values(round).map(late)))),
      unit: 'ms',
      goal: { atMost: 20 },
    },
    { figure: `${name}: others' p99 without the one`, value: without, unit: 'ms' },
    { figure: `${name}: others' p99 beside the one`, value: beside, unit: 'ms' },
    {
      figure: `${name}: others' p99 beside the one / without`,
      value: beside / without,
      unit: 'ratio',
      goal: { atMost: 2 },
    },
    { figure: `${name}: of the others, refused beside the one`, value: refused, unit: 'share' },
    {
      figure: `${name}: of the one, accepted`,
      value: middle(({ greedy: { accepted, sent } }) => accepted / sent),
      unit: 'share',
    },
    { figure: `${name}: invariants broken`, value: lost ? 1 : 0, unit: '', goal: { atMost: 0 } },
  ]
}

const acceptedRate = ({ seen, seconds }: Round) => seen.accepted / seconds

function figuresOf({ name, capacity, rounds, refusalMicros, lost }: Sweep): Figure[] {
  const own = rounds.filter(({ program }) => program === 'admission')
  const peak = Math.max(...own.map(acceptedRate))
  const rest = own[0] as Round
  const over = own.filter(({ multiple }) => multiple >= 1.5)
  const least = (list: readonly Round[]) => Math.min(...list.map(acceptedRate)) / peak
  const most = (of: (round: Round) => number) => Math.max(...over.map(of))
  const last = own.at(-1) as Round
  const busy = own.find(({ multiple }) => multiple === 1) ?? rest
  const acceptance = busy.cpuMicros / busy.seen.accepted
  const cpuBound = name.startsWith('cpu')
  const twice = own.filter(({ multiple }) => multiple >= 1.5 && multiple <= 2)
  return [
    { figure: `${name}: capacity`, value: capacity, unit: 'declarations/s' },
    { figure: `${name}: CPU of an acceptance`, value: acceptance, unit: 'µs' },
    { figure: `${name}: CPU of a refusal`, value: refusalMicros, unit: 'µs' },
    {
      figure: `${name}: the generator was late, p99 at most`,
      value: Math.max(...own.map(({ seen }) => seen.lateMs)),
      unit: 'ms',
      goal: { atMost: 20 },
    },
    cpuBound
      ? {
          figure: `${name}: accepted at 1.5 to 2 times / peak`,
          value: least(twice),
          unit: 'ratio',
          goal: { atLeast: 0.75 },
        }
      : {
          figure: `${name}: accepted at 1.5 to 5 times / peak`,
          value: least(over),
          unit: 'ratio',
          goal: { atLeast: 0.95 },
        },
    {
      figure: `${name}: accepted at 5 times / peak`,
      value: acceptedRate(last) / peak,
      unit: 'ratio',
    },
    {
      figure: `${name}: p99 of the accepted / at 0.5`,
      value: most(({ seen }) => seen.acceptedMs.p99) / rest.seen.acceptedMs.p99,
      unit: 'ratio',
      goal: { atMost: 3 },
    },
    {
      figure: `${name}: median of a refusal`,
      value: most(({ seen }) => (seen.refused > 0 ? seen.refusedMs.p50 : 0)),
      unit: 'ms',
      goal: { atMost: 50 },
    },
    {
      figure: `${name}: CPU of a refusal / an acceptance`,
      value: refusalMicros / acceptance,
      unit: 'ratio',
      goal: { atMost: 0.2 },
    },
    {
      figure: `${name}: answers other than 202, 429, 503`,
      value: own.reduce(
        (sum, { seen }) => sum + Object.values(seen.other).reduce((a, b) => a + b, 0),
        0,
      ),
      unit: 'answers',
      goal: { atMost: 0 },
    },
    {
      figure: `${name}: resident size at 5 times / at 1`,
      value: last.residentMiB / (own[1] ?? rest).residentMiB,
      unit: 'ratio',
      goal: { atMost: 1.2 },
    },
    {
      figure: `${name}: calm again after the load`,
      value: last.calmAfter ?? Number.POSITIVE_INFINITY,
      unit: 's',
      goal: { atMost: 5 },
    },
    { figure: `${name}: invariants broken`, value: lost ? 1 : 0, unit: '', goal: { atMost: 0 } },
  ]
}

function table({ name, capacity, rounds }: Sweep): void {
  const write = (line: string) => void process.stdout.write(`${line}\n`)
  write(`\n${name}: capacity ${Math.round(capacity)}/s, on ${machine()}`)
  write(
    '| offered | admission: accepted/s | refused/s | p50, p99 ms | under-pressure: accepted/s | refused/s | p50, p99 ms | other |',
  )
  write('|---:|---:|---:|---:|---:|---:|---:|---:|')
  for (const multiple of multiples) {
    const cells = programs.map((program) => {
      const round = rounds.find((one) => one.program === program && one.multiple === multiple)
      if (round === undefined) return ' |  | '
      const { refused, acceptedMs } = round.seen
      return `${Math.round(acceptedRate(round))} | ${Math.round(refused / round.seconds)} | ${acceptedMs.p50.toFixed(0)}, ${acceptedMs.p99.toFixed(0)}`
    })
    const other = rounds
      .filter((one) => one.multiple === multiple)
      .map(({ program, seen }) => `${program}: ${JSON.stringify(seen.other)}`)
    write(`| ${multiple}x | ${cells.join(' | ')} | ${other.join(' ').replaceAll('"', '')} |`)
  }
}

function chartsOf({ name, capacity, rounds }: Sweep): LineChart[] {
  const line = (label: string, program: Program, value: (round: Round) => number): Line => ({
    name: label,
    points: rounds
      .filter((round) => round.program === program)
      .map((round) => ({ x: round.multiple * capacity, y: value(round) })),
  })
  const refusedRate = ({ seen, seconds }: Round) => seen.refused / seconds
  const p99 = ({ seen }: Round) => seen.acceptedMs.p99
  const x = 'offered, declarations/s'
  const id = name.replaceAll(' ', '-')
  return [
    pointsChart({ id: `${id}-rates`, title: `${name}: accepted and refused`, x, y: 'per second' }, [
      line('accepted', 'admission', acceptedRate),
      line('refused', 'admission', refusedRate),
      line('u.-p., accepted', 'under-pressure', acceptedRate),
    ]),
    pointsChart(
      { id: `${id}-p99`, title: `${name}: latency of what is accepted`, x, y: 'p99, ms' },
      [line('admission', 'admission', p99), line('under-pressure', 'under-pressure', p99)],
    ),
  ]
}

await main()
