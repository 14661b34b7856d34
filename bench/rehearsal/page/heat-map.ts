/** Latency over the day as a heat map: how many accepted filings took how long. */
import { type Axis, figure } from '../../support/axis.ts'
import { fixed, plot } from '../../support/chart.ts'
import { type Markup, markup } from '../../support/markup.ts'
import { clock, readMs } from '../reading.ts'
import type { LatencyHeat, RehearsalRecord } from '../record.ts'
import { dayAxis, marksOf } from './day-charts.ts'
import { chartFigure, dataTable } from './figure.ts'

const columnsMax = 360
const rowHeight = 17
const shades = 6

type Grid = {
  readonly secondsPerColumn: number
  readonly counts: readonly (readonly number[])[]
  readonly most: number
}

export function heatFigure(
  record: RehearsalRecord,
  among: readonly RehearsalRecord[] = [record],
  prefix = '',
  titled = '',
): Markup {
  const { heat } = record
  const grid = gridOf(heat)
  const most = Math.max(1, ...among.map((one) => gridOf(one.heat).most))
  const rows = heat.boundsMs.length + 1
  const words = [sentence(heat)]
  const frame = {
    id: `${prefix}heat`,
    title: `${titled}Latency of accepted filings: how many took how long`,
    description: words.join(' '),
    height: rowHeight * rows,
    x: dayAxis(record, among),
    y: boundsAxis(heat.boundsMs),
    marks: marksOf(record),
  }
  return chartFigure({
    id: frame.id,
    title: frame.title,
    words,
    key: [],
    plot: heat.counts.length === 0 ? null : plot(frame, cells(grid, most, rows, frame.x)),
    hover: null,
    extra: heat.counts.length === 0 ? null : shadesKey(most, grid.secondsPerColumn),
    table: byHour(record),
  })
}

/** Fewer columns where there are more than can be seen; counts are added, so none is lost. */
function gridOf({ counts, secondsPerColumn }: LatencyHeat): Grid {
  const together = Math.max(1, Math.ceil(counts.length / columnsMax))
  const merged = Array.from({ length: Math.ceil(counts.length / together) }, (_, i) =>
    added(counts.slice(i * together, (i + 1) * together)),
  )
  return {
    secondsPerColumn: secondsPerColumn * together,
    counts: merged,
    most: merged.reduce((most, column) => Math.max(most, ...column), 0),
  }
}

function added(columns: readonly (readonly number[])[]): number[] {
  const [first = []] = columns
  return first.map((_, row) => columns.reduce((sum, column) => sum + (column[row] ?? 0), 0))
}

/** 1 to 6, by the logarithm: a single slow filing is to be seen beside thousands. */
function shadeOf(count: number, most: number): number {
  return most <= 1
    ? shades
    : 1 + Math.floor((shades - 1e-9) * (Math.log(count) / Math.log(most + 1)))
}

/** One path for each shade, the darkest last. */
function cells(grid: Grid, most: number, rows: number, x: Axis): Markup[] {
  const paths = Array.from({ length: shades + 1 }, () => '')
  const width = (1000 * grid.secondsPerColumn) / x.to
  for (let row = 0; row < rows; row += 1) {
    const shadeAt = (column: number) => {
      const count = grid.counts[column]?.[row] ?? 0
      return count > 0 ? shadeOf(count, most) : 0
    }
    for (let from = 0; from < grid.counts.length; ) {
      let to = from + 1
      while (to < grid.counts.length && shadeAt(to) === shadeAt(from)) to += 1
      const right = Math.min(1000, to * width)
      const top = rowHeight * (rows - 1 - row)
      if (shadeAt(from) > 0)
        paths[shadeAt(from)] +=
          `M${fixed(from * width)} ${top}H${fixed(right)}v${rowHeight}H${fixed(from * width)}Z`
      from = to
    }
  }
  return paths.slice(1).map((path, i) => markup`<path class="heat h${i + 1}" d="${path}"/>`)
}

function boundsAxis(boundsMs: readonly number[]): Axis {
  return {
    label: 'answered within',
    from: 0,
    to: boundsMs.length + 1,
    scale: 'linear',
    ticks: boundsMs.map((bound, row) => ({ at: row + 1, label: readMs(bound), rank: 0 })),
  }
}

function shadesKey(most: number, secondsPerColumn: number): Markup {
  const swatches = Array.from({ length: shades }, (_, i) => {
    const [from, to] = [i, i + 1].map((shade) => Math.ceil((most + 1) ** (shade / shades)))
    const empty = (to as number) <= (from as number)
    return (
      !empty &&
      markup`<li><i class="h${i + 1}"></i>${figure(from as number)}${(to as number) - 1 > (from as number) && `–${figure((to as number) - 1)}`}</li>`
    )
  })
  return markup`<ul class="key shades"><li>Filings in a cell of ${figure(secondsPerColumn)} s:</li>${swatches}</ul>`
}

function sentence({ counts, boundsMs }: LatencyHeat): string {
  const all = added(counts)
  const total = all.reduce((sum, count) => sum + count, 0)
  if (total === 0) return 'Nothing was accepted.'
  const slowest = all.findLastIndex((count) => count > 0)
  const bound = boundsMs[slowest]
  const reach =
    bound === undefined ? `over ${readMs(boundsMs.at(-1) ?? 0)}` : `${readMs(bound)} at most`
  return `${figure(total)} accepted filings; the slowest ${figure(all[slowest] as number)} took ${reach}.`
}

function byHour({ heat, samples }: RehearsalRecord): Markup | null {
  const hours = Map.groupBy(heat.counts.keys(), (column) =>
    Math.min(23, Math.floor((samples.timeOfDay[column * heat.secondsPerColumn] ?? 86_400) / 3600)),
  )
  if (hours.size === 0) return null
  const heads = [...heat.boundsMs.map((bound) => `≤ ${readMs(bound)}`), 'slower']
  const rows = [...hours].map(([hour, columns]) => {
    const sums = added(columns.map((column) => heat.counts[column] ?? []))
    return markup`<tr><th scope="row">${clock(hour * 3600).slice(0, 5)}</th>${sums.map((sum) => markup`<td>${figure(sum)}</td>`)}</tr>`
  })
  const head = markup`<tr><th scope="col">from</th>${heads.map((text) => markup`<th scope="col">${text}</th>`)}</tr>`
  return dataTable('Figures by the hour', head, rows)
}
