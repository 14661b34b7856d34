/** What two rehearsals are compared by, and which way each figure is better. */
import { figure } from '../../support/axis.ts'
import { type Judgement, type WindowFigure, windowOf, windowsOfDay } from '../load/noise.ts'
import { readBytes, readMs, readSeconds } from '../reading.ts'
import type { ProcessSamples, RehearsalRecord } from '../record.ts'

export type Compared = {
  readonly what: string
  readonly read: (value: number) => string
  readonly better: 'lower' | 'higher'
  /** The figure of the whole day. */
  readonly value: (record: RehearsalRecord) => number | null
  /** Of half-hours, for its spread; null where it is measured once. */
  readonly windows: WindowFigure | null
  /** What it may differ by, at least, as a value. */
  readonly resolution?: number
  /** Any difference counts: a promise is kept or not. */
  readonly exact?: true
}

export type Row = {
  readonly what: string
  /** As they read, with their unit; null where a record does not have it. */
  readonly a: string | null
  readonly b: string | null
  /** Of a, as a part: 0.1 is a tenth more. Null where it cannot be told. */
  readonly change: number | null
  readonly judgement: Judgement
}

type Sums = readonly number[]
type Values = readonly (number | null)[]

const percent = (value: number) => `${figure(value)} %`
const micros = (value: number) => `${figure(value)} µs`

/** Sums of a column by half-hours, kept: they are asked for a thousand times. */
const kept = new WeakMap<object, Sums>()

function sumsOf(values: Values, { samples }: RehearsalRecord): Sums {
  const before = kept.get(values)
  if (before !== undefined) return before
  const sums = Array.from({ length: windowsOfDay }, () => 0)
  for (const [second, value] of values.entries()) {
    const window = windowOf(samples.timeOfDay[second] ?? 0)
    sums[window] = (sums[window] as number) + (value ?? 0)
  }
  kept.set(values, sums)
  return sums
}

const over = (sums: Sums, windows: readonly number[]) =>
  windows.reduce((total, window) => total + (sums[window] as number), 0)

type Ratio = {
  readonly above: (record: RehearsalRecord) => readonly Values[]
  readonly below: (record: RehearsalRecord) => Values
  readonly times: number
}

function ratioFigure({ above, below, times }: Ratio): Pick<Compared, 'value' | 'windows'> {
  const windows: WindowFigure = (record, chosen) => {
    const columns = above(record)
    const divisor = over(sumsOf(below(record), record), chosen)
    if (divisor === 0 || columns.length === 0) return null
    const sum = columns.reduce((all, column) => all + over(sumsOf(column, record), chosen), 0)
    return (times * sum) / divisor
  }
  const day = Array.from({ length: windowsOfDay }, (_, window) => window)
  return { windows, value: (record) => windows(record, day) }
}

const ones = new WeakMap<object, Values>()
/** 1 for each second that has a value, so that a sum over it counts them. */
function counted(values: Values): Values {
  const before = ones.get(values) ?? values.map((value) => (value === null ? 0 : 1))
  ones.set(values, before)
  return before
}

const mostOf = (values: Values) =>
  values.reduce(
    (most: number | null, value) => (value === null ? most : Math.max(most ?? 0, value)),
    null,
  )

/** A percentile from the rows of the heat map, so that half-hours can be drawn; exact enough for a spread. */
function heatPercentile(part: number): WindowFigure {
  return (record, windows) => {
    const rows = heatRows(record)
    const sums = windows.reduce<number[]>(
      (all, window) => (rows[window] ?? []).map((count, row) => count + (all[row] ?? 0)),
      [],
    )
    const total = sums.reduce((all, count) => all + count, 0)
    if (total === 0) return null
    const { boundsMs } = record.heat
    let left = part * total
    for (const [row, count] of sums.entries()) {
      const [low, high] = [boundsMs[row - 1] ?? 0, boundsMs[row] ?? 2 * (boundsMs.at(-1) ?? 1)]
      if (left <= count) return low + ((high - low) * left) / count
      left -= count
    }
    return null
  }
}

const heats = new WeakMap<object, number[][]>()
function heatRows({ heat, samples }: RehearsalRecord): number[][] {
  const before = heats.get(heat)
  if (before !== undefined) return before
  const rows = Array.from({ length: windowsOfDay }, () => heat.boundsMs.map(() => 0).concat(0))
  for (const [column, counts] of heat.counts.entries()) {
    const into = rows[windowOf(samples.timeOfDay[column * heat.secondsPerColumn] ?? 86_400)]
    for (const [row, count] of counts.entries()) if (into) into[row] = (into[row] ?? 0) + count
  }
  heats.set(heat, rows)
  return rows
}

const kinds: Readonly<Record<Exclude<ProcessSamples['kind'], 'generator'>, string>> = {
  intake: 'intakes',
  worker: 'workers',
  'batch-worker': 'batch workers',
  postgres: 'Postgres',
  redis: 'Redis',
}

const ofKind = ({ processes }: RehearsalRecord, kind: string) =>
  processes.filter((process) => process.kind === kind)

const latencies = [
  ['p50', 0.5, 'p50Ms'],
  ['p99', 0.99, 'p99Ms'],
  ['p99.9', 0.999, 'p999Ms'],
] as const

const fixedFigures: readonly Compared[] = [
  ...(['accepted', 'refused', 'failed'] as const).map(
    (column): Compared => ({
      what: `${column}, of what was offered`,
      read: percent,
      better: column === 'accepted' ? 'higher' : 'lower',
      ...ratioFigure({
        above: ({ samples }) => [samples[column]],
        below: ({ samples }) => samples.offered,
        times: 100,
      }),
    }),
  ),
  ...latencies.map(
    ([name, part, total]): Compared => ({
      what: `latency, ${name}`,
      read: readMs,
      better: 'lower',
      value: ({ totals, samples }) => (samples.timeOfDay.length === 0 ? null : totals[total]),
      windows: heatPercentile(part),
    }),
  ),
  {
    what: 'backlog, on average',
    read: figure,
    better: 'lower',
    ...ratioFigure({
      above: ({ samples }) => [samples.backlog],
      below: ({ samples }) => counted(samples.backlog),
      times: 1,
    }),
  },
  {
    what: 'backlog, most',
    read: figure,
    better: 'lower',
    value: ({ samples }) => mostOf(samples.backlog),
    windows: null,
  },
  {
    what: 'drain time, most',
    read: readSeconds,
    better: 'lower',
    value: ({ samples }) => mostOf(samples.drainSeconds),
    windows: null,
    resolution: 1,
  },
  ...Object.entries(kinds).flatMap(([kind, name]): Compared[] => [
    {
      what: `CPU of an accepted declaration, ${name}`,
      read: micros,
      better: 'lower',
      ...ratioFigure({
        above: (record) => ofKind(record, kind).map(({ cores }) => cores),
        below: ({ samples }) => samples.accepted,
        times: 1e6,
      }),
    },
    {
      what: `memory, most, ${name}`,
      read: readBytes,
      better: 'lower',
      value: (record) => mostOf(ofKind(record, kind).map((one) => mostOf(one.residentBytes))),
      windows: null,
    },
  ]),
  ...(
    [
      ['capacity, declarations a second', 'declarationsPerSecond'],
      ['capacity, posted a second', 'postedPerSecond'],
    ] as const
  ).map(
    ([what, field]): Compared => ({
      what,
      read: figure,
      better: 'higher',
      value: ({ forecast }) => forecast?.[field] ?? null,
      windows: null,
    }),
  ),
  {
    what: 'invariants, violations',
    read: figure,
    better: 'lower',
    value: ({ audit }) =>
      audit === null ? null : audit.invariants.reduce((sum, one) => sum + one.violations, 0),
    windows: null,
    exact: true,
  },
]

/** The figures of every record, and the recovery from each fault that one of these had. */
export function comparedFigures(records: readonly RehearsalRecord[]): Compared[] {
  const faults = records.flatMap(({ events }) => events.filter(({ kind }) => kind === 'fault'))
  const recoveries = [...new Set(faults.map(({ title }) => title))].map(
    (title): Compared => ({
      what: `all posted after “${title}”`,
      read: readSeconds,
      better: 'lower',
      value: ({ events }) =>
        mostOf(events.filter((one) => one.title === title).map((one) => one.allPostedSeconds)),
      windows: null,
      resolution: 1,
    }),
  )
  return [...fixedFigures, ...recoveries]
}
