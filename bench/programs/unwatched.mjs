// Preloaded into an intake or a worker: it neither watches its progress, nor checks settings again,
// nor looks at acceptance's commits. For measuring what that costs; see src/limits.ts.
import { giveWayEveryMs, watchEveryMs } from '../../src/limits.ts'

const checkSettingsEveryMs = 60_000
const off = new Set([giveWayEveryMs, watchEveryMs, checkSettingsEveryMs])
const start = globalThis.setInterval

globalThis.setInterval = (work, ms, ...more) => start(off.has(ms) ? () => {} : work, ms, ...more)
