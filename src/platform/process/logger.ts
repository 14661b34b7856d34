/**
 * JSON log lines without personal data: nothing logs a body, a token or a key, and errors are
 * logged by class, code and place, never by message, which may quote a row or a field.
 */
import { writeSync } from 'node:fs'
import { type Logger, pino } from 'pino'

export type { Logger } from 'pino'

export function createLogger(level: string, name: string): Logger {
  const options = { level, name, base: { pid: process.pid }, serializers: { err: describeError } }
  return pino(options, standardOutput)
}

/** A reader that is this slow loses lines. */
const waitMsMax = 1_000
const waitMs = 10
const sleeper = new Int32Array(new SharedArrayBuffer(4))

/**
 * Standard output, for as long as somebody reads it. pino's own destination tries a line for ever once
 * its reader is gone (`npm start | head`), and the process hears no signal any more.
 */
const standardOutput = {
  /** Its reader took nothing for as long as is waited: until it does again, nothing is waited for. */
  isStalled: false,
  write(line: string): void {
    const bytes = Buffer.from(line)
    let waitedMs = 0
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(1, bytes, at)
        this.isStalled = false
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || this.isStalled) return
        Atomics.wait(sleeper, 0, 0, waitMs)
        waitedMs += waitMs
        this.isStalled = waitedMs >= waitMsMax
      }
    }
  },
}

/** What may be logged of an error: its class, code, the place it was thrown at, and its causes. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error }
  const { code, table, column, constraint } = error as Error & Record<string, unknown>
  const described = { type: error.name, code, table, column, constraint, at: framesOf(error) }
  return error.cause === undefined ? described : { ...described, cause: describeError(error.cause) }
}

/** The stack without its first line, which is the message. */
export function framesOf(error: Error): string[] {
  const lines = (error.stack ?? '').split('\n')
  return lines
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
    .slice(0, 8)
}
