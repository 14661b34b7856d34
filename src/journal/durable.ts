/**
 * Judges how durable a commit was, by its session's settings before and after it.
 *
 * A commit waits for its standbys only as far as two things say so when it gets there: its session's
 * synchronous_commit, and names that the checkpointer keeps in shared memory. A session takes in a new
 * configuration between two commands, the checkpointer at some moment near to it, and a commit that
 * waits is let go, without a warning, when the names are emptied. So one look is not enough:
 *  - before: the session's settings ask for enough, and were loaded long enough ago for the checkpointer
 *    to have them too;
 *  - after: the next command of the same session finds the configuration that was loaded before. Had it
 *    changed while the commit waited, this command would have taken it in first: Postgres signals
 *    sessions before, or in the same turn as, the checkpointer.
 * The second look travels with the commit: it costs no round trip where the connection pipelines.
 */
import type pg from 'pg'

/** The commit is durable here, but perhaps on no standby: it must not be acknowledged yet. */
export class UnconfirmedCommitError extends Error {
  override name = 'UnconfirmedCommitError'
  /** SQLSTATE: transaction resolution unknown. */
  readonly code = '08007'
}

/** The settings under which a session's next commit runs. */
export type CommitSettings = {
  readonly fsync: string
  readonly pages: string
  readonly commit: string
  readonly names: string
  readonly read_only: string
  readonly standby: boolean
  /** When its configuration was loaded. */
  readonly loaded: string
  readonly loaded_ms_ago: number
}

/** SQL columns that read these settings. */
export const commitSettings = `
  current_setting('fsync') as fsync,
  current_setting('full_page_writes') as pages,
  current_setting('synchronous_commit') as commit,
  current_setting('synchronous_standby_names') as names,
  current_setting('default_transaction_read_only') as read_only,
  pg_is_in_recovery() as standby,
  pg_conf_load_time()::text as loaded,
  (extract(epoch from clock_timestamp() - pg_conf_load_time()) * 1000)::float8 as loaded_ms_ago`

export type CommitJudge = {
  /** @throws if nothing may be accepted under these settings; nothing was stored */
  checkBefore(settings: CommitSettings): void
  /** @throws UnconfirmedCommitError if a commit between these two readings may be lost */
  checkAfter(before: CommitSettings, after: CommitSettings): void
}

type Connection = Pick<pg.ClientBase, 'query'> & { readonly pipeline?: boolean }

/** Runs a commit on a connection and reads the session's settings right behind it. */
export async function commitBetween<T>(
  client: Connection,
  judge: CommitJudge | undefined,
  before: CommitSettings,
  commit: () => Promise<T>,
): Promise<T> {
  if (judge === undefined) return commit()
  judge.checkBefore(before)
  const committing = commit()
  if (client.pipeline !== true) await committing
  const [committed, looked] = await Promise.allSettled([committing, look(client)])
  if (committed.status === 'rejected') throw committed.reason
  if (looked.status === 'rejected') throw unseen(looked.reason)
  judge.checkAfter(before, looked.value)
  return committed.value
}

/** The commit was answered, but its connection broke before the second look. */
function unseen(cause: unknown): Error {
  return new UnconfirmedCommitError('a commit could not be looked after', { cause })
}

async function look(client: Connection): Promise<CommitSettings> {
  const { rows } = await client.query<CommitSettings>({
    name: 'look-after-commit',
    text: `select ${commitSettings}`,
  })
  return rows[0] as CommitSettings
}

/**
 * Resolves when everything visible now is as durable as a new commit. Rows of a commit whose process did not
 * learn its outcome can be visible before they reach any standby. Whoever acknowledges them must wait for the
 * standbys, as the commit would have.
 */
export async function confirmOn(client: Connection, judge: CommitJudge | undefined): Promise<void> {
  await commitNothing(client, judge, { evenAlone: false })
}

/** A commit of nothing but a message in the log; without standbys only if it is wanted even so. */
async function commitNothing(
  client: Connection,
  judge: CommitJudge | undefined,
  { evenAlone }: { readonly evenAlone: boolean },
): Promise<void> {
  const before = await look(client)
  await commitBetween(client, judge, before, () =>
    client.query({
      name: 'confirm-durable',
      text: `
        select case
          when $1 or current_setting('synchronous_standby_names') <> ''
            then pg_logical_emit_message(true, 'spillway', 'replay')
        end`,
      values: [evenAlone],
    }),
  )
}

/** Confirmed ids that are remembered; the oldest leaves. */
const confirmedMax = 20_000

/**
 * Confirms durability. Callers that come during one confirmation share the next one, so that they hold one
 * connection together while a standby is away.
 */
export type Confirm = {
  /** @throws UnconfirmedCommitError where it may be on too few standbys */
  (): Promise<void>
  /** Once for each id: what is durable stays so. */
  once(id: string): Promise<void>
}

export function createConfirm(pool: pg.Pool, judge?: CommitJudge): Confirm {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  const confirmed = new Set<string>()
  const start = () => {
    next = undefined
    running = confirm(pool, judge).finally(() => {
      running = undefined
    })
    return running
  }
  const shared = () => {
    if (running === undefined && next === undefined) return start()
    next ??= (running as Promise<void>).then(start, start)
    return next
  }
  const once = async (id: string) => {
    if (confirmed.has(id)) return
    await shared()
    confirmed.add(id)
    if (confirmed.size > confirmedMax) confirmed.delete(confirmed.keys().next().value as string)
  }
  return Object.assign(shared, { once })
}

/** Writes and commits, as acceptance does, so that a commit's own troubles show. */
export function createTestCommit(pool: pg.Pool, judge?: CommitJudge): () => Promise<void> {
  return () => onConnection(pool, (client) => commitNothing(client, judge, { evenAlone: true }))
}

function confirm(pool: pg.Pool, judge: CommitJudge | undefined): Promise<void> {
  return onConnection(pool, (client) => confirmOn(client, judge))
}

async function onConnection(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<void>,
): Promise<void> {
  const client = await pool.connect()
  let failure: Error | undefined
  try {
    await work(client)
  } catch (error) {
    failure = error as Error
    throw error
  } finally {
    client.release(failure)
  }
}
