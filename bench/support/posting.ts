/** What benchmarks of posting share: a journal to post, workers that post it, and the clock. */
import type pg from 'pg'
import { canonicalDeclaration } from '../../src/declaration/canonical.ts'
import { createAcceptGroup } from '../../src/journal/accept.ts'
import { declarationId, digestOf } from '../../src/journal/digest.ts'
import type { Filing } from '../../src/journal/filing.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { readPolicies } from '../../src/platform/config/packs.ts'
import { openPool } from '../../src/platform/postgres/postgres.ts'
import type { LaneQueue, QueueBackend } from '../../src/queue/backend.ts'
import { createGenerator } from './generator.ts'
import { cpuMicros, cpuMicrosOfFamily, type MeasuredProcess, startProgram } from './processes.ts'
import type { Services } from './services.ts'

const lines = 5
export const tables = ['posting', 'declaration', 'line', 'in_force'] as const
export type Table = (typeof tables)[number]

export type Bench = {
  readonly services: Services
  readonly owner: pg.Pool
  readonly backend: QueueBackend
}
export type Journal = { readonly envelopes: bigint[]; readonly declarations: number }
export type Round = {
  /** Declarations a second. */
  readonly rate: number
  /** CPU microseconds for each declaration. */
  readonly cpu: number
  readonly postgres: number
  readonly redis: number
}

/** Accepts generated declarations into the journal, in groups of one size. */
export async function accept({ services }: Bench, count: number, size: number): Promise<Journal> {
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
    salts: keyring.salts,
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
    expects: 'anything',
    lines: declaration.lines?.length ?? 0,
    policy: { region: declaration.region, hash: policyHash },
    digest: digestOf(canonical),
    acceptedAtMicros: 1_732_000_000_000_000,
    deadlineMicros: 1_733_000_000_000_000,
    onTime: true,
  }
}

/** Empties the ledger, queues the envelopes, and times the workers until all are posted. */
export async function postAll(
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

export async function emptyLedger({ owner }: Bench): Promise<void> {
  const names = tables.map((table) => `ledger.${table}`).join(', ')
  await owner.query(`truncate ${names}, journal.unposted`)
  await owner.query('checkpoint')
}

/** Times `work`, and the CPU that it costs these processes, Postgres and Redis. */
export async function timed(
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

export function startWorker(
  { services }: Bench,
  more: Record<string, string> = {},
  preload?: string,
): Promise<MeasuredProcess> {
  const { databaseUrl, redisUrl, keyringFile } = services
  return startProgram(
    'workers/post.ts',
    {
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
      KEYRING_FILE: keyringFile,
      ...more,
    },
    preload,
  )
}

export async function addAll(queue: LaneQueue, envelopes: readonly bigint[]): Promise<void> {
  for (let i = 0; i < envelopes.length; i += 200) await queue.add(envelopes.slice(i, i + 200))
}

export async function posted({ owner }: Bench, envelopes: number): Promise<void> {
  for (;;) {
    const { rows } = await owner.query<{ count: string }>('select count(*) from ledger.posting')
    if (Number(rows[0]?.count) >= envelopes) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
