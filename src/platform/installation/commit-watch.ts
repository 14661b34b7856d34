/**
 * Whether commits get through: what acceptance waits for, for operators, in readiness, metrics and the log. A commit
 * that waits for a standby breaks nothing until its time is over, and where nobody files none is made: so the
 * process makes one of its own every few seconds. Tries of acceptance that all fail for a while count besides.
 */
import type pg from 'pg'
import { type Confirm, UnconfirmedCommitError } from '../../journal/durable.ts'
import { commitFailsMsMin, commitLookEveryMs, commitTroubleMsMax } from '../../limits.ts'
import { DurabilityError } from '../postgres/durability.ts'
import type { Logger } from '../process/logger.ts'

/** Why a commit failed, for a metric. */
export type CommitFailure = 'standby' | 'timeout' | 'connection' | 'resources' | 'refused' | 'other'

export type CommitWatch = {
  /** What commits wait for, or fail by; empty while they get through. */
  readonly trouble: string
  /** A commit of acceptance got through. */
  committed(): void
  /** A try of one failed. */
  failed(error: unknown): void
  stop(): void
}

export type CommitWatchDependencies = {
  /** Waits for standbys as a commit of acceptance does. */
  readonly confirm: Confirm
  readonly pool: pg.Pool
  readonly logger: Pick<Logger, 'error' | 'info'>
  readonly onFailure: (reason: CommitFailure) => void
  readonly onStandbys: (connected: number) => void
}

export function watchCommits(dependencies: CommitWatchDependencies): CommitWatch {
  const { confirm, pool, logger, onFailure, onStandbys } = dependencies
  /** Of this watch's own commit. */
  let own = ''
  let told = false
  /** By what acceptance's tries fail, since none got through. */
  let met:
    | { readonly trouble: string; readonly fromMs: number; readonly lastMs: number }
    | undefined
  const trouble = () => {
    if (own !== '' || met === undefined) return own
    const lasts = met.lastMs - met.fromMs >= commitFailsMsMin
    return lasts && performance.now() - met.lastMs < commitTroubleMsMax ? met.trouble : ''
  }
  const tell = (names = '') => {
    const waitsFor = trouble()
    const fails = waitsFor !== ''
    if (fails === told) return
    if (fails) logger.error({ waitsFor, ...(names !== '' && { names }) }, 'nothing can be accepted')
    else logger.info('commits get through again')
    told = fails
  }
  const look = async () => {
    const failure = await confirm().then(
      () => undefined,
      (error: unknown) => error ?? new Error('unknown'),
    )
    const standbys = await readStandbys(pool).catch(() => undefined)
    if (standbys !== undefined) onStandbys(standbys.connected)
    // Without standbys this watch's own commit writes nothing, and says nothing of theirs.
    if (failure === undefined && standbys !== undefined && standbys.names !== '') met = undefined
    own = failure === undefined ? '' : troubleOf(failure, standbys)
    tell(standbys?.names)
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
      return trouble()
    },
    committed: () => {
      met = undefined
    },
    failed: (error) => {
      onFailure(failureOf(error))
      const lastMs = performance.now()
      const goesOn = met !== undefined && lastMs - met.lastMs < commitTroubleMsMax
      const fromMs = goesOn ? (met?.fromMs ?? lastMs) : lastMs
      met = { trouble: troubleOf(error, undefined), fromMs, lastMs }
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
  const reason = failureOf(error)
  const { code } = error as { readonly code?: unknown }
  const named = typeof code === 'string' ? ` (${code})` : ''
  const connected = standbys === undefined ? '' : ` (${standbys.connected} connected)`
  if (reason === 'standby') return `commits wait for standbys${connected}`
  if (reason === 'timeout' && standbys !== undefined && standbys.names !== '')
    return `commits wait for standbys${connected}`
  return reason === 'timeout' ? 'commits take too long' : `commits fail${named}`
}

function failureOf(error: unknown): CommitFailure {
  if (error instanceof UnconfirmedCommitError) return 'standby'
  if (error instanceof DurabilityError) return 'refused'
  const { code } = error as { readonly code?: unknown }
  if (typeof code !== 'string') return 'connection'
  if (code === '57014') return 'timeout'
  if (/^(?:08|57P|E)/.test(code)) return 'connection'
  return /^(?:53|58)/.test(code) ? 'resources' : 'other'
}
