/**
 * Periods (费款所属期), the calendar months that contributions are for, and instants as they are
 * shown in Asia/Shanghai: UTC+8 all year, without summer time since 1991, so no Intl is needed.
 */

/** `YYYY-MM`; such texts sort as the months do. */
export const periodPattern = '^[1-9][0-9]{3}-(0[1-9]|1[0-2])$'

const period = new RegExp(periodPattern)
const offsetMs = 8 * 3_600_000

export function isPeriod(value: unknown): value is string {
  return typeof value === 'string' && period.test(value)
}

/** Days of a month, 1 to 12, of the Gregorian calendar. */
export function daysInMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

/**
 * The instant of a time of day, `HH:MM` up to 24:00, on a day `YYYY-MM-DD`, in microseconds since 1970.
 * @throws RangeError beyond the year 2255, where microseconds leave the safe integers
 */
export function instantMicros(day: string, time: string): number {
  const minutes = Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
  const micros = (dayMs(day) + minutes * 60_000 - offsetMs) * 1_000
  if (!Number.isSafeInteger(micros)) throw new RangeError('an instant beyond safe microseconds')
  return micros
}

/** The day some days after another. */
export function addDays(day: string, days: number): string {
  return new Date(dayMs(day) + days * 86_400_000).toISOString().slice(0, 10)
}

/** Saturday or Sunday. */
export function isWeekend(day: string): boolean {
  return [0, 6].includes(new Date(dayMs(day)).getUTCDay())
}

/** Whether a text is a day of the Gregorian calendar, `YYYY-MM-DD`. */
export function isDay(text: string): boolean {
  const match = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text)
  if (match === null) return false
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number]
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
}

function dayMs(day: string): number {
  return Date.UTC(Number(day.slice(0, 4)), Number(day.slice(5, 7)) - 1, Number(day.slice(8)))
}

/** The calendar day of an instant, `YYYY-MM-DD`. */
export function dayOf(epochMicros: number): string {
  return localSecond(Math.floor(epochMicros / 1_000_000)).slice(0, 10)
}

/** An instant with microseconds and offset: `2024-11-23T16:20:01.123456+08:00`. */
export function formatInstant(epochMicros: number): string {
  const second = Math.floor(epochMicros / 1_000_000)
  const micros = String(epochMicros - second * 1_000_000).padStart(6, '0')
  return `${localSecond(second)}.${micros}+08:00`
}

/** A deadline as people write it: the end of a day is its 24:00, not the next day's 00:00. */
export function formatDeadline(epochMicros: number): string {
  const text = localSecond(Math.floor(epochMicros / 1_000_000))
  const [day = '', time = ''] = [text.slice(0, 10), text.slice(11, 16)]
  return time === '00:00' ? `${addDays(day, -1)} 24:00` : `${day} ${time}`
}

/** Seconds as text. Thousands of instants share one, and a Date costs 1 µs. */
const seconds = new Map<number, string>()
const secondsMax = 64

function localSecond(epochSecond: number): string {
  const known = seconds.get(epochSecond)
  if (known !== undefined) return known
  if (seconds.size === secondsMax) seconds.clear()
  const text = new Date(epochSecond * 1_000 + offsetMs).toISOString().slice(0, 19)
  seconds.set(epochSecond, text)
  return text
}
