/**
 * A part of the day's filers, as a process of its own: filings leave when they are due, however long
 * the answers to others take, and each latency counts from when its filing was due. It keeps the
 * history from which the auditor decides, and says when it was itself the limit.
 *
 *   offered    filings due, and those tried again after a refusal or no answer; each ends as
 *   accepted, refused, returned (422, or 409 where something stands, as it should be) or failed
 *   resends    the same filing once more by somebody who does not wait: no new offer, unless it is
 *              accepted where the first is not
 */
import { hash } from 'node:crypto'
import { HistoryFile } from '../../../src/audit/history.ts'
import { declarationId } from '../../../src/journal/digest.ts'
import { readPolicies } from '../../../src/platform/config/packs.ts'
import { type Answer, headerOf, utf8Of } from '../../support/connection.ts'
import { createGenerator, type Generator } from '../../support/generator.ts'
import { receiptIn } from '../../support/recording-client.ts'
import type { Profile } from '../profile.ts'
import { arrivals, expectedFilings, type Shape } from '../shape.ts'
import { type SecondAdded, Tally } from '../tally.ts'
import { answerMsMax, ConnectionPool } from './connection-pool.ts'
import {
  correctionOf,
  type Filer,
  type Filers,
  findFilers,
  type PreparedFiling,
  prepareFiling,
} from './filings.ts'

export type GeneratorOrder = {
  readonly index: number
  /** How many generators divide the day among them. */
  readonly of: number
  readonly seed: number
  readonly shape: Pick<Shape, 'seconds' | 'peakPerSecond'> & {
    readonly rates: Float64Array
    readonly resends: Float64Array
  }
  readonly profile: Profile
  readonly period: string
  readonly filers: Filers
  readonly addresses: readonly string[]
  readonly historyFile: string
  /** What Idempotency-Keys begin with. */
  readonly keyPrefix: string
  /** Later than this is the generator's fault. */
  readonly lateMsMax: number
  /** Whether what is posted must be as the shipped packs have it. */
  readonly knowsPolicy: boolean
}

export type ToGenerator =
  | { readonly order: GeneratorOrder }
  /** Milliseconds since 1970, the same for all. */
  | { readonly beginAt: number }
  | { readonly addresses: readonly string[] }
  | { readonly confirmWithinMs: number }

export type FromGenerator =
  | { readonly ready: true }
  | { readonly prepared: { readonly filings: number; readonly employers: number } }
  | {
      readonly told: {
        readonly seconds: readonly SecondAdded[]
        readonly failures: readonly (readonly [string, number])[]
        /** Share of the last second in which its event loop was busy. */
        readonly busy: number
        readonly underWay: number
      }
    }
  | { readonly over: true }
  | { readonly unconfirmed: number }

/** More different filings than this are not prepared: those that were file again, with new keys. */
const preparedMax = 8_000
const tickMs = 1
/** A status is read of one of the latest that were accepted. */
const recentMax = 400
const attemptNumbers = 1_000_000_000
const confirmEveryMs = 500

type Filed = {
  readonly prepared: PreparedFiling
  readonly key: string
  readonly id: string
  accepted: boolean
  /** What was offered has no answer yet; and a resend that was accepted before it has. */
  underWay: boolean
  overtook: { readonly second: number; readonly ms: number } | undefined
  ticket: string | undefined
  tries: number
  etag: string | undefined
  status: string | undefined
  reading: boolean
}

class DayLoad {
  readonly #order: GeneratorOrder
  readonly #random: Generator
  readonly #policies
  readonly #pool: ConnectionPool
  readonly #history: HistoryFile
  readonly #tally = new Tally()
  #sound: PreparedFiling[] = []
  #faulty: PreparedFiling[] = []
  readonly #recent: Filed[] = []
  /** By employer: what stands of its period; undefined while its first filing has no answer. */
  readonly #standing = new Map<string, string | undefined>()
  /** All that were accepted, to be confirmed where there is no database to audit. */
  readonly #accepted: Pick<Filed, 'id' | 'prepared'>[] = []
  #began = 0
  #keys = 0
  #attempts = 0
  /** Due later, by a timer. */
  #later = 0
  #idle = performance.eventLoopUtilization()

  constructor(order: GeneratorOrder) {
    this.#order = order
    this.#random = createGenerator(order.seed * 1_009 + order.index)
    this.#policies = order.knowsPolicy ? readPolicies(undefined) : undefined
    this.#pool = new ConnectionPool(order.addresses)
    this.#history = new HistoryFile(order.historyFile)
  }

  async prepare(): Promise<{ filings: number; employers: number }> {
    const { shape, of, profile, filers } = this.#order
    const expected = Math.ceil((1.2 * expectedFilings(shape)) / of) + 20
    const count = Math.min(preparedMax, expected)
    const known = await findFilers(filers, count, this.#random)
    const options = { ...this.#order, policies: this.#policies }
    const make = (faulty: boolean) => (_: unknown, i: number) =>
      prepareFiling(options, known[i % known.length] as Filer, this.#random, faulty)
    this.#sound = Array.from({ length: count }, make(false))
    const faulty = Math.ceil(count * profile.faultyShare.value) + 1
    this.#faulty = Array.from({ length: faulty }, make(true))
    await this.#pool.open(Math.ceil((2 * shape.peakPerSecond) / of) + 20)
    return { filings: count, employers: Math.min(count, known.length) }
  }

  reach(addresses: readonly string[]): void {
    this.#pool.reach(addresses)
  }

  /** Drives the day; resolves when it is over and everything has its answer, or never will. */
  async run(beginAt: number): Promise<void> {
    const { shape, of } = this.#order
    this.#began = beginAt - performance.timeOrigin
    const due = arrivals(shape, this.#random.random, 1 / of)
    let next = due.next()
    const telling = setInterval(() => this.#tell(), 1_000)
    await new Promise<void>((resolve) => {
      const tick = () => {
        const now = performance.now()
        while (next.done !== true && this.#began + next.value * 1_000 <= now) {
          this.#arrive(this.#began + next.value * 1_000)
          next = due.next()
        }
        const over = next.done === true && now > this.#began + shape.seconds * 1_000
        if (over && this.#later === 0 && this.#pool.underWay === 0) resolve()
        else setTimeout(tick, tickMs)
      }
      tick()
    })
    clearInterval(telling)
    this.#tell()
    this.#history.close()
    this.#pool.close()
  }

  #arrive(dueAt: number): void {
    const { profile, shape } = this.#order
    const second = this.#secondOf(dueAt)
    const filed = this.#next(second)
    this.#tally.count(second, 'offered')
    this.#file(filed, dueAt, 'first')
    const { afterSeconds } = profile.resends.value
    const resends = this.#poisson(shape.resends[second] ?? 0)
    for (let i = 0; i < resends; i += 1) {
      this.#at(dueAt + this.#exponential(afterSeconds * 1_000), (at) =>
        this.#file(filed, at, 'again'),
      )
    }
    const reads = this.#poisson(profile.statusReads.value)
    for (let i = 0; i < reads; i += 1) {
      const at = dueAt + this.#exponential(profile.readAfterSeconds.value * 1_000)
      if (this.#secondOf(at) < shape.seconds) this.#at(at, (due) => this.#read(due))
    }
  }

  #next(second: number): Filed {
    const { index, keyPrefix, profile } = this.#order
    const draw = this.#random.random()
    this.#keys += 1
    const key = `${keyPrefix}-${index}-${this.#keys}`
    const { faultyShare, correctionShare } = profile
    const earlier = this.#recent[this.#random.integer(0, this.#recent.length)]
    let prepared: PreparedFiling
    if (draw < faultyShare.value)
      prepared = this.#faulty[this.#keys % this.#faulty.length] as PreparedFiling
    else if (draw < faultyShare.value + correctionShare.value && earlier !== undefined) {
      this.#tally.count(second, 'corrections')
      prepared = correctionOf(earlier.prepared, earlier.id, this.#policies)
    } else prepared = this.#nextSound()
    const { employer, declaration } = prepared
    return {
      prepared,
      key,
      id: declarationId(employer, declaration.period, key),
      accepted: false,
      underWay: false,
      overtook: undefined,
      ticket: undefined,
      tries: 0,
      etag: undefined,
      status: undefined,
      reading: false,
    }
  }

  /**
   * Of the employers in turn: a regular declaration of one that has filed none, else a correction of what
   * stands. One whose first filing is under way is left out, unless all are.
   */
  #nextSound(): PreparedFiling {
    for (let looked = 0; ; looked += 1) {
      const prepared = this.#sound[(this.#keys + looked) % this.#sound.length] as PreparedFiling
      const { employer } = prepared
      const stands = this.#standing.get(employer)
      if (stands !== undefined) return correctionOf(prepared, stands, this.#policies)
      if (!this.#standing.has(employer) || looked === this.#sound.length) {
        this.#standing.set(employer, undefined)
        return prepared
      }
    }
  }

  #file(filed: Filed, dueAt: number, kind: 'first' | 'retry' | 'again'): void {
    const second = this.#secondOf(dueAt)
    this.#noteSent(second, dueAt)
    if (kind === 'retry') this.#tally.count(second, 'offered')
    if (kind !== 'again') filed.underWay = true
    if (kind !== 'first') this.#tally.count(second, 'retries')
    const { authorization, body } = filed.prepared
    const ticket = filed.ticket === undefined ? '' : `attempt-ticket: ${filed.ticket}\r\n`
    const digest = `sha-256=:${hash('sha256', Buffer.from(body, 'latin1'), 'base64')}:`
    const n = { now: this.#noteTry(filed) }
    this.#pool.ask({
      request: `POST /v1/declarations HTTP/1.1\r\nhost: spillway\r\ncontent-type: application/json\r\nauthorization: ${authorization}\r\nidempotency-key: ${filed.key}\r\ncontent-digest: ${digest}\r\n${ticket}content-length: ${body.length}\r\n\r\n${body}`,
      again: () => {
        this.#history.add({ kind: 'unknown', n: n.now, reason: 'connection ended' })
        n.now = this.#noteTry(filed)
      },
      done: (answer) => {
        this.#take(filed, { n: n.now, dueAt, second, kind }, answer)
        if (kind !== 'again') this.#countResend(filed)
      },
    })
  }

  #noteTry({ prepared, id }: Filed): number {
    this.#attempts += 1
    const n = this.#order.index * attemptNumbers + this.#attempts
    const { employer, declaration, digest, fen } = prepared
    this.#history.add({ kind: 'try', n, id, employer, period: declaration.period, digest, fen })
    return n
  }

  #take(
    filed: Filed,
    { n, dueAt, second, kind }: { n: number; dueAt: number; second: number; kind: string },
    answer: Answer | undefined,
  ): void {
    const offered = kind !== 'again'
    if (offered) filed.underWay = false
    if (answer === undefined) {
      this.#history.add({ kind: 'unknown', n, reason: 'no answer' })
      this.#fail(second, offered, 'no answer')
      if (offered) this.#retry(filed, 1_000)
      return
    }
    const { status, head, body } = answer
    const retryAfter = headerOf(head, 'retry-after')
    const receipt = status === 202 ? receiptIn(utf8Of(body)) : undefined
    this.#history.add({
      kind: 'answer',
      n,
      status,
      ...(receipt && { receipt }),
      retryAfter: retryAfter !== undefined,
    })
    const { faulty } = filed.prepared
    if (status === 202 && !faulty) this.#accept(filed, dueAt, second, offered)
    else if (status === 422 && faulty) {
      if (offered) this.#tally.count(second, 'returned')
    } else if (status === 409 && standingIn(body) !== undefined) {
      // Filed by somebody else meanwhile, or on another day: the next of this employer corrects it.
      this.#standing.set(filed.prepared.employer, standingIn(body))
      if (offered) this.#tally.count(second, 'returned')
    } else if ((status === 429 || status === 503) && retryAfter !== undefined) {
      filed.ticket ??= ticketIn(body)
      if (offered && !filed.accepted) this.#refuse(filed, second, Number(retryAfter))
      else if (offered) this.#tally.count(second, 'refused')
    } else this.#fail(second, offered, `${status}${faulty ? ' for a faulty declaration' : ''}`)
  }

  #accept(filed: Filed, dueAt: number, second: number, offered: boolean): void {
    const first = !filed.accepted
    filed.accepted = true
    const ms = performance.now() - dueAt
    if (offered) {
      this.#tally.accept(second, ms)
      filed.overtook = undefined
    } else if (first) {
      filed.overtook = { second, ms }
      if (!filed.underWay) this.#countResend(filed)
    }
    if (!first) return
    this.#accepted.push({ id: filed.id, prepared: filed.prepared })
    this.#standing.set(filed.prepared.employer, filed.id)
    if (this.#recent.push(filed) > recentMax) this.#recent.shift()
  }

  /** What was offered was not accepted, and a resend of it was. */
  #countResend(filed: Filed): void {
    if (filed.overtook === undefined) return
    const { second, ms } = filed.overtook
    filed.overtook = undefined
    this.#tally.count(second, 'offered')
    this.#tally.accept(second, ms)
  }

  #refuse(filed: Filed, second: number, retryAfterSeconds: number): void {
    this.#tally.count(second, 'refused')
    const waits = this.#random.random() < this.#order.profile.retries.value.waitShare
    const impatientMs = 500 + 1_500 * this.#random.random()
    this.#retry(filed, waits ? retryAfterSeconds * 1_000 : impatientMs)
  }

  /** Tries again, unless it was accepted meanwhile, too often, or the day is over. */
  #retry(filed: Filed, afterMs: number): void {
    filed.tries += 1
    const at = performance.now() + afterMs
    if (filed.tries > this.#order.profile.retries.value.most) return
    if (this.#secondOf(at) >= this.#order.shape.seconds) return
    this.#at(at, (due) => {
      if (!filed.accepted) this.#file(filed, due, 'retry')
    })
  }

  #fail(second: number, offered: boolean, why: string): void {
    if (offered) this.#tally.count(second, 'failed')
    this.#tally.fail(why)
  }

  /** Looks at one of the latest filings, which nobody else looks at just now. */
  #read(dueAt: number): void {
    const second = this.#secondOf(dueAt)
    const filed = this.#recent[this.#random.integer(0, this.#recent.length)]
    if (filed === undefined || filed.reading) return
    this.#noteSent(second, dueAt)
    this.#tally.count(second, 'statusReads')
    filed.reading = true
    const known = filed.etag === undefined ? '' : `if-none-match: ${filed.etag}\r\n`
    this.#pool.ask({
      request: `GET /v1/declarations/${filed.id} HTTP/1.1\r\nhost: spillway\r\nauthorization: ${filed.prepared.authorization}\r\n${known}\r\n`,
      done: (answer) => {
        filed.reading = false
        this.#takeStatus(filed, answer)
      },
    })
  }

  #takeStatus(filed: Filed, answer: Answer | undefined): void {
    if (answer === undefined) {
      this.#tally.fail('no answer to a status read')
      return
    }
    const { status, head, body } = answer
    const refused =
      (status === 429 || status === 503) && headerOf(head, 'retry-after') !== undefined
    if (status === 304 || refused) return
    if (status === 404) this.#history.add({ kind: 'status', id: filed.id, status: 'missing' })
    if (status !== 200) {
      this.#tally.fail(`${status} to a status read`)
      return
    }
    filed.etag = headerOf(head, 'etag')
    const told = JSON.parse(utf8Of(body)) as {
      status: 'accepted' | 'posted' | 'superseded' | 'cancelled'
    }
    if (told.status === filed.status) return
    filed.status = told.status
    this.#history.add({ kind: 'status', id: filed.id, status: told.status })
  }

  /** Asks for each that was accepted until it is posted; returns how many were not found so. */
  async confirm(withinMs: number): Promise<number> {
    const until = performance.now() + withinMs
    const waiting = [...this.#accepted]
    let unconfirmed = 0
    const loop = async () => {
      for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
        while (!(await this.#isPosted(one))) {
          if (performance.now() < until) await new Promise((go) => setTimeout(go, confirmEveryMs))
          else {
            unconfirmed += 1
            break
          }
        }
      }
    }
    await Promise.all(Array.from({ length: 4 }, loop))
    return unconfirmed
  }

  async #isPosted({ id, prepared }: Pick<Filed, 'id' | 'prepared'>): Promise<boolean> {
    const address = this.#order.addresses[0] as string
    const answer = await fetch(new URL(`/v1/declarations/${id}`, address), {
      headers: { authorization: prepared.authorization },
      signal: AbortSignal.timeout(answerMsMax),
    }).catch(() => undefined)
    if (answer?.status !== 200) return false
    const { status } = (await answer.json()) as { status: string }
    return status !== 'accepted'
  }

  #noteSent(second: number, dueAt: number): void {
    this.#tally.count(second, 'sent')
    if (performance.now() - dueAt > this.#order.lateMsMax) this.#tally.count(second, 'late')
  }

  #tell(): void {
    this.#pool.giveUpOld()
    const idle = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(idle, this.#idle)
    this.#idle = idle
    tell({ told: { ...this.#tally.take(), busy: utilization, underWay: this.#pool.underWay } })
  }

  #secondOf(at: number): number {
    return Math.floor((at - this.#began) / 1_000)
  }

  #at(dueAt: number, work: (dueAt: number) => void): void {
    this.#later += 1
    setTimeout(
      () => {
        this.#later -= 1
        work(dueAt)
      },
      Math.max(0, dueAt - performance.now()),
    )
  }

  #exponential(mean: number): number {
    return -Math.log(1 - this.#random.random()) * mean
  }

  #poisson(mean: number): number {
    let count = 0
    for (let sum = this.#exponential(1); sum < mean; sum += this.#exponential(1)) count += 1
    return count
  }
}

function ticketIn(body: string): string | undefined {
  return /"attemptTicket":"([^"]+)"/.exec(body)?.[1]
}

/** The id of the declaration that stands in a refusal. */
function standingIn(body: string): string | undefined {
  return /"standing":\{"id":"([^"]+)"/.exec(body)?.[1]
}

function tell(message: FromGenerator): void {
  process.send?.(message)
}

let load: DayLoad | undefined

process.on('message', async (message: ToGenerator) => {
  if ('order' in message) {
    load = new DayLoad(message.order)
    tell({ prepared: await load.prepare() })
  } else if ('addresses' in message) load?.reach(message.addresses)
  else if ('beginAt' in message) {
    await load?.run(message.beginAt)
    tell({ over: true })
  } else tell({ unconfirmed: (await load?.confirm(message.confirmWithinMs)) ?? 0 })
})
process.once('disconnect', () => process.exit())
tell({ ready: true })
