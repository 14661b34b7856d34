/**
 * A chart on a page: its title, what it shows in words, the drawing, and its values by the hour as a
 * table for those who do not see it. What a pointer reads comes along as data.
 */
import type { Line } from '../../support/chart.ts'
import { type Markup, markup } from '../../support/markup.ts'
import { envelope, mean } from '../load/envelope.ts'
import type { Samples } from '../record.ts'

export type Figure = {
  readonly id: string
  readonly title: string
  readonly words: readonly string[]
  /** Names in the order of the lines' dashes, for where there is no room for labels in the drawing. */
  readonly key: readonly string[]
  readonly plot: Markup | null
  readonly hover: Hover | null
  readonly table: Markup | null
  readonly extra?: Markup | null
}

/** What a pointer reads: the values of each point, and its time of day from the clock of this id. */
export type Hover = {
  readonly lines: readonly Line[]
  readonly clock: string
  /** Of the axis, that the points fill. */
  readonly width: number
  readonly unit: 'number' | 'bytes'
}

export function chartFigure({ id, title, words, key, plot, hover, table, extra }: Figure): Markup {
  const canvas =
    plot === null
      ? markup`<p class="quiet">No second was driven: there is nothing to draw.</p>`
      : markup`<div class="canvas" id="${id}"${hover !== null && hoverAttributes(hover)}>${plot}</div>`
  return markup`<figure class="chart"><figcaption><h3>${title}</h3><p>${words.map((text) => markup`<span>${text}</span> `)}</p></figcaption>
${key.length > 0 && markup`<ul class="key">${key.map((name, i) => markup`<li><svg width="24" height="10" aria-hidden="true"><line class="line s${i}" x2="24" y1="5" y2="5"/></svg>${name}</li>`)}</ul>`}
${extra}${canvas}${table}</figure>`
}

function hoverAttributes({ lines, clock, width, unit }: Hover): Markup {
  return markup` data-clock="${clock}" data-width="${width}" data-unit="${unit}" data-lines="${hoverData(lines)}"`
}

/** [name, [[middle] or [middle, low, high] or 0, ...]] of each line, with four digits. */
function hoverData(lines: readonly Line[]): string {
  const short = (value: number) => Number(value.toPrecision(4))
  return JSON.stringify(
    lines.map(({ name, points }) => [
      name,
      points.map((point) =>
        point === null
          ? 0
          : [
              short(point.y),
              ...(point.low === point.high
                ? []
                : [short(point.low ?? point.y), short(point.high ?? point.y)]),
            ],
      ),
    ]),
  )
}

/** The time of day at each point, for what a pointer reads. */
export function clockData(id: string, { timeOfDay }: Samples): Markup {
  const times = envelope(timeOfDay, 'mean').map((point) => Math.round(point?.low ?? 0))
  return markup`<script type="application/json" id="${id}">${JSON.stringify(times)}</script>`
}

type HourColumn = {
  readonly name: string
  readonly values: readonly (number | null)[]
  readonly read: (value: number) => string
}

/** Average and most of each simulated hour. */
export function byHour({ timeOfDay }: Samples, columns: readonly HourColumn[]): Markup | null {
  const hours = Map.groupBy(timeOfDay.keys(), (second) =>
    Math.min(23, Math.floor((timeOfDay[second] as number) / 3600)),
  )
  if (hours.size === 0) return null
  const heads = columns.map(
    ({ name }) => markup`<th scope="col">${name}, average</th><th scope="col">most</th>`,
  )
  const rows = [...hours].map(([hour, seconds]) => {
    const cells = columns.map(({ values, read }) => {
      const some = seconds.map((second) => values[second] ?? null).filter((one) => one !== null)
      if (some.length === 0) return markup`<td>–</td><td>–</td>`
      const most = some.reduce((high, value) => Math.max(high, value))
      return markup`<td>${read(mean(some))}</td><td>${read(most)}</td>`
    })
    return markup`<tr><th scope="row">${String(hour).padStart(2, '0')}:00</th>${cells}</tr>`
  })
  return dataTable('Figures by the hour', markup`<tr><th scope="col">from</th>${heads}</tr>`, rows)
}

/** A table that waits behind its title, and scrolls by itself where it is too wide. */
export function dataTable(title: string, head: Markup, rows: readonly Markup[]): Markup {
  return markup`<details><summary>${title}</summary><div class="scroll" tabindex="0" role="region" aria-label="${title}"><table class="figures"><thead>${head}</thead><tbody>${rows}</tbody></table></div></details>`
}
