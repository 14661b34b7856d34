/**
 * How a benchmark reports: a table for people, or JSON lines {bench, figure, value, unit, goal,
 * goalText, holds} on standard output with --json.
 */
import { cpus, totalmem } from 'node:os'
import { tellAside, write } from '../../src/platform/command/output.ts'

export type Figure = {
  readonly figure: string
  readonly value: number
  readonly unit: string
  /** A lower bound, or an upper one; none where there is nothing to hold. */
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number }
}

/** Prints figures; returns whether every goal holds. */
export function report(bench: string, figures: readonly Figure[]): boolean {
  const lines = figures.map(({ figure, value, unit, goal }) => {
    const bound = goal === undefined ? null : 'atLeast' in goal ? goal.atLeast : goal.atMost
    const holds =
      goal === undefined ? null : 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost
    return {
      bench,
      figure,
      value: Number(value.toPrecision(4)),
      unit,
      goal: bound,
      holds,
      goalText: textOf(goal),
    }
  })
  if (process.argv.includes('--json')) {
    for (const line of lines) write(`${JSON.stringify(line)}\n`)
  } else {
    write(`\n${bench}, on ${machine()}\n\n`)
    write(`| figure | value | unit | goal | holds |\n|---|---:|---|---:|---|\n`)
    for (const { figure, value, unit, goalText, holds } of lines) {
      const verdict = holds === null ? '' : holds ? 'yes' : 'NO'
      write(`| ${figure} | ${value} | ${unit} | ${goalText} | ${verdict} |\n`)
    }
  }
  return lines.every(({ holds }) => holds !== false)
}

function textOf(goal: Figure['goal']): string {
  if (goal === undefined) return ''
  return 'atLeast' in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`
}

export function machine(): string {
  const [cpu] = cpus()
  const gib = Math.round(totalmem() / 2 ** 30)
  return `${cpus().length} cores (${cpu?.model.trim()}), ${gib} GiB, Node ${process.versions.node}`
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2
}

/** Progress goes to standard error, so that --json stays clean. */
export function say(line: string): void {
  tellAside(`${line}\n`)
}

/** Whether a process grows: resident sizes in MiB, taken at equal steps over many declarations. */
export function residentSizes(
  process: string,
  sizes: readonly number[],
  declarations: number,
): Figure[] {
  const half = sizes.length / 2
  const [early, late] = [Math.max(...sizes.slice(0, half)), Math.max(...sizes.slice(half))]
  return [
    { figure: `${process} resident size, at most`, value: Math.max(early, late), unit: 'MiB' },
    {
      figure: `${process} resident size, second / first half of ${declarations}`,
      value: late / early,
      unit: 'ratio',
      goal: { atMost: 1.1 },
    },
  ]
}
