/**
 * A column of a day for each point of a drawing. Where many seconds fall into one, the point keeps the
 * lowest and the highest of them, so that no peak is lost.
 */
import type { Point } from '../../support/chart.ts'

/** As many as a wide screen shows apart. */
const pointsMax = 720

export type Middle = 'mean' | 'median'

/** Points over seconds; null where none of a point's seconds has a value. */
export function envelope(values: readonly (number | null)[], middle: Middle): (Point | null)[] {
  const count = Math.min(pointsMax, values.length)
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * values.length) / count)
    const to = Math.floor(((i + 1) * values.length) / count)
    const some = values.slice(from, to).filter((value) => value !== null)
    if (some.length === 0) return null
    const [low, high] = [Math.min(...some), Math.max(...some)]
    return { x: (from + to) / 2, y: middle === 'mean' ? mean(some) : median(some), low, high }
  })
}

/** Seconds that a point of the drawing stands for. */
export function secondsOfPoint(seconds: number): number {
  return Math.max(1, seconds / pointsMax)
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[sorted.length >> 1] as number
}
