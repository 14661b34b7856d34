/**
 * Ends what it was told of, once who told it is gone, however that ended: standard input is closed then.
 * Each line is JSON: `{"pid": 1, "startTime": "2"}` a process, `{"folder": "/tmp/x"}` a folder to remove.
 */
import { readFileSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

/** Time for a Postgres to shut down. */
const endingMsMax = 10_000
const pollMs = 50

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
const told = []
for await (const line of createInterface({ input: process.stdin })) told.push(JSON.parse(line))
const processes = told.filter(({ pid }) => pid !== undefined)
const deadline = performance.now() + endingMsMax
// A process that was frozen takes a signal when it goes on.
for (const signal of ['SIGINT', 'SIGCONT']) for (const one of processes) send(one, signal)
while (processes.some(isAlive) && performance.now() < deadline) await pause(pollMs)
for (const one of processes) send(one, 'SIGKILL')
for (const { folder } of told) {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

function send(one, signal) {
  try {
    if (isAlive(one)) process.kill(one.pid, signal)
  } catch {
    // it ended just now
  }
}

/** Whether it is still that process: ids are used again, so its start time was noted with it. */
function isAlive({ pid, startTime }) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] !== 'Z' && fields[19] === startTime
  } catch {
    return false
  }
}
