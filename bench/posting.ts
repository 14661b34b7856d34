/**
 * `npm run bench:posting [-- --json]`: how fast workers post, from the queue to the commit,
 * compared in turns with COPY of the same rows into the same tables, in the workers' own commits and
 * all in one, and with one job and one transaction for each declaration. 5-line declarations, Redis
 * queue, a worker process for each core.
 */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { canonicalDeclaration } from '../src/declaration/canonical.ts'
import { createAcceptGroup, type Filing } from '../src/journal/accept.ts'
import { declarationId, digestOf } from '../src/journal/digest.ts'
import { envelopesAtATime } from '../src/limits.ts'
import { readKeyring } from '../src/platform/keyring.ts'
import { readPolicies } from '../src/platform/packs.ts'
import { openPool } from '../src/platform/postgres.ts'
import { type LaneQueue, openRedisBackend, type QueueBackend } from '../src/queue/backend.ts'
import { createGenerator } from './support/generator.ts'
import {
  cpuMicros,
  cpuMicrosOfFamily,
  type MeasuredProcess,
  residentMiB,
  startProgram,
} from './support/processes.ts'
import { type Figure, median, report, residentSizes, say } from './support/report.ts'
import { type Services, startServices } from './support/services.ts'

const lines = 5
const rounds = Number(process.env.BENCH_ROUNDS ?? 5)
/** As groups form under load with 100 connections (see bench:intake). */
const groupSize = Number(process.env.BENCH_GROUP ?? 64)
/** Worker processes: one for each core, as COPY too can use all of them. */
const workersAtATime = Number(process.env.BENCH_WORKERS ?? availableParallelism())
const declarations = Number(process.env.BENCH_DECLARATIONS ?? 30_000)
const singles = Math.ceil(declarations / 10)
const memoryDeclarations = Number(process.env.BENCH_MEMORY ?? 200_000)
const tables = ['posting', 'declaration', 'line', 'in_force'] as const
type Table = (typeof tables)[number]

type Bench = {
  readonly services: Services
  readonly owner: pg.Pool
  readonly backend: QueueBackend
}
type Journal = { readonly envelopes: bigint[]; readonly declarations: number }
type Round = {
  /** Declarations a second. */
  readonly rate: number
  /** CPU microseconds for each declaration. */
  readonly cpu: number
  readonly postgres: number
  readonly redis: number
}
type Results = Record<'workers' | 'sameCommits' | 'oneCommit' | 'single', Round[]>

async function main(): Promise<void> {
  const services = await startServices()
  const bench: Bench = {
    services,
    owner: new pg.Pool({ connectionString: services.databaseUrl, max: envelopesAtATime + 1 }),
    backend: openRedisBackend({
      url: services.redisUrl,
      namespace: 'development',
      onError: () => {},
    }),
  }
  try {
    const figures = [...(await compare(bench)), ...(await measureMemory(bench))]
    if (!report('bench:posting', figures)) process.exitCode = 1
  } finally {
    await bench.backend.close()
    await bench.owner.end()
    await services.stop()
  }
}

async function compare(bench: Bench): Promise<Figure[]> {
  const grouped = await accept(bench, declarations, groupSize)
  const single = await accept(bench, singles, 1)
  await emptyLedger(bench) // what the workers' sweepers would find besides
  const workers = await Promise.all(
    Array.from({ length: workersAtATime }, () => startWorker(bench)),
  )
  await postAll(bench, workers, grouped) // warm
  const results: Results = { workers: [], sameCommits: [], oneCommit: [], single: [] }
  for (let round = 1; round <= rounds; round += 1) {
    results.workers.push(await postAll(bench, workers, grouped))
    results.sameCommits.push(await copyRows(bench, grouped, 'same commits'))
    results.oneCommit.push(await copyRows(bench, grouped, 'one commit'))
    results.single.push(await postAll(bench, workers, single))
    const shown = Object.values(results).map((list) => Math.round(list.at(-1)?.rate ?? 0))
    say(`round ${round}: ${shown.join(', ')} declarations/s`)
  }
  await Promise.all(workers.map((worker) => worker.end()))
  return figuresOf(results)
}

/** Accepts generated declarations into the journal, in groups of one size. */
async function accept({ services }: Bench, count: number, size: number): Promise<Journal> {
  const keyring = readKeyring(services.keyringFile)
  const pool = openPool({
    url: services.databaseUrl,
    name: 'bench',
    connectionsMax: 1,
    statementMsMax: 60_000,
  })
  const [signer] = keyring.receiptKeys
  const [sealingKey] = keyring.sealingKeys
  if (signer === undefined || sealingKey === undefined) throw new Error('no keys')
  const write = createAcceptGroup({
    pool,
    signer,
    sealingKey,
    environment: () => 'bench',
    lane: 'filing',
  })
  const envelopes: bigint[] = []
  for (let done = 0; done < count; done += size) {
    const group = Array.from({ length: Math.min(size, count - done) }, filing)
    envelopes.push((await write(group)).envelope as bigint)
  }
  await pool.end()
  return { envelopes, declarations: count }
}

const generator = createGenerator(1)
const policyHash = readPolicies(undefined).current.get('340100')?.hash ?? ''
let filed = 0

function filing(): Filing {
  filed += 1
  const declaration = generator.declaration({ period: '2024-11', lines })
  const canonical = Buffer.from(canonicalDeclaration(declaration))
  const { employer, period, kind } = declaration
  return {
    id: declarationId(employer, period, `bench-${filed}`),
    employer,
    period,
    kind,
    canonical,
    policy: { region: declaration.region, hash: policyHash },
    digest: digestOf(canonical),
    acceptedAtMicros: 1_732_000_000_000_000,
    deadlineMicros: 1_733_000_000_000_000,
    onTime: true,
  }
}

/** Empties the ledger, queues the envelopes, and times the workers until all are posted. */
async function postAll(
  bench: Bench,
  workers: readonly MeasuredProcess[],
  { envelopes, declarations }: Journal,
): Promise<Round> {
  await emptyLedger(bench)
  const queue = bench.backend.openQueue('filing')
  const pids = workers.map(({ pid }) => pid)
  const round = await timed(bench, pids, declarations, async () => {
    await addAll(queue, envelopes)
    await posted(bench, envelopes.length)
  })
  await queue.close()
  return round
}

async function emptyLedger({ owner }: Bench): Promise<void> {
  const names = tables.map((table) => `ledger.${table}`).join(', ')
  await owner.query(`truncate ${names}, journal.unposted`)
  await owner.query('checkpoint')
}

/** Times `work`, and the CPU that it costs these processes, Postgres and Redis. */
async function timed(
  { services }: Bench,
  pids: readonly number[],
  declarations: number,
  work: () => Promise<void>,
): Promise<Round> {
  const read = () => [
    pids.reduce((sum, pid) => sum + cpuMicros(pid), 0),
    cpuMicrosOfFamily(services.postgresPid),
    cpuMicros(services.redisPid),
  ]
  const before = read()
  const startedAt = performance.now()
  await work()
  const rate = (declarations / (performance.now() - startedAt)) * 1_000
  const [cpu = 0, postgres = 0, redis = 0] = read().map(
    (value, i) => (value - (before[i] ?? 0)) / declarations,
  )
  return { rate, cpu, postgres, redis }
}

function startWorker({ services }: Bench): Promise<MeasuredProcess> {
  const { databaseUrl, redisUrl, keyringFile } = services
  return startProgram('workers/post.ts', {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    KEYRING_FILE: keyringFile,
  })
}

async function addAll(queue: LaneQueue, envelopes: readonly bigint[]): Promise<void> {
  for (let i = 0; i < envelopes.length; i += 200) await queue.add(envelopes.slice(i, i + 200))
}

async function posted({ owner }: Bench, envelopes: number): Promise<void> {
  for (;;) {
    const { rows } = await owner.query<{ count: string }>('select count(*) from ledger.posting')
    if (Number(rows[0]?.count) >= envelopes) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/**
 * COPY of the rows that the worker has just written, into the same tables, emptied: in the worker's
 * own commits, an envelope each, on as many connections; or all in one commit.
 */
async function copyRows(
  bench: Bench,
  { declarations }: Journal,
  how: 'same commits' | 'one commit',
): Promise<Round> {
  const whole = new Map<Table, string>()
  const client = await bench.owner.connect()
  for (const table of tables) {
    whole.set(table, await readAll(client.query(copyTo(`copy ledger.${table} to stdout`))))
  }
  client.release()
  const commits = how === 'one commit' ? [whole] : [...byEnvelope(whole)]
  await emptyLedger(bench)
  const round = await timed(bench, [process.pid], declarations, async () => {
    const left = commits.values()
    await Promise.all(Array.from({ length: envelopesAtATime }, () => copyCommits(bench, left)))
  })
  return round
}

async function copyCommits({ owner }: Bench, commits: Iterator<Map<Table, string>>) {
  const client = await owner.connect()
  for (let next = commits.next(); next.done !== true; next = commits.next()) {
    await client.query('begin')
    for (const [table, text] of next.value) {
      if (text === '') continue
      const stream = client.query(copyFrom(`copy ledger.${table} from stdin`))
      stream.end(text)
      await once(stream, 'finish')
    }
    await client.query('commit')
  }
  client.release()
}

/** The rows of each envelope by table: its number is the first column, of `in_force` the third. */
function byEnvelope(whole: ReadonlyMap<Table, string>): Iterable<Map<Table, string>> {
  const commits = new Map<string, Map<Table, string>>()
  for (const [table, text] of whole) {
    for (const row of text.split('\n').slice(0, -1)) {
      const envelope = row.split('\t', 3)[table === 'in_force' ? 2 : 0] as string
      const rows = commits.get(envelope) ?? new Map<Table, string>()
      commits.set(envelope, rows.set(table, `${rows.get(table) ?? ''}${row}\n`))
    }
  }
  return commits.values()
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(stream, 'end')
  return Buffer.concat(chunks).toString()
}

function figuresOf(results: Results): Figure[] {
  const of = (program: keyof Results, figure: keyof Round) =>
    median(results[program].map((round) => round[figure]))
  const ratio = (other: keyof Results) =>
    median(results.workers.map(({ rate }, i) => rate / (results[other][i]?.rate ?? 1)))
  const rate = 'declarations/s'
  const micros = 'µs/declaration'
  return [
    {
      figure: `${workersAtATime} workers, groups of ${groupSize}`,
      value: of('workers', 'rate'),
      unit: rate,
    },
    { figure: 'COPY, same rows and commits', value: of('sameCommits', 'rate'), unit: rate },
    { figure: 'COPY, same rows, one commit', value: of('oneCommit', 'rate'), unit: rate },
    { figure: 'one job and transaction each', value: of('single', 'rate'), unit: rate },
    {
      figure: 'workers / COPY, same rows and commits',
      value: ratio('sameCommits'),
      unit: 'ratio',
      goal: { atLeast: 0.6 },
    },
    {
      figure: 'workers / COPY, same rows, one commit',
      value: ratio('oneCommit'),
      unit: 'ratio',
      goal: { atLeast: 0.6 },
    },
    {
      figure: 'workers / one job and transaction each',
      value: ratio('single'),
      unit: 'ratio',
      goal: { atLeast: 5 },
    },
    { figure: 'CPU, worker processes', value: of('workers', 'cpu'), unit: micros },
    { figure: 'CPU, Postgres under the workers', value: of('workers', 'postgres'), unit: micros },
    { figure: 'CPU, Redis', value: of('workers', 'redis'), unit: micros },
    {
      figure: 'CPU, Postgres under COPY, same commits',
      value: of('sameCommits', 'postgres'),
      unit: micros,
    },
    {
      figure: 'CPU, Postgres under COPY, one commit',
      value: of('oneCommit', 'postgres'),
      unit: micros,
    },
  ]
}

/** Whether a worker grows over many declarations. */
async function measureMemory(bench: Bench): Promise<Figure[]> {
  await emptyLedger(bench)
  const worker = await startWorker(bench)
  const queue = bench.backend.openQueue('filing')
  const sizes: number[] = []
  const steps = 10
  let envelopes = 0
  for (let step = 1; step <= steps; step += 1) {
    const journal = await accept(bench, memoryDeclarations / steps, groupSize)
    envelopes += journal.envelopes.length
    await addAll(queue, journal.envelopes)
    await posted(bench, envelopes)
    sizes.push(residentMiB(worker.pid))
    const done = (step * memoryDeclarations) / steps
    say(`${done} declarations: worker ${Math.round(sizes.at(-1) ?? 0)} MiB`)
  }
  await queue.close()
  await worker.end()
  return residentSizes('worker', sizes, memoryDeclarations)
}

await main()
