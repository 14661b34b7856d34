/**
 * Connections to Postgres. Every connection of a running process acts as the application's role,
 * which may only append to the journal, whatever its login may do.
 */
import pg from 'pg'

/** The role of migrations/0001: reads and appends; see the grants there. */
export const applicationRole = 'spillway_app'

export type PoolOptions = {
  readonly url: string
  readonly name: string
  readonly connectionsMax: number
  readonly statementMsMax: number
  readonly searchPath?: string
  /** Of a rehearsal's database: a connection that does not find it there is never used. */
  readonly mark?: string | undefined
  /** Told of each warning of the server: a commit, say, that may not be on its standbys. */
  readonly onWarning?: () => void
}

/** How long after the server should have given up a statement its connection is given up. */
const halfOpenMs = 1_000

/** Opens a pool; connects on first use. The caller ends it. */
export function openPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.connectionsMax,
    application_name: options.name,
    connectionTimeoutMillis: 2_000,
    // A connection that is half-open hears nothing of the server's own time-out.
    query_timeout: options.statementMsMax + halfOpenMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    options: sessionOptions(options),
    ...(options.mark !== undefined && { verify: expectMark(options.mark) }),
  })
  // A connection that drops between two queries, idle or taken, fails the next query; without
  // listeners it would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => {
    client.on('error', () => {})
    client.on('notice', ({ severity }) => {
      if (severity === 'WARNING') options.onWarning?.()
    })
  })
  return pool
}

function expectMark(mark: string): NonNullable<pg.PoolConfig['verify']> {
  return (client, done) => {
    const text = 'select from public.spillway_rehearsal where id = $1 and ending_at is null'
    client
      .query(text, [mark])
      .then(
        ({ rowCount }) =>
          done(rowCount === 1 ? undefined : new Error('no database of the rehearsal')),
        done,
      )
  }
}

function sessionOptions({ statementMsMax, searchPath }: PoolOptions): string {
  const settings = [
    `role=${applicationRole}`,
    `statement_timeout=${statementMsMax}`,
    'lock_timeout=2000',
    'idle_in_transaction_session_timeout=30000',
    // A server waits for rows of a COPY without a time-out; when this host vanishes in the middle, what
    // the transaction holds must not be held for the hours that keep-alive takes by default.
    'tcp_keepalives_idle=5',
    'tcp_keepalives_interval=2',
    'tcp_keepalives_count=3',
    'tcp_user_timeout=15000',
    'timezone=UTC',
    // Every statement goes by a key. Plans are kept for as long as a connection; one that was made
    // while a table was small scans it whole, and a commit's cost grows with the journal.
    'enable_seqscan=off',
    'jit=off',
    ...(searchPath === undefined ? [] : [`search_path=${searchPath}`]),
  ]
  return settings.map((setting) => `-c ${setting}`).join(' ')
}

/**
 * Runs `work` in one transaction; rolls back and rethrows when it throws. A connection that broke
 * is destroyed, not returned to the pool.
 */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    broken = await client.query('rollback').then(
      () => undefined,
      (failure: Error) => failure,
    )
    throw error
  } finally {
    client.release(broken)
  }
}
