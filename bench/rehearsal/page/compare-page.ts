/** Two rehearsals on one page: the judgement of each figure, then each chart of both on one scale. */
import { type Markup, markup } from '../../support/markup.ts'
import { readChange, readInstant } from '../reading.ts'
import type { RehearsalRecord } from '../record.ts'
import type { Row } from './compared-figures.ts'
import { dayCharts, dayFigure, marksLegend } from './day-charts.ts'
import { clockData } from './figure.ts'
import { heatFigure } from './heat-map.ts'
import { pageHtml } from './page.ts'
import { verdictSign } from './report.ts'

export type Comparison = {
  readonly rows: readonly Row[]
  readonly differences: readonly string[]
  readonly rule: string
}

export function compareHtml(
  a: RehearsalRecord,
  b: RehearsalRecord,
  comparison: Comparison,
): string {
  return pageHtml({
    title: `Compared: ${a.profile.title} / ${b.profile.title}`,
    header: markup`<p class="kicker">Spillway · two deadline rehearsals compared</p><h1>${a.profile.title}${a.profile.title !== b.profile.title && markup` <br>${b.profile.title}`}</h1>`,
    sections: [
      { id: 'result', title: 'Result', body: resultBody(a, b, comparison) },
      { id: 'figures', title: 'Figures', body: figuresBody(comparison) },
      { id: 'day', title: 'Both days', body: daysBody(a, b) },
    ],
    footer: markup`<p>Made from two records of the format ${a.format}.</p>`,
  })
}

function resultBody(
  a: RehearsalRecord,
  b: RehearsalRecord,
  { rows, differences }: Comparison,
): Markup {
  const count = (judgement: Row['judgement']) =>
    rows.filter((row) => row.judgement === judgement).length
  const one = (name: string, record: RehearsalRecord) =>
    markup`<div><h3>${name}, ${readInstant(record.startedAt)}</h3>${verdictSign(record.verdict)}</div>`
  return markup`<div class="both">${one('A', a)}${one('B', b)}</div><p class="lead">From A to B, <b>${count('better')}</b> figures are better, <b>${count('worse')}</b> worse, and ${count('within noise')} within the noise.</p>
${differences.length > 0 && markup`<h3 class="apart">Not the same in both (A / B)</h3><ul class="sources">${differences.map((text) => markup`<li>${text}</li>`)}</ul>`}`
}

const classes = { better: 'better', worse: 'worse', 'within noise': 'noise' } as const

function figuresBody({ rows, rule }: Comparison): Markup {
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Figures"><table class="plain"><thead><tr><th scope="col">Figure</th><th scope="col" class="number">A</th><th scope="col" class="number">B</th><th scope="col" class="number">change</th><th scope="col">judged</th></tr></thead><tbody>${rows.map(
    ({ what, a, b, change, judgement }) =>
      markup`<tr><th scope="row">${what}</th><td class="number">${a ?? '–'}</td><td class="number">${b ?? '–'}</td><td class="number">${readChange(change)}</td><td class="${classes[judgement]}">${judgement}</td></tr>`,
  )}</tbody></table></div><h3 class="apart">What noise is here</h3><p>${rule}</p>`
}

function daysBody(a: RehearsalRecord, b: RehearsalRecord): Markup {
  const days = [
    ['A', a, 'a-'],
    ['B', b, 'b-'],
  ] as const
  const pairs = dayCharts.map((chart) =>
    days.map(([name, record, prefix]) =>
      dayFigure({ ...chart, title: `${name}: ${chart.title}` }, record, [a, b], prefix),
    ),
  )
  const heats = days.map(([name, record, prefix]) =>
    heatFigure(record, [a, b], prefix, `${name}: `),
  )
  return markup`<p class="note">A chart of A stands above that of B, on the same scales.</p>${days.map(
    ([name, record, prefix]) =>
      markup`${clockData(`${prefix}clock`, record.samples)}<h3 class="apart">Marks of ${name}</h3>${marksLegend(record)}`,
  )}${[...pairs, heats].map((pair) => markup`<div class="pair">${pair}</div>`)}`
}
