/** Processes under measurement: started, asked for their CPU time and size, ended by their ids. */
import { type ChildProcess, fork } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { endWithThisProcess } from '../../src/platform/process/guard.ts'
import { intakeMemory, workerMemory } from '../../src/platform/process/process-memory.ts'

export type MeasuredProcess = {
  readonly pid: number
  readonly address: string
  /** Where it answers /metrics; empty for a worker without a port. */
  readonly operators: string
  /** Resolves when it has ended, however it did. */
  readonly gone: Promise<void>
  end(): Promise<void>
}

/**
 * Starts a program of this project; resolves when it says that it is ready.
 * @param preload a module, named from `bench/`, that is loaded before it
 */
export async function startProgram(
  file: string,
  env: Record<string, string>,
  preload?: string,
): Promise<MeasuredProcess> {
  const memory = memoryOf(file)
  const preloaded = preload && fileURLToPath(new URL(`../${preload}`, import.meta.url))
  const child = fork(fileURLToPath(new URL(`../../${file}`, import.meta.url)), {
    env: {
      PATH: process.env.PATH ?? '',
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
      LOG_LEVEL: 'warn',
      PORT: '0',
      ...memory.env,
      ...env,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [
      ...memory.execArgv,
      ...(preloaded ? ['--import', preloaded] : []),
      ...(process.env.BENCH_PROFILE === undefined
        ? []
        : ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROFILE}`]),
    ],
  })
  endWithThisProcess(child.pid)
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const { address = '', operators = '' } = await readyMessage(child)
  return {
    pid: child.pid as number,
    address,
    operators,
    gone,
    end: async () => {
      child.kill('SIGTERM')
      await gone
    },
  }
}

/** As npm starts it. */
function memoryOf(file: string) {
  if (file.startsWith('workers/')) return workerMemory
  return file === 'src/commands/intake.ts' ? intakeMemory : { execArgv: [], env: {} }
}

type Ready = { readonly ready?: boolean; readonly address?: string; readonly operators?: string }

function readyMessage(child: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: Ready) => {
      if (message.ready === true) resolve(message)
    })
    child.once('exit', (code) => reject(new Error(`a measured program ended with ${code}`)))
  })
}

const ticksPerSecond = 100

/** CPU time of a process so far, user and system, in microseconds; 0 when it is gone. */
export function cpuMicros(pid: number): number {
  const [user = 0, system = 0] = ticksOf(pid)
  return ((user + system) * 1_000_000) / ticksPerSecond
}

/** Of a process: user and system, and the same of its children that have ended. */
function ticksOf(pid: number): number[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields.slice(11, 15).map(Number)
  } catch {
    return []
  }
}

/** CPU time of a process and its children, living and ended: a Postgres server and its backends. */
export function cpuMicrosOfFamily(pid: number): number {
  let sum = (ticksOf(pid).reduce((all, one) => all + one, 0) * 1_000_000) / ticksPerSecond
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name) && parentOf(Number(name)) === pid) sum += cpuMicros(Number(name))
  }
  return sum
}

export function parentOf(pid: number): number | undefined {
  return statOf(pid)?.[1]
}

/** All of a group get the signal of a terminal's Ctrl-C. */
export function groupOf(pid: number): number | undefined {
  return statOf(pid)?.[2]
}

/** State (which is no number), parent, group, as proc(5) has them after the name; undefined: gone. */
function statOf(pid: number): readonly number[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ', 3)
      .map(Number)
  } catch {
    return undefined
  }
}

/** Resident size in MiB. */
export function residentMiB(pid: number): number {
  return sizeMiB(pid, 'VmRSS')
}

/** The same at most, since it began or `forgetPeak`. */
export function peakMiB(pid: number): number {
  return sizeMiB(pid, 'VmHWM')
}

export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** Of the largest of its children: a Postgres backend, without the buffers that all of them share. */
export function anonymousMiBOfFamily(pid: number): number {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(Number(name)) === pid)
    .map((name) => sizeMiB(Number(name), 'RssAnon'))
  return Math.max(0, ...children)
}

/** 0 when it is gone. */
function sizeMiB(pid: number, line: 'VmRSS' | 'VmHWM' | 'RssAnon'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(new RegExp(`^${line}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1_024
  } catch {
    return 0
  }
}
