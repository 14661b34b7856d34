/**
 * Ends what it was told of, once who told it is gone, however that ended: standard input is closed then.
 * Each line is JSON: `{"pid": 1, "startTime": "2"}` a process, `{"cluster": "/data/postgres"}` the Postgres of
 * that folder and what makes it, `{"leave": "/data/postgres"}` that one no more, `{"folder": "/tmp/x"}` a folder
 * to remove.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

/** Time for an engine to stop, and for a Postgres to shut down. */
const endingMsMax = 30_000
const pollMs = 50
/** What was being started when its starter ended is there by then. */
const startingMs = 250

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
let told = []
for await (const line of createInterface({ input: process.stdin })) {
  const one = JSON.parse(line)
  if (one.leave === undefined) told.push(one)
  else told = told.filter(({ cluster }) => cluster !== one.leave)
}
const clusters = told.flatMap(({ cluster }) => cluster ?? [])
const endedAt = clusters.length > 0 ? ticksNow() : 0
const processes = told.filter(({ pid }) => pid !== undefined)
processes.push(...serversOf(clusters))
const deadline = performance.now() + endingMsMax
end(processes)
if (clusters.length > 0) {
  await pause(startingMs)
  const late = serversOf(clusters).filter(({ pid }) => processes.every((one) => one.pid !== pid))
  end(late)
  processes.push(...late)
}
while (processes.some(isAlive) && performance.now() < deadline) await pause(pollMs)
for (const one of processes) send(one, 'SIGKILL')
for (const { folder } of told) {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** A process that was frozen takes a signal when it goes on. */
function end(some) {
  for (const signal of ['SIGINT', 'SIGCONT']) for (const one of some) send(one, signal)
}

/**
 * Processes with `-D` and one of these folders, or its draft, in their command (embedded-postgres.ts), that were
 * there when who told of them ended: later ones are of a next start.
 */
function serversOf(clusters) {
  if (clusters.length === 0) return []
  const folders = clusters.flatMap((cluster) => [cluster, `${cluster}.new`])
  return readdirSync('/proc').flatMap((pid) => {
    const startTime = /^\d+$/.test(pid) ? startTimeOf(pid) : undefined
    if (startTime === undefined || Number(startTime) > endedAt) return []
    const args = argumentsOf(pid)
    const isOne = args.some((arg, i) => arg === '-D' && folders.includes(args[i + 1]))
    return isOne ? [{ pid: Number(pid), startTime }] : []
  })
}

/** Since the machine's start, as /proc has the times at which processes began. */
function ticksNow() {
  return Math.ceil(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 100)
}

function argumentsOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
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
  return startTimeOf(pid) === startTime
}

function startTimeOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}
