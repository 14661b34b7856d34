/**
 * The server's clock: what is on time is decided there, and the clock of a computer in an office may be days off.
 * Every answer that tells its time sets it.
 */
import { useEffect, useState } from 'preact/hooks'

let aheadMs = 0

/** @param instant as the service writes it: `2025-08-15T17:00:00.000000+08:00` */
export function setServerTime(instant: string): void {
  const serverMs = Date.parse(instant)
  if (!Number.isNaN(serverMs)) aheadMs = serverMs - Date.now()
}

/** Milliseconds since 1970. */
export function serverNowMs(): number {
  return Date.now() + aheadMs
}

/** `YYYY-MM` in China, some months from now. */
export function monthFromNow(months: number): string {
  const here = new Date(serverNowMs() + 8 * 3_600_000)
  const first = new Date(Date.UTC(here.getUTCFullYear(), here.getUTCMonth() + months, 1))
  return first.toISOString().slice(0, 7)
}

/** The server's time, drawn again each so many milliseconds. */
export function useServerNow(everyMs: number): number {
  const [now, set] = useState(serverNowMs())
  useEffect(() => {
    const timer = setInterval(() => set(serverNowMs()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}
