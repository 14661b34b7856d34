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
import { readKeyring } from '../src/platform/config/key-store.ts'
import {
  chartsOf,
  figuresOf,
  type Program,
  programsOf,
  type Round,
  type SharesRound,
  type Sweep,
  sharesFigures,
  table,
} from './overload/figures.ts'
import type { LoadSeen } from './programs/open-load.ts'
import { benchArguments } from './support/arguments.ts'
import { chartsSvg } from './support/chart.ts'
import { fire, prepareFilings } from './support/filings.ts'
import { runOpenLoad } from './support/open-load.ts'
import { cpuMicros, type MeasuredProcess, residentMiB, startProgram } from './support/processes.ts'
import { type Figure, report, say } from './support/report.ts'
import { type Services, startServices } from './support/services.ts'
import { type Filer, type Filings, filingAt, ofFilers } from './support/unique-filings.ts'

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
/** Of each filer: the one sends some ten thousand filings in a round, and each is of its own period. */
const employersOfOne = 1_000
/** Of the capacity, by all the others together. */
const calmShare = 0.4

async function main(): Promise<void> {
  const { svg, json } = benchArguments('bench:overload', { svg: '' })
  const sweeps: Sweep[] = []
  const shares: Figure[] = []
  for (const setting of settings) {
    for (const backend of backends) {
      if (setting === 'shares') shares.push(...(await greedy(backend)))
      else sweeps.push(await sweep(setting, backend))
    }
  }
  if (svg !== '') writeFileSync(svg, chartsSvg(sweeps.flatMap(chartsOf)))
  if (!json) for (const one of sweeps) table(one)
  if (!report('bench:overload', [...sweeps.flatMap(figuresOf), ...shares])) process.exitCode = 1
}

async function sweep(setting: string, backend: string): Promise<Sweep> {
  const name = `${setting} on ${backend}`
  const services = await startServices()
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-overload-'))
  const owner = new pg.Pool({ connectionString: services.ownerUrl, max: 2 })
  const history = new HistoryFile(path.join(folder, 'history.jsonl'))
  try {
    if (setting === 'journal') await slowDown(owner)
    const filings = await prepareFilings(services, { lines: linesOf[setting] })
    const own = await startIntake(services, backend, 'admission')
    const other = await startIntake(services, backend, 'under-pressure')
    const intakes = { admission: [own], 'two intakes': [own], 'under-pressure': [other] }
    if (setting === 'cpu')
      intakes['two intakes'].push(await startIntake(services, backend, 'admission'))
    const started = new Set(Object.values(intakes).flat())
    for (const { address } of started) {
      await fire(address, filings, { duration: warmSeconds }, true)
    }
    const capacity = await measureCapacity(own, filings)
    say(`${name}: capacity ${Math.round(capacity)}/s`)
    const rounds: Round[] = []
    for (const multiple of multiples) {
      for (const program of programsOf(setting)) {
        const measured = intakes[program]
        const round = await measure({ measured, program, multiple, capacity, filings, history })
        rounds.push(round)
        const { accepted, refused, acceptedMs, lateMs } = round.seen
        say(
          `${name}, ${multiple}x, ${program}: ${accepted} accepted (p99 ${acceptedMs.p99.toFixed(0)} ms), ${refused} refused, generator late ${lateMs.toFixed(1)} ms`,
        )
      }
    }
    for (const intake of started) await intake.end()
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
  return startProgram('src/commands/intake.ts', env, preload)
}

/** As many as are accepted when each of a hundred clients sends the next after an answer. */
async function measureCapacity({ address }: MeasuredProcess, filings: Filings) {
  await fire(address, filings, { duration: 2 }, true)
  const { accepted, seconds } = await fire(address, filings, { duration: roundSeconds }, true)
  return accepted / seconds
}

/** CPU of an intake that refuses everything. */
async function measureRefusal(services: Services, filings: Filings): Promise<number> {
  const { databaseUrl, keyringFile } = services
  const env = { DATABASE_URL: databaseUrl, KEYRING_FILE: keyringFile, SHED_AT: 'filings-due=0' }
  const intake = await startProgram('src/commands/intake.ts', env)
  await fire(intake.address, filings, { duration: 2 }, true)
  const before = cpuMicros(intake.pid)
  const { refused } = await fire(intake.address, filings, { duration: 4 }, true)
  const micros = (cpuMicros(intake.pid) - before) / refused
  await intake.end()
  return micros
}

type Measure = {
  readonly measured: readonly MeasuredProcess[]
  readonly program: Program
  readonly multiple: number
  readonly capacity: number
  readonly filings: Filings
  readonly history: HistoryFile
}

let loads = 0

async function measure({ measured, program, multiple, capacity, filings, history }: Measure) {
  const cpuOfAll = () => measured.reduce((sum, { pid }) => sum + cpuMicros(pid), 0)
  const before = cpuOfAll()
  const perSecond = multiple * capacity
  const seen = await load(measured, filings, history, perSecond, roundSeconds)
  const cpu = cpuOfAll() - before
  const last = multiple === multiples.at(-1)
  const calm = last && (await load(measured, filings, history, 0.5 * capacity, calmSeconds))
  await pause(500)
  return {
    program,
    multiple,
    seen,
    cpuMicros: cpu,
    residentMiB: Math.max(...measured.map(({ pid }) => residentMiB(pid))),
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
  intakes: readonly MeasuredProcess[],
  filings: Filings,
  history: HistoryFile,
  perSecond: number,
  seconds: number,
): Promise<LoadSeen> {
  loads += 1
  const keyPrefix = `overload-${loads}`
  const order = {
    ports: intakes.map(({ address }) => Number(new URL(address).port)),
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
  filings: Filings,
  keyPrefix: string,
  { from, sent, answers }: LoadSeen & { readonly from: number },
): void {
  const accepted = new Map(answers.map(({ number, body }) => [number, body]))
  for (let number = 0; number < sent; number += 1) {
    attempts += 1
    const { employer, period, body: sentBody } = filingAt(filings, from + number)
    const declaration = JSON.parse(sentBody) as Declaration
    const digest = digestOf(Buffer.from(canonicalDeclaration(declaration))).toString('hex')
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
  // As autovacuum would have by the time that a day is audited.
  await owner.query('analyze')
  const keyring = readKeyring(keyringFile)
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { verdicts } = await auditHistory({
      client,
      historyFile,
      sealingKeys: keyring.sealingKeys,
      salts: keyring.salts,
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
  const owner = new pg.Pool({ connectionString: services.ownerUrl, max: 2 })
  const historyFile = path.join(folder, 'history.jsonl')
  const history = new HistoryFile(historyFile)
  try {
    await slowDown(owner)
    const all = await prepareFilings(services, {
      lines: linesOf.journal,
      employers: filers * employersOfOne,
      employersOfOne,
    })
    const ofTheOne = ({ subject }: Filer) => subject === all.filers[0]?.subject
    const intake = await startIntake(services, backend, 'admission')
    await fire(intake.address, all, { duration: warmSeconds }, true)
    const capacity = await measureCapacity(intake, all)
    const one = ofFilers(all, ofTheOne)
    const others = ofFilers(all, (filer) => !ofTheOne(filer))
    const calm = () => load([intake], others, history, calmShare * capacity, roundSeconds)
    const perSecond = (greedyTimes * capacity) / filers
    const rounds: SharesRound[] = []
    for (let turn = 0; turn < turns; turn += 1) {
      const without = await calm()
      const [beside, greedy] = await Promise.all([
        calm(),
        load([intake], one, history, perSecond, roundSeconds),
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

await main()
