/** Which part of an engine was at its end in a stretch of the day, from what was seen of all of them. */
import type { DayEvent, ProcessSamples, Samples } from '../record.ts'

/** Columns as long as the samples. */
export type Limits = {
  readonly processes: readonly ProcessSamples[]
  /** Share of each second in which the busiest intake had a commit under way, and a commit's time. */
  readonly committing: readonly (number | null)[]
  readonly commitMs: readonly (number | null)[]
  /** Share of each second in which the busiest worker had a posting under way. */
  readonly posting: readonly (number | null)[]
  /** Cores in use by everything on the machine, others' processes too. */
  readonly machineCores: readonly (number | null)[]
  readonly events: readonly DayEvent[]
  /** Of the machine. */
  readonly cores: number
}

/** So much of what there is counts as all of it. */
const full = 0.85
/** Seconds around the worst one that are looked at: what is slow is counted when it ends. */
const around = 5
/** Commits that take so long are too slow by themselves, where no core is short. */
const slowCommitMs = 100

/** A sentence: what was at its end around the worst second of a stretch. */
export function limitBetween(
  limits: Limits,
  samples: Samples,
  { from, to, worst }: { readonly from: number; readonly to: number; readonly worst: number },
): string {
  // What a filing waited for ended with its answer.
  const answeredAfter = Math.ceil((samples.p99[worst] ?? 0) / 1_000)
  const window = [Math.max(0, worst - around), worst + answeredAfter + around + 1] as const
  const time = `From ${timeText(samples, from)} to ${timeText(samples, to)}`
  const during = limits.events.filter(
    ({ kind, fromSecond, toSecond }) =>
      (kind === 'fault' || kind === 'scaling') &&
      fromSecond <= worst &&
      (toSecond ?? fromSecond + 10) + 10 >= worst,
  )
  const told =
    during.length === 0 ? '' : ` It was while: ${during.map(({ title }) => title).join(', ')}.`
  return `${time}, ${partAtItsEnd(limits, samples, window)}.${othersIn(limits, window)}${told}`
}

function partAtItsEnd(limits: Limits, samples: Samples, window: readonly [number, number]): string {
  const { processes, cores, committing, commitMs, posting } = limits
  if (processes.length === 0) return 'which part was at its end can not be seen from outside'
  const used = processes
    .map(({ name, kind, cores: column }) => ({ name, kind, cores: mean(column, window) }))
    .sort((one, other) => other.cores - one.cores)
  const all = used.reduce((sum, one) => sum + one.cores, 0)
  const list = (some: typeof used) =>
    some.map((one) => `${one.name} ${one.cores.toFixed(2)}`).join(', ')
  if (all >= full * cores)
    return `the machine was at its end: ${all.toFixed(2)} of its ${cores} cores were in use, most by ${list(used.slice(0, 3))}`
  const single = used.filter(({ kind }) => kind !== 'postgres' && kind !== 'generator')
  const busiest = single[0]
  if (busiest !== undefined && busiest.cores >= full)
    return `${busiest.name} was at its end: it used ${busiest.cores.toFixed(2)} of the one core that it can use`
  const postgres = used.find(({ kind }) => kind === 'postgres')?.cores ?? 0
  const waits = `, while Postgres used ${postgres.toFixed(2)} cores: it waited, for its storage or for a lock`
  if (mean(committing, window) >= full || mean(commitMs, window) >= slowCommitMs)
    return `the journal was at its end: a commit of acceptance was under way ${percent(mean(committing, window))} of the time, each of ${mean(commitMs, window).toFixed(0)} ms${waits}`
  if (mean(samples.offered, window) > 0 && mean(samples.accepted, window) === 0)
    return `the journal took nothing: no commit of acceptance came to its end${waits}`
  if (mean(posting, window) >= full)
    return `a worker was at its end: it had a posting under way ${percent(mean(posting, window))} of the time${waits}`
  const inUse = mean(limits.machineCores, window)
  if (inUse >= full * cores)
    return `the machine was at its end: ${inUse.toFixed(2)} of its ${cores} cores were in use, ${all.toFixed(2)} of them by this rehearsal, most by ${list(used.slice(0, 3))}`
  const commits = committing.slice(...window).every((one) => one === null)
    ? 'no intake could tell how its commits went'
    : `a commit was under way ${percent(mean(committing, window))} of the time`
  return `no part was at its end: cores in use were ${list(used.slice(0, 4))}, and ${commits}`
}

/** Slowness may be others' doing: a rehearsal wants the machine for itself. */
function othersIn(limits: Limits, window: readonly [number, number]): string {
  const inUse = mean(limits.machineCores, window)
  const own = limits.processes.reduce((sum, { cores }) => sum + mean(cores, window), 0)
  if (inUse < full * limits.cores || own >= inUse / 2) return ''
  return ` Others had the machine: ${inUse.toFixed(2)} of its ${limits.cores} cores were in use, ${own.toFixed(2)} of them by this rehearsal.`
}

function mean(column: readonly (number | null)[], [from, to]: readonly [number, number]): number {
  const seen = column.slice(from, to).filter((value) => value !== null)
  return seen.length === 0 ? 0 : seen.reduce((sum, value) => sum + value, 0) / seen.length
}

function percent(share: number): string {
  // What ended in a second may have begun before it.
  return `${Math.round(100 * Math.min(1, share))} %`
}

/** The time of the simulated day at a real second. */
export function timeText({ timeOfDay }: Pick<Samples, 'timeOfDay'>, second: number): string {
  return clock(timeOfDay[second] ?? timeOfDay.at(-1) ?? 0)
}

export function clock(timeOfDay: number): string {
  const pad = (value: number) => String(Math.floor(value)).padStart(2, '0')
  return `${pad(timeOfDay / 3_600)}:${pad((timeOfDay % 3_600) / 60)}:${pad(timeOfDay % 60)}`
}
