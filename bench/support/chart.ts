/** Line charts as SVG that read in black and white: each line has a dash and a label of its own. */

export type Line = {
  readonly name: string
  readonly points: readonly (readonly [number, number])[]
}
export type Chart = {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly lines: readonly Line[]
}

const width = 460
const height = 300
const margin = { left: 62, right: 16, top: 34, bottom: 64 }
const dashes = ['', '7 4', '2 3', '10 3 2 3', '4 2']
const colours = ['#0b5394', '#b45f06', '#38761d', '#741b47', '#444444']

/** Charts beside each other, two in a row. */
export function chartsSvg(charts: readonly Chart[]): string {
  const rows = Math.ceil(charts.length / 2)
  const body = charts.map(
    (chart, i) =>
      `<g transform="translate(${(i % 2) * width},${Math.floor(i / 2) * height})">${chartText(chart)}</g>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * width} ${rows * height}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>${body.join('')}</svg>\n`
}

function chartText({ title, x, y, lines }: Chart): string {
  const all = lines.flatMap(({ points }) => points)
  const [right, top] = [niceMax(all.map(([at]) => at)), niceMax(all.map(([, value]) => value))]
  const [left, bottom] = [margin.left, height - margin.bottom]
  const px = (at: number) => left + ((width - left - margin.right) * at) / right
  const py = (value: number) => bottom - ((bottom - margin.top) * value) / top
  const ticks = [0, 0.25, 0.5, 0.75, 1]
  return [
    `<text x="${width / 2}" y="18" text-anchor="middle" font-weight="bold">${title}</text>`,
    ...ticks.map((t) => {
      const level = py(t * top)
      return `<line x1="${left}" x2="${width - margin.right}" y1="${level}" y2="${level}" stroke="#ddd"/><text x="${left - 6}" y="${level + 4}" text-anchor="end">${label(t * top)}</text><text x="${px(t * right)}" y="${bottom + 16}" text-anchor="middle">${label(t * right)}</text>`
    }),
    `<text x="${(left + width) / 2}" y="${bottom + 32}" text-anchor="middle">${x}</text>`,
    `<text x="14" y="${(margin.top + bottom) / 2}" text-anchor="middle" transform="rotate(-90 14 ${(margin.top + bottom) / 2})">${y}</text>`,
    ...lines.map(({ points }, i) => {
      const path = points.map(([at, value]) => `${px(at).toFixed(1)},${py(value).toFixed(1)}`)
      return `<polyline fill="none" stroke="${colours[i % 5]}" stroke-width="2" stroke-dasharray="${dashes[i % 5]}" points="${path.join(' ')}"/>`
    }),
    ...lines.map(({ name }, i) => {
      const at = left + i * ((width - left) / lines.length)
      const level = height - 12
      return `<line x1="${at}" x2="${at + 22}" y1="${level - 4}" y2="${level - 4}" stroke="${colours[i % 5]}" stroke-width="2" stroke-dasharray="${dashes[i % 5]}"/><text x="${at + 27}" y="${level}">${name}</text>`
    }),
  ].join('')
}

/** A round number at or above the largest. */
function niceMax(values: readonly number[]): number {
  const most = Math.max(...values.filter(Number.isFinite), 1e-9)
  const power = 10 ** Math.floor(Math.log10(most))
  return power * ([1, 2, 2.5, 4, 5, 8, 10].find((step) => step * power >= most) ?? 10)
}

function label(value: number): string {
  return Number(value.toPrecision(3)).toString()
}
