/**
 * A server that costs next to nothing: each request, whatever it is, gets the same answer at once. What
 * a generator of load can send on its own shows against it. ANSWER is the whole answer's bytes.
 */
import { createServer } from 'node:net'

const answer = Buffer.from(process.env.ANSWER ?? '', 'latin1')

const server = createServer({ noDelay: true }, (socket) => {
  let text = ''
  socket.setEncoding('latin1')
  socket.on('error', () => {})
  socket.on('data', (piece: string) => {
    text += piece
    for (;;) {
      const headEnd = text.indexOf('\r\n\r\n')
      if (headEnd < 0) return
      const from = text.indexOf('content-length: ')
      const length = from < 0 ? 0 : Number.parseInt(text.slice(from + 16, from + 26), 10)
      if (text.length < headEnd + 4 + length) return
      text = text.slice(headEnd + 4 + length)
      socket.write(answer)
    }
  })
})
server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () => {
  const { port } = server.address() as { port: number }
  process.send?.({ ready: true, address: `http://127.0.0.1:${port}` })
})
process.once('SIGTERM', () => process.exit())
process.once('disconnect', () => process.exit())
