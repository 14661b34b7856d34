/** The day as charts over time: what is drawn, on which scale, and what a reader is told of it in words. */
import { type Axis, figure, linearAxis, logAxis } from '../../support/axis.ts'
import { chartsSvg, type LineChart, linePlot, type Mark } from '../../support/chart.ts'
import { type Markup, markup } from '../../support/markup.ts'
import { envelope, type Middle, mean } from '../load/envelope.ts'
import { clockAt, inOrder, readMs, readSeconds } from '../reading.ts'
import type { RehearsalRecord, Samples } from '../record.ts'
import { byHour, chartFigure } from './figure.ts'
import { timeAxis } from './time-axis.ts'

type Column = Exclude<keyof Samples, 'timeOfDay'>

type DayChart = {
  readonly id: string
  readonly title: string
  readonly label: string
  readonly scale: Axis['scale']
  readonly middle: Middle
  readonly read: (value: number) => string
  readonly lines: readonly (readonly [name: string, column: Column])[]
}

const perSecond = { label: 'a second', scale: 'linear', middle: 'mean', read: figure } as const

export const dayCharts: readonly DayChart[] = [
  {
    ...perSecond,
    id: 'filings',
    title: 'Filings offered and accepted',
    lines: [
      ['offered', 'offered'],
      ['accepted', 'accepted'],
    ],
  },
  {
    ...perSecond,
    id: 'turned-away',
    title: 'Filings refused, returned with findings, and failed',
    lines: [
      ['refused', 'refused'],
      ['returned', 'returned'],
      ['failed', 'failed'],
    ],
  },
  {
    ...perSecond,
    id: 'posted',
    title: 'Declarations posted',
    lines: [['posted', 'posted']],
  },
  {
    id: 'backlog',
    title: 'Backlog: accepted and not yet posted',
    label: 'declarations',
    scale: 'linear',
    middle: 'mean',
    read: figure,
    lines: [['backlog', 'backlog']],
  },
  {
    id: 'drain',
    title: 'Drain time: until the backlog is posted',
    label: 'estimated, at the time',
    scale: 'linear',
    middle: 'mean',
    read: readSeconds,
    lines: [['drain time', 'drainSeconds']],
  },
  {
    id: 'latency',
    title: 'Latency of accepted filings, from the intended send time',
    label: 'logarithmic',
    scale: 'log',
    middle: 'median',
    read: readMs,
    lines: [
      ['p99', 'p99'],
      ['p50', 'p50'],
    ],
  },
  {
    id: 'groups',
    title: 'Size of a group: declarations in a commit, on average',
    label: 'declarations',
    scale: 'linear',
    middle: 'mean',
    read: figure,
    lines: [['group', 'groupSize']],
  },
]

/** One chart of a record; its scales hold all of the records that are to be compared. */
export function dayFigure(
  chart: DayChart,
  record: RehearsalRecord,
  among: readonly RehearsalRecord[] = [record],
  prefix = '',
): Markup {
  const { samples } = record
  const id = `${prefix}${chart.id}`
  const words = wordsOf(chart, samples)
  const drawn = drawing(chart, record, among, prefix)
  return chartFigure({
    id,
    title: chart.title,
    words,
    key: chart.lines.length > 1 ? chart.lines.map(([name]) => name) : [],
    plot: samples.timeOfDay.length === 0 ? null : linePlot(drawn),
    hover: {
      lines: drawn.lines,
      clock: `${prefix}clock`,
      width: samples.timeOfDay.length / drawn.x.to,
      unit: 'number',
    },
    table: byHour(
      samples,
      chart.lines.map(([name, column]) => ({ name, values: samples[column], read: chart.read })),
    ),
  })
}

function drawing(
  chart: DayChart,
  record: RehearsalRecord,
  among: readonly RehearsalRecord[],
  prefix: string,
): LineChart {
  const { samples } = record
  return {
    id: `${prefix}${chart.id}`,
    title: chart.title,
    description: wordsOf(chart, samples).join(' '),
    height: chart.lines.length > 1 ? 220 : 170,
    x: dayAxis(record, among),
    y: valueAxis(chart, among),
    marks: marksOf(record),
    lines: chart.lines.map(([name, column]) => ({
      name,
      points: envelope(samples[column], chart.middle),
    })),
    notable: notableOf(chart, samples),
  }
}

const wordsOf = ({ lines, read }: DayChart, samples: Samples) =>
  lines.map(([name, column]) => sentence(name, samples, column, read))

/** What is shown of a day where there is room for little. */
const inShort = ['filings', 'latency'] as const

/** A picture of a day, to stand by itself. */
export function daySvg(record: RehearsalRecord): string {
  const charts = dayCharts.filter(({ id }) => inShort.some((one) => one === id))
  const notes = inOrder(record.events).map(
    ({ title, fromSecond }, i) => `${i + 1}. ${clockAt(record.samples, fromSecond)}: ${title}`,
  )
  return chartsSvg(
    charts.map((chart) => drawing(chart, record, [record], '')),
    { columns: 1, notes },
  )
}

export function dayAxis(record: RehearsalRecord, among: readonly RehearsalRecord[]): Axis {
  return timeAxis(record.samples, Math.max(...among.map(({ samples }) => samples.timeOfDay.length)))
}

export function marksOf({ events }: RehearsalRecord): Mark[] {
  return inOrder(events).map(({ kind, fromSecond, toSecond }, i) => ({
    number: i + 1,
    kind,
    from: fromSecond,
    to: toSecond,
  }))
}

function valueAxis(
  { label, scale, read, lines }: DayChart,
  among: readonly RehearsalRecord[],
): Axis {
  let [least, most] = [Number.POSITIVE_INFINITY, 0]
  const columns = among.flatMap(({ samples }) => lines.map(([, column]) => samples[column]))
  for (const values of columns) {
    for (const value of values) {
      if (value === null) continue
      most = Math.max(most, value)
      if (value > 0) least = Math.min(least, value)
    }
  }
  if (scale === 'linear') return linearAxis({ label, most, read })
  return logAxis({ label, most: most || 1, least: Math.min(least, most || 1), read })
}

/** The second in which a column is highest; null where it never has a value. */
function mostOf(values: readonly (number | null)[]): number | null {
  let most: number | null = null
  for (const [second, value] of values.entries()) {
    if (value !== null && (most === null || value > (values[most] as number))) most = second
  }
  return most
}

function notableOf({ lines, read }: DayChart, samples: Samples): LineChart['notable'] {
  const seconds = lines.flatMap(([, column]) => {
    const second = mostOf(samples[column])
    return second === null ? [] : [{ second, value: samples[column][second] as number }]
  })
  const [first] = seconds.sort((one, other) => other.value - one.value)
  if (first === undefined || first.value === 0) return null
  const { second, value } = first
  return { x: second, y: value, label: `${read(value)} at ${clockAt(samples, second)}` }
}

function sentence(
  name: string,
  samples: Samples,
  column: Column,
  read: (value: number) => string,
): string {
  const values: readonly (number | null)[] = samples[column]
  const most = mostOf(values)
  if (most === null) return `${name}: nothing was measured.`
  const some = values.filter((value) => value !== null)
  return `${name}: ${read(mean(some))} on average, at most ${read(values[most] as number)} (${clockAt(samples, most)}).`
}

/** Words beside a swatch of each kind of mark, and every mark with its number. */
export function marksLegend(record: RehearsalRecord): Markup {
  const events = inOrder(record.events)
  if (events.length === 0)
    return markup`<p class="quiet">Nothing was done to the engine during the day.</p>`
  return markup`<ol class="marks">${events.map(
    ({ kind, title, fromSecond, toSecond }, i) =>
      markup`<li><span class="badge ${kind}">${i + 1}</span><span><b>${kindWords[kind]}</b> ${clockAt(record.samples, fromSecond)}${toSecond !== null && toSecond > fromSecond && markup`, ${readSeconds(toSecond - fromSecond)} long`}<br>${title}</span></li>`,
  )}</ol>`
}

export const kindWords: Readonly<Record<Mark['kind'], string>> = {
  fault: 'Fault',
  scaling: 'Scaling',
  file: 'File',
  note: 'Note',
}
