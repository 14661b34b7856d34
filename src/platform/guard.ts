/**
 * What a command, a test or a benchmark starts for itself alone ends with it, even if it is killed: a
 * process beside it, which learns of its death from a pipe, ends what is still there.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startTimeOf } from './process-identity.ts'

const program = fileURLToPath(new URL('../platform/guard-process.mjs', import.meta.url))

/** One for each process, from its first use. */
let guard: ChildProcess | undefined

/** Ends a process when this one is gone. Does nothing to one that has ended by then. */
export function endWithThisProcess(pid: number | undefined): void {
  const startTime = pid === undefined ? undefined : startTimeOf(pid)
  if (startTime !== undefined) tell({ pid, startTime })
}

/** Removes a folder when this process is gone. */
export function removeWithThisProcess(folder: string): void {
  tell({ folder })
}

function tell(line: object): void {
  guard ??= startGuard()
  guard.stdin?.write(`${JSON.stringify(line)}\n`)
}

function startGuard(): ChildProcess {
  // Out of the group that Ctrl-C in a terminal reaches.
  const child = spawn(process.execPath, [program], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  child.on('error', () => {}) // without a guard, what is started is ended in order or not at all
  child.stdin?.on('error', () => {})
  child.unref()
  ;(child.stdin as unknown as { unref?: () => void } | null)?.unref?.()
  return child
}
