/**
 * Watches whether commits get through: what acceptance waits for, for readiness, metrics and the log. A commit
 * that waits for a standby breaks nothing until its time is over, and where nobody files none is made. So the
 * process makes a commit of its own every few seconds, which writes and waits as one of acceptance does.
 *
 * One failure says little: a connection breaks, a disk is slow for a moment. Two in a row, between which no commit
 * of acceptance got through, are trouble.
 */
import type pg from 'pg'
import { UnconfirmedCommitError } from '../../journal/durable.ts'
import { commitLookEveryMs } from '../../limits.ts'
import { DurabilityError } from '../postgres/durability.ts'
import type { Logger } from '../process/logger.ts'

/** Why a commit failed, for a metric. */
export type CommitFailure = 'standby' | 'timeout' | 'connection' | 'resources' | 'refused' | 'other'

export type CommitWatch = {
  /** What commits wait for, or fail by; empty while they get through. */
  readonly trouble: string
  /** A commit of acceptance got through. */
  committed(): void
  /** The journal lacks what this process committed; that does not pass by itself. */
  wentBack(what: string): void
  stop(): void
}

export type CommitWatchDependencies = {
  /** Makes a commit that writes, and waits for standbys as a commit of acceptance does. */
  readonly commit: () => Promise<void>
  readonly pool: pg.Pool
  readonly logger: Pick<Logger, 'error' | 'info'>
  readonly onStandbys: (connected: number) => void
}

export function watchCommits(dependencies: CommitWatchDependencies): CommitWatch {
  const { commit, pool, logger, onStandbys } = dependencies
  let trouble = ''
  let lost = ''
  let failedBefore = false
  const getThrough = () => {
    failedBefore = false
    if (trouble !== '') logger.info('commits get through again')
    trouble = ''
  }
  const look = async () => {
    const failure = await commit().then(
      () => undefined,
      (error: unknown) => error ?? new Error('unknown'),
    )
    const standbys = await readStandbys(pool).catch(() => undefined)
    if (standbys !== undefined) onStandbys(standbys.connected)
    if (failure === undefined) return getThrough()
    const isSecond = failedBefore
    failedBefore = true
    const waitsFor = troubleOf(failure, standbys)
    if (!isSecond || waitsFor === '') return
    const names = standbys?.names ?? ''
    if (trouble === '')
      logger.error({ waitsFor, ...(names !== '' && { names }) }, 'nothing can be accepted')
    trouble = waitsFor
  }
  let looking = false
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    void look().finally(() => {
      looking = false
    })
  }, commitLookEveryMs)
  timer.unref()
  return {
    get trouble() {
      return lost === '' ? trouble : lost
    },
    committed: getThrough,
    wentBack: (what) => {
      if (lost === '') logger.error({ waitsFor: what }, 'nothing can be accepted')
      lost = what
    },
    stop: () => clearInterval(timer),
  }
}

type Standbys = { readonly names: string; readonly connected: number }

/** Their names are asked for by their setting; that they are connected is for every role to see. */
async function readStandbys(pool: pg.Pool): Promise<Standbys | undefined> {
  const { rows } = await pool.query<Standbys>({
    name: 'read-standbys',
    text: `
      select
        current_setting('synchronous_standby_names') as names,
        (select count(*)::int from pg_stat_replication) as connected`,
  })
  return rows[0]
}

function troubleOf(error: unknown, standbys: Standbys | undefined): string {
  // Readiness tells of settings by themselves.
  if (error instanceof DurabilityError) return ''
  const reason = commitFailureOf(error)
  const { code } = error as { readonly code?: unknown }
  const named = typeof code === 'string' ? ` (${code})` : ''
  const connected = standbys === undefined ? '' : ` (${standbys.connected} connected)`
  if (reason === 'standby') return `commits wait for standbys${connected}`
  if (reason === 'timeout' && standbys !== undefined && standbys.names !== '')
    return `commits wait for standbys${connected}`
  return reason === 'timeout' ? 'commits take too long' : `commits fail${named}`
}

export function commitFailureOf(error: unknown): CommitFailure {
  if (error instanceof UnconfirmedCommitError) return 'standby'
  if (error instanceof DurabilityError) return 'refused'
  const { code } = error as { readonly code?: unknown }
  if (typeof code !== 'string') return 'connection'
  if (code === '57014') return 'timeout'
  if (/^(?:08|57P|E)/.test(code)) return 'connection'
  return /^(?:53|58)/.test(code) ? 'resources' : 'other'
}
