/**
 * What each process used: a row for each, over the same day. A row has one shade for the average and a
 * lighter one for the highest second, and stays empty while its process did not run.
 */
import { figure } from '../support/axis.ts'
import { fixed, type Point, plot } from '../support/chart.ts'
import { type Markup, markup } from '../support/markup.ts'
import { envelope, mean } from './load/envelope.ts'
import { dayAxis, marksOf } from './page/day-charts.ts'
import { chartFigure, dataTable } from './page/figure.ts'
import { readBytes } from './reading.ts'
import type { ProcessSamples, RehearsalRecord } from './record.ts'

const rowHeight = 30
const rowGap = 24

type Resource = {
  readonly id: string
  readonly title: string
  readonly words: string
  readonly of: (process: ProcessSamples) => readonly (number | null)[]
  readonly read: (value: number) => string
  /** One scale for all rows, so that they can be compared; or each its own, so that growth shows. */
  readonly scale: 'common' | 'own'
  readonly unit: 'number' | 'bytes'
}

export const cpu: Resource = {
  id: 'cpu',
  title: 'CPU by process',
  words: 'Cores in use. All rows have one scale; dark is the average, light the highest second.',
  of: ({ cores }) => cores,
  read: (cores) => `${figure(Number(cores.toPrecision(2)))} cores`,
  scale: 'common',
  unit: 'number',
}

export const memory: Resource = {
  id: 'memory',
  title: 'Memory by process',
  words: 'Resident size. Each row has its own scale, from 0 to a little over its most.',
  of: ({ residentBytes }) => residentBytes,
  read: readBytes,
  scale: 'own',
  unit: 'bytes',
}

export function processFigure(resource: Resource, record: RehearsalRecord): Markup {
  const { id, title, words } = resource
  const processes = record.processes.map((process) => rowOf(resource, process))
  const most = Math.max(...processes.map((row) => row.most), 1e-9)
  const height = processes.length * (rowHeight + rowGap)
  const x = dayAxis(record, [record])
  const scaleOf = (row: Row) => (resource.scale === 'common' ? most : row.most * 1.1 || 1)
  const geometry = processes.map((row, i) => {
    const floor = (i + 1) * (rowHeight + rowGap)
    const py = (value: number) => floor - (rowHeight * value) / scaleOf(row)
    return [
      area(
        row.points,
        record.samples.timeOfDay.length / x.to,
        floor,
        ({ high, y }) => py(high ?? y),
        'most',
      ),
      area(row.points, record.samples.timeOfDay.length / x.to, floor, ({ y }) => py(y), 'average'),
    ]
  })
  const labels = processes.map(({ name, average, most: own }, i) => {
    const floor = (i + 1) * (rowHeight + rowGap)
    return markup`<line class="axis" x2="100%" y1="${floor}" y2="${floor}"/><text class="name halo" y="${floor - rowHeight - 6}">${name}</text><text class="tick halo" x="100%" y="${floor - rowHeight - 6}" text-anchor="end">${resource.read(average)}, most ${resource.read(own).replace(' cores', '')}</text>`
  })
  const frame = { id, title, description: words, height, x, y: null, marks: marksOf(record) }
  const head = markup`<tr><th scope="col">process</th><th scope="col">average</th><th scope="col">most</th></tr>`
  const rows = processes.map(
    ({ name, average, most: own }) =>
      markup`<tr><th scope="row">${name}</th><td>${resource.read(average)}</td><td>${resource.read(own)}</td></tr>`,
  )
  return chartFigure({
    id,
    title,
    words: [words],
    key: [],
    plot: processes.length === 0 ? null : plot(frame, geometry, labels),
    hover: {
      lines: processes,
      clock: 'clock',
      width: record.samples.timeOfDay.length / x.to,
      unit: resource.unit,
    },
    table: processes.length === 0 ? null : dataTable('Figures by process', head, rows),
  })
}

type Row = {
  readonly name: string
  readonly points: readonly (Point | null)[]
  readonly average: number
  readonly most: number
}

function rowOf({ of }: Resource, process: ProcessSamples): Row {
  const values = of(process)
  const some = values.filter((value) => value !== null)
  return {
    name: process.name,
    points: envelope(values, 'mean'),
    average: some.length === 0 ? 0 : mean(some),
    most: some.reduce((high, value) => Math.max(high, value), 0),
  }
}

/** Steps of one outline for each time that the process ran. */
function area(
  points: readonly (Point | null)[],
  width: number,
  floor: number,
  level: (point: Point) => number,
  kind: 'average' | 'most',
): Markup {
  const edge = (i: number) => fixed((1000 * width * i) / points.length)
  let path = ''
  for (const [i, point] of points.entries()) {
    const before = points[i - 1] ?? null
    if (point === null) path += before === null ? '' : `V${floor}Z`
    else
      path += `${before === null ? `M${edge(i)} ${floor}` : ''}V${fixed(level(point))}H${edge(i + 1)}`
  }
  return markup`<path class="use ${kind}" d="${path}${points.at(-1) ? `V${floor}Z` : ''}"/>`
}
