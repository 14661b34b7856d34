/**
 * Warns at once, and then at most once in a while, with how often there was reason since: what is away says the same
 * of everything that would go there.
 */
import type { Logger } from './logger.ts'

export function warnSeldom(
  logger: Pick<Logger, 'warn'>,
  message: string,
  everyMs: number,
): (fields: object) => void {
  let times = 0
  let warnedAtMs = Number.NEGATIVE_INFINITY
  return (fields) => {
    times += 1
    if (performance.now() - warnedAtMs < everyMs) return
    logger.warn({ ...fields, times }, message)
    warnedAtMs = performance.now()
    times = 0
  }
}
