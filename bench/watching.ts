/**
 * `npm run bench:watching [-- --json]`: the CPU cost of the watchdog, the checks of settings and the posting
 * throttle for each declaration accepted and posted. One process of each kind runs with and without them in
 * turns, A B B A, because two processes of the same program differ by a tenth.
 */
import pg from 'pg'
import { openRedisBackend } from '../src/queue/redis-backend.ts'
import { benchArguments } from './support/arguments.ts'
import { fire, prepareFilings } from './support/filings.ts'
import { accept, type Bench, emptyLedger, postAll, startWorker } from './support/posting.ts'
import {
  cpuMicros,
  cpuMicrosOfFamily,
  type MeasuredProcess,
  startProgram,
} from './support/processes.ts'
import { type Figure, median, report, say } from './support/report.ts'
import { type Services, startServices } from './support/services.ts'

const pairs = Number(process.env.BENCH_PAIRS ?? 12)
const filingsARound = Number(process.env.BENCH_FILINGS ?? 25_000)
const postingsARound = Number(process.env.BENCH_POSTINGS ?? 40_000)
const groupSize = 64
const preload = 'programs/watching-switch.mjs'

/** CPU microseconds for each declaration, with and without, pair by pair. */
type Pair = { readonly watched: number; readonly unwatched: number }

async function main(): Promise<void> {
  benchArguments('bench:watching', {})
  const services = await startServices()
  try {
    const figures = [
      ...figuresOf('accepting', await compareIntakes(services)),
      ...figuresOf('posting', await compareWorkers(services)),
    ]
    if (!report('bench:watching', figures)) process.exitCode = 1
  } finally {
    await services.stop()
  }
}

/** A B, then B A: what comes second in a pair must not always be the same. */
async function inTurns(
  what: string,
  { pid }: MeasuredProcess,
  measure: () => Promise<number>,
): Promise<Pair[]> {
  const measured: Pair[] = []
  let now: keyof Pair = 'watched'
  for (let i = 0; i < pairs; i += 1) {
    const pair = { watched: 0, unwatched: 0 }
    // What came last comes first again.
    const order: readonly (keyof Pair)[] = [now, now === 'watched' ? 'unwatched' : 'watched']
    for (const which of order) {
      if (which !== now) process.kill(pid, 'SIGWINCH')
      now = which
      pair[which] = await measure()
    }
    measured.push(pair)
    say(
      `${what} ${i + 1}: ${pair.watched.toFixed(1)} with, ${pair.unwatched.toFixed(1)} µs without`,
    )
  }
  return measured
}

async function compareIntakes(services: Services): Promise<Pair[]> {
  const { databaseUrl, keyringFile, redisUrl, postgresPid } = services
  const filings = await prepareFilings(services)
  const env = { DATABASE_URL: databaseUrl, KEYRING_FILE: keyringFile, REDIS_URL: redisUrl }
  const intake = await startProgram('src/commands/intake.ts', env, preload)
  const { pid, address } = intake
  await fire(address, filings, { amount: filingsARound })
  const measured = await inTurns('accepting', intake, async () => {
    const read = () => cpuMicros(pid) + cpuMicrosOfFamily(postgresPid)
    const before = read()
    const { accepted } = await fire(address, filings, { amount: filingsARound })
    return (read() - before) / accepted
  })
  await intake.end()
  return measured
}

async function compareWorkers(services: Services): Promise<Pair[]> {
  const owner = new pg.Pool({ connectionString: services.ownerUrl, max: 2 })
  const url = services.redisUrl
  const backend = openRedisBackend({ url, namespace: 'development', onError: () => {} })
  const bench: Bench = { services, owner, backend }
  await emptyLedger(bench)
  const journal = await accept(bench, postingsARound, groupSize)
  await emptyLedger(bench)
  const worker = await startWorker(bench, {}, preload)
  await postAll(bench, [worker], journal) // warm
  const measured = await inTurns('posting', worker, async () => {
    const { cpu, postgres } = await postAll(bench, [worker], journal)
    return cpu + postgres
  })
  await worker.end()
  await backend.close()
  await owner.end()
  return measured
}

function figuresOf(what: string, measured: readonly Pair[]): Figure[] {
  const ratios = measured.map(({ watched, unwatched }) => watched / unwatched)
  const sorted = [...ratios].sort((one, other) => one - other)
  const quarter = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] as number
  const unit = 'µs/declaration'
  return [
    { figure: `CPU, ${what}, watched`, value: median(measured.map((one) => one.watched)), unit },
    {
      figure: `CPU, ${what}, unwatched`,
      value: median(measured.map((one) => one.unwatched)),
      unit,
    },
    {
      figure: `${what}: watched / unwatched, median of ${pairs} pairs`,
      value: median(ratios),
      unit: 'ratio',
      goal: { atMost: 1.01 },
    },
    { figure: `${what}: the middle half of the pairs, from`, value: quarter(0.25), unit: 'ratio' },
    { figure: `${what}: to`, value: quarter(0.75), unit: 'ratio' },
  ]
}

await main()
