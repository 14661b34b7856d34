/**
 * One turn of one system: the worker stands still while a fixed number of declarations is accepted,
 * over 100 connections of which each sends its next when it has its answer; then the worker posts what
 * waits. CPU time is read from the kernel, for the processes of each part.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { fire } from '../support/filings.ts'
import { cpuMicros, cpuMicrosOfFamily } from '../support/processes.ts'
import type { Filings } from '../support/unique-filings.ts'
import type { Servers } from './servers.ts'
import { type Part, System, type SystemName } from './system.ts'

export type Turn = {
  /** Declarations a second. */
  readonly accepted: number
  readonly posted: number
  /** Milliseconds to the answer, 99th percentile, at that rate. */
  readonly p99: number
  /** Microseconds for each declaration, accepting and posting together, by the parts that it has. */
  readonly cpu: Readonly<Partial<Record<Part, number>>>
  /** Bytes that each declaration takes that waits to be posted, where it waits. */
  readonly bytes: Readonly<Partial<Record<'redis' | 'postgres', number>>>
}

export type TurnSize = { readonly warm: number; readonly declarations: number }

const postMsMax = 120_000
const lookMs = 20

export async function takeTurn(
  name: SystemName,
  servers: Servers,
  filings: Filings,
  { warm, declarations }: TurnSize,
): Promise<Turn> {
  const system = await System.start(name, servers)
  try {
    await fire(system.address, filings, { amount: warm })
    await posted(system, warm)
    await tidyTables(system)
    system.holdWorker(true)
    const bytesBefore = await bytesOf(system, servers)
    const accepting = await measured(system, () =>
      fire(system.address, filings, { amount: declarations }),
    )
    const { accepted, seconds, p99Ms } = accepting.result
    const bytesAfter = await bytesOf(system, servers)
    // As autovacuum would have by the time that a real backlog has grown.
    await system.owner.query('analyze')
    const began = performance.now()
    const posting = await measured(system, () => {
      system.holdWorker(false)
      return posted(system, warm + accepted)
    })
    const drained = (1_000 * accepted) / (performance.now() - began)
    const rate = accepted / seconds
    const each = (part: Part) => (accepting.cpu[part] + posting.cpu[part]) / accepted
    const waiting = (where: 'redis' | 'postgres') =>
      (bytesAfter[where] - bytesBefore[where]) / accepted
    return {
      accepted: rate,
      // Where the request posts, both are one.
      posted: system.hasWorker ? drained : rate,
      p99: p99Ms,
      cpu: Object.fromEntries(system.parts.map((part) => [part, each(part)])),
      bytes: {
        ...(system.redisKind !== undefined && { redis: waiting('redis') }),
        ...(system.waitsInPostgres && { postgres: waiting('postgres') }),
      },
    }
  } finally {
    system.holdWorker(false)
    await system.stop()
  }
}

/** Resolves when so many declarations are in the ledger, each once; more are a fault. */
async function posted(system: System, count: number): Promise<void> {
  const deadline = performance.now() + postMsMax
  for (;;) {
    const rows = await system.posted()
    if (rows > count) throw new Error(`${system.name} posted ${rows} of ${count} declarations`)
    if (rows === count) return
    if (performance.now() > deadline) {
      throw new Error(`${system.name} posted only ${rows} of ${count} declarations in time`)
    }
    await pause(lookMs)
  }
}

/** Tables as they are after a while: without the traces of the start, and with statistics. */
async function tidyTables({ owner }: System): Promise<void> {
  const { rows } = await owner.query<{ tables: string }>(
    `select string_agg(oid::regclass::text, ', ') as tables from pg_class where ${isOwnTable}`,
  )
  await owner.query(`vacuum (full, analyze) ${rows[0]?.tables}`)
  await owner.query('checkpoint')
}

const isOwnTable = `relkind = 'r' and relnamespace::regnamespace::text not in
  ('pg_catalog', 'information_schema', 'pg_toast')`

/** The CPU time that `work` takes each part, in microseconds. */
async function measured<T>(system: System, work: () => Promise<T>) {
  const before = cpuOf(system)
  const result = await work()
  const after = cpuOf(system)
  const cpu = Object.fromEntries(
    Object.entries(after).map(([part, micros]) => [part, micros - before[part as Part]]),
  ) as Record<Part, number>
  return { result, cpu }
}

function cpuOf(system: System): Record<Part, number> {
  const of = (part: Part) => cpuMicros(system.pidOf(part) ?? -1)
  return {
    intake: of('intake'),
    worker: of('worker'),
    redis: of('redis'),
    postgres: cpuMicrosOfFamily(system.pidOf('postgres') as number),
  }
}

/** Memory of Redis, and tables with their indexes but for the ledger, where nothing waits. */
async function bytesOf(system: System, servers: Servers) {
  const { rows } = await system.owner.query<{ bytes: string }>(
    `select coalesce(sum(pg_total_relation_size(oid)), 0) as bytes from pg_class
     where ${isOwnTable} and relnamespace::regnamespace::text <> 'ledger'`,
  )
  const redis = system.redisKind === undefined ? 0 : await servers.redisBytes(system.redisKind)
  return { redis, postgres: Number(rows[0]?.bytes) }
}
