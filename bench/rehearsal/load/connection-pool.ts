/**
 * Connections of many filers to the intakes of an installation, as a load balancer spreads them: an
 * intake that can't be reached is left out for a moment, and a request that a server never read, because
 * it ended an idle connection, goes out again on another one.
 */
import { type Answer, Connection, type Ended, headerOf } from '../../support/connection.ts'

/** What finds none free waits for one, and its latency counts all the same. */
const connectionsMax = 2_000
const openedAtATime = 20
const downMs = 500
/** Nobody waits longer for an answer. */
export const answerMsMax = 15_000

export type Asked = {
  readonly request: string
  /** The answer, or undefined where there was none. */
  done(answer: Answer | undefined): void
  /** It goes out once more: what is on record as sent has no answer, and never will. */
  again?(): void
}

type Flying = { readonly asked: Asked; readonly sinceMs: number; tries: number }

export class ConnectionPool {
  #addresses: readonly URL[]
  readonly #down = new Map<string, number>()
  readonly #free: Connection<Flying>[] = []
  readonly #busy = new Map<Connection<Flying>, Flying>()
  readonly #waiting: Flying[] = []
  #turn = 0
  #open = 0

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses.map((address) => new URL(address))
  }

  /** Portals hold connections open: to open one costs a server as much as to accept a filing. */
  async open(count: number): Promise<void> {
    while (this.#open < Math.min(count, connectionsMax)) {
      const opening = Array.from({ length: openedAtATime }, () => this.#connect())
      await Promise.all(opening.map(({ opened }) => opened))
      this.#free.push(...opening)
    }
  }

  reach(addresses: readonly string[]): void {
    this.#addresses = addresses.map((address) => new URL(address))
  }

  get underWay(): number {
    return this.#busy.size + this.#waiting.length
  }

  ask(asked: Asked): void {
    this.#start({ asked, sinceMs: performance.now(), tries: 0 })
  }

  /** Gives up what has waited too long; to be called now and then. */
  giveUpOld(): void {
    const before = performance.now() - answerMsMax
    for (const [connection, { sinceMs }] of this.#busy) if (sinceMs < before) connection.close()
    while ((this.#waiting[0]?.sinceMs ?? before) < before)
      this.#waiting.shift()?.asked.done(undefined)
  }

  close(): void {
    for (const connection of [...this.#free, ...this.#busy.keys()]) connection.close()
  }

  #start(flying: Flying): void {
    const connection = this.#free.pop()
    if (connection !== undefined) this.#send(connection, flying)
    else if (this.#open < connectionsMax) this.#send(this.#connect(), flying)
    else this.#waiting.push(flying)
  }

  #send(connection: Connection<Flying>, flying: Flying): void {
    this.#busy.set(connection, flying)
    connection.send(flying, flying.asked.request)
  }

  #connect(): Connection<Flying> {
    this.#open += 1
    return new Connection<Flying>(this.#address(), {
      onAnswer: (flying, answer, connection) => {
        this.#busy.delete(connection)
        if (/close/i.test(headerOf(answer.head, 'connection') ?? '')) connection.close()
        else this.#put(connection)
        // The server gave up waiting just before the request came (RFC 9110, 15.5.9).
        if (answer.status === 408 && this.#mayGoAgain(flying)) this.#goAgain(flying)
        else flying.asked.done(answer)
      },
      onEnd: (connection, flying, ended) => this.#end(connection, flying, ended),
    })
  }

  #address(): URL {
    const now = performance.now()
    const up = this.#addresses.filter(({ href }) => (this.#down.get(href) ?? 0) < now)
    const among = up.length > 0 ? up : this.#addresses
    this.#turn += 1
    return among[this.#turn % among.length] as URL
  }

  #put(connection: Connection<Flying>): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#free.push(connection)
    else this.#send(connection, waiting)
  }

  #end(connection: Connection<Flying>, flying: Flying | undefined, ended: Ended): void {
    this.#open -= 1
    this.#busy.delete(connection)
    const at = this.#free.indexOf(connection)
    if (at >= 0) this.#free.splice(at, 1)
    if (!ended.reached) this.#down.set(connection.address.href, performance.now() + downMs)
    if (flying === undefined) return
    const unread = !ended.reached || ended.wasIdle
    if (unread && this.#mayGoAgain(flying)) this.#goAgain(flying)
    else flying.asked.done(undefined)
  }

  /** To each intake once, and once more. */
  #mayGoAgain({ tries, sinceMs }: Flying): boolean {
    return tries <= this.#addresses.length && performance.now() - sinceMs < answerMsMax
  }

  #goAgain(flying: Flying): void {
    flying.tries += 1
    flying.asked.again?.()
    this.#start(flying)
  }
}
