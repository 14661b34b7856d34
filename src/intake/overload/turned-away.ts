/**
 * Who was told to come back, and when: a line in front of the one inside, kept by the second in which each
 * is expected. The next one is expected in the first second that is not full, after all that wait inside:
 * no second stays empty while somebody is told a later one, and none is promised to more than can be let
 * in. Each filing of a known filer has one place, however often it was refused: those who come back at once,
 * again and again, make nobody else's wait longer. Who does not come in its second is forgotten. Bounded: what
 * is beyond the bound has no place in it, and comes back at a time by chance. One filer has so many places at
 * most; its other filings wait in a line of its own behind them, which makes nobody else wait.
 *
 * Who is not known, as its token was not verified yet, has a line of its own, of some seconds: anybody could
 * make it as long as they like, and it makes nobody wait who is known.
 */
import {
  retrySecondsMax,
  turnedAwayMax,
  turnedAwayOfOneMax,
  unknownRetrySecondsMax,
} from '../../limits.ts'
import { SecondCounts } from './second-counts.ts'

/** Some don't come back, and a line that is too long costs less than one that is empty. */
const promisedShare = 1.2
/** Of the seconds that somebody waits, what chance adds at most: not all come in the same moment. */
const jitterShare = 0.1

export class TurnedAway {
  /** By filing, the second in which it is expected; and the other way round. */
  readonly #dueOf = new Map<string, number>()
  readonly #expected = new Map<number, Set<string>>()
  /** By filer, how many places it has. */
  readonly #placesOf = new Map<string, number>()
  /** Of filers that have all places that one may have: what they were told beside, by second. */
  readonly #beyond = new Map<string, SecondCounts>()
  readonly #unknown = new SecondCounts(unknownRetrySecondsMax + 1)
  readonly #random: () => number
  #second = 0

  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /**
   * In how many seconds one that is refused should come back.
   * @param inside seconds until all that wait inside are answered
   * @param perSecond how many can be let in
   * @param filing its name, where it is to file and its filer is known: then it has a place
   */
  tell(inside: number, perSecond: number, now: number, filing?: string): number {
    const second = secondOf(now)
    this.#forgetBefore(second)
    const first = Math.min(retrySecondsMax, Math.max(1, Math.floor(inside)))
    const most = promisedShare * perSecond
    return filing === undefined
      ? this.#tellUnknown(first, most, second)
      : this.#tellKnown(first, most, second, filing)
  }

  /** A filing came, whatever becomes of it. */
  cameBack(filing: string): void {
    const due = this.#dueOf.get(filing)
    if (due === undefined) return
    this.#expected.get(due)?.delete(filing)
    this.#forget(filing)
  }

  #tellKnown(first: number, most: number, second: number, filing: string): number {
    this.cameBack(filing)
    let seconds = first
    const beyond = this.#beyondOf(filing, second)
    const expectedIn = (after: number) =>
      (this.#expected.get(second + after)?.size ?? 0) + (beyond?.at(second + after) ?? 0)
    while (seconds < retrySecondsMax && expectedIn(seconds) >= most) seconds += 1
    const isFull = this.#dueOf.size >= turnedAwayMax
    const more = isFull ? retrySecondsMax - seconds : jitterShare * seconds
    seconds = Math.min(retrySecondsMax, seconds + Math.floor(more * this.#random()))
    if (beyond !== undefined) beyond.add(second + seconds, 1)
    else if (!isFull) this.#expect(filing, second + seconds)
    return seconds
  }

  /** The line of its own that a filing waits in, where its filer has all places that one may have. */
  #beyondOf(filing: string, second: number): SecondCounts | undefined {
    const filer = filerOf(filing)
    if ((this.#placesOf.get(filer) ?? 0) < turnedAwayOfOneMax) return undefined
    const known = this.#beyond.get(filer)
    if (known !== undefined) return known
    const counts = new SecondCounts(retrySecondsMax + 1)
    counts.moveTo(second)
    this.#beyond.set(filer, counts)
    return counts
  }

  #tellUnknown(first: number, most: number, second: number): number {
    let after = 1
    while (after < unknownRetrySecondsMax && this.#unknown.at(second + after) >= most) after += 1
    this.#unknown.add(second + after, 1)
    return Math.min(retrySecondsMax, first + after - 1)
  }

  #expect(filing: string, due: number): void {
    const filings = this.#expected.get(due) ?? new Set()
    this.#expected.set(due, filings.add(filing))
    this.#dueOf.set(filing, due)
    const filer = filerOf(filing)
    this.#placesOf.set(filer, (this.#placesOf.get(filer) ?? 0) + 1)
  }

  #forget(filing: string): void {
    this.#dueOf.delete(filing)
    const filer = filerOf(filing)
    const left = (this.#placesOf.get(filer) ?? 1) - 1
    if (left > 0) this.#placesOf.set(filer, left)
    else this.#placesOf.delete(filer)
  }

  /** What did not come in its second. */
  #forgetBefore(second: number): void {
    if (second === this.#second) return
    this.#second = second
    this.#unknown.moveTo(second)
    for (const [filer, counts] of this.#beyond) {
      counts.moveTo(second)
      if (counts.sum === 0) this.#beyond.delete(filer)
    }
    for (const [due, filings] of this.#expected) {
      if (due >= second) continue
      for (const filing of filings) this.#forget(filing)
      this.#expected.delete(due)
    }
  }
}

/** A filing is named by its filer, and behind the last line break by its key. */
function filerOf(filing: string): string {
  const end = filing.lastIndexOf('\n')
  return end < 0 ? filing : filing.slice(0, end)
}

function secondOf(now: number): number {
  return Math.floor(now / 1_000)
}
