/**
 * What a command, a test or a benchmark starts for itself alone ends with it, even if it is killed: a
 * process beside it, which learns of its death from a pipe, ends what is still there.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startTimeOf } from './process-identity.ts'

const program = fileURLToPath(new URL('./guard-process.mjs', import.meta.url))

/** One for each process, as long as it has something to end. */
let guard: ChildProcess | undefined
/** What it was told of, but for what it shall leave alone by now. */
const told = new Set<string>()

/** Ends a process when this one is gone. Does nothing to one that has ended by then. */
export function endWithThisProcess(pid: number | undefined): void {
  const startTime = pid === undefined ? undefined : startTimeOf(pid)
  if (startTime !== undefined) tell({ pid, startTime })
}

/**
 * Ends the Postgres of a cluster's folder, and what makes the cluster, when this process is gone. To be called
 * before it is started: between its start and a note of its id, this process may be killed.
 */
export function endServerWithThisProcess(cluster: string): void {
  tell({ cluster })
}

/** From now on it outlives this process. */
export function letServerOutliveThisProcess(cluster: string): void {
  if (!told.delete(JSON.stringify({ cluster }))) return
  guard?.stdin?.write(`${JSON.stringify({ leave: cluster })}\n`)
  if (told.size > 0) return
  guard?.stdin?.end()
  guard = undefined
}

/** Removes a folder when this process is gone. */
export function removeWithThisProcess(folder: string): void {
  tell({ folder })
}

function tell(one: object): void {
  const line = JSON.stringify(one)
  told.add(line)
  guard ??= startGuard()
  guard.stdin?.write(`${line}\n`)
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
