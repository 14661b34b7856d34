/** How far the day is, for people: one screen on a terminal, else a line now and then. */

import { printableLine } from '../../src/platform/command/output.ts'
import { clock } from './load/limit.ts'
import type { Observed } from './observer.ts'
import type { Tally } from './tally.ts'

export type Moment = {
  readonly second: number
  readonly seconds: number
  /** Null after the day's end. */
  readonly timeOfDay: number | null
  readonly tally: Tally
  readonly posted: number
  readonly drain: number | null
  readonly observed: Observed | undefined
  readonly underWay: readonly string[]
}

export type Display = {
  /** Something that happened. */
  say(line: string): void
  show(moment: Moment): void
}

const lineEverySeconds = 10
const latencySeconds = 10
const linesKept = 5
/** Where a terminal does not tell. */
const rowsUsual = 24

/** What a terminal is asked for. */
export type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'rows'> & {
  write(text: string): unknown
}

export function createDisplay(output: Output): Display {
  return output.isTTY === true ? screen(output) : lines(output)
}

function lines(output: Output): Display {
  return {
    say: (line) => void output.write(`${printableLine(line)}\n`),
    show: (moment) => {
      if (moment.second % lineEverySeconds === 0) output.write(`${printableLine(lineOf(moment))}\n`)
    },
  }
}

/** As many rows as there are: what is more would move the others up, again each second. */
function screen(output: Output): Display {
  const said: string[] = []
  let shown: Moment | undefined
  const draw = (moment: Moment) => {
    const rows = [...screenOf(moment), '', ...said.slice(-linesKept), '', ...processesOf(moment)]
    const fitting = rows.slice(0, (output.rows || rowsUsual) - 1)
    output.write(
      `\x1b[H${fitting.map((row) => `${printableLine(row).slice(0, output.columns || undefined)}\x1b[K`).join('\n')}\x1b[J`,
    )
  }
  return {
    say: (line) => {
      said.push(line)
      if (shown === undefined) output.write(`${printableLine(line)}\n`)
      else draw(shown)
    },
    show: (moment) => {
      shown = moment
      draw(moment)
    },
  }
}

function lineOf(moment: Moment): string {
  const { tally, posted, observed } = moment
  const { p50, p99 } = latencyOf(moment)
  return `${timeOf(moment)}  offered ${tally.total('offered')}, accepted ${tally.total('accepted')}, refused ${tally.total('refused')}, returned ${tally.total('returned')}, failed ${tally.total('failed')}; posted ${posted}, backlog ${observed?.backlog ?? '?'}; p50 ${p50}, p99 ${p99}`
}

const row = (name: string, value: string | number) => `  ${name.padEnd(22)}${value}`

function screenOf(moment: Moment): string[] {
  const { second, seconds, tally, posted, drain, observed, underWay } = moment
  const { p50, p99 } = latencyOf(moment)
  return [
    `Rehearsal  ${timeOf(moment)}  ${barOf(Math.min(1, second / seconds))}  second ${second} of ${seconds}`,
    '',
    row(
      'offered',
      `${tally.total('offered')}  (${tally.of(second - 1, 'offered')} in the last second)`,
    ),
    row('accepted', tally.total('accepted')),
    row('refused (429, 503)', tally.total('refused')),
    row('returned (422)', tally.total('returned')),
    row('failed', tally.total('failed')),
    row('status reads', tally.total('statusReads')),
    row('posted', posted),
    row('backlog', `${observed?.backlog ?? '?'}, posted in ${drain === null ? '?' : `${drain} s`}`),
    row('p50, p99 of late', `${p50}, ${p99}`),
    ...underWay.map((title) => `  now: ${title}`),
  ]
}

function processesOf({ observed }: Moment): string[] {
  return (observed?.processes ?? []).map(({ name, cores, residentBytes }) =>
    row(
      name,
      `${(cores ?? 0).toFixed(2)} cores  ${(residentBytes / 2 ** 20).toFixed(0).padStart(6)} MiB`,
    ),
  )
}

function barOf(share: number): string {
  return `[${'#'.repeat(Math.round(30 * share)).padEnd(30)}]`
}

function latencyOf({ second, tally }: Moment): { p50: string; p99: string } {
  const late = tally.latencies(Math.max(0, second - latencySeconds), second + 1)
  const text = (share: number) =>
    late.count === 0 ? '-' : `${late.percentile(share).toFixed(0)} ms`
  return { p50: text(0.5), p99: text(0.99) }
}

function timeOf({ timeOfDay }: Moment): string {
  return timeOfDay === null ? 'draining' : clock(timeOfDay)
}
