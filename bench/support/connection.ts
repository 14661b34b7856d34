/**
 * HTTP/1.1 over a socket, one request at a time, kept open: a client library costs more than the
 * server's refusals, and a generator must not be the limit of what it measures.
 */
import { connect, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'

export type Answer = {
  readonly status: number
  /** As received, header names in any case, bytes as latin1. */
  readonly head: string
  readonly body: string
}

/** How a connection ended. */
export type Ended = {
  /** False where it never was one. */
  readonly reached: boolean
  /** It had been idle for long, and was ended without a byte as soon as it was used again. */
  readonly wasIdle: boolean
}

/** A server ends idle connections, perhaps just as the next request leaves. */
const idleMsMin = 1_000
const atOnceMs = 100

export type ConnectionEvents<T> = {
  onAnswer(asked: T, answer: Answer, connection: Connection<T>): void
  /** `asked` had no answer yet. */
  onEnd(connection: Connection<T>, asked: T | undefined, ended: Ended): void
}

export class Connection<T> {
  readonly address: URL
  readonly opened: Promise<void>
  readonly #socket: Socket
  readonly #events: ConnectionEvents<T>
  #text = ''
  #asked: T | undefined
  #reached = false
  #quietSince = performance.now()
  #sentAt = 0

  constructor(address: URL, events: ConnectionEvents<T>) {
    this.address = address
    this.#events = events
    const secure = address.protocol === 'https:'
    const at = { host: address.hostname, port: Number(address.port || (secure ? 443 : 80)) }
    this.#socket = secure ? connectSecurely({ ...at, servername: at.host }) : connect(at)
    this.#socket.setNoDelay(true)
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (piece: string) => this.#read(piece))
    this.#socket.on('error', () => {})
    this.opened = new Promise((resolve) => {
      this.#socket.once(secure ? 'secureConnect' : 'connect', () => {
        this.#reached = true
        resolve()
      })
      this.#socket.once('close', () => resolve())
    })
    this.#socket.on('close', () => {
      const idle = this.#sentAt - this.#quietSince > idleMsMin
      const atOnce = performance.now() - this.#sentAt < atOnceMs
      const wasIdle = idle && atOnce && this.#text === ''
      this.#events.onEnd(this, this.#asked, { reached: this.#reached, wasIdle })
    })
  }

  send(asked: T, request: string): void {
    this.#asked = asked
    this.#sentAt = performance.now()
    this.#socket.write(request, 'latin1')
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(piece: string): void {
    const asked = this.#asked
    // Nobody asked: a server says 408 before it ends a connection on which no request came.
    if (asked === undefined) {
      this.close()
      return
    }
    this.#text += piece
    const found = answerIn(this.#text)
    if (found === undefined) return
    this.#quietSince = performance.now()
    this.#text = this.#text.slice(found.end)
    this.#asked = undefined
    this.#events.onAnswer(asked, found.answer, this)
  }
}

/** The first whole answer in what was received, and where it ends. */
function answerIn(text: string): { answer: Answer; end: number } | undefined {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = text.slice(0, headEnd + 2)
  const status = Number(text.slice(9, 12))
  const from = headEnd + 4
  if (status === 304 || status === 204) return { answer: { status, head, body: '' }, end: from }
  if (/\r\ntransfer-encoding: chunked\r\n/i.test(head)) {
    const chunks = chunksIn(text, from)
    return chunks && { answer: { status, head, body: chunks.body }, end: chunks.end }
  }
  const length = Number(headerOf(head, 'content-length') ?? 0)
  if (text.length < from + length) return undefined
  return { answer: { status, head, body: text.slice(from, from + length) }, end: from + length }
}

/** A chunked body (RFC 9112, 7.1), once it is whole. */
function chunksIn(text: string, from: number): { body: string; end: number } | undefined {
  let body = ''
  for (let at = from; ; ) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(text.slice(at, lineEnd), 16)
    const next = lineEnd + 2 + size + 2
    if (!(text.length >= next)) return undefined
    if (size === 0) return { body, end: next }
    body += text.slice(lineEnd + 2, lineEnd + 2 + size)
    at = next
  }
}

export function headerOf(head: string, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}: ([^\\r]*)\\r\\n`, 'i').exec(head)?.[1]
}

/** Bytes were read as latin1, one character each. */
export function utf8Of(body: string): string {
  return Buffer.from(body, 'latin1').toString()
}
