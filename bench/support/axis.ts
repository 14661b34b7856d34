/** Axes with round ticks: linear from 0, or logarithmic by decades. */

export type Tick = {
  readonly at: number
  readonly label: string
  /** 0 always has its label; 1 in a plot of medium width and 2 in a wide one. */
  readonly rank: 0 | 1 | 2
}

export type Axis = {
  readonly label: string
  readonly from: number
  readonly to: number
  readonly scale: 'linear' | 'log'
  readonly ticks: readonly Tick[]
}

/** The place of a value on the axis, 0 to 1; what is beyond its ends lies on them. */
export function share({ from, to, scale }: Axis, value: number): number {
  const place =
    scale === 'linear'
      ? (value - from) / (to - from)
      : Math.log(Math.max(value, from) / from) / Math.log(to / from)
  return Math.min(1, Math.max(0, place))
}

type ValueAxis = {
  readonly label: string
  readonly most: number
  /** How a tick reads; figures of three digits, if not told. */
  readonly read?: (value: number) => string
}

/** From 0 to a round number that leaves room for a label above the most. */
export function linearAxis({ label, most, read = figure }: ValueAxis): Axis {
  const step = roundAbove((most > 0 ? most : 1) / 4)
  const to = step * Math.ceil((most > 0 ? most * 1.1 : 1) / step)
  const count = Math.round(to / step)
  const ticks = Array.from({ length: count + 1 }, (_, i) => i * step)
  return {
    label,
    from: 0,
    to,
    scale: 'linear',
    ticks: ticks.map((at) => ({ at, label: read(at), rank: 0 })),
  }
}

/** By decades, and by 1, 2, 5 where there are less than three of them. */
export function logAxis({
  label,
  most,
  least,
  read = figure,
}: ValueAxis & { least: number }): Axis {
  const low = Math.floor(Math.log10(Math.max(least, 1e-9)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(most * 1.25, 1e-9))))
  const steps = high - low < 3 ? [1, 2, 5] : [1]
  const decades = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i))
  const ticks = decades.flatMap((decade) => steps.map((step) => step * decade))
  return {
    label,
    from: 10 ** low,
    to: 10 ** high,
    scale: 'log',
    ticks: ticks
      .filter((at) => at <= 10 ** high * 1.001)
      .map((at) => ({ at, label: read(at), rank: 0 })),
  }
}

function roundAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return power * ([1, 2, 2.5, 5].find((step) => step * power >= value * 0.999) ?? 10)
}

/** Three digits, or all of a whole number: 0.125, 12.5, 1,250. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '∞'
  const digits = Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3))
  return digits.toLocaleString('en')
}
