/** A request on a connection of its own, byte by byte, and what comes back. */
import { connect } from 'node:net'

export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Whole where it is a refusal; of what is taken, whatever came with the headers. */
  readonly body: string
  readonly ms: number
}

/**
 * Undefined where the connection ended without an answer; rejects where there is none in time.
 * @param isWhole no more is to come; where it is not, the client ends its side, and need not be answered
 */
export function exchange(
  port: number,
  { bytes, isWhole: isAll, msMax }: { bytes: Buffer; isWhole: boolean; msMax: number },
): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now()
    const socket = connect({ port, host: '127.0.0.1' })
    const came: Buffer[] = []
    const end = (done: () => void) => {
      clearTimeout(deadline)
      socket.destroy()
      done()
    }
    const deadline = setTimeout(
      () => end(() => reject(new Error(`no whole answer in ${msMax} ms`))),
      msMax,
    )
    const answer = () => answerOf(Buffer.concat(came), performance.now() - startedAt)
    socket.on('data', (chunk) => {
      came.push(chunk)
      const found = answer()
      // What is taken may go on for long; of a stream, for ever.
      if (found !== undefined && (found.status < 400 || isWhole(found))) end(() => resolve(found))
    })
    socket.on('error', () => {}) // closed while it wrote: what came is the answer
    socket.on('close', () => end(() => resolve(answer())))
    if (isAll) socket.write(bytes)
    else socket.end(bytes)
  })
}

function answerOf(came: Buffer, ms: number): Answer | undefined {
  const text = came.toString()
  const at = text.indexOf('\r\n\r\n')
  if (at < 0) return undefined
  const [line = '', ...lines] = text.slice(0, at).split('\r\n')
  const status = Number(line.split(' ')[1])
  if (status < 200) return answerOf(Buffer.from(text.slice(at + 4)), ms)
  const headers = lines.map((one) => {
    const colon = one.indexOf(':')
    return [one.slice(0, colon).toLowerCase(), one.slice(colon + 1).trim()]
  })
  return { status, headers: Object.fromEntries(headers), body: text.slice(at + 4), ms }
}

function isWhole({ headers, body }: Answer): boolean {
  const length = headers['content-length']
  return length !== undefined && Buffer.byteLength(body) >= Number(length)
}
