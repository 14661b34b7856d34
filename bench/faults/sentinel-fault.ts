/**
 * Redis fails over as people run it: a real Sentinel promotes the replica and demotes the master, which
 * lives on; what is between (here a proxy, elsewhere HAProxy) leads new connections to the new master and
 * keeps those there are.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from '../../src/platform/process/free-port.ts'
import { answers, startRedis } from '../../tests/support/redis.ts'
import { findRedisServer } from '../../tests/support/redis-server.ts'
import { afterDependency, type Fault } from './fault.ts'
import { FaultError } from './fault-error.ts'
import type { World } from './world.ts'

const masterName = 'queue'
const failoverMsMax = 30_000

type Sentinel = { readonly redis: Redis; stop(): Promise<void> }

async function startSentinel(world: World, masterPort: number): Promise<Sentinel> {
  const { command, libraries } = findRedisServer()
  const port = await freePort('127.0.0.1')
  const file = path.join(world.folder, `sentinel-${port}.conf`)
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${world.folder}`,
    `sentinel monitor ${masterName} 127.0.0.1 ${masterPort} 1`,
    `sentinel down-after-milliseconds ${masterName} 1000`,
    `sentinel failover-timeout ${masterName} 10000`,
  ]
  writeFileSync(file, `${settings.join('\n')}\n`)
  const env = { ...process.env, ...(libraries && { LD_LIBRARY_PATH: libraries }) }
  const child = spawn(command, [file, '--sentinel'], { stdio: 'ignore', env, detached: true })
  const url = `redis://127.0.0.1:${port}`
  await answers(url)
  const redis = new Redis(url)
  redis.on('error', () => {})
  return { redis, stop: () => stopSentinel(child, redis) }
}

async function stopSentinel(child: ChildProcess, redis: Redis): Promise<void> {
  redis.disconnect()
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

/** Asks until it is so. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + failoverMsMax
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > end) throw new FaultError(`${what}: not in time`)
    await pause(50)
  }
}

/** Where Sentinel says that the master is. */
async function masterPort({ redis }: Sentinel): Promise<number> {
  const address = await redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName)
  return Number((address as [string, string])[1])
}

const portOf = (url: string) => Number(new URL(url).port)

export const failsOver: Fault = {
  name: 'Redis fails over (Sentinel), the old master lives on as a replica',
  backend: 'redis',
  proxied: true,
  within: afterDependency,
  run: async (world) => {
    const old = world.redis
    if (old === undefined) throw new FaultError('no Redis')
    const taking = await startRedis({ detached: true })
    const admin = new Redis(taking.url)
    const sentinel = await startSentinel(world, portOf(old.url))
    try {
      await admin.replicaof('127.0.0.1', portOf(old.url))
      await until('the replica', async () => /master_link_status:up/.test(await admin.info()))
      const replicas = async () => await sentinel.redis.call('SENTINEL', 'REPLICAS', masterName)
      await until('Sentinel to know it', async () => ((await replicas()) as unknown[]).length === 1)
      await until(
        'the failover to begin',
        async () => (await sentinel.redis.call('SENTINEL', 'FAILOVER', masterName)) === 'OK',
      )
      await until('the failover', async () => (await masterPort(sentinel)) === portOf(taking.url))
      world.retireRedis(taking)
    } finally {
      admin.disconnect()
      await sentinel.stop()
    }
  },
}
