// Preloaded into an intake or a worker: SIGWINCH makes it stop, or go on, to watch its progress, to check
// settings again, and to look at acceptance's commits. For measuring what that costs in one process:
// two of the same program differ by more than it.
import { throttleEveryMs, watchEveryMs } from '../../src/limits.ts'

const checkSettingsEveryMs = 60_000
const watching = new Set([throttleEveryMs, watchEveryMs, checkSettingsEveryMs])
const start = globalThis.setInterval
let on = true

process.on('SIGWINCH', () => {
  on = !on
})

globalThis.setInterval = (work, ms, ...more) =>
  start(watching.has(ms) ? () => on && work() : work, ms, ...more)
