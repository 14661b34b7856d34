/**
 * Group commit. One commit is under way at a time; filings that arrive meanwhile go out with the next one.
 * At rest a group is one declaration; under load groups grow and each declaration gets cheaper. Several
 * commits at a time would make the groups smaller.
 *
 *   idle ──submit──▶ committing ──done, none waiting──▶ idle
 *                      │    ▲
 *                      └────┘ done, some waiting: the next group
 *   any state ──stop──▶ draining: refuses new filings, commits what waits
 *
 * Where more wait than a group takes, filers take turns (fair-line.ts).
 *
 * If even the shortest wait stays above its target for a while, a queue stands (CoDel's rule), and the
 * filing that waits longest is shed: answered late, it would hold up all later ones. Nothing of it was
 * stored, and its filer is told so.
 *
 * A commit that meets a transient fault is tried again until its deadline; it is idempotent by id,
 * so an unknown outcome is safe to repeat. After the deadline its filings fail and their filers retry. If a
 * group failed because it took too long, as on slow storage, the next groups are half as large: at the same
 * size, they would all fail. They grow again as far as a commit's time allows.
 */
import {
  acceptStatementMsMax,
  groupBytesMax,
  groupCommitMsAim,
  groupCommitMsMax,
  groupDeclarationsMax,
  groupFirst,
  groupGrowth,
  standingQueueMs,
  waitingBytesMax,
  waitingDeclarationsMax,
  waitTargetsMax,
} from '../limits.ts'
import type { Acceptance, AcceptGroup, GroupResult } from './accept.ts'
import type { CommitTimes } from './commit-times.ts'
import { FairLine } from './fair-line.ts'
import type { Filing } from './filing.ts'
import type { LatestDeclaration } from './latest-declaration.ts'
import type { ReplacedFault } from './replaced.ts'

/** The outcomes of a filing, in order of precedence. */
export type FilingOutcome =
  | { readonly kind: 'full' }
  | { readonly kind: 'shed' }
  | { readonly kind: 'unavailable'; readonly cause: unknown }
  /** The id was accepted before; that decides, whatever stands by now. */
  | { readonly kind: 'conflicting'; readonly acceptance: Acceptance }
  | { readonly kind: 'replayed'; readonly acceptance: Acceptance }
  /** A standing declaration that the filing did not expect, with another id and perhaps the same content. */
  | {
      readonly kind: 'standing'
      readonly standing: LatestDeclaration
      readonly sameContent: boolean
    }
  /** The declaration that it replaces was not accepted for its employer, period and region. */
  | { readonly kind: 'replacesWrongly'; readonly fault: ReplacedFault }
  | { readonly kind: 'ticketUsed' }
  | { readonly kind: 'accepted'; readonly acceptance: Acceptance }

export type CommittedGroup = {
  /** Undefined if nothing was committed, because all filings were accepted before. */
  readonly envelope: bigint | undefined
  /** Declarations that were accepted now and not before. */
  readonly fresh: number
  readonly commitMs: number
}

export type GroupCommitDependencies = {
  readonly acceptGroup: AcceptGroup
  readonly isTransient: (error: unknown) => boolean
  /** Learns the time of each commit. */
  readonly times: CommitTimes
  /** Called after each commit, before its filers are answered; must not throw or wait. */
  readonly onCommitted: (group: CommittedGroup) => void
  /** Called after each try of a commit that failed. */
  readonly onTryFailed?: (error: unknown) => void
  /** How long a filing should wait at most, in milliseconds. */
  readonly targetMs: () => number
  /** `performance.now()` unless given. */
  readonly now?: () => number
}

type Waiting = {
  readonly filing: Filing
  readonly filer: string
  /** As `performance.now()`. */
  readonly since: number
  readonly resolve: (outcome: FilingOutcome) => void
}

const retryMsMin = 20
const retryMsMax = 500
export class GroupCommit {
  readonly #dependencies: GroupCommitDependencies
  readonly #now: () => number
  readonly #waiting = new FairLine<Waiting>()
  #waitingBytes = 0
  #draining = false
  #committingSince: number | undefined
  /** Since when even the shortest wait is too long; undefined when it is not. */
  #standingSince: number | undefined
  #running: Promise<void> | undefined
  #groupMax = groupFirst
  /** Size of the last group that failed because it took too long. */
  #failedGroup = Number.POSITIVE_INFINITY

  constructor(dependencies: GroupCommitDependencies) {
    this.#dependencies = dependencies
    this.#now = dependencies.now ?? (() => performance.now())
  }

  /** Start of the commit under way, as `performance.now()`; undefined if there is none. */
  get committingSince(): number | undefined {
    return this.#committingSince
  }

  /** Filings that wait for a commit. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Resolves when the filing's group is durable, or can't be; never rejects. */
  submit(filing: Filing): Promise<FilingOutcome> {
    const bytes = this.#waitingBytes + filing.canonical.length
    const full = this.#waiting.length >= waitingDeclarationsMax || bytes > waitingBytesMax
    if (full || this.#draining) return Promise.resolve({ kind: 'full' })
    this.#waitingBytes = bytes
    return new Promise((resolve) => {
      this.#waiting.push({ filing, filer: filerOf(filing), since: this.#now(), resolve })
      this.#running ??= this.#run()
    })
  }

  /** Refuses new filings; resolves when all waiting ones are committed or have failed. */
  async stop(): Promise<void> {
    this.#draining = true
    await this.#running
  }

  async #run(): Promise<void> {
    // Filings of the same turn of the event loop travel together.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      this.#shedLate(this.#now())
      const group = this.#takeGroup()
      if (group.length > 0) await this.#commit(group)
    }
    this.#standingSince = undefined
    this.#running = undefined
  }

  #shedLate(now: number): void {
    const targetMs = this.#dependencies.targetMs()
    let newest = Number.NEGATIVE_INFINITY
    for (const { since } of this.#waiting) newest = Math.max(newest, since)
    if (now - newest < targetMs) this.#standingSince = undefined
    else this.#standingSince ??= now
    if (this.#standingSince === undefined || now - this.#standingSince < standingQueueMs) return
    const isLate = ({ since }: Waiting) => now - since > waitTargetsMax * targetMs
    for (const { filing, resolve } of this.#waiting.remove(isLate)) {
      this.#waitingBytes -= filing.canonical.length
      resolve({ kind: 'shed' })
    }
  }

  #takeGroup(): Waiting[] {
    let bytes = 0
    let count = 0
    return this.#waiting.take(({ filing }) => {
      bytes += filing.canonical.length
      if (count > 0 && (bytes > groupBytesMax || count === this.#groupMax)) return false
      this.#waitingBytes -= filing.canonical.length
      count += 1
      return true
    })
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    // The first filing of an id stands for the group's others of that id: they meet its outcome.
    const first = new Map<string, Filing>()
    for (const { filing } of group) if (!first.has(filing.id)) first.set(filing.id, filing)
    const { times, onCommitted } = this.#dependencies
    const startedAt = this.#now()
    this.#committingSince = startedAt
    times.begin(first.size, bytesOf(first.values()))
    try {
      const result = await this.#acceptWithRetries([...first.values()])
      const { acceptances, envelope, lookupMs } = result
      const commitMs = Math.max(0, this.#now() - startedAt - lookupMs)
      const fresh = [...first.values()].filter(({ id }) => acceptances.get(id)?.fresh === true)
      times.end(true, { declarations: fresh.length, bytes: bytesOf(fresh), lookupMs })
      this.#grow(fresh.length, commitMs)
      onCommitted({ envelope, fresh: fresh.length, commitMs })
      for (const { filing, resolve } of group) {
        resolve(outcomeOf(filing, first.get(filing.id) === filing, result))
      }
    } catch (cause) {
      const tookTooLong = this.#now() - startedAt >= acceptStatementMsMax
      times.end(tookTooLong)
      if (tookTooLong) {
        this.#failedGroup = group.length
        this.#groupMax = Math.ceil(Math.min(this.#groupMax, group.length) / 2)
      }
      for (const { resolve } of group) resolve({ kind: 'unavailable', cause })
    } finally {
      this.#committingSince = undefined
    }
  }

  /** Sets the size of the next groups after a commit. */
  #grow(size: number, commitMs: number): void {
    // `surely`: as if the declarations caused all of the time. `likely`: by what many commits showed.
    const surely = (size * groupCommitMsAim) / commitMs
    const likely = Math.min(this.#dependencies.times.fullGroup, this.#failedGroup / 2)
    const grown = Math.min(groupDeclarationsMax, groupGrowth * size, Math.max(surely, likely))
    this.#groupMax = Math.max(this.#groupMax, Math.floor(grown))
    if (this.#groupMax >= this.#failedGroup) this.#failedGroup = Number.POSITIVE_INFINITY
  }

  async #acceptWithRetries(filings: readonly Filing[]) {
    const deadline = this.#now() + groupCommitMsMax
    for (let pauseMs = retryMsMin; ; pauseMs = Math.min(pauseMs * 2, retryMsMax)) {
      try {
        return await this.#dependencies.acceptGroup(filings)
      } catch (error) {
        this.#dependencies.onTryFailed?.(error)
        const late = this.#now() + pauseMs > deadline
        if (late || !this.#dependencies.isTransient(error)) throw error
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
  }
}

/** Whose turn it is: the token's subject, by which shares go, too. */
function filerOf({ by, employer }: Filing): string {
  return by !== undefined && 'subject' in by ? by.subject : employer
}

function bytesOf(filings: Iterable<Filing>): number {
  let bytes = 0
  for (const { canonical } of filings) bytes += canonical.length
  return bytes
}

function outcomeOf(
  filing: Filing,
  first: boolean,
  { acceptances, ticketsUsed, standing, replacesWrongly }: GroupResult,
): FilingOutcome {
  const against = standing.get(filing.id)
  if (against !== undefined) {
    const sameContent = against.isOf(filing.digest)
    return { kind: 'standing', standing: against, sameContent }
  }
  const fault = replacesWrongly.get(filing.id)
  if (fault !== undefined) return { kind: 'replacesWrongly', fault }
  if (ticketsUsed.has(filing.id)) return { kind: 'ticketUsed' }
  const acceptance = acceptances.get(filing.id)
  if (acceptance === undefined) {
    return { kind: 'unavailable', cause: new Error('the commit left a filing out') }
  }
  if (!acceptance.isOf(filing.digest)) return { kind: 'conflicting', acceptance }
  return { kind: first && acceptance.fresh ? 'accepted' : 'replayed', acceptance }
}
