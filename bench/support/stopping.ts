/**
 * Ctrl-C, a closed terminal and the like, for a run that has processes to end before it ends: later
 * signals change nothing. Ctrl-C comes twice anyhow, from the terminal and passed on by npm.
 */
import { constants } from 'node:os'

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export class StoppedBySignal extends Error {
  override name = 'StoppedBySignal'
  /** What a shell reports of a command that ended by it. */
  readonly status: number

  constructor(signal: (typeof names)[number]) {
    super(`Stopped by ${signal}.`)
    this.status = 128 + constants.signals[signal]
  }
}

/** @returns is aborted by the first of them, with a `StoppedBySignal` as its reason */
export function stopOnSignal(): AbortSignal {
  const stopping = new AbortController()
  for (const name of names) process.on(name, () => stopping.abort(new StoppedBySignal(name)))
  return stopping.signal
}
