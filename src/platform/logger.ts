/**
 * JSON log lines without personal data: nothing logs a body, a token or a key, and errors are
 * logged by class, code and place, never by message, which may quote a row or a field.
 */
import { type Logger, pino } from 'pino'

export type { Logger } from 'pino'

export function createLogger(level: string, name: string): Logger {
  return pino({ level, name, base: { pid: process.pid }, serializers: { err: describeError } })
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
