/**
 * `npm run bench:intake [-- --json]`: how fast intake accepts, everything on (token, all checks,
 * encryption, receipts, acceptance rows, fsync), compared in turns with a bare Fastify app and with
 * one synchronous INSERT for each request. 5-line declarations, autocannon, 100 connections.
 */
import { Redis } from 'ioredis'
import { benchArguments } from './support/arguments.ts'
import { fire, prepareFilings } from './support/filings.ts'
import {
  cpuMicros,
  cpuMicrosOfFamily,
  type MeasuredProcess,
  residentMiB,
  startProgram,
} from './support/processes.ts'
import { type Figure, median, report, residentSizes, say } from './support/report.ts'
import { type Services, startServices } from './support/services.ts'
import type { Filings } from './support/unique-filings.ts'

const rounds = Number(process.env.BENCH_ROUNDS ?? 5)
const roundSeconds = Number(process.env.BENCH_SECONDS ?? 8)
const memoryDeclarations = Number(process.env.BENCH_MEMORY ?? 200_000)
const programs = ['intake', 'bare', 'synchronous'] as const
type Program = (typeof programs)[number]

async function main(): Promise<void> {
  benchArguments('bench:intake', {})
  const services = await startServices()
  try {
    const filings = await prepareFilings(services)
    const figures = [
      ...(await compare(services, filings)),
      ...(await measureMemory(services, filings)),
    ]
    if (!report('bench:intake', figures)) process.exitCode = 1
  } finally {
    await services.stop()
  }
}

async function start(program: Program, services: Services): Promise<MeasuredProcess> {
  const env = { DATABASE_URL: services.databaseUrl, KEYRING_FILE: services.keyringFile }
  switch (program) {
    case 'intake':
      return startProgram('src/commands/intake.ts', { ...env, REDIS_URL: services.redisUrl })
    case 'bare':
      return startProgram('bench/programs/bare-fastify.ts', env)
    case 'synchronous':
      // It makes a table of its own.
      return startProgram('bench/programs/synchronous-insert.ts', {
        ...env,
        DATABASE_URL: services.ownerUrl,
      })
  }
}

type Round = {
  readonly rate: number
  readonly cpu: number
  readonly postgres: number
  readonly redis: number
}

async function compare(services: Services, filings: Filings): Promise<Figure[]> {
  const processes = new Map<Program, MeasuredProcess>()
  for (const program of programs) processes.set(program, await start(program, services))
  for (const program of programs)
    await fire(processes.get(program)?.address ?? '', filings, { duration: 3 })
  const results = new Map<Program, Round[]>(programs.map((program) => [program, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const program of programs) {
      const measured = await measure(processes.get(program) as MeasuredProcess, services, filings)
      results.get(program)?.push(measured)
      say(`round ${round + 1} ${program}: ${Math.round(measured.rate)}/s`)
    }
  }
  for (const process of processes.values()) await process.end()
  return figuresOf(results)
}

async function measure(
  { pid, address }: MeasuredProcess,
  { postgresPid, redisPid }: Services,
  filings: Filings,
): Promise<Round> {
  const read = () => [cpuMicros(pid), cpuMicrosOfFamily(postgresPid), cpuMicros(redisPid)]
  const before = read()
  const { accepted, seconds } = await fire(address, filings, { duration: roundSeconds })
  const [cpu = 0, postgres = 0, redis = 0] = read().map(
    (value, i) => (value - (before[i] ?? 0)) / accepted,
  )
  return { rate: accepted / seconds, cpu, postgres, redis }
}

function figuresOf(results: ReadonlyMap<Program, readonly Round[]>): Figure[] {
  const of = (program: Program, figure: keyof Round) =>
    median((results.get(program) ?? []).map((round) => round[figure]))
  const ratio = (other: Program) =>
    median(
      (results.get('intake') ?? []).map(
        ({ rate }, i) => rate / (results.get(other)?.[i]?.rate ?? 1),
      ),
    )
  return [
    { figure: 'intake, everything on', value: of('intake', 'rate'), unit: 'declarations/s' },
    { figure: 'bare Fastify, keeps nothing', value: of('bare', 'rate'), unit: 'requests/s' },
    { figure: 'one synchronous INSERT each', value: of('synchronous', 'rate'), unit: 'requests/s' },
    {
      figure: 'intake / bare Fastify',
      value: ratio('bare'),
      unit: 'ratio',
      goal: { atLeast: 0.5 },
    },
    {
      figure: 'intake / synchronous INSERT',
      value: ratio('synchronous'),
      unit: 'ratio',
      goal: { atLeast: 3 },
    },
    { figure: 'CPU, intake process', value: of('intake', 'cpu'), unit: 'µs/declaration' },
    { figure: 'CPU, Postgres', value: of('intake', 'postgres'), unit: 'µs/declaration' },
    { figure: 'CPU, Redis', value: of('intake', 'redis'), unit: 'µs/declaration' },
    {
      figure: 'CPU, synchronous INSERT: process',
      value: of('synchronous', 'cpu'),
      unit: 'µs/declaration',
    },
    {
      figure: 'CPU, synchronous INSERT: Postgres',
      value: of('synchronous', 'postgres'),
      unit: 'µs/declaration',
    },
  ]
}

/** Redis bytes for each waiting declaration, and whether intake grows, over many declarations. */
async function measureMemory(services: Services, filings: Filings): Promise<Figure[]> {
  const redis = new Redis(services.redisUrl)
  await redis.flushall()
  const intake = await start('intake', services)
  await fire(intake.address, filings, { amount: 5_000 })
  const empty = await usedMemory(redis, true)
  const sizes: number[] = []
  const steps = 10
  for (let step = 0; step < steps; step += 1) {
    await fire(intake.address, filings, { amount: memoryDeclarations / steps })
    sizes.push(residentMiB(intake.pid))
    say(
      `${((step + 1) * memoryDeclarations) / steps} declarations: intake ${Math.round(sizes.at(-1) ?? 0)} MiB`,
    )
  }
  const waiting = memoryDeclarations
  const bytes = ((await usedMemory(redis, false)) - empty) / waiting
  await intake.end()
  redis.disconnect()
  return [
    { figure: 'Redis, waiting declaration', value: bytes, unit: 'bytes', goal: { atMost: 60 } },
    ...residentSizes('intake', sizes, memoryDeclarations),
  ]
}

async function usedMemory(redis: Redis, purge: boolean): Promise<number> {
  if (purge) await redis.call('MEMORY', 'PURGE')
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
}

await main()
