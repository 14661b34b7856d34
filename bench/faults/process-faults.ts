/** Faults of the engine's own processes: killed, frozen, busy, stuck, with a wrong clock. */
import { setTimeout as pause } from 'node:timers/promises'
import type { CrashPoint } from '../../src/platform/process/crash-point.ts'
import { afterProcess, any, type Fault, loseJobs } from './fault.ts'
import { FaultError } from './fault-error.ts'
import type { Supervised, World } from './world.ts'

const kill = (kind: 'intakes' | 'workers'): Fault => ({
  name: `${kind.slice(0, -1)} killed (SIGKILL)`,
  within: afterProcess,
  run: async (world, random) => {
    await pause(random.integer(0, 300))
    any(random, world[kind]).signal('SIGKILL')
  },
})

/** It dies the next time it passes the point; when it doesn't get there, that is a fault of ours. */
async function die(process: Supervised, point: CrashPoint): Promise<void> {
  // It may die there as soon as it lives: lives are counted, the one that is ended here too.
  const deaths = process.deaths + 2
  process.nextLife({ CRASH_AT: point })
  await process.restart('SIGTERM')
  if (!(await process.deathsReach(deaths, 30_000))) throw new FaultError(`none died ${point}`)
}

const crash = (kind: 'intakes' | 'workers', point: CrashPoint): Fault => ({
  name: `${kind.slice(0, -1)} dies ${point}`,
  within: afterProcess,
  run: (world) => die(world[kind][0] as Supervised, point),
})

/** The filer has its receipt, and the queue never heard of it. */
const diesBeforeEnqueue: Fault = {
  name: 'intake dies after-reply, before the queue has it',
  backend: 'redis',
  proxied: true,
  within: afterProcess,
  run: async (world) => {
    world.redisProxy?.set('stall')
    try {
      await die(world.intakes[0] as Supervised, 'after-reply')
    } finally {
      world.redisProxy?.set('pass')
    }
  },
}

const diesMidSweep: Fault = {
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
}

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

const busy: Fault = {
  name: 'worker busy for 12 s: its lock runs out',
  misbehaving: true,
  within: afterProcess,
  run: async (world, random) => {
    any(random, world.workers).signal('SIGIO')
    await pause(12_000)
  },
}

/** Both answer every ping, and neither takes what waits. */
const stuck: Fault = {
  name: 'workers take nothing, and are replaced within 30 s',
  misbehaving: true,
  within: { first: 5 },
  run: async (world) => {
    const deaths = world.workers.map((worker) => worker.deaths + 1)
    for (const worker of world.workers) worker.signal('SIGWINCH')
    const replaced = await Promise.all(
      world.workers.map((worker, i) => worker.deathsReach(deaths[i] as number, 30_000)),
    )
    if (replaced.includes(false)) throw new FaultError('a worker that takes nothing lives on')
    await Promise.all(world.workers.map((worker) => worker.aliveAgain()))
  },
}

/** No timer and no signal of its own reaches it. */
const spinning = (kind: 'intakes' | 'workers'): Fault => ({
  name: `${kind.slice(0, -1)} spins for ever, deaf to SIGTERM, and is ended within 30 s`,
  misbehaving: true,
  within: afterProcess,
  run: async (world, random) => {
    const process = any(random, world[kind])
    const deaths = process.deaths + 1
    process.signal('SIGURG')
    process.signal('SIGTERM')
    if (!(await process.deathsReach(deaths, 30_000))) throw new FaultError('it spins on')
    await process.aliveAgain()
  },
})

const clockAhead: Fault = {
  name: 'a worker’s clock is 60 s ahead',
  misbehaving: true,
  within: afterProcess,
  run: async (world, random) => {
    const worker = any(random, world.workers)
    // With the queue in Postgres it does not start at all: its next life has the right clock.
    worker.nextLife({ CLOCK_AHEAD_MS: '60000' })
    await worker.restart('SIGTERM')
    await pause(3_000)
    await worker.restart('SIGTERM')
  },
}

async function restartInTime(process: World['workers'][number]): Promise<void> {
  const began = performance.now()
  process.signal('SIGTERM')
  if (!(await process.death(30_000))) throw new FaultError(`a ${process.kind} did not stop in 30 s`)
  await process.aliveAgain()
  if (performance.now() - began > 32_000) throw new FaultError('a restart took too long')
}

const rollingRestart: Fault = {
  name: 'rolling restart of everything (SIGTERM)',
  within: afterProcess,
  run: async (world) => {
    for (const process of [...world.intakes, ...world.workers]) await restartInTime(process)
  },
}

export const processFaults: readonly Fault[] = [
  kill('intakes'),
  kill('workers'),
  crash('intakes', 'after-commit'),
  crash('intakes', 'after-enqueue'),
  crash('intakes', 'after-reply'),
  diesBeforeEnqueue,
  crash('workers', 'mid-posting'),
  crash('workers', 'after-posting'),
  diesMidSweep,
  freeze('intakes', 10),
  freeze('workers', 14),
  busy,
  stuck,
  spinning('intakes'),
  spinning('workers'),
  clockAhead,
  rollingRestart,
]
