/** Faults of what keeps the queue: emptied, killed, frozen, full. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterDependency, type Fault, loseJobs, onRedis } from './fault.ts'
import { failsOver } from './sentinel-fault.ts'

const envelopesWaiting = 50_000

const killed: Fault = {
  name: 'Redis killed and started empty',
  backend: 'redis',
  within: { first: 5 },
  run: async (world) => {
    await world.redis?.stop()
    await pause(2_000)
    await world.startRedis()
  },
}

const emptied: Fault = {
  name: 'the queue emptied (FLUSHALL, truncate)',
  within: { first: 5, all: 15 },
  run: loseJobs,
}

const emptiedWithBacklog: Fault = {
  name: 'the queue emptied with 50,000 envelopes waiting',
  long: true,
  within: { first: 5, all: 240 },
  run: async (world, _random, load) => {
    for (const worker of world.workers) worker.signal('SIGSTOP')
    await load.acceptWaiting(envelopesWaiting)
    if (world.backend === 'redis') {
      await world.redis?.stop()
      await world.startRedis()
    } else await loseJobs(world)
    for (const worker of world.workers) worker.signal('SIGCONT')
  },
}

const frozen: Fault = {
  name: 'Redis frozen for 10 s (SIGSTOP)',
  backend: 'redis',
  within: afterDependency,
  run: async (world) => {
    const pid = world.redis?.pid as number
    process.kill(pid, 'SIGSTOP')
    await pause(10_000)
    process.kill(pid, 'SIGCONT')
  },
}

const full: Fault = {
  name: 'Redis full for 5 s',
  backend: 'redis',
  within: afterDependency,
  run: (world) =>
    onRedis(world, async (redis) => {
      await redis.config('SET', 'maxmemory', '1')
      await pause(5_000)
      await redis.config('SET', 'maxmemory', '0')
    }),
}

export const queueFaults: readonly Fault[] = [
  killed,
  emptied,
  emptiedWithBacklog,
  frozen,
  full,
  failsOver,
]
