/**
 * `npm run bench:posting [-- --json]`: how fast workers post, from the queue to the commit. It takes turns
 * with COPY of the same rows into the same tables (in commits of the same size, and in a single one), and
 * with one job and one transaction for each declaration. 5-line declarations, Redis queue, one worker process
 * for each core.
 */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { envelopesAtATime } from '../src/limits.ts'
import { openRedisBackend } from '../src/queue/redis-backend.ts'
import { benchArguments } from './support/arguments.ts'
import {
  accept,
  addAll,
  type Bench,
  emptyLedger,
  type Journal,
  postAll,
  posted,
  type Round,
  startWorker,
  type Table,
  tables,
  timed,
} from './support/posting.ts'
import { residentMiB } from './support/processes.ts'
import { type Figure, median, report, residentSizes, say } from './support/report.ts'
import { startServices } from './support/services.ts'

const rounds = Number(process.env.BENCH_ROUNDS ?? 5)
/** As groups form under load with 100 connections (see bench:intake). */
const groupSize = Number(process.env.BENCH_GROUP ?? 64)
/** Worker processes: one for each core, as COPY too can use all of them. */
const workersAtATime = Number(process.env.BENCH_WORKERS ?? availableParallelism())
const declarations = Number(process.env.BENCH_DECLARATIONS ?? 30_000)
const singles = Math.ceil(declarations / 10)
const memoryDeclarations = Number(process.env.BENCH_MEMORY ?? 200_000)
type Results = Record<'workers' | 'sameCommits' | 'oneCommit' | 'single', Round[]>

async function main(): Promise<void> {
  benchArguments('bench:posting', {})
  const services = await startServices()
  const bench: Bench = {
    services,
    owner: new pg.Pool({ connectionString: services.ownerUrl, max: envelopesAtATime + 1 }),
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
