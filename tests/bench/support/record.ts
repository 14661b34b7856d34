/**
 * Rehearsals that never were: a day with a noon and an evening peak, bursts, faults, a large file and a
 * worker more, the same for the same seed. For tests of what is made from a record, and for nothing else.
 */
import type {
  DayEvent,
  LatencyHeat,
  ObjectiveResult,
  ProcessSamples,
  RehearsalRecord,
  Samples,
} from '../../../bench/rehearsal/record.ts'

export type Wish = {
  readonly seed?: number
  /** Simulated seconds in a real one; quiet hours pass four times as fast unless it is 1. */
  readonly compress?: number
  readonly verdict?: RehearsalRecord['verdict']
  readonly workers?: number
  /** Of every latency. */
  readonly slower?: number
  readonly title?: string
}

const daySeconds = 86_400
const declarationsOfDay = 1_000_000
const boundsMs = [2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000]

export function makeRecord(wish: Wish = {}): RehearsalRecord {
  const { seed = 1, compress = 1, verdict = 'pass', slower = 1 } = wish
  const chance = mulberry(seed)
  const timeOfDay = dayTimes(compress)
  const events = eventsOf(timeOfDay, verdict)
  const samples = drive(timeOfDay, events, chance, slower)
  const total = (column: readonly number[]) => column.reduce((sum, value) => sum + value, 0)
  const [accepted, refused, failed] = [samples.accepted, samples.refused, samples.failed].map(total)
  const objectives = objectivesOf(samples, verdict)
  return {
    format: 'spillway-rehearsal/2',
    startedAt: '2024-11-25T00:00:00.000Z',
    endedAt: new Date(Date.UTC(2024, 10, 25) + timeOfDay.length * 1000 + 93_000).toISOString(),
    profile: {
      name: 'large-city',
      title: wish.title ?? 'Deadline day of a city with 1,000,000 employers',
      employers: 1_000_000,
      compress,
      sources: [
        'Peak hour 8 % of the day: India ITR, 31 July 2022, 517,030 of 7.24 m filed from 17:00 to 18:00',
        'Peak second 4 times the peak hour’s average: the same, 570 in one second',
        'Last hour 83 % of the peak hour: HMRC Self Assessment, 31 January 2026',
      ],
    },
    engine: { kind: 'own', queue: 'redis', intakes: 2, workers: 3, batchWorkers: 1 },
    settings: [
      ['Spillway', '0.1.0 (9ec1834)'],
      ['Node.js', '24.21.0'],
      ['Postgres', '18.4'],
      ['Redis', '7.0.15'],
      ['synchronous_commit', 'on'],
      ['POST_CONCURRENCY', '4'],
      ['ACCEPT_COMMIT_MS', '50'],
      ['SHED_AT', 'reports=0.6,checks=0.7,uploads=0.8,filings=0.9,filings-due=1,lookups=1.5'],
    ],
    machine: '8 cores (AMD EPYC 7763 64-Core Processor), 32 GiB, Linux 6.8',
    verdict,
    reasons: reasonsOf(verdict, objectives),
    objectives,
    totals: {
      offered: total(samples.offered),
      accepted: accepted as number,
      refused: refused as number,
      returned: total(samples.returned),
      failed: failed as number,
      posted: total(samples.posted),
      statusReads: total(samples.statusReads),
      retries: Math.round((refused as number) * 0.94),
      corrections: Math.round((accepted as number) * 0.021),
      files: 1,
      fileRows: 100_000,
      p50Ms: 7.4 * slower,
      p99Ms: 61 * slower,
      p999Ms: 840 * slower,
      mostMs: 9_310 * slower,
    },
    samples,
    processes: processesOf(samples, events, chance, wish.workers ?? 3),
    heat: heatOf(samples),
    events,
    forecast: {
      declarationsPerSecond: 2_410,
      linesPerSecond: 31_300,
      postedPerSecond: 3_120,
      peakPerSecond: Math.max(...samples.offered),
      headroom: 2_410 / Math.max(...samples.offered),
      saturatesFirst: 'Postgres',
      workersNeeded: 1,
      reasoning: [
        'The closed-loop probe before the day found 2,410 declarations/s (13 lines on average) at a p99 of 180 ms.',
        'At that rate Postgres used 3.7 of the 4 cores given to it; intake 1 and 2 used 0.61 and 0.58 of one each.',
        `The profile’s peak second offers ${Math.max(...samples.offered)} declarations; one worker posts 1,040/s, so one is enough for the peak and a second one halves the drain time after a fault.`,
      ],
    },
    audit: {
      passed: verdict !== 'fail',
      declarations: accepted as number,
      invariants: [
        ['I1', 'what was acknowledged is in the journal', 0],
        ['I2', 'nothing is posted twice', 0],
        ['I3', 'everything in the journal was sent by somebody', 0],
        ['I4', 'what is in force is the highest sequence', 0],
        ['I5', 'amounts add up, line by line and in total', verdict === 'fail' ? 3 : 0],
        ['I6', 'receipts verify and are the same when asked again', 0],
      ].map(([id, title, violations]) => ({ id, title, violations }) as never),
    },
  }
}

/** A rehearsal that ended before its first second. */
export function makeEmptyRecord(): RehearsalRecord {
  const full = makeRecord({ compress: 720, verdict: 'void' })
  const none = Object.fromEntries(Object.keys(full.samples).map((name) => [name, []]))
  const zero = Object.fromEntries(Object.keys(full.totals).map((name) => [name, 0]))
  return {
    ...full,
    reasons: ['Void: the engine did not answer at http://127.0.0.1:8080 within 60 s.'],
    objectives: full.objectives.map((one) => ({
      ...one,
      measured: null,
      holds: false,
      restsOn: null,
      why: 'Nothing was measured.',
    })),
    totals: zero as never,
    samples: none as never,
    processes: [],
    heat: { secondsPerColumn: 60, boundsMs, counts: [] },
    events: [],
    forecast: null,
    audit: null,
  }
}

function mulberry(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function dayTimes(compress: number): number[] {
  const times: number[] = []
  for (let at = 0; at < daySeconds; ) {
    times.push(at)
    at += compress > 1 && at < 7 * 3600 ? 4 * compress : compress
  }
  return times
}

const bell = (at: number, centre: number, width: number) =>
  Math.exp(-(((at - centre) / width) ** 2) / 2)

/** Declarations a simulated second. */
function rateAt(timeOfDay: number): number {
  const hour = timeOfDay / 3600
  const shape =
    0.03 +
    0.55 * bell(hour, 11.6, 1.6) +
    bell(hour, 16.8, 1.4) +
    (hour >= 23 ? 0.8 * ((hour - 23) / 0.98) : 0) +
    0.25 * bell(hour, 20, 1.2)
  return (declarationsOfDay / daySeconds / 0.3) * shape
}

function poisson(mean: number, chance: () => number): number {
  if (mean > 40) {
    const normal = Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance())
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal))
  }
  const end = Math.exp(-mean)
  let count = 0
  for (let product = chance(); product > end; product *= chance()) count += 1
  return count
}

function eventsOf(timeOfDay: readonly number[], verdict: RehearsalRecord['verdict']): DayEvent[] {
  const seconds = timeOfDay.length
  const at = (hour: number) =>
    Math.max(
      0,
      timeOfDay.findIndex((time) => time >= hour * 3600),
    )
  const lasting = (from: number, part: number) => from + Math.max(2, Math.round(part * seconds))
  const event = (
    kind: DayEvent['kind'],
    from: number,
    to: number | null,
    title: string,
    recovery: readonly [number, number] | null,
  ): DayEvent => ({
    kind,
    fromSecond: from,
    toSecond: to,
    title,
    firstPostedSeconds: recovery?.[0] ?? null,
    allPostedSeconds: recovery?.[1] ?? null,
  })
  const slow = verdict === 'fail' ? 14 : 1
  return [
    event('note', at(8), null, 'portals open', null),
    event('file', at(10), lasting(at(10), 0.004), 'file of 100,000 rows sent', null),
    event('fault', at(12.2), lasting(at(12.2), 0.0004), 'worker killed (SIGKILL)', [0.8, 2.4]),
    event('fault', at(14.1), lasting(at(14.1), 0.006), 'Redis gone', [1.1, 4.2 * slow]),
    event('scaling', at(16), null, 'worker 3 added', null),
    event('fault', at(16.75), lasting(at(16.75), 0.0015), 'Postgres stopped at once', [2.6, 9.7]),
    event(
      'fault',
      at(17.2),
      lasting(at(17.2), 0.003),
      'disk slow, 20 ms for each commit',
      [0.2, 6.1],
    ),
    event('scaling', at(22), null, 'worker 3 removed', null),
  ]
}

function drive(
  timeOfDay: readonly number[],
  events: readonly DayEvent[],
  chance: () => number,
  slower: number,
): Samples {
  const columns: Record<keyof Samples, (number | null)[]> = {
    timeOfDay: [...timeOfDay],
    offered: [],
    accepted: [],
    refused: [],
    returned: [],
    failed: [],
    statusReads: [],
    posted: [],
    backlog: [],
    drainSeconds: [],
    p50: [],
    p99: [],
    groupSize: [],
  }
  const under = (second: number, title: string) =>
    events.some(
      (one) =>
        one.title.startsWith(title) && second >= one.fromSecond && second < (one.toSecond ?? 0),
    )
  const compress = (timeOfDay[timeOfDay.length - 1] as number) / timeOfDay.length
  const postable = 95 * Math.max(1, compress)
  let backlog = 0
  for (const [second, time] of timeOfDay.entries()) {
    const step = (timeOfDay[second + 1] ?? daySeconds) - time
    const burst = time % 60 < Math.max(1, step) ? 1 + 2.5 * chance() : 1
    const offered = poisson(rateAt(time) * step * burst, chance)
    const down = under(second, 'Postgres')
    const slowDisk = under(second, 'disk')
    const refused = down ? Math.round(offered * 0.7) : slowDisk ? Math.round(offered * 0.18) : 0
    const failed = down ? Math.round(offered * 0.05) : 0
    const returned = Math.round((offered - refused - failed) * 0.015)
    const accepted = offered - refused - failed - returned
    const rows = under(second, 'file') ? 100_000 / (0.004 * timeOfDay.length) : 0
    const waiting = backlog + accepted + Math.round(rows)
    const workable = under(second, 'Redis') || down ? 0 : under(second, 'worker') ? 0.2 : 1
    const posted = Math.min(waiting, Math.round(postable * workable * (0.85 + 0.15 * chance())))
    backlog = waiting - posted
    const load = offered / postable
    const p50 = slower * (4 + 18 * load ** 2 + 2 * chance() + (slowDisk ? 140 : 0))
    const p99 =
      slower * (p50 * (3 + 3 * chance()) + (down ? 2_600 : 0) + (chance() < 0.0004 ? 900 : 0))
    const some = accepted > 0
    for (const [name, value] of Object.entries({
      offered,
      accepted,
      refused,
      returned,
      failed,
      posted,
      backlog,
    }))
      columns[name as keyof Samples].push(value)
    columns.statusReads.push(poisson(offered * 1.5, chance))
    columns.drainSeconds.push(workable === 0 ? null : backlog / postable)
    columns.p50.push(some ? p50 : null)
    columns.p99.push(some ? p99 : null)
    columns.groupSize.push(some ? 1 + accepted * 0.05 * (1 + chance()) : null)
  }
  return columns as unknown as Samples
}

function processesOf(
  { offered, accepted, posted, statusReads }: Samples,
  events: readonly DayEvent[],
  chance: () => number,
  workers: number,
): ProcessSamples[] {
  const seconds = offered.length
  const most = (declarationsOfDay / daySeconds) * 12 * (daySeconds / seconds)
  const found = (title: string) => events.find((one) => one.title.startsWith(title))
  const added = found('worker 3 added')?.fromSecond ?? 0
  const removed = found('worker 3 removed')?.fromSecond ?? seconds
  const killed = found('worker killed')
  const one = (
    name: string,
    kind: ProcessSamples['kind'],
    restMiB: number,
    cores: (second: number) => number | null,
  ): ProcessSamples => {
    const used = offered.map((_, second) => {
      const value = cores(second)
      return value === null ? null : Math.round(1000 * value * (0.9 + 0.2 * chance())) / 1000
    })
    return {
      name,
      kind,
      cores: used,
      residentBytes: used.map((value, second) =>
        value === null
          ? null
          : Math.round(restMiB * (1 + 0.2 * value + 0.08 * (second / seconds)) * 2 ** 20),
      ),
    }
  }
  const at = (column: readonly number[], second: number) => (column[second] as number) / most
  return [
    ...[1, 2].map((n) => one(`intake ${n}`, 'intake', 180, (s) => 0.02 + 0.6 * at(accepted, s))),
    ...Array.from({ length: workers }, (_, i) =>
      one(`worker ${i + 1}`, 'worker', 210, (s) => {
        if (i === 2 && (s < added || s > removed)) return null
        if (i === 0 && killed && s >= killed.fromSecond && s < (killed.toSecond as number))
          return null
        return 0.01 + 0.4 * at(posted, s)
      }),
    ),
    one('batch worker 1', 'batch-worker', 240, (s) =>
      s > seconds * 0.41 && s < seconds * 0.42 ? 0.9 : 0.01,
    ),
    one('Postgres', 'postgres', 1_450, (s) => 0.05 + 1.6 * at(posted, s)),
    one('Redis', 'redis', 34, (s) => 0.01 + 0.08 * at(statusReads, s)),
    ...[1, 2, 3, 4].map((n) =>
      one(`generator ${n}`, 'generator', 150, (s) => 0.03 + 0.3 * at(offered, s)),
    ),
  ]
}

/** As many of each second in each row as a lognormal latency with its percentiles would give. */
function heatOf({ accepted, p50, p99 }: Samples): LatencyHeat {
  const secondsPerColumn = Math.max(1, Math.round(accepted.length / 1_440))
  const counts: number[][] = []
  for (const [second, count] of accepted.entries()) {
    const column = Math.floor(second / secondsPerColumn)
    counts[column] ??= Array.from({ length: boundsMs.length + 1 }, () => 0)
    const [middle, high] = [p50[second], p99[second]]
    if (middle === null || middle === undefined || high === null || high === undefined) continue
    const spread = Math.log(high / middle) / 2.326
    let below = 0
    for (let row = 0; row <= boundsMs.length; row += 1) {
      const bound = boundsMs[row]
      const part =
        bound === undefined ? 1 : 1 / (1 + Math.exp((-1.702 * Math.log(bound / middle)) / spread))
      const upTo = Math.round(count * part)
      ;(counts[column] as number[])[row] = ((counts[column] as number[])[row] ?? 0) + upTo - below
      below = upTo
    }
  }
  return { secondsPerColumn, boundsMs, counts }
}

function objectivesOf(samples: Samples, verdict: RehearsalRecord['verdict']): ObjectiveResult[] {
  const failing = verdict === 'fail'
  const backlogMost = samples.backlog.reduce((most, value) => Math.max(most, value), 0)
  const one = (
    name: string,
    title: string,
    unit: string,
    bound: ObjectiveResult['bound'],
    measured: number | null,
    why: string | null = null,
  ): ObjectiveResult => ({
    name,
    title,
    unit,
    bound,
    measured,
    holds:
      measured !== null &&
      ('atMost' in bound ? measured <= bound.atMost : measured >= bound.atLeast),
    restsOn: null,
    why,
  })
  return [
    one('lost', 'Nothing that was acknowledged is lost', 'declarations', { atMost: 0 }, 0),
    one('doubled', 'Nothing is posted twice', 'declarations', { atMost: 0 }, 0),
    one('accept-p50', 'Half of all filings are answered within', 'ms', { atMost: 50 }, 7.4),
    failing
      ? one(
          'accept-p99',
          '99 of 100 filings are answered within',
          'ms',
          { atMost: 500 },
          812,
          'From 16:45 to 16:52 Postgres used all 4 of its cores: commits took 340 ms in place of 6.',
        )
      : one('accept-p99', '99 of 100 filings are answered within', 'ms', { atMost: 500 }, 61),
    one(
      'accepted',
      'Of filings without faults, accepted on the same day',
      '%',
      { atLeast: 99.9 },
      99.98,
    ),
    one(
      'backlog',
      'Accepted and not yet posted, at most',
      'declarations',
      { atMost: 200_000 },
      backlogMost,
    ),
    failing
      ? one(
          'recovery',
          'After a fault everything that waited is posted within',
          's',
          { atMost: 30 },
          58.8,
          'After “Redis gone” at 14:06 the sweeper put 4,120 envelopes back in turns of 500; the workers were idle for half of the time.',
        )
      : one(
          'recovery',
          'After a fault everything that waited is posted within',
          's',
          { atMost: 30 },
          9.7,
        ),
    one(
      'documented',
      'Answers that are not documented',
      'answers',
      { atMost: 0 },
      verdict === 'void' ? null : 0,
    ),
  ]
}

function reasonsOf(
  verdict: RehearsalRecord['verdict'],
  objectives: readonly ObjectiveResult[],
): string[] {
  if (verdict === 'void')
    return [
      'Void: the generators were late by 41 ms at the 99th percentile from 16:40 to 17:10 (at most 20 ms is allowed): what was measured is theirs, not the engine’s.',
    ]
  if (verdict === 'pass') return []
  return objectives
    .filter(({ holds }) => !holds)
    .map(
      ({ title, measured, unit, bound }) =>
        `${title} ${'atMost' in bound ? bound.atMost : bound.atLeast} ${unit}: ${measured} ${unit}.`,
    )
}
