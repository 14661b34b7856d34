/** What a fault is, and what several of them need. */
import { Redis } from 'ioredis'
import type pg from 'pg'
import type { Generator } from '../support/generator.ts'
import type { Load } from './load.ts'
import type { BackendKind, Supervised, World } from './world.ts'

export type Fault = {
  readonly name: string
  /** Both backends unless named. */
  readonly backend?: BackendKind
  /** Seconds from the fault's end to the first posting, and until all that waited then is posted. */
  readonly within: { readonly first?: number; readonly all?: number }
  /** Takes minutes: only when it is asked for, or a run is given minutes. */
  readonly long?: true
  /** Commits must have reached a standby: the engine must have one. */
  readonly standby?: true
  /** Of the way to Postgres or Redis: the engine must be behind proxies. */
  readonly proxied?: true
  /** A process misbehaves on a signal, or has a clock of its own: `misbehave.mjs` must be in each. */
  readonly misbehaving?: true
  /** Why this machine can't have it; undefined where it can. */
  readonly missing?: () => string | undefined
  /** Returns when the fault is over: recovery is measured from there. */
  run(
    world: World,
    random: Generator,
    load: Pick<Load, 'acceptWaiting' | 'acknowledged' | 'fileAtOnce'>,
  ): Promise<void>
}

/** A process is back at once; what it held is another's after its lock. */
export const afterProcess = { all: 15 }
/** What is depended on was away: posting goes on as soon as it is back. */
export const afterDependency = { first: 2 }

export const any = (random: Generator, processes: readonly Supervised[]) =>
  processes[random.integer(0, processes.length - 1)] as Supervised

export async function onRedis(
  world: World,
  work: (redis: Redis) => Promise<unknown>,
): Promise<void> {
  const redis = new Redis(world.redis?.url ?? '')
  redis.on('error', () => {})
  try {
    await work(redis)
  } finally {
    redis.disconnect()
  }
}

export async function onPostgres(world: World, work: (client: pg.Client) => Promise<unknown>) {
  const client = await world.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

/** The queue forgets everything. */
export async function loseJobs(world: World): Promise<void> {
  if (world.backend === 'redis') await onRedis(world, (redis) => redis.flushall())
  else await onPostgres(world, (client) => client.query('truncate bullmq.job cascade'))
}
