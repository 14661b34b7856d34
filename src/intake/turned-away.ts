/**
 * Who was told to come back, and when: a line in front of the one inside, kept by the second in which each
 * is expected. The next one is expected in the first second that is not full, after all that wait inside:
 * no second stays empty while somebody is told a later one, and none is promised to more than can be let
 * in. Each filing has one place, however often it was refused: those who come back at once, again and again,
 * make nobody else's wait longer. Who does not come in its second is forgotten. Bounded: what is beyond the
 * bound has no place in it.
 */
import { retrySecondsMax, turnedAwayMax } from '../limits.ts'
import { SecondCounts } from './second-counts.ts'

/** Some don't come back, and a line that is too long costs less than one that is empty. */
const promisedShare = 1.2
/** Of the seconds that somebody waits, what chance adds at most: not all come in the same moment. */
const jitterShare = 0.1

export class TurnedAway {
  /** By filing, the second in which it is expected. */
  readonly #dueOf = new Map<string, number>()
  readonly #expected = new SecondCounts(retrySecondsMax + 2)
  readonly #random: () => number

  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /**
   * In how many seconds one that is refused should come back.
   * @param inside seconds until all that wait inside are answered
   * @param perSecond how many can be let in
   * @param filing its name, where it is to file: then it has a place
   */
  tell(inside: number, perSecond: number, now: number, filing?: string): number {
    const second = secondOf(now)
    if (filing !== undefined) this.cameBack(filing, now)
    else this.#expected.moveTo(second)
    const most = promisedShare * perSecond
    let seconds = Math.max(1, Math.floor(inside))
    while (seconds < retrySecondsMax && this.#expected.at(second + seconds) >= most) seconds += 1
    seconds += Math.floor(jitterShare * seconds * this.#random())
    seconds = Math.min(retrySecondsMax, seconds)
    if (filing !== undefined) this.#expect(filing, second, seconds)
    return seconds
  }

  /** A filing came, whatever becomes of it. */
  cameBack(filing: string, now: number): void {
    this.#expected.moveTo(secondOf(now))
    const due = this.#dueOf.get(filing)
    if (due === undefined) return
    this.#dueOf.delete(filing)
    this.#expected.add(due, -1)
  }

  #expect(filing: string, second: number, seconds: number): void {
    for (const [other, due] of this.#dueOf) {
      if (due >= second) break
      this.#dueOf.delete(other) // it did not come
    }
    if (this.#dueOf.size >= turnedAwayMax) return
    this.#dueOf.set(filing, second + seconds)
    this.#expected.add(second + seconds, 1)
  }
}

function secondOf(now: number): number {
  return Math.floor(now / 1_000)
}
