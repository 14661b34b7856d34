/**
 * Charts as SVG that read in black and white: each line has a dash and a label of its own, and where
 * a point stands for many values a band shows the lowest and the highest. A plot fills whatever width
 * it is given without stretching its text: places along x are percentages, those along y are pixels.
 * Labels stand outside the SVG's box, so it must be given margins; `chart.css` has them and the colours.
 */

import { readFileSync } from 'node:fs'
import { type Axis, linearAxis, share, type Tick } from './axis.ts'
import { type Markup, markup, type Part } from './markup.ts'

export const chartCss = readFileSync(new URL('chart.css', import.meta.url), 'utf8')

export type Point = {
  readonly x: number
  readonly y: number
  /** What the point stands for, where it stands for more than itself. */
  readonly low?: number
  readonly high?: number
}

export type Line = {
  readonly name: string
  /** By rising x; null breaks the line. */
  readonly points: readonly (Point | null)[]
}

/** Something on the x axis, numbered: its legend stands elsewhere. */
export type Mark = {
  readonly number: number
  readonly kind: 'fault' | 'scaling' | 'file' | 'note'
  readonly from: number
  readonly to: number | null
}

export type Frame = {
  /** Unique on its page. */
  readonly id: string
  readonly title: string
  /** What a reader who does not see it should know. */
  readonly description: string
  /** Pixels between the axes, labels apart. */
  readonly height: number
  readonly x: Axis
  readonly y: Axis | null
  readonly marks: readonly Mark[]
}

export type LineChart = Frame & {
  readonly y: Axis
  readonly lines: readonly Line[]
  /** A value worth its own label, such as the highest. */
  readonly notable: { readonly x: number; readonly y: number; readonly label: string } | null
}

/** Geometry's width; it is stretched to what the page has. */
const across = 1000
const laneHeight = 19

export function linePlot(chart: LineChart): Markup {
  const { x, y, height, lines, notable } = chart
  const py = (value: number) => height * (1 - share(y, value))
  const geometry = [
    ...lines.map(
      ({ points }, i) => markup`<path class="band s${i}" d="${bandPath(points, x, py)}"/>`,
    ),
    ...lines.map(
      ({ points }, i) => markup`<path class="line s${i}" d="${linePath(points, x, py)}"/>`,
    ),
  ]
  return plot(chart, geometry, [
    endLabels(lines, height, py),
    notable !== null && notableLabel(percent(share(x, notable.x)), py(notable.y), notable),
  ])
}

/** Axes, marks and a title around geometry, which is 1000 wide, and what stands over it. */
export function plot(frame: Frame, geometry: Part, over: Part = null): Markup {
  const { id, title, description, height, x, y, marks } = frame
  const placed = placeMarks(marks, x)
  const strip = laneHeight * Math.max(0, ...placed.map(({ lane }) => lane + 1))
  return markup`<svg class="plot" role="img" aria-labelledby="${id}-title" aria-describedby="${id}-desc" width="100%" height="${height}" style="margin-top:${strip + 24}px" data-strip="${strip}"><title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc>
${y?.ticks.map((tick) => valueTick(tick, height * (1 - share(y, tick.at))))}
${x.ticks.map((tick) => markup`<line class="grid r${tick.rank}" x1="${percent(share(x, tick.at))}" x2="${percent(share(x, tick.at))}" y2="${height}"/>`)}
${marks.map((mark) => markBand(mark, x, height))}
<svg class="geometry" width="100%" height="${height}" viewBox="0 0 ${across} ${height}" preserveAspectRatio="none">${geometry}</svg>
<line class="axis" x2="100%" y1="${height}" y2="${height}"/>
${x.ticks.map((tick) => markup`<text class="tick r${tick.rank}" x="${percent(share(x, tick.at))}" y="${height + 17}" text-anchor="middle">${tick.label}</text>`)}
<text class="label" x="50%" y="${height + 36}" text-anchor="middle">${x.label}</text>
${y && markup`<text class="label" x="-54" y="${-strip - 10}">${y.label}</text>`}
${over}${placed.map((one) => markFlag(one, x, height, strip))}</svg>`
}

export function percent(part: number): string {
  return `${fixed(100 * part)}%`
}

/** As few digits as a pixel needs. */
export function fixed(value: number): string {
  return String(Math.round(value * 100) / 100)
}

function valueTick({ label }: Tick, level: number): Markup {
  return markup`<line class="grid" x2="100%" y1="${fixed(level)}" y2="${fixed(level)}"/><text class="tick" x="-8" y="${fixed(level + 4)}" text-anchor="end">${label}</text>`
}

/** Runs of points without a break. */
function runs(points: readonly (Point | null)[]): Point[][] {
  const found: Point[][] = [[]]
  for (const point of points) {
    if (point === null) found.push([])
    else found.at(-1)?.push(point)
  }
  return found.filter(({ length }) => length > 0)
}

const place = (x: Axis, value: number) => fixed(across * share(x, value))

function linePath(points: readonly (Point | null)[], x: Axis, py: (y: number) => number): string {
  return runs(points)
    .map((run) => {
      const [first, ...others] = run.map((point) => `${place(x, point.x)} ${fixed(py(point.y))}`)
      // A lonely point is drawn as a dot, by the round ends of a line of no length.
      return others.length === 0 ? `M${first}h.01` : `M${first}L${others.join(' ')}`
    })
    .join('')
}

function bandPath(points: readonly (Point | null)[], x: Axis, py: (y: number) => number): string {
  return runs(points)
    .filter((run) => run.some(({ low, high }) => low !== high))
    .map((run) => {
      const upper = run.map((point) => `${place(x, point.x)} ${fixed(py(point.high ?? point.y))}`)
      const lower = run.map((point) => `${place(x, point.x)} ${fixed(py(point.low ?? point.y))}`)
      return `M${upper.join(' ')} ${lower.reverse().join(' ')}Z`
    })
    .join('')
}

const labelHeight = 17

/** Names at the right end, moved apart where lines end together, each with its dash. */
function endLabels(
  lines: readonly Line[],
  height: number,
  py: (value: number) => number,
): readonly Markup[] {
  const ends = lines
    .flatMap(({ name, points }, i) => {
      const last = points.findLast((point) => point !== null)
      return last === undefined || last === null ? [] : [{ name, i, at: py(last.y) }]
    })
    .sort((one, other) => one.at - other.at)
  let ceiling = height + labelHeight / 2
  const levels = ends
    .map(({ at }) => at)
    .reverse()
    .map((at) => {
      ceiling = Math.min(at, ceiling - labelHeight)
      return ceiling
    })
    .reverse()
  return ends.map(({ name, i, at }, rank) => {
    const level = levels[rank] as number
    return markup`<svg class="end" x="100%" y="0" overflow="visible"><path class="leader" d="M1 ${fixed(at)}L7 ${fixed(level)}"/><line class="line s${i}" x1="8" x2="28" y1="${fixed(level)}" y2="${fixed(level)}"/><text class="name" x="33" y="${fixed(level + 4)}">${name}</text></svg>`
  })
}

function notableLabel(at: string, level: number, { label }: { readonly label: string }): Markup {
  const from = Number.parseFloat(at)
  const anchor = from < 15 ? 'start' : from > 85 ? 'end' : 'middle'
  return markup`<circle class="notable" cx="${at}" cy="${fixed(level)}" r="3.5"/><text class="notable" x="${at}" y="${fixed(Math.max(11, level - 9))}" text-anchor="${anchor}">${label}</text>`
}

type PlacedMark = { readonly text: string; readonly mark: Mark; readonly lane: number }

/** Of the axis, so that flags stand apart on a narrow screen too. */
const flagShare = 0.075
const lanesMax = 3

/** Flags in lanes, so that none covers another; where three lanes are full, one flag stands for several. */
function placeMarks(marks: readonly Mark[], x: Axis): PlacedMark[] {
  const placed: PlacedMark[] = []
  const ends: number[] = []
  for (const mark of [...marks].sort((one, other) => one.from - other.from)) {
    const at = share(x, mark.from)
    const free = ends.findIndex((end) => end + flagShare <= at)
    const lane = free >= 0 ? free : ends.length
    const last = placed.at(-1)
    if (lane < lanesMax || last === undefined) {
      ends[lane] = at
      placed.push({ text: `${mark.number}`, mark, lane })
    } else {
      placed[placed.length - 1] = { ...last, text: `${last.mark.number}–${mark.number}` }
      ends[last.lane] = share(x, last.mark.from) + flagShare / 2
    }
  }
  return placed
}

function markBand({ from, to, kind }: Mark, x: Axis, height: number): Markup {
  const [left, right] = [share(x, from), share(x, to ?? from)]
  return markup`<rect class="during ${kind}" x="${percent(left)}" width="${percent(right - left)}" height="${height}" fill="url(#hatch)"/><line class="mark ${kind}" x1="${percent(left)}" x2="${percent(left)}" y2="${height}"/>`
}

function markFlag({ text, mark, lane }: PlacedMark, x: Axis, _height: number, strip: number) {
  const width = Math.max(17, 7 + 6 * text.length)
  const level = -strip + laneHeight * lane
  const round = mark.kind === 'scaling' ? 2 : 8.5
  return markup`<svg class="flag ${mark.kind}" x="${percent(share(x, mark.from))}" y="${level}" overflow="visible"><line class="mark ${mark.kind}" y1="17" y2="${-level}"/><rect x="${-width / 2}" width="${width}" height="17" rx="${round}"/><text y="12.5" text-anchor="middle">${text}</text></svg>`
}

/** The hatch that bands refer to; once on a page. */
export const hatch = markup`<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="hatch" y2="6"/></pattern></defs></svg>`

const single = { width: 520, left: 66, right: 140, height: 200, gap: 330 }
/** Above a plot, for the flags of marks. */
const flagsHeight = lanesMax * laneHeight - 12
const noteHeight = 18

type Sheet = {
  /** Charts beside each other. */
  readonly columns: 1 | 2
  /** Lines of text below them. */
  readonly notes: readonly string[]
}

/** One SVG by itself, of charts in rows. */
export function chartsSvg(
  charts: readonly LineChart[],
  { columns, notes }: Sheet = { columns: 2, notes: [] },
): string {
  const width = 2 * single.width
  const each = width / columns
  const flags = charts.some(({ marks }) => marks.length > 0) ? flagsHeight : 0
  const gap = single.gap + flags
  const foot = gap * Math.ceil(charts.length / columns)
  const height = foot + noteHeight * notes.length
  const body = charts.map((chart, i) => {
    const [left, top] = [(i % columns) * each, Math.floor(i / columns) * gap]
    return markup`<text class="heading" x="${left + 14}" y="${top + 24}">${chart.title}</text><svg x="${left + single.left}" y="${top + 62 + flags}" width="${each - single.left - single.right}" height="${single.height}" overflow="visible">${linePlot({ ...chart, height: single.height })}</svg>`
  })
  const below = notes.map(
    (note, i) =>
      markup`<text class="note" x="${single.left}" y="${foot + noteHeight * i}">${note}</text>`,
  )
  return markup`<svg xmlns="http://www.w3.org/2000/svg" class="charts wide" viewBox="0 0 ${width} ${height}" width="${width}"><style>${chartCss}</style><rect class="paper" width="100%" height="100%"/>${body}${below}</svg>
`.text
}

/** A chart of points alone, whose axes follow from them. */
export function pointsChart(
  labels: Pick<LineChart, 'id' | 'title'> & { readonly x: string; readonly y: string },
  lines: readonly Line[],
): LineChart {
  const all = lines.flatMap(({ points }) => points.filter((point) => point !== null))
  return {
    id: labels.id,
    title: labels.title,
    description: `${labels.y} by ${labels.x}: ${lines.map(({ name }) => name).join(', ')}.`,
    height: single.height,
    x: linearAxis({ label: labels.x, most: Math.max(0, ...all.map(({ x }) => x)) }),
    y: linearAxis({ label: labels.y, most: Math.max(0, ...all.map(({ y }) => y)) }),
    marks: [],
    lines,
    notable: null,
  }
}
