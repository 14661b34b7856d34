/** How an engine comes back after a fault: until it posts again, and until all that waited is posted. */
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import type { Fault } from './fault.ts'
import { FaultError } from './fault-error.ts'
import type { Injected } from './report.ts'
import type { World } from './world.ts'

/** A recovery that takes longer, or this many times its goal, is given up on: the run has failed. */
const recoveryMsMax = 60_000
const recoveryGoalsMax = 4
const drainMsMax = 120_000

/** Measures how long it takes from a fault's end until posting goes on, and all that waited is. */
export async function recover(
  world: World,
  { within }: Pick<Fault, 'within'>,
): Promise<Pick<Injected, 'first' | 'all'>> {
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1_000
  const msMax = Math.max(recoveryMsMax, recoveryGoalsMax * 1_000 * (within.all ?? 0))
  const client = await connectSoon(world)
  try {
    const { rows } = await client.query<{ postings: string; last: string | null }>(
      `select (select count(*) from ledger.posting) as postings,
         (select max(envelope) from journal.unposted) as last`,
    )
    const { postings, last } = rows[0] ?? { postings: '0', last: null }
    let first: number | undefined
    while (seconds() * 1_000 < msMax) {
      first ??= (await countPostings(client)) > Number(postings) ? seconds() : undefined
      const all = within.all === undefined || !(await anyUnposted(client, last))
      if (all && first !== undefined) return { first, all: seconds() }
      await pause(20)
    }
    return { first: first ?? Number.POSITIVE_INFINITY, all: Number.POSITIVE_INFINITY }
  } finally {
    await client.end()
  }
}

async function countPostings(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ count: string }>('select count(*) from ledger.posting')
  return Number(rows[0]?.count)
}

async function anyUnposted(client: pg.Client, last: string | null): Promise<boolean> {
  const { rows } = await client.query(
    'select from journal.unposted where envelope <= $1::bigint limit 1',
    [last ?? '0'],
  )
  return rows.length > 0
}

export async function connectSoon(world: World): Promise<pg.Client> {
  const until = performance.now() + drainMsMax
  for (;;) {
    const client = await world.connect().catch(() => undefined)
    if (client !== undefined) return client
    if (performance.now() > until) throw new FaultError('Postgres does not come back')
    await pause(20)
  }
}

/** Waits until all is posted, or no longer. */
export async function drained(world: World): Promise<void> {
  const client = await connectSoon(world)
  const until = performance.now() + drainMsMax
  try {
    for (;;) {
      const { rows } = await client.query('select from journal.unposted limit 1')
      if (rows.length === 0 || performance.now() > until) return
      await pause(100)
    }
  } finally {
    await client.end()
  }
}
