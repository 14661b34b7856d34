/**
 * Admission and group commit as they are, in front of a journal that is simulated: time goes from event to
 * event, nothing waits. What a commit takes is a function of its size and of when it begins; a commit that
 * takes longer than a statement may fails, as in Postgres.
 */
import { Admission, type ShedReason } from '../../src/intake/overload/admission.ts'
import { LoopTurn } from '../../src/intake/overload/event-loop-budget.ts'
import { FairShares } from '../../src/intake/overload/fair-shares.ts'
import { FilingLimit } from '../../src/intake/overload/filing-limit.ts'
import { ProcessRate } from '../../src/intake/overload/process-rate.ts'
import type { Acceptance, GroupResult } from '../../src/journal/accept.ts'
import { CommitTimes } from '../../src/journal/commit-times.ts'
import type { Filing } from '../../src/journal/filing.ts'
import { GroupCommit } from '../../src/journal/group-commit.ts'
import {
  acceptStatementMsMax,
  groupDeclarationsMax,
  requestsUnderWayMax,
} from '../../src/limits.ts'
import { readConfig } from '../../src/platform/config/config.ts'
import { declare, filingOf } from './journal.ts'

/** Milliseconds of a commit of so many, which begins now. */
export type JournalTimes = (declarations: number, now: number) => number

export type Answer =
  | { readonly kind: 'accepted'; readonly ms: number }
  | { readonly kind: 'refused'; readonly reason: ShedReason; readonly retryAfterMs: number }
  | { readonly kind: 'failed' }

/** How it stood when one was refused. */
type Refusal = {
  readonly reason: ShedReason
  readonly underWay: number
  readonly limit: number
  /** With something under way. */
  readonly filers: number
}

const failedRetryMs = 1_000

const base = filingOf(declare({ lines: 1 }), 'simulated')

export class SimulatedIntake {
  now = 0
  readonly limit: FilingLimit
  answers: Answer[] = []
  refusals: Refusal[] = []
  /** How large commits were, and how long they took. */
  commits: { readonly size: number; readonly ms: number; readonly endedAt: number }[] = []
  readonly #admission: Admission
  readonly #committer: GroupCommit
  readonly #events = new Map<number, (() => void)[]>()
  /** When there are events, the latest first. */
  #times: number[] = []
  readonly #journal: JournalTimes
  /** By filing, how often it was tried. */
  tries = new Map<string, number>()
  readonly #filers = new Map<string, number>()

  constructor(journal: JournalTimes) {
    this.#journal = journal
    const times = new CommitTimes(() => this.now)
    this.limit = new FilingLimit(times)
    let random = 1
    this.#admission = new Admission({
      limit: this.limit,
      shares: new FairShares(this.limit),
      turn: new LoopTurn(),
      rate: new ProcessRate(() => 0),
      signals: () => ({ lateMs: 0, memory: 0, disk: 0 }),
      backlog: () => 0,
      shedAt: readConfig({}).shedAt,
      requestsMax: requestsUnderWayMax,
      random: () => {
        random = (random * 16_807) % 2_147_483_647
        return random / 2_147_483_647
      },
    })
    this.#committer = new GroupCommit({
      acceptGroup: (group) => this.#commit(group),
      isTransient: () => false,
      onCommitted: () => {},
      times,
      targetMs: () => this.limit.targetMs,
      now: () => this.now,
    })
  }

  /** What was seen so far. */
  forget(): void {
    this.answers = []
    this.refusals = []
    this.commits = []
    this.tries = new Map()
  }

  at(ms: number, event: () => void): void {
    const events = this.#events.get(ms)
    if (events !== undefined) return void events.push(event)
    this.#events.set(ms, [event])
    let [low, high] = [0, this.#times.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#times[middle] as number) > ms) low = middle + 1
      else high = middle
    }
    this.#times.splice(low, 0, ms)
  }

  /** Goes on until a time, or until nothing is left to happen. */
  async run(untilMs = Number.POSITIVE_INFINITY): Promise<void> {
    const settle = async () => {
      for (let i = 0; i < 2; i += 1) await new Promise((resolve) => void setImmediate(resolve))
    }
    for (await settle(); ; ) {
      const next = this.#times.at(-1)
      if (next === undefined || next > untilMs) break
      this.#times.pop()
      const events = this.#events.get(next) ?? []
      this.#events.delete(next)
      this.now = next
      for (const event of events) event()
      await settle()
    }
    if (Number.isFinite(untilMs)) this.now = untilMs
  }

  /** A filing that honours Retry-After until it is accepted; calls back then. */
  file(filer: string, key: string, then: () => void = () => {}, employer = filer): void {
    const answered = (answer: Answer) => {
      if (answer.kind === 'accepted') return then()
      const waitMs = answer.kind === 'refused' ? answer.retryAfterMs : failedRetryMs
      this.at(this.now + waitMs, () => this.send(filer, key, answered, employer))
    }
    this.send(filer, key, answered, employer)
  }

  /** One try. */
  send(
    filer: string,
    key: string,
    then: (answer: Answer) => void = () => {},
    employer = filer,
  ): void {
    const name = `${filer}\n${key}`
    this.tries.set(name, (this.tries.get(name) ?? 0) + 1)
    this.#answer(employer === filer ? [filer] : [filer, employer], name).then((answer) => {
      this.answers.push(answer)
      then(answer)
    })
  }

  async #answer(who: readonly string[], name: string): Promise<Answer> {
    const began = this.now
    const admission = this.#admission
    const of = 'filings-due'
    const shed = admission.check(of, began, who[0]) ?? admission.checkShares(of, who, began)
    const refused = (reason: ShedReason): Answer => {
      const { underWay, limit } = this.limit
      this.refusals.push({ reason, underWay, limit, filers: this.#filers.size })
      const seconds = admission.refuse({ class: of, reason }, this.now, name)
      return { kind: 'refused', reason, retryAfterMs: 1_000 * seconds }
    }
    if (shed !== undefined) return refused(shed.reason)
    const leave = admission.enter(name)
    admission.arrive(began)()
    const leaveFiling = admission.enterFiling(who, began)
    const [filer = ''] = who
    this.#filers.set(filer, (this.#filers.get(filer) ?? 0) + 1)
    const { kind } = await this.#committer.submit({ ...base, id: name })
    leaveFiling(began, this.now, kind === 'accepted')
    leave()
    const left = (this.#filers.get(filer) ?? 1) - 1
    if (left > 0) this.#filers.set(filer, left)
    else this.#filers.delete(filer)
    if (kind === 'accepted') return { kind, ms: this.now - began }
    return kind === 'shed' || kind === 'full' ? refused('journal') : { kind: 'failed' }
  }

  async #commit(group: readonly Filing[]): Promise<GroupResult> {
    const ms = this.#journal(group.length, this.now)
    const isInTime = ms <= acceptStatementMsMax
    await new Promise<void>((resolve) =>
      this.at(this.now + Math.min(ms, acceptStatementMsMax), resolve),
    )
    if (!isInTime) throw new Error('the statement took too long')
    this.commits.push({ size: group.length, ms, endedAt: this.now })
    const acceptances = new Map<string, Acceptance>()
    for (const filing of group) {
      const isOf = (content: Buffer) => filing.digest.equals(content)
      const statement = { ...filing, salted: false }
      acceptances.set(filing.id, { statement, receipt: '', fresh: true, isOf })
    }
    return {
      acceptances,
      envelope: 1n,
      ticketsUsed: new Set(),
      standing: new Map(),
      replacesWrongly: new Map(),
      lookupMs: 0,
    }
  }
}

/** A commit takes so long, and so much more for each declaration in it. */
export function journalOf(restMs: number, eachMs: number): JournalTimes {
  return (declarations) => restMs + eachMs * declarations
}

/** The most that a journal brings, in a second. */
export function mostOf(journal: JournalTimes, now = 0): number {
  return (1_000 * groupDeclarationsMax) / journal(groupDeclarationsMax, now)
}
