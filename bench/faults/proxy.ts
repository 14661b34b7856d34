/**
 * A TCP proxy that misbehaves on command: between a process and what it depends on, so that only the
 * connection is at fault.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'

/**
 * pass: everything; refuse: no connection, and those there are, are cut; stall: nothing goes either
 * way and nothing is closed (half-open); slow: each piece comes late; mute: requests arrive and are
 * executed, replies are lost.
 */
export type ProxyMode = 'pass' | 'refuse' | 'stall' | 'slow' | 'mute'

/** How late each piece comes in mode slow. */
const slowMs = 100

export class TcpProxy {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #mode: ProxyMode = 'pass'
  port = 0

  constructor(targetPort: number) {
    this.#server = createServer((client) => {
      if (this.#mode === 'refuse') return client.destroy()
      const server = connect(targetPort, '127.0.0.1')
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
    if (torn || mode === 'refuse') this.cut()
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
    from.on('data', (piece) => {
      if (this.#mode === 'stall' || (this.#mode === 'mute' && what === 'reply')) return
      if (this.#mode === 'slow') setTimeout(() => to.write(piece), slowMs)
      else to.write(piece)
    })
  }
}
