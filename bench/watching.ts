/**
 * `npm run bench:watching [-- --json]`: what the progress watchdog, the checks of settings and giving
 * way cost in CPU for each declaration, accepted and posted: the same programs with and without them
 * take turns, A B B A, in one run.
 */
import pg from 'pg'
import { openRedisBackend } from '../src/queue/backend.ts'
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
const filingsARound = Number(process.env.BENCH_FILINGS ?? 15_000)
const postingsARound = Number(process.env.BENCH_POSTINGS ?? 20_000)
const groupSize = 64
const preload = 'unwatched.mjs'

/** CPU microseconds for each declaration, with and without, pair by pair. */
type Pair = { readonly watched: number; readonly unwatched: number }

async function main(): Promise<void> {
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
  measure: (which: keyof Pair) => Promise<number>,
): Promise<Pair[]> {
  const measured: Pair[] = []
  for (let i = 0; i < pairs; i += 1) {
    const order =
      i % 2 === 0 ? (['watched', 'unwatched'] as const) : (['unwatched', 'watched'] as const)
    const pair = { watched: 0, unwatched: 0 }
    for (const which of order) pair[which] = await measure(which)
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
  const intakes = {
    watched: await startProgram('src/intake.ts', env),
    unwatched: await startProgram('src/intake.ts', env, preload),
  }
  for (const { address } of Object.values(intakes)) await fire(address, filings, { amount: 20_000 })
  const pairsMeasured = await inTurns('accepting', async (which) => {
    const { pid, address } = intakes[which]
    const read = () => cpuMicros(pid) + cpuMicrosOfFamily(postgresPid)
    const before = read()
    const { accepted } = await fire(address, filings, { amount: filingsARound })
    return (read() - before) / accepted
  })
  await Promise.all(Object.values(intakes).map((intake) => intake.end()))
  return pairsMeasured
}

/** Each worker has a queue of its own, named for its environment. */
async function compareWorkers(services: Services): Promise<Pair[]> {
  const owner = new pg.Pool({ connectionString: services.databaseUrl, max: 2 })
  const benchOf = (namespace: string): Bench => ({
    services,
    owner,
    backend: openRedisBackend({ url: services.redisUrl, namespace, onError: () => {} }),
  })
  const benches = { watched: benchOf('watched'), unwatched: benchOf('unwatched') }
  const env = { DURABILITY: 'warn' }
  const workers: Record<keyof Pair, MeasuredProcess> = {
    watched: await startWorker(benches.watched, { ...env, ENVIRONMENT: 'watched' }),
    unwatched: await startWorker(benches.unwatched, { ...env, ENVIRONMENT: 'unwatched' }, preload),
  }
  await emptyLedger(benches.watched)
  const journal = await accept(benches.watched, postingsARound, groupSize)
  await emptyLedger(benches.watched)
  for (const which of ['watched', 'unwatched'] as const) {
    await postAll(benches[which], [workers[which]], journal)
  }
  const measured = await inTurns('posting', async (which) => {
    const { cpu, postgres } = await postAll(benches[which], [workers[which]], journal)
    return cpu + postgres
  })
  await Promise.all(Object.values(workers).map((worker) => worker.end()))
  await Promise.all(Object.values(benches).map(({ backend }) => backend.close()))
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
