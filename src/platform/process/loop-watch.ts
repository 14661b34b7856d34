/**
 * Ends a process whose event loop gives no turn any more: a loop of promises, say, that never waits for
 * a timer or a socket. Such a process hears no signal, answers no ping, and holds what it took; no timer
 * of its own can tell. A thread of its own can: the loop counts, the thread looks whether it does. Its
 * supervisor starts the process again, and others take what it held.
 *
 * The thread counts its own looks and never the time: a process that was frozen, or had no turn of the
 * machine's, had no looks either.
 */

import { url as inspectorUrl } from 'node:inspector'
import { Worker } from 'node:worker_threads'
import { stillLookEveryMs, stillLooksMax } from '../../limits.ts'

export type LoopWatch = { stop(): void }

export type LoopWatched = {
  /** Of the loop's turns so far. */
  readonly turns: Int32Array
  readonly everyMs: number
  readonly looksMax: number
}

const thread = new URL('./loop-watch-thread.ts', import.meta.url)

/** Watches until it is stopped; a process in a debugger stands still as it should. */
export function watchLoop(everyMs = stillLookEveryMs, looksMax = stillLooksMax): LoopWatch {
  if (inspectorUrl() !== undefined) return { stop: () => {} }
  const turns = new Int32Array(new SharedArrayBuffer(4))
  const timer = setInterval(() => Atomics.add(turns, 0, 1), everyMs / 2)
  timer.unref()
  const workerData: LoopWatched = { turns, everyMs, looksMax }
  const watching = new Worker(thread, {
    workerData,
    execArgv: [], // what is preloaded into the process is none of its business
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
  })
  watching.on('error', () => {}) // unwatched, it works as before
  watching.unref()
  return {
    stop: () => {
      clearInterval(timer)
      void watching.terminate()
    },
  }
}
