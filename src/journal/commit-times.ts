/**
 * How long a commit takes, as a function of how many declarations are in it: `rest + each · n`, a line
 * through the commits of late (least squares; each commit counts a little less than the one after it). From
 * it follows what the journal brings at each size of group, so that a slow commit asks for larger groups and
 * not for fewer filings.
 *
 * Commits of one size tell nothing of what a declaration adds: then what was known of it before stands. A
 * commit that takes twice as long as expected, or half as long, is a change of the journal, and what was
 * known before counts little from then on. One late commit is no change, as something else may have held it
 * up; two are, unless one as large is in time between them.
 *
 * A process that has much to read sees the end of a commit late: all that is known is that the commit took
 * at least until the process began to read, and at most until it saw the end. Between the two, it took what
 * was expected.
 */

import {
  commitEachMsExpected,
  groupBytesMax,
  groupCommitMsAim,
  groupDeclarationsMax,
} from '../limits.ts'

/** Of what a commit counts, so much is left after the next one. */
const remembered = 0.9
/** What was known of a declaration counts as much as one commit whose size is off the mean by so many. */
const priorDeviation = 64
/** A commit that takes so many times as long as expected, or so many times less, is a change. */
const changeFactor = 2
/** What was known before a change counts as so many commits. */
const weightAtChange = 0.25
const restMsMin = 0.1
const eachMsMin = 0.02

type Commit = { readonly size: number; readonly ms: number }

/** What a group came to: replays and refusals commit nothing, and looking up what was accepted takes time. */
export type Committed = {
  readonly declarations: number
  readonly bytes: number
  /** Of its time, what was spent on declarations that were accepted before. */
  readonly lookupMs: number
}

export class CommitTimes {
  readonly #now: () => number
  readonly #busySince: () => number
  #weight = 0
  /** Means of the commits of late: declarations, and milliseconds. */
  #size = 0
  #ms = 0
  /** Of declarations: the variance, and the covariance with milliseconds. */
  #variance = 0
  #covariance = 0
  #eachMs = commitEachMsExpected
  /** Sums over the commits of late. */
  #bytes = 0
  #declarations = 0
  /** The last one that was late, with none as large in time since. */
  #late: Commit | undefined
  /** The commit under way. */
  #underWay = 0
  #underWayBytes = 0
  #since: number | undefined

  /**
   * @param now milliseconds of a clock that never goes back
   * @param busySince by the same clock, since when this process sees nothing of what ended; now, unless given
   */
  constructor(now: () => number = () => performance.now(), busySince = now) {
    this.#now = now
    this.#busySince = busySince
  }

  /** A commit began, of so many at most. */
  begin(declarations: number, bytes: number): void {
    this.#underWay = declarations
    this.#underWayBytes = bytes
    this.#since = this.#now()
  }

  /**
   * It ended; its time is a commit's where it succeeded, or was given up as it took too long.
   * @param committed of what began, what was committed; all of it unless given
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

  /** What a commit takes without its declarations, milliseconds; 0 before the first. */
  get restMs(): number {
    return this.#weight === 0 ? 0 : Math.max(restMsMin, this.#ms - this.#eachMs * this.#size)
  }

  /** What it takes, if what the commit under way has taken beyond what was expected is no exception. */
  get restMsAtWorst(): number {
    if (this.#since === undefined) return this.restMs
    const ms = this.#busySince() - this.#since
    return Math.max(this.restMs, ms - this.#eachMs * this.#underWay)
  }

  /** What each declaration adds. */
  get eachMs(): number {
    return this.#eachMs
  }

  /** Declarations in a group that has no room for more, or no time within its statement's. */
  get fullGroup(): number {
    const bytesFit =
      this.#bytes === 0 ? groupDeclarationsMax : (groupBytesMax * this.#declarations) / this.#bytes
    // Where hardly any commit is in time, small groups would make it worse.
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
