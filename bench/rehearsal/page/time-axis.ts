/**
 * The axis of a day: real seconds, so that a burst keeps its width, with ticks where the simulated hour
 * changes. Hours in which little happens may be driven faster; they are narrower then.
 */
import { type Axis, share, type Tick } from '../../support/axis.ts'
import { clock } from '../reading.ts'
import type { Samples } from '../record.ts'

/** Simulated seconds between ticks; the first that gives four ticks or more. */
const steps = [3600, 1800, 900, 300, 60, 10, 1]
/** Rounder times are chosen first. */
const rounds = [6 * 3600, 3 * 3600, 2 * 3600, ...steps]
/** Pixels of a narrow, a medium and a wide plot, and of a label with the space around it. */
const widths = [250, 560, 880] as const
const labelWidth = 44

type Change = { readonly second: number; readonly time: number }

/** Over so many seconds, of which the day may fill a part. */
export function timeAxis({ timeOfDay }: Samples, seconds: number): Axis {
  const changes = steps.map((step) => changesOf(timeOfDay, step))
  const axis: Axis = {
    label: 'time of day',
    from: 0,
    to: Math.max(1, seconds),
    scale: 'linear',
    ticks: [],
  }
  return { ...axis, ticks: ticksOf(axis, changes.find(({ length }) => length >= 4) ?? []) }
}

/** Seconds in which a multiple of the step is reached, the day's end with them. */
function changesOf(timeOfDay: readonly number[], step: number): Change[] {
  const ends = [...timeOfDay, nextOf(timeOfDay)]
  return ends.flatMap((time, second) => {
    const reached = Math.floor(time / step) * step
    return reached > (ends[second - 1] ?? -1) ? [{ second, time: reached }] : []
  })
}

/** Where the day stands after its last second. */
function nextOf(timeOfDay: readonly number[]): number {
  const [before, last] = [timeOfDay.at(-2) ?? 0, timeOfDay.at(-1) ?? 0]
  return Math.min(86_400, last + (last - before))
}

/** As many as there is room for at each width; what a narrow plot shows a wide one shows as well. */
function ticksOf(axis: Axis, changes: readonly Change[]): Tick[] {
  const chosen = new Map<Change, Tick['rank']>()
  for (const [rank, width] of widths.entries()) {
    const room = (one: Change) =>
      [...chosen.keys()].every(
        ({ second }) =>
          Math.abs(share(axis, second) - share(axis, one.second)) * width >= labelWidth,
      )
    for (const round of rounds) {
      for (const change of changes) {
        if (change.time % round === 0 && room(change)) chosen.set(change, rank as Tick['rank'])
      }
    }
  }
  return [...chosen].map(([{ second, time }, rank]) => ({
    at: second,
    label: clock(time).slice(0, 5),
    rank,
  }))
}
