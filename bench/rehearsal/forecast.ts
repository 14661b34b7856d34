/** What an engine takes, against what the day asks for, from the probe's figures. */
import type { Probed } from './load/probe.ts'
import type { Forecast } from './record.ts'
import type { Shape } from './shape.ts'

/** Of a core, or of the time for commits, that may be planned with. */
const plannedShare = 0.7
const full = 0.85

export type ForecastOptions = {
  readonly probed: Probed
  readonly shape: Pick<Shape, 'peakPerSecond' | 'busiestHourPerSecond'>
  readonly intakes: number
  readonly workers: number
  readonly machineCores: number
}

type Part = { readonly name: string; readonly perSecond: number; readonly reason: string }

export function forecastOf(options: ForecastOptions): Forecast {
  const { probed, shape, intakes, workers } = options
  const { perSecond, linesEach, postedPerSecond } = probed
  const parts = partsOf(options).sort((one, other) => one.perSecond - other.perSecond)
  const first = parts[0] as Part
  const peak = shape.peakPerSecond
  const capacity = perSecond
  const intakesNeeded = needed(peak, coresOf(probed, 'intake') / perSecond)
  const workersNeeded = needed(peak, coresOf(probed, 'worker') / perSecond)
  const headroom = capacity / peak
  return {
    declarationsPerSecond: capacity,
    linesPerSecond: capacity * linesEach,
    postedPerSecond,
    peakPerSecond: peak,
    headroom,
    saturatesFirst: first.name,
    workersNeeded,
    reasoning: [
      `In a closed loop, ${probed.clients} clients had ${capacity.toFixed(0)} declarations a second accepted, of ${linesEach.toFixed(1)} lines each: ${(capacity * linesEach).toFixed(0)} lines a second. More clients brought no more.`,
      `The day's busiest second has ${peak.toFixed(1)} declarations (${(peak * linesEach).toFixed(0)} lines), its busiest hour ${shape.busiestHourPerSecond.toFixed(1)} a second: capacity is ${headroom.toFixed(1)} times the busiest second.`,
      ...parts.map(({ reason }) => reason),
      postedPerSecond === null
        ? 'Posting kept up with the probe, so its own limit was not seen.'
        : `After it, ${workers} workers posted ${postedPerSecond.toFixed(0)} declarations a second.`,
      `${first.name} ends first. With ${100 * plannedShare} % of a core planned for each process, the busiest second needs ${intakesNeeded} intake${intakesNeeded === 1 ? '' : 's'} (there are ${intakes}) and ${workersNeeded} worker${workersNeeded === 1 ? '' : 's'} (there are ${workers}).${advice(headroom, first)}`,
    ],
  }
}

function advice(headroom: number, { name }: Part): string {
  if (headroom >= 1) return ''
  return name.startsWith('The journal')
    ? ' More intakes or workers do not help: commits wait for the storage of Postgres.'
    : ' This machine can not take the busiest second: add cores, or hosts with more intakes and workers.'
}

/** What each part could take, from the cores that it used; commits, where they were under way always. */
function partsOf({ probed, intakes, workers, machineCores }: ForecastOptions): Part[] {
  const { perSecond, committing } = probed
  const part = (name: string, cores: number, of: number): Part[] => {
    if (cores <= 0) return []
    const micros = (cores / perSecond) * 1e6
    const could = (of * perSecond) / cores
    const reason = `${name}: ${micros.toFixed(0)} µs of a core for each declaration, so ${could.toFixed(0)} a second with ${of} core${of === 1 ? '' : 's'}.`
    return [{ name, perSecond: could, reason }]
  }
  const all = probed.cores.reduce((sum, { cores }) => sum + cores, 0)
  const parts = [
    ...part(intakes === 1 ? 'The intake' : 'The intakes', coresOf(probed, 'intake'), intakes),
    ...part(workers === 1 ? 'The worker' : 'The workers', coresOf(probed, 'worker'), workers),
    ...part('Postgres', coresOf(probed, 'postgres'), machineCores),
    ...part('The machine’s cores, all processes together,', all, machineCores),
  ]
  if (committing < full) return parts
  return [
    {
      name: 'The journal’s commits',
      perSecond,
      reason: `The journal: an intake had a commit under way ${Math.round(100 * committing)} % of the time, one after another, so ${perSecond.toFixed(0)} declarations a second are what its storage takes.`,
    },
    ...parts.filter((one) => one.perSecond > perSecond),
  ]
}

function coresOf({ cores }: Probed, kind: string): number {
  return cores.reduce((sum, one) => sum + (one.kind === kind ? one.cores : 0), 0)
}

function needed(peak: number, coresEach: number): number {
  return Math.max(1, Math.ceil((peak * coresEach) / plannedShare))
}
