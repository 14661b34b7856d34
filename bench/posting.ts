/**
 * `npm run bench:posting [-- --json]`: how fast a worker posts, from the queue to the commit,
 * compared in turns with COPY of the same rows into the same tables, and with one job and one
 * transaction for each declaration. 5-line declarations, Redis queue, one worker process.
 */
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { canonicalDeclaration } from '../src/declaration/canonical.ts'
import { createAcceptGroup, type Filing } from '../src/journal/accept.ts'
import { declarationId, digestOf } from '../src/journal/digest.ts'
import { readKeyring } from '../src/platform/keyring.ts'
import { openPool } from '../src/platform/postgres.ts'
import { openRedisBackend } from '../src/queue/backend.ts'
import { createGenerator } from './support/generator.ts'
import { cpuMicros, cpuMicrosOfFamily, residentMiB, startProgram } from './support/processes.ts'
import { type Figure, median, report, say } from './support/report.ts'
import { type Services, startServices } from './support/services.ts'

const lines = 5
const rounds = Number(process.env.BENCH_ROUNDS ?? 5)
/** As groups form under load with 100 connections (see bench:intake). */
const groupSize = Number(process.env.BENCH_GROUP ?? 64)
const declarations = Number(process.env.BENCH_DECLARATIONS ?? 30_000)
const singles = Math.ceil(declarations / 10)
const memoryDeclarations = Number(process.env.BENCH_MEMORY ?? 200_000)
const tables = ['posting', 'declaration', 'line', 'in_force'] as const

type Journal = { readonly envelopes: bigint[]; readonly declarations: number }
type Round = {
  readonly rate: number
  readonly cpu: number
  readonly postgres: number
  readonly redis: number
}

async function main(): Promise<void> {
  const services = await startServices()
  const owner = new pg.Pool({ connectionString: services.databaseUrl, max: 2 })
  try {
    const grouped = await accept(services, declarations, groupSize)
    const single = await accept(services, singles, 1)
    const results = { worker: [] as Round[], copy: [] as number[], single: [] as Round[] }
    for (let round = 0; round < rounds; round += 1) {
      results.worker.push(await postAll(services, owner, grouped))
      results.copy.push(await copyRows(owner, grouped))
      results.single.push(await postAll(services, owner, single))
      const shown = [results.worker, results.single].map((list) =>
        Math.round(list[round]?.rate ?? 0),
      )
      say(
        `round ${round + 1}: worker ${shown[0]}/s, COPY ${Math.round(results.copy[round] ?? 0)}/s, one each ${shown[1]}/s`,
      )
    }
    const figures = [...figuresOf(results), ...(await measureMemory(services, owner))]
    if (!report('bench:posting', figures)) process.exitCode = 1
  } finally {
    await owner.end()
    await services.stop()
  }
}

/** Accepts generated declarations into the journal, in groups of one size. */
async function accept(services: Services, count: number, size: number): Promise<Journal> {
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
    environment: 'bench',
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
let filed = 0

function filing(): Filing {
  filed += 1
  const declaration = generator.declaration({ period: '2024-11', lines })
  const canonical = canonicalDeclaration(declaration)
  const { employer, period, kind } = declaration
  return {
    id: declarationId(employer, period, `bench-${filed}`),
    employer,
    period,
    kind,
    canonical,
    digest: digestOf(canonical),
    acceptedAtMicros: 1_732_000_000_000_000,
    deadlineMicros: 1_733_000_000_000_000,
    onTime: true,
  }
}

/** Empties the ledger, queues the envelopes, and times a fresh worker process until all are posted. */
async function postAll(services: Services, owner: pg.Pool, journal: Journal): Promise<Round> {
  await owner.query(
    `truncate ${tables.map((table) => `ledger.${table}`).join(', ')}, journal.unposted`,
  )
  await owner.query('checkpoint')
  const worker = await startWorker(services)
  const backend = openRedisBackend({
    url: services.redisUrl,
    namespace: 'development',
    onError: () => {},
  })
  const queue = backend.openQueue('filing')
  const read = () => [
    cpuMicros(worker.pid),
    cpuMicrosOfFamily(services.postgresPid),
    cpuMicros(services.redisPid),
  ]
  const before = read()
  const startedAt = performance.now()
  const adding = addAll(queue, journal.envelopes)
  while ((await postedEnvelopes(owner)) < journal.envelopes.length) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const seconds = (performance.now() - startedAt) / 1_000
  await adding
  const [cpu = 0, postgres = 0, redis = 0] = read().map(
    (value, i) => (value - (before[i] ?? 0)) / journal.declarations,
  )
  await queue.close()
  await backend.close()
  await worker.end()
  return { rate: journal.declarations / seconds, cpu, postgres, redis }
}

function startWorker({ databaseUrl, redisUrl, keyringFile }: Services) {
  return startProgram('workers/post.ts', {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    KEYRING_FILE: keyringFile,
  })
}

async function addAll(
  queue: { add(envelopes: readonly bigint[]): Promise<void> },
  envelopes: readonly bigint[],
) {
  for (let i = 0; i < envelopes.length; i += 200) await queue.add(envelopes.slice(i, i + 200))
}

async function postedEnvelopes(owner: pg.Pool): Promise<number> {
  const { rows } = await owner.query<{ count: string }>('select count(*) from ledger.posting')
  return Number(rows[0]?.count)
}

/** COPY of the rows that the worker has just written, into the same tables, emptied; one transaction. */
async function copyRows(owner: pg.Pool, { declarations }: Journal): Promise<number> {
  const client = await owner.connect()
  try {
    const texts = new Map<string, Buffer>()
    for (const table of tables)
      texts.set(table, await readAll(client.query(copyTo(`copy ledger.${table} to stdout`))))
    await client.query(`truncate ${tables.map((table) => `ledger.${table}`).join(', ')}`)
    await client.query('checkpoint')
    const startedAt = performance.now()
    await client.query('begin')
    for (const [table, text] of texts) {
      await pipeline(
        Readable.from([text]),
        client.query(copyFrom(`copy ledger.${table} from stdin`)),
      )
    }
    await client.query('commit')
    return declarations / ((performance.now() - startedAt) / 1_000)
  } finally {
    client.release()
  }
}

async function readAll(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(stream, 'end')
  return Buffer.concat(chunks)
}

function figuresOf(results: { worker: Round[]; copy: number[]; single: Round[] }): Figure[] {
  const of = (figure: keyof Round) => median(results.worker.map((round) => round[figure]))
  const toCopy = median(results.worker.map(({ rate }, i) => rate / (results.copy[i] ?? 1)))
  const toSingle = median(
    results.worker.map(({ rate }, i) => rate / (results.single[i]?.rate ?? 1)),
  )
  return [
    { figure: `worker, groups of ${groupSize}`, value: of('rate'), unit: 'declarations/s' },
    { figure: 'COPY of the same rows', value: median(results.copy), unit: 'declarations/s' },
    {
      figure: 'one job and transaction each',
      value: median(results.single.map(({ rate }) => rate)),
      unit: 'declarations/s',
    },
    { figure: 'worker / COPY', value: toCopy, unit: 'ratio', goal: { atLeast: 0.6 } },
    {
      figure: 'worker / one job and transaction each',
      value: toSingle,
      unit: 'ratio',
      goal: { atLeast: 5 },
    },
    { figure: 'CPU, worker process', value: of('cpu'), unit: 'µs/declaration' },
    { figure: 'CPU, Postgres', value: of('postgres'), unit: 'µs/declaration' },
    { figure: 'CPU, Redis', value: of('redis'), unit: 'µs/declaration' },
  ]
}

/** Whether a worker grows over many declarations. */
async function measureMemory(services: Services, owner: pg.Pool): Promise<Figure[]> {
  await owner.query(
    `truncate ${tables.map((table) => `ledger.${table}`).join(', ')}, journal.unposted`,
  )
  const worker = await startWorker(services)
  const backend = openRedisBackend({
    url: services.redisUrl,
    namespace: 'development',
    onError: () => {},
  })
  const queue = backend.openQueue('filing')
  const sizes: number[] = []
  const steps = 10
  let expected = 0
  for (let step = 0; step < steps; step += 1) {
    const { envelopes } = await accept(services, memoryDeclarations / steps, groupSize)
    expected += envelopes.length
    await addAll(queue, envelopes)
    while ((await postedEnvelopes(owner)) < expected)
      await new Promise((resolve) => setTimeout(resolve, 20))
    sizes.push(residentMiB(worker.pid))
    say(
      `${((step + 1) * memoryDeclarations) / steps} declarations: worker ${Math.round(sizes.at(-1) ?? 0)} MiB`,
    )
  }
  await queue.close()
  await backend.close()
  await worker.end()
  const early = Math.max(...sizes.slice(0, steps / 2))
  const late = Math.max(...sizes.slice(steps / 2))
  return [
    { figure: 'worker resident size, at most', value: Math.max(early, late), unit: 'MiB' },
    {
      figure: `worker resident size, second / first half of ${memoryDeclarations}`,
      value: late / early,
      unit: 'ratio',
      goal: { atMost: 1.1 },
    },
  ]
}

await main()
