/** A day's columns, from what generators counted and what was observed each second. */

import { msOf } from '../support/latencies.ts'
import { daySeconds } from './load/compression.ts'
import type { Limits } from './load/limit.ts'
import type { Observed } from './observer.ts'
import type { LatencyHeat, ProcessSamples, Samples } from './record.ts'
import type { Tally } from './tally.ts'

/** What was seen in each real second; undefined where nobody could look. */
export type Seen = readonly (Observed | undefined)[]

/** Seconds over which the rate of posting is taken, for the time that a backlog needs. */
const rateSeconds = 10
const heatColumnsMax = 180
const heatBoundsMs = [2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]

export function samplesOf(
  tally: Tally,
  seen: Seen,
  timeOfDay: Float64Array,
  atStart: number,
): Samples {
  const whole = filled(seen, atStart)
  const each = <T>(of: (second: number) => T) =>
    Array.from({ length: whole.length }, (_, i) => of(i))
  const counted = (counter: Parameters<Tally['of']>[1]) => each((i) => tally.of(i, counter))
  const posted = each((i) => (whole[i]?.posted ?? 0) - (whole[i - 1]?.posted ?? atStart))
  const backlog = each((i) => whole[i]?.backlog ?? 0)
  const percentile = (share: number) =>
    each((i) => {
      const latencies = tally.latencies(i, i + 1)
      return latencies.count === 0 ? null : rounded(latencies.percentile(share))
    })
  return {
    timeOfDay: each((i) => Math.round(timeOfDay[i] ?? daySeconds)),
    offered: counted('offered'),
    accepted: counted('accepted'),
    refused: counted('refused'),
    returned: counted('returned'),
    failed: counted('failed'),
    statusReads: counted('statusReads'),
    posted,
    backlog,
    drainSeconds: each((i) =>
      drainSeconds(backlog[i] ?? 0, posted.slice(Math.max(0, i - rateSeconds + 1), i + 1)),
    ),
    p50: percentile(0.5),
    p99: percentile(0.99),
    groupSize: each((i) => {
      const size = seen[i]?.groupSize ?? null
      return size === null ? null : rounded(size)
    }),
  }
}

/** Seconds until a backlog is posted at the rate of late; null where nothing is posted. */
export function drainSeconds(backlog: number, posted: readonly number[]): number | null {
  if (backlog === 0) return 0
  const rate = posted.reduce((sum, count) => sum + count, 0) / Math.max(1, posted.length)
  return rate > 0 ? rounded(backlog / rate) : null
}

/** What was not seen in a second is taken to be as before. */
function filled(seen: Seen, atStart: number): Pick<Observed, 'posted' | 'backlog'>[] {
  let last = { posted: atStart, backlog: 0 }
  return seen.map((one) => {
    last = one ?? last
    return last
  })
}

export function processSamplesOf(seen: Seen): ProcessSamples[] {
  const known = new Map<string, ProcessSamples['kind']>()
  for (const one of seen) for (const { name, kind } of one?.processes ?? []) known.set(name, kind)
  return [...known].map(([name, kind]) => {
    const column = seen.map((one) => one?.processes.find((process) => process.name === name))
    return {
      name,
      kind,
      cores: column.map((one) => (one?.cores == null ? null : rounded(one.cores))),
      residentBytes: column.map((one) => one?.residentBytes ?? null),
    }
  })
}

export function narrowOf(
  seen: Seen,
): Pick<Limits, 'committing' | 'commitMs' | 'posting' | 'machineCores'> {
  return {
    committing: seen.map((one) => one?.committing ?? null),
    commitMs: seen.map((one) => one?.commitMs ?? null),
    posting: seen.map((one) => one?.posting ?? null),
    machineCores: seen.map((one) => one?.machineCores ?? null),
  }
}

export function heatOf(tally: Tally, seconds: number): LatencyHeat {
  const secondsPerColumn = Math.max(1, Math.ceil(seconds / heatColumnsMax))
  const counts: number[][] = []
  for (let from = 0; from < seconds; from += secondsPerColumn) {
    const column = Array.from({ length: heatBoundsMs.length + 1 }, () => 0)
    for (const [bucket, count] of tally.latencies(from, from + secondsPerColumn).counted()) {
      const row = heatBoundsMs.findIndex((bound) => msOf(bucket) <= bound)
      const at = row < 0 ? heatBoundsMs.length : row
      column[at] = (column[at] ?? 0) + count
    }
    counts.push(column)
  }
  return { secondsPerColumn, boundsMs: heatBoundsMs, counts }
}

/** Three digits are more than is known. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3))
}
