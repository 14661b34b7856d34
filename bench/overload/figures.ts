/** What was measured beyond capacity, told: figures with their goals, a table, charts. */

import { say as write } from '../../src/platform/command/output.ts'
import type { LoadSeen } from '../programs/open-load.ts'
import { type Line, type LineChart, pointsChart } from '../support/chart.ts'
import { type Figure, machine, median } from '../support/report.ts'

const allPrograms = ['admission', 'two intakes', 'under-pressure'] as const
export type Program = (typeof allPrograms)[number]
/** Where the journal is the limit, a second intake moves nothing. */
export const programsOf = (setting: string) =>
  allPrograms.filter((program) => setting === 'cpu' || program !== 'two intakes')

export type Round = {
  readonly program: Program
  readonly multiple: number
  readonly seen: LoadSeen
  /** CPU microseconds of the intake processes. */
  readonly cpuMicros: number
  readonly residentMiB: number
  /** Second after the load's end in which latency was calm again and nothing refused; 5x only. */
  readonly calmAfter: number | undefined
}

export type Sweep = {
  readonly name: string
  readonly capacity: number
  readonly rounds: readonly Round[]
  /** CPU of one refusal at the gate. */
  readonly refusalMicros: number
  readonly lost: boolean
}

const acceptedRate = ({ seen }: Round) => seen.accepted / seen.lastedSeconds
const refusedRate = ({ seen }: Round) => seen.refused / seen.lastedSeconds

export function figuresOf({ name, capacity, rounds, refusalMicros, lost }: Sweep): Figure[] {
  const own = rounds.filter(({ program }) => program === 'admission')
  const peak = Math.max(...own.map(acceptedRate))
  const rest = own[0] as Round
  const over = own.filter(({ multiple }) => multiple >= 1.5)
  const least = (list: readonly Round[]) => Math.min(...list.map(acceptedRate)) / peak
  const most = (of: (round: Round) => number) => Math.max(...over.map(of))
  const last = own.at(-1) as Round
  const busy = own.find(({ multiple }) => multiple === 1) ?? rest
  const acceptance = busy.cpuMicros / busy.seen.accepted
  const cpuBound = name.startsWith('cpu')
  const twice = own.filter(({ multiple }) => multiple >= 1.5 && multiple <= 2)
  return [
    { figure: `${name}: capacity`, value: capacity, unit: 'declarations/s' },
    { figure: `${name}: CPU of an acceptance`, value: acceptance, unit: 'µs' },
    { figure: `${name}: CPU of a refusal`, value: refusalMicros, unit: 'µs' },
    {
      figure: `${name}: the generator was late, p99 at most`,
      value: Math.max(...own.map(({ seen }) => seen.lateMs)),
      unit: 'ms',
      goal: { atMost: 20 },
    },
    cpuBound
      ? {
          figure: `${name}: accepted at 1.5 to 2 times / peak`,
          value: least(twice),
          unit: 'ratio',
          goal: { atLeast: 0.75 },
        }
      : {
          figure: `${name}: accepted at 1.5 to 5 times / peak`,
          value: least(over),
          unit: 'ratio',
          goal: { atLeast: 0.95 },
        },
    {
      figure: `${name}: accepted at 5 times / peak`,
      value: acceptedRate(last) / peak,
      unit: 'ratio',
    },
    ...rounds
      .filter(({ program, multiple }) => program === 'two intakes' && multiple >= 2)
      .map((round) => ({
        figure: `${name}: accepted by two intakes at ${round.multiple} times / peak of one`,
        value: acceptedRate(round) / peak,
        unit: 'ratio',
      })),
    {
      figure: `${name}: p99 of the accepted / at 0.5`,
      value: most(({ seen }) => seen.acceptedMs.p99) / rest.seen.acceptedMs.p99,
      unit: 'ratio',
      goal: { atMost: 3 },
    },
    {
      figure: `${name}: median of a refusal`,
      value: most(({ seen }) => (seen.refused > 0 ? seen.refusedMs.p50 : 0)),
      unit: 'ms',
      goal: { atMost: 50 },
    },
    {
      figure: `${name}: CPU of a refusal / an acceptance`,
      value: refusalMicros / acceptance,
      unit: 'ratio',
      goal: { atMost: 0.2 },
    },
    {
      figure: `${name}: answers other than 202, 429, 503`,
      value: own.reduce(
        (sum, { seen }) => sum + Object.values(seen.other).reduce((a, b) => a + b, 0),
        0,
      ),
      unit: 'answers',
      goal: { atMost: 0 },
    },
    {
      figure: `${name}: resident size at 5 times / at 1`,
      value: last.residentMiB / (own[1] ?? rest).residentMiB,
      unit: 'ratio',
      goal: { atMost: 1.2 },
    },
    {
      figure: `${name}: calm again after the load`,
      value: last.calmAfter ?? Number.POSITIVE_INFINITY,
      unit: 's',
      goal: { atMost: 5 },
    },
    { figure: `${name}: invariants broken`, value: lost ? 1 : 0, unit: '', goal: { atMost: 0 } },
  ]
}

export function table({ name, capacity, rounds }: Sweep): void {
  write('')
  write(`${name}: capacity ${Math.round(capacity)}/s, on ${machine()}`)
  const programs = new Set(rounds.map(({ program }) => program))
  const heads = [...programs].map((name) => `${name}: accepted/s | refused/s | p50, p99 ms`)
  write(`| offered | ${heads.join(' | ')} | other |`)
  write(`|---:|${'---:|'.repeat(3 * programs.size)}---|`)
  for (const [multiple, of] of Map.groupBy(rounds, ({ multiple }) => multiple)) {
    const cells = of.map((round) => {
      const { p50, p99 } = round.seen.acceptedMs
      return `${Math.round(acceptedRate(round))} | ${Math.round(refusedRate(round))} | ${p50.toFixed(0)}, ${p99.toFixed(0)}`
    })
    const other = of.map(({ program, seen }) => `${program}: ${JSON.stringify(seen.other)}`)
    write(`| ${multiple}x | ${cells.join(' | ')} | ${other.join(' ').replaceAll('"', '')} |`)
  }
}

export function chartsOf({ name, capacity, rounds }: Sweep): LineChart[] {
  const line = (label: string, program: Program, value: (round: Round) => number): Line => ({
    name: label,
    points: rounds
      .filter((round) => round.program === program)
      .map((round) => ({ x: round.multiple * capacity, y: value(round) })),
  })
  const p99 = ({ seen }: Round) => seen.acceptedMs.p99
  const x = 'offered, declarations/s'
  const id = name.replaceAll(' ', '-')
  return [
    pointsChart({ id: `${id}-rates`, title: `${name}: accepted and refused`, x, y: 'per second' }, [
      line('accepted', 'admission', acceptedRate),
      line('refused', 'admission', refusedRate),
      line('two intakes, accepted', 'two intakes', acceptedRate),
      line('u.-p., accepted', 'under-pressure', acceptedRate),
    ]),
    pointsChart(
      { id: `${id}-p99`, title: `${name}: latency of what is accepted`, x, y: 'p99, ms' },
      [line('admission', 'admission', p99), line('under-pressure', 'under-pressure', p99)],
    ),
  ]
}

export type SharesRound = {
  /** The others, without the one and beside it. */
  readonly without: LoadSeen
  readonly beside: LoadSeen
  readonly greedy: LoadSeen
}

export function sharesFigures(
  name: string,
  capacity: number,
  rounds: readonly SharesRound[],
  lost: boolean,
): Figure[] {
  const middle = (of: (round: SharesRound) => number) => median(rounds.map(of))
  const without = middle((round) => round.without.acceptedMs.p99)
  const beside = middle((round) => round.beside.acceptedMs.p99)
  const refused = middle(({ beside: { refused, sent } }) => refused / sent)
  const late = (seen: LoadSeen) => seen.lateMs
  return [
    { figure: `${name}: capacity`, value: capacity, unit: 'declarations/s' },
    {
      figure: `${name}: the generators were late, p99 at most`,
      value: Math.max(...rounds.map((round) => Math.max(...Object.values(round).map(late)))),
      unit: 'ms',
      goal: { atMost: 20 },
    },
    { figure: `${name}: others' p99 without the one`, value: without, unit: 'ms' },
    { figure: `${name}: others' p99 beside the one`, value: beside, unit: 'ms' },
    {
      figure: `${name}: others' p99 beside the one / without`,
      value: beside / without,
      unit: 'ratio',
      goal: { atMost: 2 },
    },
    { figure: `${name}: of the others, refused beside the one`, value: refused, unit: 'share' },
    {
      figure: `${name}: of the one, accepted`,
      value: middle(({ greedy: { accepted, sent } }) => accepted / sent),
      unit: 'share',
    },
    { figure: `${name}: invariants broken`, value: lost ? 1 : 0, unit: '', goal: { atMost: 0 } },
  ]
}
