/** The project's commands as processes, run as the npm scripts run them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import { endWithThisProcess } from '../../src/platform/process/guard.ts'
import { waitFor } from './wait.ts'

export type Command = {
  /** What it writes, but for the line that names its database. */
  output(): string
  /** All that it writes. */
  told(): string
  /** Waits for what it writes. */
  says(pattern: RegExp, deadlineMs?: number): Promise<RegExpExecArray>
  signal(name: NodeJS.Signals): void
  /** From now on nobody reads what it writes. */
  stopReading(): void
  /** Ends it with a signal; resolves with its exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>
  /** Resolves with its exit code when it ends by itself. */
  done: Promise<number | null>
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * What a process has whatever its test says: compiled code is kept, as for npm's scripts, and a program runs as
 * its bundle.
 */
export const bareEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env.PATH ?? '',
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
  NODE_OPTIONS: `--import=${new URL('../support/run-bundle.mjs', import.meta.url).href}`,
  SPILLWAY_TEST_BUNDLES: inject('bundles'),
}

/** Starts an entry point with this environment and nothing else. */
export function runCommand(
  file: string,
  env: Record<string, string>,
  args: readonly string[] = [],
): Command {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: root,
    env: { ...bareEnvironment, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endWithThisProcess(child.pid)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const done = once(child, 'close').then(() => child.exitCode)
  return {
    output: () => output.replace(/^Database: .*\n/m, ''),
    told: () => output,
    says: (pattern, deadlineMs = 60_000) =>
      waitFor(
        `${file} to say ${pattern}, after ${output}`,
        () => {
          const match = pattern.exec(output)
          if (match === null && child.exitCode !== null) throw new Error(`${file} ended: ${output}`)
          return match ?? undefined
        },
        deadlineMs,
      ),
    signal: (name) => void child.kill(name),
    stopReading: () => {
      child.stdout.destroy()
      child.stderr.destroy()
    },
    end: (signal = 'SIGTERM') => {
      child.kill(signal)
      return done
    },
    done,
  }
}
