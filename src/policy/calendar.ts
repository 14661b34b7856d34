/**
 * When filing ends: the deadline of a period in Asia/Shanghai, moved off non-working days where the
 * pack says so, and the earlier moment at which corrections and cancellations close.
 */
import { addDays, daysInMonth, instantMicros, isWeekend } from '../declaration/period.ts'
import type { Deadline, PolicyPack } from './pack.ts'

export type Closing = {
  /** Filing is on time before this instant, microseconds since 1970. */
  readonly deadlineMicros: number
  /** Corrections and cancellations are taken before this instant; undefined: as long as any. */
  readonly replacementsCloseMicros: number | undefined
}

/** @param period `YYYY-MM` that the row is in force for */
export function closingOf(
  period: string,
  row: Deadline,
  calendar: Pick<PolicyPack['calendar'], 'nonWorkingDays' | 'workingDays'>,
): Closing {
  const month = monthsAfter(period, row.monthsAfterPeriod)
  const last = daysInMonth(Number(month.slice(0, 4)), Number(month.slice(5)))
  const named = `${month}-${String(Math.min(row.day, last)).padStart(2, '0')}`
  const day = moveToWorkingDay(named, row.onNonWorkingDay, calendar)
  const close = row.replacementsClose
  return {
    deadlineMicros: instantMicros(addDays(day, row.graceDays), row.time),
    replacementsCloseMicros: close && instantMicros(addDays(day, -close.daysBefore), close.time),
  }
}

/** No holiday is longer; a calendar that has nothing but holidays must not hang. */
const daysMovedMax = 31

function moveToWorkingDay(
  day: string,
  direction: Deadline['onNonWorkingDay'],
  { nonWorkingDays, workingDays }: Pick<PolicyPack['calendar'], 'nonWorkingDays' | 'workingDays'>,
): string {
  if (direction === 'same') return day
  const isWorked = (one: string) =>
    workingDays.includes(one) || (!isWeekend(one) && !nonWorkingDays.includes(one))
  let moved = day
  for (let i = 0; i < daysMovedMax && !isWorked(moved); i += 1) {
    moved = addDays(moved, direction === 'next' ? 1 : -1)
  }
  return moved
}

/** The month some months after a period. */
export function monthsAfter(period: string, months: number): string {
  const count = Number(period.slice(0, 4)) * 12 + Number(period.slice(5)) - 1 + months
  return `${Math.floor(count / 12)}-${String((count % 12) + 1).padStart(2, '0')}`
}
