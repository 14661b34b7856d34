/**
 * Admission: whether a request is let in, decided before its body is read and its token verified, in
 * a few comparisons. When there is more than can be done in time, classes of requests are given up in
 * an order: what can wait goes first, and filings that are due today last. Backlog is no reason, as
 * what is accepted is safe, but for files, which would only make it longer. A signal that can't be read
 * is no reason either.
 */
import { Decaying } from './decaying.ts'
import type { FairShares } from './fair-shares.ts'
import type { FilingLimit } from './filing-limit.ts'
import type { LoopTurn } from './loop-turn.ts'

/** In the order in which they are given up. */
export const requestClasses = [
  'reports', // lists
  'checks', // pre-checks: the same can be done with a file, without a server
  'bulk', // files: what came of one is kept, and it goes on later
  'filings', // not due today
  'filings-due', // due today
  'lookups', // statuses and receipts
] as const
export type RequestClass = (typeof requestClasses)[number]

/** At which pressure each class is given up; 1 is as much as can be done in time. */
export type ShedAt = Readonly<Record<RequestClass, number>>

/**
 * How late the event loop is, and shares of what may be used of this process and machine: 1 is all.
 * What is read late waited in its socket for about as long.
 */
export type Signals = () => Readonly<Record<'lateMs' | 'memory' | 'disk', number>>

export type ShedReason =
  | 'off'
  | 'journal'
  | 'share'
  | 'requests'
  | 'loop'
  | 'memory'
  | 'disk'
  | 'backlog'
export type Shed = { readonly class: RequestClass; readonly reason: ShedReason }

export type AdmissionOptions = {
  readonly limit: FilingLimit
  readonly shares: FairShares
  readonly turn: LoopTurn
  readonly signals: Signals
  /** How long the oldest unposted envelope waits, as a share of what it may. */
  readonly backlog: () => number
  readonly shedAt: ShedAt
  /** Requests of all kinds under way in this process. */
  readonly requestsMax: number
  /** How much more room who sends far less than the others finds; twice as much unless given. */
  readonly modestRoom?: number | undefined
}

const modestRoomUsual = 2
/** Filings let in that have not reached their handler count for so long: slow bodies hold no place. */
const arrivingMs = 50
/** What was refused is forgotten by half in this time. */
const refusedHalfLifeMs = 10_000
const retrySecondsMax = 120

export class Admission {
  readonly #options: AdmissionOptions
  #requests = 0
  #arriving = 0
  #arrivingSince = 0
  readonly #refused = new Decaying(refusedHalfLifeMs)
  readonly #accepted = new Decaying(refusedHalfLifeMs)

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /**
   * Why a request of a class is not let in now; undefined lets it in. A filer that sends far less than
   * the others finds some room that they don't: it should not pay for one that floods.
   * @param filer known where its token was verified before
   */
  check(of: RequestClass, now: number, filer?: string): Shed | undefined {
    const { shares, turn, shedAt, modestRoom = modestRoomUsual } = this.#options
    if (filer !== undefined) shares.arrive(filer, now)
    const modest = filer !== undefined && shares.isModest(filer, now)
    const most = modest ? modestRoom * shedAt[of] : shedAt[of]
    if (most > 0 && turn.read(now) >= most) return { class: of, reason: 'loop' }
    return this.#checkSignals(of, most, now)
  }

  /** Why a filing that turned out not to be due today is not let in: most of its work is done. */
  checkNotDue(now: number): Shed | undefined {
    return this.#checkSignals('filings', this.#options.shedAt.filings, now)
  }

  #checkSignals(of: RequestClass, most: number, now: number): Shed | undefined {
    const { limit, signals, requestsMax } = this.#options
    const { memory, disk } = signals()
    if (most === 0) return { class: of, reason: 'off' }
    if (this.#requests >= most * requestsMax) return { class: of, reason: 'requests' }
    if (memory >= most) return { class: of, reason: 'memory' }
    if (of === 'lookups') return undefined
    if (disk >= most) return { class: of, reason: 'disk' }
    const filings = limit.underWay + this.#arrivingAt(now)
    return filings >= most * limit.limit ? { class: of, reason: 'journal' } : undefined
  }

  /** Why a file is not begun now: what was accepted waits too long. One that is under way goes on. */
  checkBacklog(): Shed | undefined {
    const { backlog, shedAt } = this.#options
    return backlog() >= shedAt.bulk ? { class: 'bulk', reason: 'backlog' } : undefined
  }

  /** Why a filing of these (its filer, its employer) is not let in now: they have their share. */
  checkShares(of: RequestClass, who: readonly string[], now: number): Shed | undefined {
    const { shares } = this.#options
    return who.some((one) => shares.exceeds(one, now)) ? { class: of, reason: 'share' } : undefined
  }

  /** A request is let in; returns what to call when it is answered, or its connection ends. */
  enter(of: RequestClass, now: number): () => void {
    this.#requests += 1
    if (of === 'filings-due') {
      this.#arrivingAt(now)
      this.#arriving += 1
    }
    let left = false
    return () => {
      if (left) return
      left = true
      this.#requests -= 1
    }
  }

  /**
   * A filing that was let in has its body: it counts until it is answered.
   * @param who its filer and its employer
   * @returns what to call then: when it came, when it was answered, whether it was accepted
   */
  enterFiling(
    who: readonly string[],
    now: number,
  ): (began: number, now: number, accepted: boolean) => void {
    if (this.#arrivingAt(now) > 0) this.#arriving -= 1
    const { limit, shares, turn } = this.#options
    const leave = limit.enter()
    const leaves = who.map((one) => shares.enter(one, now))
    return (began, answered, accepted) => {
      if (accepted) this.#accepted.add(1, answered)
      for (const leaveShare of leaves) leaveShare()
      // In crowded turns, answers take long for want of this process's time, not of the journal's.
      leave(began, answered, accepted && !turn.crowded)
    }
  }

  /** One was not let in. */
  refuse({ reason }: Shed, now: number): void {
    this.#refused.add(1, now)
    if (reason === 'journal' || reason === 'share') this.#options.limit.refuse()
  }

  /** Filings accepted in a minute, at the rate of late. */
  acceptedLastMinute(now: number): number {
    return 60_000 * this.#accepted.rate(now)
  }

  /**
   * Seconds until all that was refused lately could have been accepted, as fast as filings are
   * accepted now; half of it or one and a half times, by chance, so that not all come back at once.
   */
  retrySeconds(now: number): number {
    const perSecond = 1_000 * this.#accepted.rate(now)
    const seconds = 1 + this.#refused.value(now) / Math.max(1, perSecond)
    const spread = Math.min(retrySecondsMax, seconds) * (0.5 + Math.random())
    return Math.max(1, Math.round(spread))
  }

  /** When a request that is read now came, as `performance.now()`. */
  cameAt(now: number): number {
    return now - this.#options.signals().lateMs
  }

  /** How many filings may be under way, of all or of one filer; for the RateLimit header. */
  quota({ reason }: Shed, now: number): number {
    const { limit, shares } = this.#options
    return Math.floor(reason === 'share' ? shares.share(now) : limit.limit)
  }

  #arrivingAt(now: number): number {
    if (now - this.#arrivingSince > arrivingMs) {
      this.#arriving = 0
      this.#arrivingSince = now
    }
    return this.#arriving
  }
}
