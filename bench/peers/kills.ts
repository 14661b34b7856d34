/**
 * What a crash costs: under load, one part after the other is killed (SIGKILL, by its process id) and
 * started again. Filers repeat what had no answer with the same key, as they should. Then what was
 * acknowledged is looked for by the id that the filer computed itself.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { declarationId } from '../../src/journal/digest.ts'
import { type Filing, type Filings, nextFiling } from '../support/unique-filings.ts'
import type { Servers } from './servers.ts'
import { type Part, System, type SystemName } from './system.ts'

export type Kill = {
  readonly part: Part
  readonly acknowledged: number
  /** Neither in the ledger nor anywhere where it waits. */
  readonly lost: number
  readonly doubled: number
  /** Not lost, and not posted either when the time to settle is over. */
  readonly late: number
}

export type KillTimes = {
  /** Load before a kill, and after what was killed is back. */
  readonly loadMs: number
  /** After the load, for everything to be posted. */
  readonly settleMs: number
}

/** A worker that goes on takes what waits within this, and is not done with it. */
const atWorkMs = 100
const filers = 20
const filerPauseMs = 20
const answerMsMax = 2_000
const triesMax = 200

export async function killParts(
  name: SystemName,
  servers: Servers,
  filings: Filings,
  times: KillTimes,
): Promise<Kill[]> {
  const system = await System.start(name, servers)
  try {
    const kills: Kill[] = []
    for (const part of system.parts) kills.push(await killOne(system, part, filings, times))
    return kills
  } finally {
    await system.stop()
  }
}

async function killOne(
  system: System,
  part: Part,
  filings: Filings,
  { loadMs, settleMs }: KillTimes,
): Promise<Kill> {
  const load = startLoad(system.address, filings, `${system.name}-${part}`)
  // A worker dies in the middle of a backlog: one that keeps up may hold nothing at that moment.
  if (part === 'worker') system.holdWorker(true)
  await pause(loadMs)
  if (part === 'worker') {
    system.holdWorker(false)
    await pause(atWorkMs)
  }
  await system.kill(part)
  await pause(loadMs)
  const acknowledged = await load.stop()
  const deadline = performance.now() + settleMs
  for (;;) {
    // In this order: what is posted meanwhile is found as posted.
    const over = performance.now() > deadline
    const held = over ? await system.held() : new Set<string>()
    const rows = await rowsOf(system, acknowledged)
    if (rows.size < acknowledged.length && !over) {
      await pause(50)
      continue
    }
    const unposted = acknowledged.filter((id) => !rows.has(id))
    return {
      part,
      acknowledged: acknowledged.length,
      lost: unposted.filter((id) => !held.has(id)).length,
      doubled: [...rows.values()].filter((count) => count > 1).length,
      late: unposted.filter((id) => held.has(id)).length,
    }
  }
}

async function rowsOf(system: System, ids: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await system.owner.query<{ id: string; count: string }>(
    'select id, count(*) from ledger.declaration where id = any($1::text[]) group by id',
    [ids],
  )
  return new Map(rows.map(({ id, count }) => [id, Number(count)]))
}

/** Filers who send one declaration after the other, each until it is acknowledged. */
function startLoad(address: string, filings: Filings, keyPrefix: string) {
  const acknowledged: string[] = []
  let running = true
  let sent = 0
  const file = async () => {
    sent += 1
    const filing = nextFiling(filings)
    const key = `${keyPrefix}-${sent}`
    for (let tries = 0; tries < triesMax; tries += 1) {
      if (await isAcknowledged(address, filing, key)) {
        acknowledged.push(declarationId(filing.employer, filing.period, key))
        return
      }
      await pause(50)
    }
    throw new Error(`no answer to ${key} after ${triesMax} tries`)
  }
  const loops = Promise.all(
    Array.from({ length: filers }, async () => {
      while (running) {
        await file()
        await pause(filerPauseMs)
      }
    }),
  )
  loops.catch(() => {}) // told when it is stopped
  return {
    stop: async () => {
      running = false
      await loops
      return acknowledged
    },
  }
}

async function isAcknowledged(
  address: string,
  { body, authorization }: Filing,
  key: string,
): Promise<boolean> {
  try {
    const answer = await fetch(`${address}/v1/declarations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key, authorization },
      body,
      signal: AbortSignal.timeout(answerMsMax),
    })
    await answer.arrayBuffer()
    return answer.status === 202
  } catch {
    return false
  }
}
