/** Has the machine run this process after others, as far as they want it. */
import { readdirSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'

/**
 * Linux has a `nice` for each thread; those that start later have that of the one that starts them.
 * @param more is added to what the process has
 */
export function goAfterOthers(more: number): void {
  const nice = Math.min(constants.priority.PRIORITY_LOW, getPriority() + more)
  const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [0]
  for (const thread of threads) setPriority(thread, nice)
}
