/** How values of a record read for people. */
import { figure } from '../support/axis.ts'
import type { DayEvent, ObjectiveResult, RehearsalRecord, Samples } from './record.ts'

export function readMs(ms: number): string {
  return ms >= 1000 ? `${figure(ms / 1000)} s` : `${figure(ms)} ms`
}

export function readSeconds(seconds: number): string {
  if (seconds < 120) return `${figure(seconds)} s`
  return seconds < 7200 ? `${figure(seconds / 60)} min` : `${figure(seconds / 3600)} h`
}

export function readBytes(bytes: number): string {
  const mib = bytes / 2 ** 20
  return mib >= 1024 ? `${figure(mib / 1024)} GiB` : `${figure(mib)} MiB`
}

/** All digits: what is measured may miss its bound by the last one. */
export function readExact(value: number, unit: string): string {
  return `${value.toLocaleString('en', { maximumSignificantDigits: 8 })} ${unit}`.trim()
}

export function readBound(bound: ObjectiveResult['bound'], unit: string): string {
  if ('atMost' in bound && bound.atMost === 0) return 'none'
  return 'atMost' in bound
    ? `≤ ${readExact(bound.atMost, unit)}`
    : `≥ ${readExact(bound.atLeast, unit)}`
}

export function readChange(change: number | null): string {
  if (change === null) return '–'
  if (!Number.isFinite(change)) return 'from 0'
  return `${change > 0 ? '+' : ''}${(100 * change).toFixed(1)} %`
}

/** "16:42:10" of the simulated day, at a real second; after its last second the last one's. */
export function clockAt({ timeOfDay }: Samples, second: number): string {
  return clock(timeOfDay[Math.min(timeOfDay.length - 1, Math.max(0, Math.floor(second)))] ?? 0)
}

export function clock(timeOfDay: number): string {
  const part = (value: number) => String(Math.floor(value)).padStart(2, '0')
  return `${part(timeOfDay / 3600)}:${part((timeOfDay / 60) % 60)}:${part(timeOfDay % 60)}`
}

/** Days are those of China, as everywhere in the engine. */
export function readInstant(instant: string): string {
  const at = Date.parse(instant)
  if (Number.isNaN(at)) return instant
  return `${new Date(at + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')} +08:00`
}

export function durationOf({ startedAt, endedAt }: RehearsalRecord): string {
  const seconds = (Date.parse(endedAt) - Date.parse(startedAt)) / 1000
  return Number.isNaN(seconds) ? 'unknown' : readSeconds(Math.max(0, seconds))
}

/** In the order of time, as they are numbered on the charts. */
export function inOrder(events: readonly DayEvent[]): DayEvent[] {
  return [...events].sort((one, other) => one.fromSecond - other.fromSecond)
}
