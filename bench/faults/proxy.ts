/**
 * A TCP proxy that misbehaves on command: between a process and what it depends on, so that only the
 * connection is at fault.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'

/**
 * pass: everything; refuse: no connection, and those there are, are cut; stall: nothing goes either
 * way and nothing is closed (half-open); slow: each piece comes late; mute: requests arrive and are
 * executed, replies are lost; unoptioned: new connections lose their start-up options.
 */
export type ProxyMode = 'pass' | 'refuse' | 'stall' | 'slow' | 'mute' | 'unoptioned'

/** How late each piece comes in mode slow. */
const slowMs = 100

/** What is done to what passes, in every mode. */
export type Rewriting = {
  /** The first piece of a connection, as a client sends it. */
  readonly start?: (piece: Buffer) => Buffer
  readonly reply?: (piece: Buffer) => Buffer
}

/** As a pooler does that ignores `options`: what was asked for in them is dropped in silence. */
export function dropOptions(piece: Buffer): Buffer {
  if (piece.readInt32BE(4) !== startupProtocol) return piece // a request to cancel, or for TLS
  const words = piece.toString('latin1', 8).split('\0')
  const at = words.findIndex((word, index) => index % 2 === 0 && word === 'options')
  if (at >= 0) words.splice(at, 2)
  const body = Buffer.from(words.join('\0'), 'latin1')
  const head = Buffer.alloc(8)
  head.writeInt32BE(8 + body.length, 0)
  head.writeInt32BE(startupProtocol, 4)
  return Buffer.concat([head, body])
}

const startupProtocol = 196_608

/** As a server does whose lc_messages is zh_CN: the severity of a warning, in as many bytes. */
export function sayInChinese(piece: Buffer): Buffer {
  const at = piece.indexOf('SWARNING\0VWARNING')
  if (at < 0) return piece
  const said = Buffer.from(piece)
  said.write('警告 ', at + 1)
  return said
}

export class TcpProxy {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  readonly #rewriting: Rewriting
  #mode: ProxyMode = 'pass'
  #targetPort: number
  port = 0

  constructor(targetPort: number, rewriting: Rewriting = {}) {
    this.#rewriting = rewriting
    this.#targetPort = targetPort
    this.#server = createServer((client) => {
      if (this.#mode === 'refuse') return client.destroy()
      const server = connect(this.#targetPort, '127.0.0.1')
      const pair = [client, server] as const
      this.#pairs.add(pair)
      this.#forward(client, server, 'request')
      this.#forward(server, client, 'reply')
      for (const socket of pair) {
        socket.setNoDelay(true)
        socket.on('error', () => {})
        socket.on('close', () => {
          for (const other of pair) other.destroy()
          this.#pairs.delete(pair)
        })
      }
      return undefined
    })
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.port = (this.#server.address() as { port: number }).port
    return this
  }

  get mode(): ProxyMode {
    return this.#mode
  }

  /** Back to `pass`, connections that lost something are cut, as their streams have holes. */
  set(mode: ProxyMode): void {
    // After `slow`, what was held back would come after what is not.
    const torn = this.#mode !== 'pass'
    this.#mode = mode
    if (torn || mode === 'refuse' || mode === 'unoptioned') this.cut()
  }

  /** New connections lead elsewhere; those there are stay where they are, as HAProxy keeps them. */
  retarget(port: number): void {
    this.#targetPort = port
  }

  /** Ends every connection at once. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy()
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #forward(from: Socket, to: Socket, what: 'request' | 'reply'): void {
    const { start, reply } = this.#rewriting
    const atStart = this.#mode === 'unoptioned' ? dropOptions : start
    let rewrite = what === 'request' ? atStart : reply
    from.on('data', (came) => {
      const piece = rewrite?.(came) ?? came
      if (what === 'request') rewrite = undefined
      if (this.#mode === 'stall' || (this.#mode === 'mute' && what === 'reply')) return
      if (this.#mode === 'slow') setTimeout(() => to.write(piece), slowMs)
      else to.write(piece)
    })
  }
}
