/**
 * How long the oldest accepted envelope waits to be posted, as a reason to take no more files: looked at
 * now and then, so that asking costs nothing. One that can't be read is no reason.
 */
import { backlogAgeLookMs } from '../../limits.ts'

export type BacklogAge = {
  /** As a share of what it may be: 1 is all. */
  share(): number
  stop(): void
}

/**
 * @param readSeconds rejects where it can't be read
 * @param secondsMax how long it may wait
 */
export function watchBacklogAge(
  readSeconds: () => Promise<number>,
  secondsMax: number,
): BacklogAge {
  let seconds = 0
  let looking = false
  const look = async () => {
    if (looking) return
    looking = true
    seconds = await readSeconds().catch(() => 0)
    looking = false
  }
  const timer = setInterval(look, backlogAgeLookMs)
  timer.unref()
  void look()
  return { share: () => seconds / secondsMax, stop: () => clearInterval(timer) }
}
