/**
 * Open load: filings leave when they are due, however long the answers to others take, and each
 * latency counts from when it was due. A process of its own, told over IPC what to send; it says how
 * late it was itself, so that its limit is not taken for the server's.
 */
import { type Answer, Connection, headerOf, utf8Of } from '../support/connection.ts'
import { Latencies } from '../support/latencies.ts'
import { type Filings, piecesAt } from '../support/unique-filings.ts'

export type LoadOrder = {
  /** Of the intakes: connections are spread over them. */
  readonly ports: readonly number[]
  readonly perSecond: number
  readonly seconds: number
  /** Reserved from this number on; keys are `prefix-number`, counted from 0. */
  readonly filings: Filings
  readonly from: number
  readonly keyPrefix: string
  /** Whether answers of 202 are handed back whole, for an audit. */
  readonly keepAnswers: boolean
  readonly seed: number
}

export type SecondSeen = { accepted: number; refused: number; p99: number }

export type LoadSeen = {
  readonly sent: number
  /** Until the last answer. */
  readonly lastedSeconds: number
  readonly accepted: number
  readonly refused: number
  /** Neither accepted nor refused: other statuses, broken connections, no answer. */
  readonly other: Readonly<Record<string, number>>
  readonly acceptedMs: { readonly p50: number; readonly p99: number }
  readonly refusedMs: { readonly p50: number; readonly p99: number }
  /** By the second in which they were due. */
  readonly seconds: readonly SecondSeen[]
  /** How late requests left, 99th percentile: the generator's own lateness. */
  readonly lateMs: number
  readonly answers: readonly { readonly number: number; readonly body: string }[]
  readonly missingRetryAfter: number
}

/**
 * Open before the load begins, as those of portals are: to open one costs a server as much as to accept
 * a filing. What finds none free waits, and its latency counts all the same.
 */
const connectionsMax = 2_000
const openedAtATime = 20
const answerMsMax = 15_000
const tickMs = 1

type Due = { readonly number: number; readonly dueAt: number }

class OpenLoad {
  readonly #order: LoadOrder
  /** As they are sent: a character for each byte. */
  readonly #tails: readonly string[]
  readonly #free: Connection<Due>[] = []
  readonly #all = new Set<Connection<Due>>()
  readonly #waiting: Due[] = []
  readonly #accepted = new Latencies()
  readonly #refused = new Latencies()
  readonly #late = new Latencies()
  readonly #other: Record<string, number> = {}
  readonly #answers: { number: number; body: string }[] = []
  readonly #seconds: { accepted: number; refused: number; ms: Latencies }[]
  #began = 0
  #sent = 0
  #answered = 0
  #answeredAt = 0
  #missingRetryAfter = 0

  constructor(order: LoadOrder) {
    this.#order = order
    this.#tails = order.filings.tails.map((tail) => Buffer.from(tail).toString('latin1'))
    this.#seconds = Array.from({ length: Math.ceil(order.seconds) }, () => ({
      accepted: 0,
      refused: 0,
      ms: new Latencies(),
    }))
  }

  async run(): Promise<LoadSeen> {
    const { perSecond, seconds } = this.#order
    while (this.#free.length < connectionsMax) {
      const opening = Array.from({ length: openedAtATime }, () => this.#connect())
      await Promise.all(opening.map(({ opened }) => opened))
      this.#free.push(...opening)
    }
    this.#began = performance.now()
    let next = this.#began
    const random = generatorOf(this.#order.seed)
    await new Promise<void>((resolve) => {
      const tick = () => {
        const now = performance.now()
        for (; next <= now && next < this.#began + seconds * 1_000; ) {
          this.#dispatch({ number: this.#sent, dueAt: next })
          this.#sent += 1
          next += (-Math.log(1 - random()) * 1_000) / perSecond
        }
        const over = now > this.#began + seconds * 1_000
        const done = over && this.#answered >= this.#sent
        if (done || now > this.#began + seconds * 1_000 + answerMsMax) resolve()
        else setTimeout(tick, tickMs)
      }
      tick()
    })
    for (const connection of this.#all) connection.close()
    return this.#seen()
  }

  #dispatch(due: Due): void {
    this.#late.add(performance.now() - due.dueAt)
    const connection = this.#free.pop()
    if (connection !== undefined) this.#send(connection, due)
    else if (this.#all.size < connectionsMax) this.#send(this.#connect(), due)
    else this.#waiting.push(due)
  }

  #connect(): Connection<Due> {
    const { ports } = this.#order
    const port = ports[this.#all.size % ports.length]
    const connection = new Connection<Due>(new URL(`http://127.0.0.1:${port}`), {
      onAnswer: (due, answer, from) => this.#take(due, answer, from),
      onEnd: (ended, due) => {
        this.#all.delete(ended)
        const at = this.#free.indexOf(ended)
        if (at >= 0) this.#free.splice(at, 1)
        if (due !== undefined) this.#count('broken')
      },
    })
    this.#all.add(connection)
    return connection
  }

  #send(connection: Connection<Due>, due: Due): void {
    const { filings, from, keyPrefix } = this.#order
    const { authorization, head, tailNumber } = piecesAt(filings, from + due.number)
    const tail = this.#tails[tailNumber] as string
    const bytes = head.length + tail.length
    connection.send(
      due,
      `POST /v1/declarations HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nauthorization: ${authorization}\r\ncontent-length: ${bytes}\r\nidempotency-key: ${keyPrefix}-${due.number}\r\n\r\n${head}${tail}`,
    )
  }

  #take(due: Due, { status, head, body }: Answer, connection: Connection<Due>): void {
    this.#answeredAt = performance.now()
    const ms = this.#answeredAt - due.dueAt
    const second = this.#seconds[Math.floor((due.dueAt - this.#began) / 1_000)]
    if (status === 202) {
      this.#accepted.add(ms)
      if (second !== undefined) second.accepted += 1
      second?.ms.add(ms)
      this.#answered += 1
      if (this.#order.keepAnswers) {
        this.#answers.push({ number: due.number, body: utf8Of(body) })
      }
    } else if (status === 503 || status === 429) {
      this.#refused.add(ms)
      if (second !== undefined) second.refused += 1
      if (headerOf(head, 'retry-after') === undefined) this.#missingRetryAfter += 1
      this.#answered += 1
    } else this.#count(String(status))
    if (headerOf(head, 'connection') === 'close') {
      connection.close()
      return
    }
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#free.push(connection)
    else this.#send(connection, waiting)
  }

  #count(what: string): void {
    this.#other[what] = (this.#other[what] ?? 0) + 1
    this.#answered += 1
  }

  #seen(): LoadSeen {
    const unanswered = this.#sent - this.#answered
    const spread = (of: Latencies) => ({ p50: of.percentile(0.5), p99: of.percentile(0.99) })
    return {
      sent: this.#sent,
      lastedSeconds: Math.max(this.#order.seconds, (this.#answeredAt - this.#began) / 1_000),
      accepted: this.#accepted.count,
      refused: this.#refused.count,
      other: { ...this.#other, ...(unanswered > 0 && { unanswered }) },
      acceptedMs: spread(this.#accepted),
      refusedMs: spread(this.#refused),
      seconds: this.#seconds.map(({ accepted, refused, ms }) => ({
        accepted,
        refused,
        p99: ms.percentile(0.99),
      })),
      lateMs: this.#late.percentile(0.99),
      answers: this.#answers,
      missingRetryAfter: this.#missingRetryAfter,
    }
  }
}

/** A small seeded generator of random numbers (xorshift32). */
function generatorOf(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 4_294_967_296
  }
}

process.on('message', (order: LoadOrder) => {
  new OpenLoad(order).run().then((seen) => process.send?.({ seen }))
})
process.once('disconnect', () => process.exit())
process.send?.({ ready: true })
