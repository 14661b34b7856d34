/** The thread of `loop-watch.ts`: looks whether the process's loop still takes turns, else ends it. */
import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import type { LoopWatched } from './loop-watch.ts'

const { turns, everyMs, looksMax } = workerData as LoopWatched
const own = new Int32Array(new SharedArrayBuffer(4))

let seen = -1
let still = 0
while (still < looksMax) {
  Atomics.wait(own, 0, 0, everyMs) // nobody wakes it before its time
  const now = Atomics.load(turns, 0)
  still = now === seen ? still + 1 : 0
  seen = now
}
// As the logger writes it, which needs the loop.
const line = {
  level: 60,
  time: Date.now(),
  pid: process.pid,
  reason: `its event loop gave no turn for ${Math.round((looksMax * everyMs) / 1_000)} s`,
  msg: 'nothing moves; ending, to be started again',
}
try {
  writeSync(1, `${JSON.stringify(line)}\n`)
} catch {
  // whoever reads it does not, or is gone
}
process.kill(process.pid, 'SIGKILL')
