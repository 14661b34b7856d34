/**
 * How much of this process and its machine is in use: how late the event loop is, how full the heap
 * and the disk are, each as a share of what may be. Looked at by timers, so that asking costs
 * nothing; what can't be read counts as free.
 */
import { statfs } from 'node:fs/promises'
import { getHeapStatistics } from 'node:v8'
import type { Signals } from '../../intake/overload/admission.ts'
import { diskFreeBytesMin, heapShareMax, loopLookEveryMs, signalsEveryMs } from '../../limits.ts'

export type MachineSignals = {
  readonly read: Signals
  stop(): void
}

/** How much of the last lateness counts at the next look: a moment's is soon forgotten. */
const fading = 0.8

/** @param folder on the disk that Postgres writes to; undefined where that is another machine's */
export function watchSignals(folder: string | undefined): MachineSignals {
  let lateMs = 0
  let expected = performance.now() + loopLookEveryMs
  let memory = 0
  let disk = 0
  const loopTimer = setInterval(() => {
    const now = performance.now()
    lateMs = Math.max(now - expected, fading * lateMs)
    expected = now + loopLookEveryMs
  }, loopLookEveryMs)
  const look = () => {
    const { used_heap_size: used, heap_size_limit: most } = getHeapStatistics()
    memory = used / (heapShareMax * most)
    if (folder === undefined) return
    statfs(folder).then(
      ({ bavail, bsize }) => {
        disk = diskFreeBytesMin / Math.max(1, bavail * bsize)
      },
      () => {
        disk = 0
      },
    )
  }
  const timer = setInterval(look, signalsEveryMs)
  loopTimer.unref()
  timer.unref()
  look()
  return {
    read: () => ({ lateMs, memory, disk }),
    stop: () => {
      clearInterval(loopTimer)
      clearInterval(timer)
    },
  }
}
