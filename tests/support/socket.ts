/** A client that speaks to a port byte by byte, as no well-behaved one would. */
import { once } from 'node:events'
import { connect } from 'node:net'

export type RawClient = {
  write(text: string | Buffer): void
  /** Writes a byte again and again until the connection ends. */
  drip(everyMs: number): void
  /** From now on takes what comes in pieces of some 64 KiB, one at a time. */
  takeSlowly(everyMs: number): void
  /** What was answered so far. */
  text(): string
  isOpen(): boolean
  /** Milliseconds from the connection to its end. */
  readonly closed: Promise<number>
  end(): void
}

/** @param from the local address; all of 127.0.0.0/8 is this machine */
export async function openSocket(address: string, from = '127.0.0.1'): Promise<RawClient> {
  const { hostname, port } = new URL(address)
  const socket = connect({ port: Number(port), host: hostname, localAddress: from })
  socket.on('error', () => {})
  const openedAt = performance.now()
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk
  })
  const closed = new Promise<number>((resolve) => {
    socket.once('close', () => resolve(performance.now() - openedAt))
  })
  await Promise.race([once(socket, 'connect'), closed])
  return {
    write: (more) => void socket.write(more),
    drip: (everyMs) => {
      const timer = setInterval(() => socket.write('x'), everyMs)
      void closed.then(() => clearInterval(timer))
    },
    takeSlowly: (everyMs) => {
      socket.pause()
      socket.on('data', () => socket.pause())
      const timer = setInterval(() => socket.resume(), everyMs)
      void closed.then(() => clearInterval(timer))
    },
    text: () => text,
    isOpen: () => !socket.closed,
    closed,
    end: () => void socket.destroy(),
  }
}
