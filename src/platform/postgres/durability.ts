/**
 * Whether what a 202 promises can be kept: settings of Postgres under which acknowledged declarations
 * could be lost, and what mends each. Checked before a process starts, again whenever it connects anew,
 * and every minute, as settings change while it runs.
 *
 * Of the queue nothing is asked here: it holds references that the sweeper makes again, and none of its
 * faults is a reason to refuse (`queue-watch.ts` tells of them).
 */
import type pg from 'pg'

import {
  type CommitJudge,
  type CommitSettings,
  commitSettings,
  UnconfirmedCommitError,
} from '../../journal/durable.ts'
import { standbysSettleMs } from '../../limits.ts'

export type DurabilityFault = {
  readonly setting: string
  readonly risk: string
  readonly mend: string
}

/** strict: refuse to start and to accept; warn: say so in readiness, metrics and receipts. */
export type DurabilityMode = 'strict' | 'warn'

export class DurabilityError extends Error {
  override name = 'DurabilityError'
}

/** A database's clock may differ from this machine's by so much. */
const clockOffsetMsMax = 5_000
const versionMin = 160_000

type Server = CommitSettings & { readonly version: string; readonly now_ms: string }

/**
 * What is wrong with the Postgres of a pool, as its sessions see it.
 * @param standbys how many each commit must have reached
 */
export async function checkPostgres(pool: pg.Pool, standbys: number): Promise<DurabilityFault[]> {
  const { rows } = await pool.query<Server>({
    name: 'check-durability',
    text: `
      select
        ${commitSettings},
        current_setting('server_version_num') as version,
        (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms`,
  })
  const [server] = rows
  if (server === undefined) return []
  return [...commitFaults(server, standbys), ...serverFaults(server, Date.now())]
}

/** What a commit under these settings could lose. */
function commitFaults(settings: CommitSettings, standbys: number): DurabilityFault[] {
  const faults: DurabilityFault[] = []
  const fault = (setting: string, risk: string, mend: string) =>
    void faults.push({ setting, risk, mend })
  if (settings.fsync !== 'on') {
    fault('fsync', 'a power failure can destroy the database', 'alter system set fsync = on')
  }
  if (settings.pages !== 'on') {
    const mend = 'alter system set full_page_writes = on'
    fault('full_page_writes', 'a power failure can tear pages apart', mend)
  }
  if (settings.commit === 'off') {
    const risk = 'a crash loses what was acknowledged in the last moments'
    fault('synchronous_commit', risk, 'alter system set synchronous_commit = on')
  }
  const waitedFor = standbysIn(settings.names)
  if (waitedFor > 0 && settings.commit === 'local') {
    const risk = 'commits do not wait for the standbys that are named'
    fault('synchronous_commit', risk, 'alter system set synchronous_commit = on')
  }
  if (waitedFor < standbys) {
    const risk = `the loss of this server loses what was acknowledged: commits wait for ${waitedFor} standbys, SYNCHRONOUS_STANDBYS asks for ${standbys}`
    const mend = `alter system set synchronous_standby_names = 'ANY ${standbys} (…)', with one more standby than that`
    fault('synchronous_standby_names', risk, mend)
  }
  if (settings.standby) {
    const mend = 'point DATABASE_URL at the primary'
    fault('standby', 'this server only follows another and takes nothing', mend)
  } else if (settings.read_only === 'on') {
    const mend = 'alter system set default_transaction_read_only = off'
    fault('default_transaction_read_only', 'nothing can be accepted', mend)
  }
  return faults
}

function serverFaults(server: Server, nowMs: number): DurabilityFault[] {
  const faults: DurabilityFault[] = []
  const fault = (setting: string, risk: string, mend: string) =>
    void faults.push({ setting, risk, mend })
  if (Number(server.version) < versionMin) {
    fault('server_version', 'releases before 16 are not tested', 'upgrade Postgres')
  }
  const offsetMs = Math.abs(Number(server.now_ms) - nowMs)
  if (offsetMs > clockOffsetMsMax) {
    const risk = `its clock differs by ${Math.round(offsetMs / 1_000)} s: on time or late may be told wrongly`
    fault('clock', risk, 'synchronise both clocks (chrony, systemd-timesyncd)')
  }
  return faults
}

/** How many standbys a commit waits for: `ANY n (…)`, `FIRST n (…)`, `n (…)`, or a list, of which one. */
function standbysIn(names: string): number {
  if (names.trim() === '') return 0
  return Number(/^\s*(?:any|first)?\s*(\d+)\s*\(/i.exec(names)?.[1] ?? 1)
}

export type DurabilityDependencies = {
  /** The first is asked; a new connection of any is a reason to ask again. */
  readonly pools: readonly [pg.Pool, ...pg.Pool[]]
  readonly mode: DurabilityMode
  /** How many standbys each commit must have reached. */
  readonly standbys: number
  /** Told whenever what is wrong changes. */
  readonly onChange: (faults: readonly DurabilityFault[]) => void
}

export type DurabilityWatch = {
  /** Of each commit, by the settings of its own session: told to this watch too. */
  readonly judge: CommitJudge
  readonly faults: readonly DurabilityFault[]
  /** In mode strict: nothing may be accepted now. */
  readonly refuses: boolean
  stop(): void
}

const checkEveryMs = 60_000
/** While something is wrong: nobody files then, and no commit tells that it is mended. */
const checkFaultsEveryMs = 1_000
/** Connections come in dozens after an outage; one check is enough. */
const checkAfterConnectMs = 500

/**
 * Checks, and goes on checking.
 * @throws DurabilityError in mode strict, saying for each setting what it risks and what mends it
 */
export async function watchDurability(
  dependencies: DurabilityDependencies,
): Promise<DurabilityWatch> {
  const { pools, mode, standbys, onChange } = dependencies
  const [pool] = pools
  const read = () => checkPostgres(pool, standbys)
  let faults: readonly DurabilityFault[] = await read()
  if (mode === 'strict' && faults.length > 0) throw new DurabilityError(sentencesOf(faults))
  if (faults.length > 0) onChange(faults)
  const found = (now: readonly DurabilityFault[]) => {
    const changed = namesOf(now) !== namesOf(faults)
    faults = now
    if (changed) onChange(now)
  }
  // Away: readiness tells, and the next connection is checked.
  const check = () => read().then(found, () => {})
  let soon: NodeJS.Timeout | undefined
  const checkSoon = () => {
    soon ??= setTimeout(() => {
      soon = undefined
      void check()
    }, checkAfterConnectMs)
    soon.unref()
  }
  const timer = setInterval(check, checkEveryMs)
  const timerOfFaults = setInterval(() => faults.length > 0 && check(), checkFaultsEveryMs)
  timer.unref()
  timerOfFaults.unref()
  for (const each of pools) each.on('connect', checkSoon)
  return {
    judge: createJudge(mode, standbys, (of) => {
      const known = new Set(faults.map(({ setting }) => setting))
      if (of.some(({ setting }) => !known.has(setting))) found([...of, ...faults])
    }),
    get faults() {
      return faults
    },
    get refuses() {
      return mode === 'strict' && faults.length > 0
    },
    stop: () => {
      clearInterval(timer)
      clearInterval(timerOfFaults)
      clearTimeout(soon)
      for (const each of pools) each.off('connect', checkSoon)
    },
  }
}

/**
 * Judges commits by the settings of their sessions. In mode warn nothing is refused, and `onFaults` has
 * the next receipts say it.
 */
export function createJudge(
  mode: DurabilityMode,
  standbys: number,
  onFaults: (faults: readonly DurabilityFault[]) => void,
): CommitJudge {
  /** Names under which commits were seen to wait; as long as they stay, no new configuration is waited for. */
  let settledNames: string | undefined
  const faultsIn = (settings: CommitSettings) => {
    const faults = commitFaults(settings, standbys)
    if (faults.length === 0) return undefined
    settledNames = undefined
    onFaults(faults)
    return mode === 'strict' ? namesOf(faults) : undefined
  }
  return {
    checkBefore: (settings) => {
      const names = faultsIn(settings)
      if (names !== undefined)
        throw new DurabilityError(`what is accepted now could be lost: ${names}`)
    },
    checkAfter: (before, after) => {
      const names = faultsIn(after)
      if (names !== undefined) throw new UnconfirmedCommitError(`it could be lost: ${names}`)
      if (mode === 'warn' || standbys === 0) return
      if (before.loaded !== after.loaded) {
        throw new UnconfirmedCommitError('the configuration changed while it was committed')
      }
      const settled = before.names === settledNames || before.loaded_ms_ago >= standbysSettleMs
      if (!settled) throw new UnconfirmedCommitError('the names of standbys are new')
      settledNames = before.names
    },
  }
}

/** The settings at fault, for metrics and receipts; empty for none. */
export function namesOf(faults: readonly DurabilityFault[]): string {
  return faults.map(({ setting }) => setting).join(', ')
}

/** What is wrong, for an operator, with what mends it. */
export function sentencesOf(faults: readonly DurabilityFault[]): string {
  const lines = faults.map(({ setting, risk, mend }) => `  ${setting}: ${risk}. ${mend}`)
  return [
    'What a 202 promises could not be kept, so nothing is started (DURABILITY=strict):',
    ...lines,
    'After "alter system", run "select pg_reload_conf()" (fsync too needs no restart). DURABILITY=warn starts all the same and says so in every receipt.',
  ].join('\n')
}

/** A receipt says when it was given under settings that do not keep what it promises. */
export function environmentText(
  { environment }: { readonly environment: string },
  faults: readonly DurabilityFault[],
): string {
  return faults.length === 0 ? environment : `${environment}, not durable: ${namesOf(faults)}`
}
