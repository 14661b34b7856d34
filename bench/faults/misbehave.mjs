// Preloaded into a process under test. SIGIO makes its event loop busy for BUSY_MS; SIGURG makes it
// spin for ever, deaf to every signal that can be heard; SIGWINCH makes
// its workers wait for their next job or file for ever, with everything else well; and its clock is
// CLOCK_AHEAD_MS ahead of everybody else's.
import { Worker } from 'bullmq'
import pg from 'pg'

const ahead = Number(process.env.CLOCK_AHEAD_MS ?? 0)
const busyMs = Number(process.env.BUSY_MS ?? 0)

if (ahead !== 0) {
  const now = Date.now.bind(Date)
  globalThis.Date = class extends Date {
    constructor(...values) {
      super(...(values.length === 0 ? [now() + ahead] : values))
    }
    static now() {
      return now() + ahead
    }
  }
}

process.on('SIGIO', () => {
  const until = performance.now() + busyMs
  while (performance.now() < until);
})

process.on('SIGURG', async () => {
  for (;;) await null
})

process.on('SIGWINCH', () => {
  Worker.prototype._getNextJob = () => new Promise(() => {})
  const { query } = pg.Pool.prototype
  pg.Pool.prototype.query = function (config, ...more) {
    if (config?.name === 'claim-batch') return new Promise(() => {})
    return query.call(this, config, ...more)
  }
  process._rawDebug('it takes nothing from now on')
})
