/**
 * Tells whether a process that was noted down is still that process: ids are used again, so the
 * time it started is noted with it (field 22 of /proc/<pid>/stat).
 */
import { readFileSync } from 'node:fs'

export type ProcessIdentity = { readonly pid: number; readonly startTime: string }

/** When a living process started, in ticks since boot; undefined for a dead one or a zombie. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command in parentheses may hold spaces; fields count from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  return startTimeOf(pid) === startTime
}
