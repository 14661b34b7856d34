/**
 * What an engine of one's own does, second by second: accepted and not yet posted from its database,
 * cores and memory of every process from /proc, and how busy its two narrow places are (an intake
 * commits one group at a time, a worker posts one envelope at a time) from its processes' metrics.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type pg from 'pg'
import type { Supervised, World } from '../faults/world.ts'
import { cpuMicros, parentOf } from '../support/processes.ts'
import type { ProcessSamples } from './record.ts'

export type ProcessSeen = {
  readonly name: string
  readonly kind: ProcessSamples['kind']
  /** Null until two looks have found the same process. */
  readonly cores: number | null
  readonly residentBytes: number
}

export type Observed = {
  /** Declarations accepted, and posted, since the engine began; and of them those of files. */
  readonly accepted: number
  readonly posted: number
  readonly backlog: number
  readonly groupSize: number | null
  /** Share of the second in which the busiest intake had a commit under way; and a commit's time. */
  readonly committing: number | null
  readonly commitMs: number | null
  /** The same for the busiest worker. */
  readonly posting: number | null
  readonly processes: readonly ProcessSeen[]
  /** Cores in use by everything on this machine. */
  readonly machineCores: number | null
}

/** What stays unanswered is left out of this second. */
const metricsMsMax = 900

type Watched = {
  readonly name: string
  readonly kind: ProcessSamples['kind']
  readonly pid: number
}
type Counters = { readonly commit: number; readonly commits: number; readonly posting: number }

export class Observer {
  readonly #world: World
  readonly #generators: () => readonly number[]
  #client: pg.Client | undefined
  #envelopes = 0
  #accepted = 0
  #machine: { busy: number; atMs: number } | undefined
  readonly #cpu = new Map<string, { pid: number; micros: number; atMs: number }>()
  readonly #counters = new Map<string, { counters: Counters; atMs: number }>()

  constructor(world: World, generators: () => readonly number[] = () => []) {
    this.#world = world
    this.#generators = generators
  }

  /** Looks once; undefined where the database can't be asked now. */
  async look(): Promise<Observed | undefined> {
    const [lanes, narrow] = await Promise.all([this.#askDatabase(), this.#askProcesses()])
    const processes = this.#watched().map((one) => this.#see(one))
    const machineCores = this.#seeMachine()
    if (lanes === undefined) return undefined
    const { accepted, envelopes, backlog } = lanes
    const groups = envelopes - this.#envelopes
    const groupSize = groups > 0 ? (accepted - this.#accepted) / groups : null
    this.#envelopes = envelopes
    this.#accepted = accepted
    return {
      accepted,
      posted: accepted - backlog,
      backlog,
      groupSize,
      ...narrow,
      processes,
      machineCores,
    }
  }

  async stop(): Promise<void> {
    await this.#client?.end().catch(() => {})
  }

  /** Its own connection; a fault may end it. In one statement, so that the two agree. */
  async #askDatabase() {
    try {
      this.#client ??= await this.#world.connect()
      const { rows } = await this.#client.query<Record<string, string>>({
        name: 'observe',
        text: `
          select
            (select count(*) from journal.envelope where lane = 'filing') as envelopes,
            (select coalesce(sum(declarations), 0) from journal.envelope where lane = 'filing') as accepted,
            (select coalesce(sum(declarations), 0) from journal.unposted where lane = 'filing') as backlog`,
      })
      const [row = {}] = rows
      const { envelopes, accepted, backlog } = row
      return { envelopes: Number(envelopes), accepted: Number(accepted), backlog: Number(backlog) }
    } catch {
      void this.#client?.end().catch(() => {})
      this.#client = undefined
      return undefined
    }
  }

  async #askProcesses(): Promise<Pick<Observed, 'committing' | 'commitMs' | 'posting'>> {
    const { intakes, workers } = this.#world
    const seen = await Promise.all([...intakes, ...workers].map((one) => this.#askMetrics(one)))
    const some = seen.filter((one) => one !== undefined)
    const most = (of: (one: Counters) => number) =>
      some.length === 0 ? null : Math.max(...some.map(of))
    const commits = some.reduce((sum, one) => sum + one.commits, 0)
    const seconds = some.reduce((sum, one) => sum + one.commit * one.over, 0)
    return {
      committing: most(({ commit }) => commit),
      commitMs: commits > 0 ? (seconds * 1_000) / commits : null,
      posting: most(({ posting }) => posting),
    }
  }

  /** Shares of the time since the last look. */
  async #askMetrics({ port, pid }: Supervised): Promise<(Counters & { over: number }) | undefined> {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, {
      signal: AbortSignal.timeout(metricsMsMax),
    }).then(
      (response) => response.text(),
      () => undefined,
    )
    if (answer === undefined) return undefined
    const counters = {
      commit: metric(answer, 'spillway_commit_seconds_sum'),
      commits: metric(answer, 'spillway_commit_seconds_count'),
      posting: metric(answer, 'spillway_posting_seconds_sum'),
    }
    const atMs = performance.now()
    const before = this.#counters.get(String(pid))
    this.#counters.set(String(pid), { counters, atMs })
    if (before === undefined) return undefined
    const over = (atMs - before.atMs) / 1_000
    return {
      commit: (counters.commit - before.counters.commit) / over,
      commits: counters.commits - before.counters.commits,
      posting: (counters.posting - before.counters.posting) / over,
      over,
    }
  }

  #watched(): Watched[] {
    const { intakes, workers, batchWorkers, postgres, redis } = this.#world
    const named = (kind: 'intake' | 'worker' | 'batch-worker', list: readonly Supervised[]) =>
      list.map(({ pid }, i) => ({ name: `${kind.replace('-', ' ')} ${i + 1}`, kind, pid }))
    return [
      ...named('intake', intakes),
      ...named('worker', workers),
      ...named('batch-worker', batchWorkers),
      { name: 'Postgres', kind: 'postgres' as const, pid: postgres.pid },
      ...(redis === undefined ? [] : [{ name: 'Redis', kind: 'redis' as const, pid: redis.pid }]),
      ...this.#generators().map((pid, i) => ({
        name: `generator ${i + 1}`,
        kind: 'generator' as const,
        pid,
      })),
    ]
  }

  #seeMachine(): number | null {
    const before = this.#machine
    this.#machine = { busy: busySeconds(), atMs: performance.now() }
    if (before === undefined) return null
    return (1_000 * (this.#machine.busy - before.busy)) / (this.#machine.atMs - before.atMs)
  }

  #see({ name, kind, pid }: Watched): ProcessSeen {
    const family = kind === 'postgres' ? familyOf(pid) : [pid]
    const micros = family.reduce((sum, one) => sum + cpuMicros(one), 0)
    const atMs = performance.now()
    const before = this.#cpu.get(name)
    this.#cpu.set(name, { pid, micros, atMs })
    // A backend that ended takes its time with it.
    const cores =
      before?.pid === pid
        ? Math.max(0, (micros - before.micros) / 1_000 / (atMs - before.atMs))
        : null
    return { name, kind, cores, residentBytes: residentBytes(family) }
  }
}

/** Of all cores together since the machine began: what was neither idle nor waiting for a disk. */
function busySeconds(): number {
  const [, ...ticks] = (readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '').split(/\s+/)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = ticks.map(Number)
  return (user + nice + system + irq + softirq + steal) / 100
}

/** The sum over all labels. */
function metric(text: string, name: string): number {
  let sum = 0
  for (const [, value] of text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm')))
    sum += Number(value)
  return sum
}

function familyOf(pid: number): number[] {
  const children = readdirSync('/proc').flatMap((name) =>
    /^\d+$/.test(name) && parentOf(Number(name)) === pid ? [Number(name)] : [],
  )
  return [pid, ...children]
}

/** Own memory of each, and what they share once. */
function residentBytes(family: readonly number[]): number {
  let own = 0
  let shared = 0
  for (const pid of family) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      const kib = (name: string) =>
        Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
      own += kib('RssAnon')
      shared = Math.max(shared, kib('RssShmem') + kib('RssFile'))
    } catch {
      // it is gone
    }
  }
  return (own + shared) * 1_024
}
