/**
 * What a command says when it can't go on: one sentence for what an operator can mend, class and
 * place for what they can't. Exits with 1; with 2 where it was used wrongly; with 75 where a process that serves may
 * start again; or as told.
 */
import { tellAside, write } from './output.ts'
import { databaseFault } from './sqlstate.ts'
import { tlsFaultOf, tlsSentence } from './tls-fault.ts'

const forOperators = new Set([
  'ConfigError',
  'KeyringError',
  'SchemaError',
  'EngineLockError',
  'UsageError',
  'EmbeddedPostgresError',
  'PackError',
  'ChildFailedError',
  'HistoryError',
  'DurabilityError',
  'PoolerError',
  'UploadError',
  'AccessLogError',
])

/** The command was called with what it can't take: other arguments, or files that it can't read. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** Somebody asked how the command is used: no failure. */
export class HelpRequest extends Error {
  override name = 'HelpRequest'
}

/**
 * Whoever reads a command's output may stop reading, as `head` does: that is no failure. The command goes
 * on to its end, unheard, and stops in order what it started.
 */
export function tolerateClosedOutput(onClosed = () => {}): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      onClosed()
    })
  }
}

/** Where `catch` calls it, it has the error alone. */
export function reportFailure(error: unknown, status = error instanceof UsageError ? 2 : 1): never {
  if (error instanceof HelpRequest) {
    write(`${error.message}\n`)
    process.exit(0)
  }
  tellAside(`${sentenceOf(error)}\n`)
  process.exit(status)
}

/** EX_TEMPFAIL of sysexits.h: what is missing may be there soon. */
export const tryAgainStatus = 75

/**
 * For a process that a supervisor keeps running: what Postgres or Redis did not answer in time, the next start may
 * get. Where `catch` calls it, it has the error alone.
 */
export function reportFailedStart(error: unknown): never {
  return databaseFault(error) === 'transient'
    ? reportFailure(error, tryAgainStatus)
    : reportFailure(error)
}

export function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return 'It failed for an unknown reason.'
  if (forOperators.has(error.name)) return error.message
  const { code } = error as { code?: unknown }
  if (code === 'EADDRINUSE')
    return 'The port is in use: set PORT, OPERATORS_PORT or WORKER_PORT to another one, or stop who has it.'
  const tls = tlsFaultOf(error)
  if (tls !== undefined) return tlsSentence('The server of DATABASE_URL', tls)
  // Without a code it may be anybody's: that pg gives none to a connection that ended says nothing here.
  const fault = code === undefined ? undefined : databaseFault(error)
  if (fault === 'transient') {
    return `The database can't be reached (${String(code)}): check DATABASE_URL and that it runs.`
  }
  if (fault === 'schema') {
    return `The database refuses (${String(code)}): check user, password and database in DATABASE_URL, and that "npm run migrate" has run.`
  }
  return error.stack ?? error.message
}
