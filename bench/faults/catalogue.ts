/**
 * The faults, each against real processes: what is done, for how long, and what must be true soon
 * after it ends. `hold` runs until the fault is over; recovery is measured from there.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type pg from 'pg'
import type { CrashPoint } from '../../src/platform/crash-point.ts'
import type { Generator } from '../support/generator.ts'
import type { BackendKind, Supervised, World } from './world.ts'

/** A fault that could not be injected as it is meant. */
export class FaultError extends Error {
  override name = 'FaultError'
}

export type Fault = {
  readonly name: string
  /** Both backends unless named. */
  readonly backend?: BackendKind
  /** Seconds from the fault's end to the first posting, and until all that waited then is posted. */
  readonly within: { readonly first?: number; readonly all?: number }
  run(world: World, random: Generator): Promise<void>
}

/** A process is back at once; what it held is another's after its lock. */
const afterProcess = { all: 15 }
/** What is depended on was away: posting goes on as soon as it is back. */
const afterDependency = { first: 2 }

const any = (random: Generator, processes: readonly Supervised[]) =>
  processes[random.integer(0, processes.length - 1)] as Supervised

/** The queue forgets everything. */
async function loseJobs(world: World): Promise<void> {
  if (world.backend === 'redis') await onRedis(world, (redis) => redis.flushall())
  else await onPostgres(world, (client) => client.query('truncate bullmq.job cascade'))
}

const kill = (kind: 'intakes' | 'workers'): Fault => ({
  name: `${kind.slice(0, -1)} killed (SIGKILL)`,
  within: afterProcess,
  run: async (world, random) => {
    await pause(random.integer(0, 300))
    any(random, world[kind]).signal('SIGKILL')
  },
})

/** It dies the next time it passes the point; when it doesn't get there, that is a fault of ours. */
const crash = (kind: 'intakes' | 'workers', point: CrashPoint): Fault => ({
  name: `${kind.slice(0, -1)} dies ${point}`,
  within: afterProcess,
  run: async (world) => {
    const [process] = world[kind] as [Supervised]
    // It may die there as soon as it lives: lives are counted, the one that is ended here too.
    const deaths = process.deaths + 2
    process.nextLife({ CRASH_AT: point })
    await process.restart('SIGTERM')
    if (!(await process.deathsReach(deaths, 30_000))) throw new FaultError(`none died ${point}`)
  },
})

const freeze = (kind: 'intakes' | 'workers', seconds: number): Fault => ({
  name: `${kind.slice(0, -1)} frozen for ${seconds} s (SIGSTOP)`,
  within: afterProcess,
  run: async (world, random) => {
    const process = any(random, world[kind])
    process.signal('SIGSTOP')
    await pause(seconds * 1_000)
    process.signal('SIGCONT')
  },
})

const proxied = (
  of: 'postgresProxy' | 'redisProxy',
  name: string,
  mode: 'refuse' | 'stall' | 'slow' | 'mute',
  seconds: number,
): Fault => ({
  name: `${of === 'redisProxy' ? 'Redis' : 'Postgres'} ${name} for ${seconds} s`,
  ...(of === 'redisProxy' && { backend: 'redis' as const }),
  within: mode === 'slow' ? {} : afterDependency,
  run: async (world) => {
    world[of]?.set(mode)
    await pause(seconds * 1_000)
    world[of]?.set('pass')
  },
})

async function onRedis(world: World, work: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(world.redis?.url ?? '')
  redis.on('error', () => {})
  try {
    await work(redis)
  } finally {
    redis.disconnect()
  }
}

async function onPostgres(world: World, work: (client: pg.Client) => Promise<unknown>) {
  const client = await world.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

const redisFaults: readonly Fault[] = [
  {
    name: 'Redis killed and started empty',
    backend: 'redis',
    within: { first: 5 },
    run: async (world) => {
      await world.redis?.stop()
      await pause(2_000)
      await world.startRedis()
    },
  },
  {
    name: 'Redis emptied (FLUSHALL)',
    backend: 'redis',
    within: { first: 5, all: 15 },
    run: (world) => onRedis(world, (redis) => redis.flushall()),
  },
  {
    name: 'Redis frozen for 5 s',
    backend: 'redis',
    within: afterDependency,
    run: async (world) => {
      const pid = world.redis?.pid as number
      process.kill(pid, 'SIGSTOP')
      await pause(5_000)
      process.kill(pid, 'SIGCONT')
    },
  },
  {
    name: 'Redis full for 5 s',
    backend: 'redis',
    within: afterDependency,
    run: (world) =>
      onRedis(world, async (redis) => {
        await redis.config('SET', 'maxmemory', '1')
        await pause(5_000)
        await redis.config('SET', 'maxmemory', '0')
      }),
  },
  proxied('redisProxy', 'refuses connections', 'refuse', 4),
  proxied('redisProxy', 'is half-open', 'stall', 5),
  proxied('redisProxy', 'is slow', 'slow', 4),
  proxied('redisProxy', 'loses its replies', 'mute', 4),
]

const postgresFaults: readonly Fault[] = [
  {
    name: 'Postgres stopped at once (SIGQUIT), started again',
    within: afterDependency,
    run: async (world) => {
      const { port, pid } = world.postgres
      process.kill(pid, 'SIGQUIT')
      await pause(1_000)
      await world.startPostgres(port)
    },
  },
  {
    name: 'Postgres killed (SIGKILL), started again',
    within: afterDependency,
    run: async (world) => {
      const { port, pid } = world.postgres
      process.kill(pid, 'SIGKILL')
      await pause(500)
      await world.startPostgres(port)
    },
  },
  {
    name: 'Postgres frozen for 3 s',
    within: afterDependency,
    run: async (world) => {
      process.kill(world.postgres.pid, 'SIGSTOP')
      const backends = await backendsOf(world.postgres.pid)
      for (const pid of backends) process.kill(pid, 'SIGSTOP')
      await pause(3_000)
      for (const pid of [...backends, world.postgres.pid]) process.kill(pid, 'SIGCONT')
    },
  },
  {
    name: 'all connections terminated',
    within: afterDependency,
    run: (world) =>
      onPostgres(world, (client) =>
        client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where backend_type = 'client backend' and application_name <> 'fault-runner'`,
        ),
      ),
  },
  {
    name: 'tables locked for 6 s: statements time out',
    within: afterDependency,
    run: (world) =>
      onPostgres(world, async (client) => {
        await client.query('begin')
        await client.query('lock table journal.acceptance, ledger.posting in access exclusive mode')
        await pause(6_000)
        await client.query('rollback')
      }),
  },
  {
    name: 'no connection left for 4 s',
    within: afterDependency,
    run: async (world) => {
      const taken: pg.Client[] = []
      world.postgresProxy.set('refuse') // its connections are given up, and taken here
      for (let i = 0; i < 120; i += 1) {
        const client = await world.connect().catch(() => undefined)
        if (client === undefined) break
        taken.push(client)
      }
      world.postgresProxy.set('pass')
      await pause(4_000)
      await Promise.all(taken.map((client) => client.end()))
    },
  },
  proxied('postgresProxy', 'refuses connections', 'refuse', 4),
  proxied('postgresProxy', 'is half-open', 'stall', 4),
  proxied('postgresProxy', 'is slow', 'slow', 4),
  proxied('postgresProxy', 'loses its replies', 'mute', 3),
]

/** Server processes of a postmaster. */
async function backendsOf(pid: number): Promise<number[]> {
  const { readFile } = await import('node:fs/promises')
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(/\s+/).filter(Boolean).map(Number)
}

const processFaults: readonly Fault[] = [
  kill('intakes'),
  kill('workers'),
  crash('intakes', 'after-commit'),
  crash('intakes', 'after-enqueue'),
  crash('workers', 'mid-posting'),
  crash('workers', 'after-posting'),
  {
    name: 'worker dies mid-sweep, with jobs lost',
    within: afterProcess,
    run: async (world) => {
      const [dying, other] = world.workers as [Supervised, Supervised]
      const deaths = dying.deaths + 2
      dying.nextLife({ CRASH_AT: 'mid-sweep' })
      await dying.restart('SIGTERM')
      for (const worker of world.workers) worker.signal('SIGSTOP')
      await pause(1_500) // envelopes wait meanwhile
      await loseJobs(world)
      dying.signal('SIGCONT')
      const died = await dying.deathsReach(deaths, 30_000)
      other.signal('SIGCONT')
      if (!died) throw new FaultError('no worker died mid-sweep')
    },
  },
  freeze('intakes', 3),
  freeze('workers', 14),
  {
    name: 'worker busy for 12 s: its lock runs out',
    within: afterProcess,
    run: async (world, random) => {
      any(random, world.workers).signal('SIGUSR2')
      await pause(12_000)
    },
  },
  {
    name: 'a worker’s clock is 60 s ahead',
    within: afterProcess,
    run: async (world, random) => {
      const worker = any(random, world.workers)
      // In mode strict it would not start at all.
      worker.nextLife({ CLOCK_AHEAD_MS: '60000', DURABILITY: 'warn' })
      await worker.restart('SIGTERM')
      await pause(3_000)
      await worker.restart('SIGTERM')
    },
  },
  {
    name: 'rolling restart of everything (SIGTERM)',
    within: afterProcess,
    run: async (world) => {
      for (const process of [...world.intakes, ...world.workers]) {
        const began = performance.now()
        process.signal('SIGTERM')
        if (!(await process.death(30_000)))
          throw new FaultError(`a ${process.kind} did not stop in 30 s`)
        await process.aliveAgain()
        if (performance.now() - began > 32_000) throw new FaultError('a restart took too long')
      }
    },
  },
]

export const faults: readonly Fault[] = [...processFaults, ...postgresFaults, ...redisFaults]
