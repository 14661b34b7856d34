/**
 * Connections to Postgres. Every connection of a running process acts as the role of its kind, which may
 * only append to the journal, whatever its login may do.
 */
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { prepareSayings } from '../../journal/reading/read-pool.ts'
import { cancelAfterMs, cancelAgainMs, halfOpenMs, slotHeldMsMax } from '../../limits.ts'
import { PoolerError, Session, type SessionConfig } from './session.ts'

/** The role of migrations/0001: reads and appends; see the grants there. */
export const applicationRole = 'spillway_app'
/** And of 0080: what the first may, and writing the ledger. */
export const postingRole = 'spillway_posting'
/** And of 0157: sees the rows of those alone for whom a statement says that it reads (ReadPool). */
export const readingRole = 'spillway_reading'
/** And of 0177: what posting may, and letting in again whom a denial refuses. No process acts as it. */
export const operatingRole = 'spillway_operating'
export type Role =
  | typeof applicationRole
  | typeof postingRole
  | typeof readingRole
  | typeof operatingRole

export type PoolOptions = {
  readonly url: string
  readonly name: string
  readonly connectionsMax: number
  readonly statementMsMax: number
  /** The application's unless given. */
  readonly role?: Role
  readonly searchPath?: string
  /** Statements go out before the ones before them are answered; no COPY. */
  readonly pipeline?: true
}

/** Opens a pool; connects on first use. The caller ends it. */
export function openPool(options: PoolOptions): pg.Pool {
  const config: pg.PoolConfig & SessionConfig = {
    connectionString: options.url,
    Client: Session as unknown as NonNullable<pg.PoolConfig['Client']>,
    max: options.connectionsMax,
    application_name: options.name,
    connectionTimeoutMillis: 2_000,
    // A connection that is half-open hears nothing of the server's own time-out.
    query_timeout: options.statementMsMax + halfOpenMs,
    cancelAfterMs: options.statementMsMax + cancelAfterMs,
    onLost: (session) => void holdSlot(pool, session),
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    options: sessionOptions(options),
    verify: (client, done) => void prepare(client, options).then(() => done(), done),
    ...(options.pipeline && { pipeline: true }),
  }
  const pool: pg.Pool = new pg.Pool(config)
  // A connection that drops between two queries, idle or taken, fails the next query; without
  // listeners it would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/**
 * One connection of a command that reads for long: no time-outs. It acts as a role as those of a pool do, so that
 * a login needs no rights of its own (`noinherit`). The caller ends it.
 * @throws PoolerError where it would act as another
 */
export async function connectAs(url: string, name: string, role: Role): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: name,
    options: `-c role=${role}`,
  })
  await client.connect()
  try {
    const { rows } = await client.query<{ role: string }>('select current_user as role')
    if (rows[0]?.role !== role) throw poolerError(rows[0]?.role, role)
    return client
  } catch (error) {
    await client.end()
    throw error
  }
}

/**
 * Keeps the place in the pool of a connection that broke under a statement until the server has taken
 * the request to cancel it: its backend may be there for as long as a standby is away, and each
 * new connection would add one. Where what is between takes no such request, the place comes back after
 * a while all the same: a pool without places would accept nothing for ever.
 */
async function holdSlot(pool: pg.Pool, session: Session): Promise<void> {
  const until = performance.now() + slotHeldMsMax
  pool.options.max -= 1
  while (!pool.ending && performance.now() < until && !(await session.cancel())) {
    await pause(cancelAgainMs, undefined, { ref: false })
  }
  pool.options.max += 1
  // Who waits for a place is told by a connection that comes back, not by a place.
  if (pool.waitingCount > 0 && !pool.ending) {
    await pool.connect().then(
      (client) => client.release(),
      () => {},
    )
  }
}

async function prepare(client: pg.PoolClient, options: PoolOptions): Promise<void> {
  await expectOptions(client, options)
  if (options.role === readingRole) await prepareSayings(client)
}

type Options = { role: string; timeout_ms: string; path: string; messages: string }

/**
 * Every new connection proves that what was asked for at its start is so: a pooler may drop it in
 * silence, and with it the role that may only append, and the time-outs.
 */
async function expectOptions(client: pg.PoolClient, options: PoolOptions): Promise<void> {
  const { statementMsMax, searchPath, role = applicationRole } = options
  const { rows } = await client.query<Options>(`
    select
      current_user as role,
      extract(epoch from current_setting('statement_timeout')::interval)::numeric * 1000
        as timeout_ms,
      current_setting('search_path') as path,
      current_setting('client_min_messages') as messages`)
  const [found] = rows
  const asked =
    found?.role === role &&
    Number(found.timeout_ms) === statementMsMax &&
    (searchPath === undefined || found.path === searchPath) &&
    found.messages === clientMessages
  if (!asked) throw poolerError(found?.role, role)
}

function poolerError(found: string | undefined, role: Role): PoolerError {
  return new PoolerError(
    `A pooler at DATABASE_URL drops \`options\`: the connection has the role ${found}, not ${role}, or not its time-outs. Take \`options\` out of pgbouncer's ignore_startup_parameters, or connect to Postgres itself.`,
  )
}

/** Of the server's messages: those that tell of a commit that may not be on its standbys. */
const clientMessages = 'warning'

function sessionOptions(options: PoolOptions): string {
  const { statementMsMax, searchPath, role = applicationRole } = options
  const settings = [
    `role=${role}`,
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
    `client_min_messages=${clientMessages}`,
    // Every statement goes by a key. Plans are kept for as long as a connection; one that was made
    // while a table was small scans it whole, and a commit's cost grows with the journal.
    'enable_seqscan=off',
    'jit=off',
    // Who sees what is known to no plan: with it, statements look dearer than they are, and Postgres would plan
    // each anew, for longer than a receipt takes to find.
    ...(role === readingRole ? ['plan_cache_mode=force_generic_plan'] : []),
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
    broken = isLost(client) ? (error as Error) : await rollBack(client)
    throw error
  } finally {
    client.release(broken)
  }
}

function isLost(client: pg.PoolClient): boolean {
  return (client as pg.PoolClient & Partial<Session>).lost === true
}

/** @returns why it failed */
function rollBack(client: pg.PoolClient): Promise<Error | undefined> {
  return client.query('rollback').then(
    () => undefined,
    (failure: Error) => failure,
  )
}
