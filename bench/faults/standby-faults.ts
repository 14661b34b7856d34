/**
 * Faults of what a commit waits for: standbys that are away, names of them that are emptied, waits that
 * are cancelled; and of a pooler in between. While they last nothing is acknowledged, and no process
 * holds more connections than its pools have.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { afterDependency, type Fault, onPostgres } from './fault.ts'
import { FaultError } from './fault-error.ts'
import type { Load } from './load.ts'
import { setStandbys, standbyNames, type World } from './world.ts'

/** Answers that were on their way. */
const settleMs = 500
/** docs/operations/deploy.md, connections: of an intake process and of a worker. */
const connectionsMax = { intake: 13, worker: 15 }

/** @throws FaultError when somebody was told that a filing is accepted */
async function nothingAcknowledged(
  load: Pick<Load, 'acknowledged'>,
  during: () => Promise<void>,
): Promise<void> {
  await pause(settleMs)
  const before = load.acknowledged()
  await during()
  const told = load.acknowledged() - before
  if (told > 0) throw new FaultError(`${told} filings were acknowledged that are on no standby`)
}

async function expectBounded(world: World, client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where application_name like 'spillway-%' and backend_type = 'client backend'`,
  )
  const max =
    world.intakes.length * connectionsMax.intake + world.workers.length * connectionsMax.worker
  const { count } = rows[0] ?? { count: 0 }
  if (count > max) throw new FaultError(`${count} backends, where all pools have ${max}`)
}

const namesEmptied: Fault = {
  name: 'the names of standbys are emptied for 4 s',
  standby: true,
  // Names that are new count 2 s after they were loaded, and are looked at each second.
  within: { first: 5 },
  run: (world, _random, load) =>
    onPostgres(world, async (client) => {
      await setStandbys(client, '')
      try {
        await nothingAcknowledged(load, () => pause(4_000))
      } finally {
        await setStandbys(client, standbyNames)
      }
    }),
}

const stopped: Fault = {
  name: 'the standby is away for 10 s',
  standby: true,
  within: afterDependency,
  run: (world, _random, load) =>
    onPostgres(world, async (client) => {
      await world.standby?.stop()
      try {
        await nothingAcknowledged(load, async () => {
          for (let second = 0; second < 10; second += 1) {
            await pause(1_000)
            await expectBounded(world, client)
          }
        })
      } finally {
        world.standby?.start()
      }
    }),
}

/** Its proxy answers as a server does whose messages are Chinese. */
const cancelled: Fault = {
  name: 'waits for the standby are cancelled for 4 s',
  standby: true,
  within: afterDependency,
  run: (world, _random, load) =>
    onPostgres(world, async (client) => {
      await world.standby?.stop()
      try {
        await nothingAcknowledged(load, async () => {
          const until = performance.now() + 4_000
          while (performance.now() < until) {
            await client.query(
              "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'",
            )
            await pause(50)
          }
        })
      } finally {
        world.standby?.start()
      }
    }),
}

const optionsDropped: Fault = {
  name: 'a pooler drops options for 4 s',
  proxied: true,
  within: afterDependency,
  run: async (world, _random, load) => {
    world.postgresProxy?.set('unoptioned')
    try {
      await nothingAcknowledged(load, () => pause(4_000))
    } finally {
      world.postgresProxy?.set('pass')
    }
  },
}

export const standbyFaults: readonly Fault[] = [namesEmptied, stopped, cancelled, optionsDropped]
