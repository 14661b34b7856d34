/**
 * The last words on a connection whose request could not be read to its end: there is no request
 * to answer, so the problem document is written to the socket as it is.
 */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type ProblemCode, problemKinds } from '../problems/problem-kinds.ts'

const codes = {
  slow: 'REQUEST_SLOW',
  headers: 'HEADERS_TOO_LARGE',
  malformed: 'HTTP_MALFORMED',
} as const satisfies Record<string, ProblemCode>

/** A peer that doesn't take the answer is gone after this. */
const lingerMsMax = 1_000

/** Says why and ends the connection; false where it has ended already. */
export function sendConnectionProblem(socket: Socket, reason: keyof typeof codes): boolean {
  if (socket.destroyed) return false
  if (!socket.writable || answerBegan(socket)) {
    socket.destroy()
    return true
  }
  const body = problemText(codes[reason])
  const { status } = problemKinds[codes[reason]]
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n` +
      'Content-Type: application/problem+json\r\nContent-Language: en\r\nCache-Control: no-store\r\n' +
      'X-Content-Type-Options: nosniff\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  socket.destroySoon()
  setTimeout(() => socket.destroy(), lingerMsMax).unref()
  return true
}

/** An answer that is half out must not have another in its middle. */
function answerBegan(socket: Socket): boolean {
  const { _httpMessage: answer } = socket as { _httpMessage?: { headersSent?: boolean } | null }
  return answer?.headersSent === true
}

function problemText(code: ProblemCode): string {
  const { status, title, fix } = problemKinds[code]
  const detail = `${title.en}. ${fix.en}`
  return JSON.stringify({
    type: `/v1/findings/${code}`,
    title: title.en,
    status,
    detail,
    code,
    message: title,
    fix,
  })
}
