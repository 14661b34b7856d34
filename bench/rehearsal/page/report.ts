/**
 * The report of a rehearsal: one HTML file for the operator who decides by it. The verdict against the
 * stated objectives comes first, with a place to sign on paper; then the day, what it says of the
 * deadline to come, and everything that is needed to do it again.
 */
import { figure } from '../../support/axis.ts'
import { type Markup, markup } from '../../support/markup.ts'
import { secondsOfPoint } from '../load/envelope.ts'
import { cpu, memory, processFigure } from '../process-rows.ts'
import {
  clockAt,
  durationOf,
  inOrder,
  readBound,
  readExact,
  readInstant,
  readMs,
  readSeconds,
} from '../reading.ts'
import {
  type AuditResult,
  type Forecast,
  type ObjectiveResult,
  type RehearsalRecord,
  tooFew,
  type Verdict,
} from '../record.ts'
import { dayCharts, dayFigure, kindWords, marksLegend } from './day-charts.ts'
import { clockData } from './figure.ts'
import { heatFigure } from './heat-map.ts'
import { pageHtml, type Section } from './page.ts'

export function reportHtml(record: RehearsalRecord): string {
  const sections: Section[] = [
    { id: 'verdict', title: 'Verdict', body: verdictBody(record) },
    { id: 'day', title: 'The day', body: dayBody(record) },
    { id: 'latency-map', title: 'Latency', body: heatFigure(record) },
    { id: 'processes', title: 'Processes', body: processesBody(record) },
    { id: 'forecast', title: 'Capacity', body: forecastBody(record.forecast) },
    { id: 'recovery', title: 'Recovery from faults', body: recoveryBody(record) },
    { id: 'audit', title: 'Audit', body: auditBody(record.audit) },
    { id: 'settings', title: 'Settings and versions', body: settingsBody(record) },
  ]
  return pageHtml({
    title: `${verdictWords[record.verdict].word}: ${record.profile.title}`,
    header: headerOf(record),
    sections,
    footer: markup`<p>Made from a record of the format ${record.format}; the JSON beside this file has every second of the day.</p>`,
  })
}

const engineWords: Readonly<Record<RehearsalRecord['engine']['kind'], string>> = {
  own: 'its own',
  url: 'at a given address, where it filed for real',
  'dry-run': 'at a given address, in a dry run: nothing of it counts there',
}

function headerOf(record: RehearsalRecord): Markup {
  const { profile, engine } = record
  const count = (value: number | null, one: string, many: string) =>
    value !== null && `, ${value} ${value === 1 ? one : many}`
  return markup`<p class="kicker">Spillway · deadline rehearsal${engine.kind === 'dry-run' && ' · dry run'}</p><h1>${profile.title}</h1>
<dl class="facts"><div><dt>Rehearsed</dt><dd>${readInstant(record.startedAt)}, ${durationOf(record)} long</dd></div><div><dt>Profile</dt><dd>${profile.name}, ${figure(profile.employers)} employers${profile.compress === 1 ? ', in real time' : `, ${figure(profile.compress)} times shorter than the day`}</dd></div><div><dt>Engine</dt><dd>${engineWords[engine.kind]}, queue on ${engine.queue === 'unknown' ? 'an unknown system' : engine.queue === 'redis' ? 'Redis' : 'Postgres'}${count(engine.intakes, 'intake', 'intakes')}${count(engine.workers, 'worker', 'workers')}${count(engine.batchWorkers, 'batch worker', 'batch workers')}</dd></div><div><dt>Machine</dt><dd>${record.machine}</dd></div></dl>`
}

/** Word, what it means, and the path of a sign that is told from the others by its shape. */
const verdictWords: Readonly<Record<Verdict, { word: string; means: string; sign: string }>> = {
  pass: { word: 'Passed', means: 'Every objective holds.', sign: 'M9 17l6 6 12-13' },
  fail: {
    word: 'Failed',
    means: 'At least one objective does not hold.',
    sign: 'M10 10l16 16M26 10L10 26',
  },
  void: {
    word: 'Void',
    means: 'It decides nothing: the load was not what it should be, or too little was measured.',
    sign: 'M9 18h18',
  },
}

export function verdictSign(verdict: Verdict): Markup {
  const { word, means, sign } = verdictWords[verdict]
  return markup`<div class="verdict ${verdict}"><svg width="36" height="36" viewBox="0 0 36 36" aria-hidden="true"><circle cx="18" cy="18" r="18"/><path d="${sign}"/></svg><p><strong>${word}</strong> ${means}</p></div>`
}

function verdictBody(record: RehearsalRecord): Markup {
  const { verdict, reasons, objectives, totals } = record
  const tiles: readonly (readonly [string, string, string])[] = [
    ['Accepted', figure(totals.accepted), `of ${figure(totals.offered)} offered`],
    ['Refused', figure(totals.refused), `sent again ${figure(totals.retries)} times`],
    ['Failed', figure(totals.failed), `${figure(totals.returned)} returned with findings`],
    ['Posted', figure(totals.posted), `${figure(totals.corrections)} corrections`],
    [
      'Answered in',
      readMs(totals.p99Ms),
      `p99; p50 ${readMs(totals.p50Ms)}, p99.9 ${readMs(totals.p999Ms)}, most ${readMs(totals.mostMs)}`,
    ],
    [
      'Files',
      figure(totals.files),
      `${figure(totals.fileRows)} rows; ${figure(totals.statusReads)} statuses read`,
    ],
  ]
  return markup`${verdictSign(verdict)}
${reasons.length > 0 && markup`<ul class="reasons">${reasons.map((reason) => markup`<li>${reason}</li>`)}</ul>`}
${objectivesTable(objectives)}
<dl class="tiles">${tiles.map(([name, value, more]) => markup`<div><dt>${name}</dt><dd><b>${value}</b><span>${more}</span></dd></div>`)}</dl>
<div class="signature" role="group" aria-label="To be signed on paper"><p>Decision on this rehearsal</p><div><span>Name</span><span>Date</span><span>Signature</span></div></div>`
}

function objectivesTable(objectives: readonly ObjectiveResult[]): Markup {
  if (objectives.length === 0) return markup`<p class="quiet">No objective was stated.</p>`
  const held = objectives.filter(({ holds }) => holds).length
  return markup`<table class="objectives"><caption>${held} of ${objectives.length} objectives hold</caption><thead><tr><th scope="col">Objective</th><th scope="col" class="number">asked</th><th scope="col" class="number">measured</th><th scope="col" class="part">share of the bound</th><th scope="col">holds</th></tr></thead><tbody>${objectives.map(objectiveRow)}</tbody></table>`
}

function objectiveRow(objective: ObjectiveResult): Markup {
  const { title, unit, bound, measured, holds, restsOn, why } = objective
  const sign = holds ? 'yes' : tooFew(objective) ? 'too few' : 'NO'
  return markup`<tr class="${holds ? 'holds' : 'broken'}${why !== null && ' told'}"><th scope="row">${title}</th><td class="number">${readBound(bound, unit)}</td><td class="number">${measured === null ? 'not measured' : readExact(measured, unit)}${restsOn !== null && markup` <span class="quiet">of ${figure(restsOn.count)}</span>`}</td><td class="part">${boundBar(objective)}</td><td class="sign">${sign}</td></tr>${why !== null && markup`<tr class="why"><td colspan="5">${why}</td></tr>`}`
}

/** Never rounded to 100 % where it is not. */
function shareOf(part: number): string {
  const percent = 100 * part
  return `${Math.abs(percent - 100) < 1 ? percent.toFixed(2) : figure(Math.round(percent))} %`
}

/** Where the bound is in a bar of a share; a value may lie beyond it. */
const boundAt = 62.5

function boundBar({ bound, measured, holds }: ObjectiveResult): Markup | null {
  const limit = 'atMost' in bound ? bound.atMost : bound.atLeast
  if (measured === null || limit <= 0) return null
  const part = measured / limit
  return markup`<svg class="bar ${holds ? 'holds' : 'broken'}" width="100%" height="16" aria-hidden="true"><rect class="room" width="100%" height="8" y="4"/><rect class="fill" width="${Math.min(100, boundAt * part).toFixed(1)}%" height="8" y="4"/><line x1="${boundAt}%" x2="${boundAt}%" y2="16"/></svg><span class="share">${shareOf(part)}</span>`
}

function dayBody(record: RehearsalRecord): Markup {
  const seconds = record.samples.timeOfDay.length
  const point = secondsOfPoint(seconds)
  const detail =
    point > 1
      ? `A point stands for ${figure(point)} seconds: the line is their average (their median for latency), the band reaches from their lowest to their highest.`
      : 'A point is a second.'
  const speed =
    record.profile.compress === 1
      ? ''
      : ' The axis is real time, so hours that were driven faster are narrower; rates are for a real second.'
  return markup`${clockData('clock', record.samples)}<p class="note">${detail}${speed}</p>${marksLegend(record)}${dayCharts.map((chart) => dayFigure(chart, record))}`
}

function processesBody(record: RehearsalRecord): Markup {
  return markup`${processFigure(cpu, record)}${processFigure(memory, record)}`
}

function forecastBody(forecast: Forecast | null): Markup {
  if (forecast === null)
    return markup`<p class="quiet">Capacity was not measured in this rehearsal.</p>`
  const { declarationsPerSecond, postedPerSecond, peakPerSecond } = forecast
  const most = Math.max(declarationsPerSecond, postedPerSecond ?? 0, peakPerSecond, 1e-9)
  const bars = [
    ['Accepts', declarationsPerSecond],
    ['Posts', postedPerSecond],
    ['Peak second of the profile', peakPerSecond],
  ] as const
  return markup`<p class="lead">This installation takes <b>${figure(declarationsPerSecond)} declarations a second</b> (${figure(forecast.linesPerSecond)} lines): <b>${figure(forecast.headroom)} times</b> the peak second. <b>${forecast.saturatesFirst}</b> is at its end first. Workers needed: <b>${figure(forecast.workersNeeded)}</b>.</p>
<dl class="bars">${bars.map(([name, value], i) => value !== null && markup`<div><dt>${name}</dt><dd><svg width="100%" height="18" aria-hidden="true"><rect class="bar${i}" width="${((72 * value) / most).toFixed(1)}%" height="18"/><text x="${((72 * value) / most).toFixed(1)}%" dx="8" y="13.5">${figure(value)}/s</text></svg><span class="hidden">${figure(value)} a second</span></dd></div>`)}</dl>
<h3>How this follows</h3><ol class="reasoning">${forecast.reasoning.map((text) => markup`<li>${text}</li>`)}</ol>`
}

function recoveryBody({ events, samples }: RehearsalRecord): Markup {
  const faults = inOrder(events).flatMap((event, i) =>
    event.kind === 'fault' ? [{ ...event, number: i + 1 }] : [],
  )
  if (faults.length === 0)
    return markup`<p class="quiet">No fault was made: this rehearsal says nothing of recovery.</p>`
  const seconds = (value: number | null) => (value === null ? 'not seen' : readSeconds(value))
  const rows = faults.map(
    ({ number, kind, title, fromSecond, toSecond, firstPostedSeconds, allPostedSeconds }) =>
      markup`<tr><td><span class="badge ${kind}"><span class="hidden">${kindWords[kind]} </span>${number}</span></td><th scope="row">${title}</th><td class="number">${clockAt(samples, fromSecond)}</td><td class="number">${toSecond === null ? '–' : readSeconds(toSecond - fromSecond)}</td><td class="number">${seconds(firstPostedSeconds)}</td><td class="number">${seconds(allPostedSeconds)}</td></tr>`,
  )
  return markup`<p class="note">Counted from the end of a fault, until a declaration was posted again, and until all was posted that waited then.</p><div class="scroll" tabindex="0" role="region" aria-label="Recovery from faults"><table class="plain"><thead><tr><th scope="col">No.</th><th scope="col">Fault</th><th scope="col" class="number">at</th><th scope="col" class="number">long</th><th scope="col" class="number">first posted after</th><th scope="col" class="number">all posted after</th></tr></thead><tbody>${rows}</tbody></table></div>`
}

function auditBody(audit: AuditResult | null): Markup {
  if (audit === null)
    return markup`<p class="quiet">No auditor read this installation’s database. It was asked for each accepted filing whether it is posted; whether one was posted twice is not known.</p>`
  const rows = audit.invariants.map(
    ({ id, title, violations }) =>
      markup`<tr class="${violations === 0 ? 'holds' : 'broken'}"><td>${id}</td><th scope="row">${title}</th><td class="number">${figure(violations)}</td><td class="sign">${violations === 0 ? 'yes' : 'NO'}</td></tr>`,
  )
  return markup`<p class="lead">${audit.passed ? 'Every invariant holds' : 'Invariants are broken'}, checked on <b>${figure(audit.declarations)}</b> acknowledged declarations.</p><table class="plain"><thead><tr><th scope="col">No.</th><th scope="col">Invariant</th><th scope="col" class="number">broken by</th><th scope="col">holds</th></tr></thead><tbody>${rows}</tbody></table>`
}

function settingsBody({ settings, profile }: RehearsalRecord): Markup {
  return markup`<dl class="settings">${settings.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl><h3>Where the profile’s figures are from</h3><ul class="sources">${profile.sources.map((source) => markup`<li>${source}</li>`)}</ul>`
}
