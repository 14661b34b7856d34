/**
 * `npm run bench:growth [-- --only ledger|backlog|workers] [--json]`: how cost grows with size. It posts the
 * same declarations onto ever larger ledgers, accepts them beside ever larger backlogs, and posts them with
 * one to four workers on both queues. BENCH_LEDGER_LINES (20 million), BENCH_BACKLOG (2 million) and
 * BENCH_WORKERS_MAX (4) set the largest sizes. A full run takes about fifteen minutes.
 */
import pg from 'pg'
import { helpText, parseArguments, wrongUse } from '../src/platform/command/arguments.ts'
import { reportFailure } from '../src/platform/command/failure.ts'
import { applicationRole } from '../src/platform/postgres/postgres.ts'
import type { QueueBackend } from '../src/queue/backend.ts'
import { openPostgresBackend } from '../src/queue/postgres-backend.ts'
import { openRedisBackend } from '../src/queue/redis-backend.ts'
import { fire, prepareFilings } from './support/filings.ts'
import {
  accept,
  addAll,
  type Bench,
  emptyLedger,
  type Journal,
  posted,
  type Round,
  startWorker,
  timed,
} from './support/posting.ts'
import { type MeasuredProcess, startProgram } from './support/processes.ts'
import { type Figure, median, report, say } from './support/report.ts'
import { type Services, startServices } from './support/services.ts'

const ledgerLines = Number(process.env.BENCH_LEDGER_LINES ?? 20_000_000)
const backlog = Number(process.env.BENCH_BACKLOG ?? 2_000_000)
const workersMax = Number(process.env.BENCH_WORKERS_MAX ?? 4)
const steps = [0, 0.1, 0.5, 1]
const declarations = 20_000
const groupSize = 64
const linesEach = 5
const seconds = 5
/** Of each number of workers; the median counts. */
const workerRounds = 3

type Kind = 'redis' | 'postgres'
type Part = {
  readonly name: string
  readonly kind: Kind
  readonly measure: (bench: Bench, kind: Kind) => Promise<Figure[]>
}

const parts: readonly Part[] = [
  { name: 'ledger', kind: 'redis', measure: ledgerGrows },
  { name: 'backlog', kind: 'redis', measure: backlogGrows },
  { name: 'workers', kind: 'redis', measure: workersGrow },
  { name: 'workers', kind: 'postgres', measure: workersGrow },
]

async function main(): Promise<void> {
  const options = { only: { type: 'string' }, json: { type: 'boolean' } } as const
  const usage = helpText(
    'Usage: npm run bench:growth -- [--only ledger|backlog|workers] [--json]',
    {
      '--only PART': 'ledger, backlog or workers',
      '--json': 'print the result as JSON',
    },
    'npm run bench:growth -- --only backlog',
  )
  const { only } = parseArguments({ options }, usage).values
  const wanted = parts.filter(({ name }) => name === (only ?? name))
  if (wanted.length === 0) throw wrongUse(`There is no ${only}.`, usage)
  const figures: Figure[] = []
  for (const { kind, measure } of wanted) figures.push(...(await withBench(kind, measure)))
  if (!report('bench:growth', figures)) process.exitCode = 1
}

async function withBench(kind: Kind, work: (bench: Bench, kind: Kind) => Promise<Figure[]>) {
  const services = await startServices()
  const owner = new pg.Pool({ connectionString: services.ownerUrl, max: 3 })
  const backend = open(kind, services)
  try {
    return await work({ services, owner, backend }, kind)
  } finally {
    await backend.close()
    await owner.end()
    await services.stop()
  }
}

function open(kind: Kind, { databaseUrl, redisUrl }: Services): QueueBackend {
  const onError = () => {}
  return kind === 'redis'
    ? openRedisBackend({ url: redisUrl, namespace: 'development', onError })
    : openPostgresBackend({ url: databaseUrl, role: applicationRole, onError })
}

/** Posts what is not posted yet, on top of what is. */
async function post(bench: Bench, workers: readonly MeasuredProcess[], journal: Journal) {
  const { rows } = await bench.owner.query('select count(*) as posted from ledger.posting')
  const queue = bench.backend.openQueue('filing')
  const pids = workers.map(({ pid }) => pid)
  const round = await timed(bench, pids, journal.declarations, async () => {
    await addAll(queue, journal.envelopes)
    await posted(bench, Number(rows[0]?.posted) + journal.envelopes.length)
  })
  await queue.close()
  return round
}

async function ledgerGrows(bench: Bench): Promise<Figure[]> {
  const worker = await startWorker(bench)
  await post(bench, [worker], await accept(bench, declarations, groupSize)) // warm
  const rounds: [number, Round][] = []
  let filled = 0
  for (const step of steps) {
    const lines = Math.round(step * ledgerLines)
    await fillLedger(bench.owner, Math.ceil((lines - filled) / linesEach), filled)
    filled = lines
    const journal = await accept(bench, declarations, groupSize)
    await bench.owner.query('checkpoint')
    rounds.push([lines, await post(bench, [worker], journal)])
    say(`${lines} lines in the ledger: ${Math.round(rounds.at(-1)?.[1].rate ?? 0)}/s`)
  }
  await worker.end()
  const [empty, full] = [rounds[0]?.[1].rate ?? 1, rounds.at(-1)?.[1].rate ?? 0]
  return [
    ...rounds.flatMap(([lines, { rate, cpu, postgres }]) => [
      { figure: `ledger of ${lines} lines: posted`, value: rate, unit: 'declarations/s' },
      { figure: `ledger of ${lines} lines: CPU, worker`, value: cpu, unit: 'µs/declaration' },
      {
        figure: `ledger of ${lines} lines: CPU, Postgres`,
        value: postgres,
        unit: 'µs/declaration',
      },
    ]),
    { figure: 'ledger: posted when full / when empty', value: full / empty, unit: 'ratio' },
  ]
}

/** Rows like those that are there, of envelopes below all others, with employers in any order. */
async function fillLedger(owner: pg.Pool, count: number, filled: number): Promise<void> {
  if (count <= 0) return
  const columns = async (table: string) => {
    const { rows } = await owner.query<{ name: string }>(
      `select column_name as name from information_schema.columns
       where table_schema = 'ledger' and table_name = $1 and is_generated = 'NEVER'
       order by ordinal_position`,
      [table],
    )
    return rows.map(({ name }) => name)
  }
  for (const table of ['declaration', 'line', 'in_force']) {
    const names = await columns(table)
    const values = names.map((name) =>
      name === 'envelope'
        ? '-g'
        : name === 'employer' || name === 'id'
          ? `md5(g::text)`
          : `t.${name}`,
    )
    const one = table === 'in_force' ? 'limit 1' : ''
    const same = `select * from ledger.${table} where (envelope, position) = (
      select envelope, position from ledger.declaration where envelope > 0 limit 1)`
    await owner.query(
      `insert into ledger.${table} (${names.join(', ')})
       select ${values.join(', ')}
       from generate_series($1::bigint, $2::bigint) as g
       cross join (${table === 'in_force' ? `select * from ledger.in_force ${one}` : same}) as t`,
      [filled / linesEach + 1, filled / linesEach + count],
    )
  }
  await owner.query('vacuum analyze ledger.line, ledger.declaration, ledger.in_force')
}

async function backlogGrows({ services, owner }: Bench): Promise<Figure[]> {
  const { databaseUrl, redisUrl, keyringFile } = services
  const env = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, KEYRING_FILE: keyringFile }
  const intake = await startProgram('src/commands/intake.ts', env)
  const filings = await prepareFilings(services)
  await fire(intake.address, filings, { duration: seconds }, true)
  const rates: [number, number][] = []
  let waiting = 0
  for (const step of steps) {
    const more = Math.round((step * backlog - waiting) / groupSize)
    await owner.query(
      `insert into journal.unposted (envelope, lane, declarations, accepted_at)
       select -g, 'filing', $3, now() from generate_series($1::bigint, $2::bigint) as g`,
      [waiting / groupSize + 1, waiting / groupSize + more, groupSize],
    )
    waiting += more * groupSize
    const { accepted, seconds: took } = await fire(
      intake.address,
      filings,
      { duration: seconds },
      true,
    )
    rates.push([waiting, accepted / took])
    say(`a backlog of ${waiting}: ${Math.round(accepted / took)}/s accepted`)
  }
  await intake.end()
  const [empty, full] = [rates[0]?.[1] ?? 1, rates.at(-1)?.[1] ?? 0]
  return [
    ...rates.map(([waits, rate]) => ({
      figure: `backlog of ${waits}: accepted`,
      value: rate,
      unit: 'declarations/s',
    })),
    { figure: 'backlog: accepted before the largest / none', value: full / empty, unit: 'ratio' },
  ]
}

async function workersGrow(bench: Bench, kind: Kind): Promise<Figure[]> {
  const more = kind === 'redis' ? {} : { REDIS_URL: '' }
  const journal = await accept(bench, 2 * declarations, groupSize)
  const workers: MeasuredProcess[] = []
  const figures: Figure[] = []
  await emptyLedger(bench)
  for (let count = 1; count <= workersMax; count += 1) {
    workers.push(await startWorker(bench, more))
    await post(bench, workers, journal) // warm
    const rounds: Round[] = []
    while (rounds.length < workerRounds) {
      await emptyLedger(bench)
      rounds.push(await post(bench, workers, journal))
    }
    await emptyLedger(bench)
    const of = (figure: keyof Round) => median(rounds.map((round) => round[figure]))
    const name = `${count} ${count === 1 ? 'worker' : 'workers'}, queue on ${kind}`
    say(`${name}: ${Math.round(of('rate'))}/s`)
    figures.push(
      { figure: `${name}: posted`, value: of('rate'), unit: 'declarations/s' },
      { figure: `${name}: CPU, workers`, value: of('cpu'), unit: 'µs/declaration' },
      { figure: `${name}: CPU, Postgres`, value: of('postgres'), unit: 'µs/declaration' },
    )
  }
  for (const { end } of workers) await end()
  return figures
}

main().catch(reportFailure)
