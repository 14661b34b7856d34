/**
 * Finds free windows for a number of rows. Capacity is counted in quarters of an hour. A slot has its
 * rows in one quarter, or in equal parts in as many as it needs. The first window also includes the
 * time left before its quarter, so that outside the peak a slot starts at once and never lasts less
 * than a quarter.
 */
import { slotsAheadMs } from '../../limits.ts'

export const quarterMicros = 15 * 60 * 1_000_000

/** Instants are microseconds since 1970. */
export type SlotWindow = {
  readonly startMicros: number
  readonly endMicros: number
  /** Quarters in which the rows count, up to the end. */
  readonly quarters: number
}

export type ReservedRows = Pick<SlotWindow, 'endMicros' | 'quarters'> & { readonly rows: number }

/** Reserved rows of each quarter, by its start. */
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
  /** No slot starts later. */
  readonly untilMicros: number
  readonly count: number
}

/** The first free windows, earliest first. */
export function freeWindows(search: WindowSearch): SlotWindow[] {
  const { rows, capacityRows, loads, fromMicros, untilMicros, count } = search
  const quarters = Math.max(1, Math.ceil(rows / Math.max(1, capacityRows)))
  if (quarters * quarterMicros > 1_000 * slotsAheadMs) return [] // longer than slots are given
  const first = Math.ceil(fromMicros / quarterMicros) * quarterMicros
  const found: SlotWindow[] = []
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
