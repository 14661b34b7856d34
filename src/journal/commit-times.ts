/**
 * How long a commit takes, as a function of how many declarations are in it: `rest + each · n`, a line
 * through the commits of late (least squares; each commit counts a little less than the one after it). From
 * it follows what the journal brings at each size of group, so that a slow commit asks for larger groups and
 * not for fewer filings.
 *
 * Commits of equal size do not show what a declaration adds; then the earlier estimate stays. A commit that
 * takes twice or half the expected time is a change of the journal, and earlier commits count little from
 * then on. One late commit is no change, because something else may have delayed it. Two are, unless one of
 * that size is in time between them.
 *
 * A busy process sees the end of a commit late. It only knows that the commit took at least until the process
 * got busy, and at most until it saw the end. Between the two, it assumes the expected time.
 */

import {
  commitEachMsExpected,
  groupBytesMax,
  groupCommitMsAim,
  groupDeclarationsMax,
} from '../limits.ts'

/** The factor by which a commit's weight shrinks with each later commit. */
const remembered = 0.9
/** The earlier estimate weighs as much as one commit whose size is this far from the mean. */
const priorDeviation = 64
/** A commit that is this many times slower or faster than expected is a change. */
const changeFactor = 2
/** The weight, in commits, of everything before a change. */
const weightAtChange = 0.25
const restMsMin = 0.1
const eachMsMin = 0.02

type Commit = { readonly size: number; readonly ms: number }

/** The committed part of a group: replays and refusals commit nothing, and looking them up takes time. */
export type Committed = {
  readonly declarations: number
  readonly bytes: number
  /** Milliseconds of its time spent on declarations that were accepted before. */
  readonly lookupMs: number
}

export class CommitTimes {
  readonly #now: () => number
  readonly #busySince: () => number
  #weight = 0
  /** Means of recent commits: declarations, and milliseconds. */
  #size = 0
  #ms = 0
  /** The variance of declarations, and their covariance with milliseconds. */
  #variance = 0
  #covariance = 0
  #eachMs = commitEachMsExpected
  /** Sums over recent commits. */
  #bytes = 0
  #declarations = 0
  /** The last late commit, if no commit of that size was in time since. */
  #late: Commit | undefined
  /** The commit under way. */
  #underWay = 0
  #underWayBytes = 0
  #since: number | undefined

  /**
   * @param now milliseconds of a clock that never goes back
   * @param busySince by the same clock: since when this process is too busy to see ends; defaults to `now`
   */
  constructor(now: () => number = () => performance.now(), busySince = now) {
    this.#now = now
    this.#busySince = busySince
  }

  /** A commit begins, with at most this many declarations. */
  begin(declarations: number, bytes: number): void {
    this.#underWay = declarations
    this.#underWayBytes = bytes
    this.#since = this.#now()
  }

  /**
   * The commit ended.
   * @param isTime whether its time counts: it succeeded, or was given up because it took too long
   * @param committed the committed part; defaults to everything that began
   */
  end(isTime: boolean, committed?: Committed): void {
    const now = this.#now()
    const since = this.#since ?? now
    const busySince = Math.min(now, this.#busySince())
    this.#since = undefined
    const { declarations, bytes, lookupMs } = committed ?? {
      declarations: this.#underWay,
      bytes: this.#underWayBytes,
      lookupMs: 0,
    }
    if (declarations === 0) return
    this.#bytes = remembered * this.#bytes + bytes
    this.#declarations = remembered * this.#declarations + declarations
    if (!isTime) return
    const atMost = now - since - lookupMs
    const atLeast = this.#weight === 0 ? atMost : busySince - since - lookupMs
    const expected = this.restMs + this.#eachMs * declarations
    this.#observe(declarations, Math.max(0, Math.min(atMost, Math.max(atLeast, expected))))
  }

  /** Milliseconds of a commit without its declarations; 0 before the first. */
  get restMs(): number {
    return this.#weight === 0 ? 0 : Math.max(restMsMin, this.#ms - this.#eachMs * this.#size)
  }

  /** The same, if the delay of the commit under way is no exception. */
  get restMsAtWorst(): number {
    if (this.#since === undefined) return this.restMs
    const ms = this.#busySince() - this.#since
    return Math.max(this.restMs, ms - this.#eachMs * this.#underWay)
  }

  /** Milliseconds that each declaration adds. */
  get eachMs(): number {
    return this.#eachMs
  }

  /** Declarations in a full group: no more fit into its bytes, or into its statement's time-out. */
  get fullGroup(): number {
    const bytesFit =
      this.#bytes === 0 ? groupDeclarationsMax : (groupBytesMax * this.#declarations) / this.#bytes
    // If hardly any commit is in time, smaller groups would make it worse.
    const timeFits = (groupCommitMsAim - Math.min(this.restMs, groupCommitMsAim / 2)) / this.#eachMs
    return Math.max(1, Math.floor(Math.min(groupDeclarationsMax, bytesFit, timeFits)))
  }

  #observe(size: number, ms: number): void {
    const expectedMs = this.restMs + this.#eachMs * size
    const before = this.#late
    const isLate = this.#weight > 0 && ms > changeFactor * expectedMs
    if (isLate) this.#late = { size, ms }
    else if (before !== undefined && 2 * size >= before.size) this.#late = undefined
    if (isLate && before === undefined) return
    const isChange = isLate || ms < expectedMs / changeFactor
    if (isChange) this.#weight = Math.min(weightAtChange, this.#weight)
    if (isLate && before !== undefined) this.#count(before)
    this.#count({ size, ms })
  }

  #count({ size, ms }: Commit): void {
    const kept = remembered * this.#weight
    this.#weight = kept + 1
    const [offSize, offMs] = [size - this.#size, ms - this.#ms]
    this.#size += offSize / this.#weight
    this.#ms += offMs / this.#weight
    const share = kept / this.#weight
    this.#variance = share * (this.#variance + (offSize * offSize) / this.#weight)
    this.#covariance = share * (this.#covariance + (offSize * offMs) / this.#weight)
    const prior = priorDeviation ** 2
    const each = (this.#covariance + prior * this.#eachMs) / (this.#variance + prior)
    this.#eachMs = Math.max(eachMsMin, Math.min(each, this.#ms / this.#size))
  }
}
