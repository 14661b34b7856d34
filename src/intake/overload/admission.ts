/**
 * Admission: whether a request is let in, decided before its body is read and its token verified, in
 * a few comparisons. When there is more than can be done in time, classes of requests are given up in
 * an order: what can wait goes first, and filings that are due today last. Backlog is no reason, as
 * what is accepted is safe, but for files, which would only make it longer. A signal that can't be read
 * is no reason either.
 */
import { answerTargetMs, burstFilings, retrySecondsElse } from '../../limits.ts'
import type { LoopTurn } from './event-loop-budget.ts'
import type { FairShares } from './fair-shares.ts'
import type { FilingLimit } from './filing-limit.ts'
import type { ProcessRate } from './process-rate.ts'
import { SecondCounts } from './second-counts.ts'
import { TurnedAway } from './turned-away.ts'

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
  readonly rate: ProcessRate
  readonly signals: Signals
  /** How long the oldest unposted envelope waits, as a share of what it may. */
  readonly backlog: () => number
  readonly shedAt: ShedAt
  /** Requests of all kinds under way in this process. */
  readonly requestsMax: number
  /** Between 0 and 1; `Math.random` unless given. */
  readonly random?: () => number
}

/** How much more room who sends far less than the others finds. */
const modestRoom = 2
/** Filings let in that have not reached their handler count for so long: slow bodies hold no place. */
const arrivingMs = 50
/** A refusal takes no longer; what takes longer is other work that came between. */
const refusalMsMax = 1
/** Where waiting makes no line shorter. */
const withoutLine: readonly ShedReason[] = ['off', 'disk', 'backlog']

export class Admission {
  readonly #options: AdmissionOptions
  #requests = 0
  #arriving = 0
  #arrivingSince = 0
  /** When the request that was read last was refused. */
  #refusedAt: number | undefined
  readonly #turnedAway: TurnedAway
  readonly #accepted = new SecondCounts(60)

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#turnedAway = new TurnedAway(options.random)
  }

  /**
   * Why a request of a class is not let in now; undefined lets it in. A filer that sends far less than
   * the others finds some room that they don't: it should not pay for one that floods.
   * @param filer known where its token was verified before
   */
  check(of: RequestClass, now: number, filer?: string): Shed | undefined {
    this.#countRefusal(now)
    const most = this.#mostOf(of, now, filer)
    if (most > 0 && this.#options.turn.read(now) >= most) return { class: of, reason: 'loop' }
    return this.#checkSignals(of, most, now)
  }

  /** The same of a filing that was let in before its filer was known, once its token is verified. */
  checkKnown(filer: string, now: number): Shed | undefined {
    const of = 'filings-due'
    const most = this.#mostOf(of, now, filer)
    return this.#checkSignals(of, most, now) ?? this.checkShares(of, [filer], now)
  }

  #mostOf(of: RequestClass, now: number, filer: string | undefined): number {
    const { shares, shedAt } = this.#options
    if (filer === undefined) return shedAt[of]
    shares.arrive(filer, now)
    return shares.isModest(filer, now) ? modestRoom * shedAt[of] : shedAt[of]
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
    return filings >= most * this.#places(now) ? { class: of, reason: 'journal' } : undefined
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

  /**
   * A request is let in; returns what to call when it is answered, or its connection ends.
   * @param filing its name, where it is to file and its filer is known
   */
  enter(filing?: string): () => void {
    this.#requests += 1
    if (filing !== undefined) this.#turnedAway.cameBack(filing)
    return once(() => {
      this.#requests -= 1
    })
  }

  /**
   * A filing was let in whose token is verified: it counts until its body is here, for a moment at most. One
   * whose token is not verified counts for nothing: anybody can send as many as they like.
   * @returns what to call when it is here, or won't be
   */
  arrive(now: number): () => void {
    this.#arrivingAt(now)
    this.#arriving += 1
    const since = this.#arrivingSince
    return once(() => {
      if (this.#arrivingSince === since) this.#arriving -= 1
    })
  }

  /**
   * A filing that was let in has its body: it counts until it is answered.
   * @param who its filer, and its employer where that is another
   * @returns what to call then: when all of it was here, when it was answered, whether it was accepted now
   */
  enterFiling(
    [filer = '', ...employer]: readonly string[],
    now: number,
  ): (began: number, now: number, accepted: boolean) => void {
    const { limit, shares, rate } = this.#options
    const leave = limit.enter()
    const leaves = [shares.enter(filer, now), ...employer.map((one) => shares.hold(one))]
    return (began, answered, accepted) => {
      if (accepted) {
        rate.accept(answered)
        this.#countAccepted(answered, 1)
      }
      for (const leaveShare of leaves) leaveShare()
      leave(began, answered, accepted)
    }
  }

  /** Filings accepted in the last minute. */
  acceptedLastMinute(now: number): number {
    this.#countAccepted(now, 0)
    return this.#accepted.sum
  }

  #countAccepted(now: number, more: number): void {
    const second = Math.floor(now / 1_000)
    this.#accepted.moveTo(second - 59)
    this.#accepted.add(second, more)
  }

  /**
   * One is not let in. Returns the seconds after which it is told to come back: until its turn, after all
   * that wait and all that were told to come back before it, at the rate of the journal, or of this
   * process where that is slower.
   * @param filing its name, where it was to file and its filer is known
   */
  refuse({ class: of, reason }: Shed, now: number, filing?: string): number {
    const { limit, rate } = this.#options
    this.#refusedAt = now
    const perSecond = Math.min(limit.perSecond, rate.perSecondAt(now))
    const inside = withoutLine.includes(reason) ? retrySecondsElse : limit.underWay / perSecond
    const isFiling = of === 'filings' || of === 'filings-due'
    return this.#turnedAway.tell(inside, perSecond, now, isFiling ? filing : undefined)
  }

  /**
   * How many filings may be under way: as many as the journal brings in time, and this process. A process that
   * reads without a pause can't tell how long commits take. What is no more than a burst is let in.
   */
  #places(now: number): number {
    const { limit, rate } = this.#options
    const answered = (rate.perSecondAt(now) * answerTargetMs) / 1_000
    return Math.min(limit.limit, Math.max(burstFilings, answered))
  }

  /** Until the next request is read, the event loop works on the answer of the one before. */
  #countRefusal(now: number): void {
    if (this.#refusedAt === undefined) return
    this.#options.rate.refuse(Math.min(now - this.#refusedAt, refusalMsMax))
    this.#refusedAt = undefined
  }

  /** When a request that is read now came, as `performance.now()`. */
  cameAt(now: number): number {
    return now - this.#options.signals().lateMs
  }

  /** How many filings may be under way, of all or of one filer; for the RateLimit header. */
  quota({ reason }: Shed, now: number): number {
    const { shares } = this.#options
    return Math.floor(reason === 'share' ? shares.share(now) : this.#places(now))
  }

  #arrivingAt(now: number): number {
    if (now - this.#arrivingSince > arrivingMs) {
      this.#arriving = 0
      this.#arrivingSince = now
    }
    return this.#arriving
  }
}

/** Does something the first time it is called. */
function once(act: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    act()
  }
}
