/**
 * When there is room for so many rows. Room is counted in quarters of an hour; a slot has its rows in
 * one of them, or in equal parts in as many as it needs. The first also has the time that is left until
 * its quarter begins, so that outside the peak a slot begins at once, and never has less than a quarter.
 */
import { slotsAheadMs } from '../../limits.ts'

export const quarterMicros = 15 * 60 * 1_000_000

/** Instants are microseconds since 1970. */
export type Window = {
  readonly startMicros: number
  readonly endMicros: number
  /** In which its rows count, up to its end. */
  readonly quarters: number
}

export type ReservedRows = Pick<Window, 'endMicros' | 'quarters'> & { readonly rows: number }

/** The rows that are reserved in each quarter, by its beginning. */
export function rowsByQuarter(reserved: readonly ReservedRows[]): Map<number, number> {
  const loads = new Map<number, number>()
  for (const { endMicros, quarters, rows } of reserved) {
    for (let i = 1; i <= quarters; i += 1) {
      const quarter = endMicros - i * quarterMicros
      loads.set(quarter, (loads.get(quarter) ?? 0) + rows / quarters)
    }
  }
  return loads
}

export type WindowSearch = {
  readonly rows: number
  /** Rows that slots may have in a quarter. */
  readonly capacityRows: number
  readonly loads: ReadonlyMap<number, number>
  readonly fromMicros: number
  /** No slot begins later. */
  readonly untilMicros: number
  readonly count: number
}

/** The first free windows from an instant on, the earliest first. */
export function freeWindows(search: WindowSearch): Window[] {
  const { rows, capacityRows, loads, fromMicros, untilMicros, count } = search
  const quarters = Math.max(1, Math.ceil(rows / Math.max(1, capacityRows)))
  if (quarters * quarterMicros > 1_000 * slotsAheadMs) return [] // nothing is given for so long
  const first = Math.ceil(fromMicros / quarterMicros) * quarterMicros
  const found: Window[] = []
  for (let at = first; at <= untilMicros && found.length < count; at += quarterMicros) {
    const isFree = Array.from({ length: quarters }, (_, i) => at + i * quarterMicros).every(
      (quarter) => (loads.get(quarter) ?? 0) + rows / quarters <= capacityRows,
    )
    if (!isFree) continue
    const startMicros = at === first ? fromMicros : at
    found.push({ startMicros, endMicros: at + quarters * quarterMicros, quarters })
  }
  return found
}
