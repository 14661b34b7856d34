/**
 * A client's history: every attempt to file, every answer, every status seen, one JSON line each, in
 * the order in which the client saw them. Written before a request leaves and after its answer came,
 * and synchronised to disk in between, it is evidence that needs no trust in the server.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'

/** An attempt, written before it is sent. */
export type Tried = {
  readonly kind: 'try'
  /** Unique for each attempt; a retry is another attempt with the same id. */
  readonly n: number
  /** The declaration's id, which a client can compute. */
  readonly id: string
  readonly employer: string
  readonly period: string
  /** SHA-256 of the canonical form, hexadecimal. */
  readonly digest: string
  /**
   * What the client expects to be posted, in fen: employer and employee by the order of the
   * insurances, then occupational injury. Empty: it doesn't say.
   */
  readonly fen: readonly number[]
}

export type Answered = {
  readonly kind: 'answer'
  readonly n: number
  readonly status: number
  /** Of a 202: the receipt as it was sent, to the byte. */
  readonly receipt?: string
  /** Whether the answer said when to come back. */
  readonly retryAfter?: boolean
}

/** No answer: a time-out, a broken connection. What became of it is not known. */
export type Unknown = { readonly kind: 'unknown'; readonly n: number; readonly reason: string }

export const statuses = ['missing', 'accepted', 'posted', 'superseded', 'cancelled'] as const

/** A status that was looked up; `missing` is a 404. */
export type Seen = {
  readonly kind: 'status'
  readonly id: string
  readonly status: (typeof statuses)[number]
}

/** Texts that must be nowhere but in sealed envelopes: names and numbers of planted persons. */
export type Planted = { readonly kind: 'planted'; readonly values: readonly string[] }

export type HistoryLine = Tried | Answered | Unknown | Seen | Planted

/** Writes a history. What was written is on disk when `sync` returns. */
export class HistoryFile {
  readonly #file: number
  #waiting = ''

  constructor(name: string) {
    this.#file = openSync(name, 'wx')
  }

  add(line: HistoryLine): void {
    this.#waiting += `${JSON.stringify(line)}\n`
    if (this.#waiting.length > 1_000_000) this.#write()
  }

  sync(): void {
    this.#write()
    fdatasyncSync(this.#file)
  }

  close(): void {
    this.sync()
    closeSync(this.#file)
  }

  #write(): void {
    if (this.#waiting !== '') writeSync(this.#file, this.#waiting)
    this.#waiting = ''
  }
}
