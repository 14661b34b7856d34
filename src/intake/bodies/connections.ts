/**
 * Connections that can't be held: a cap on all and on those of one address, a time-out for headers,
 * bodies, idleness and answers that nobody takes, and a cap on headers. Whatever is above a cap is
 * closed at once; whatever is cut is counted by its reason.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { connectionsCheckMs } from '../../limits.ts'
import type { HttpLimits } from '../wire/http-limits.ts'
import { sendConnectionProblem } from './connection-problem.ts'

/** Why a connection was ended by us; the labels of a metric. */
export const cutReasons = ['total', 'address', 'slow', 'unread', 'headers', 'malformed'] as const
export type CutReason = (typeof cutReasons)[number]

/** Connections whose request brings a file: who reads it sees to its progress. */
const bringFiles = new WeakSet<Socket>()

/**
 * Takes a request out of the limit in time for a whole one: a file over a slow line takes longer. Its
 * reader must give it up when it stalls.
 * @returns what to call once the body is read, or given up
 */
export function allowSlowBody({ socket }: IncomingMessage): () => void {
  bringFiles.add(socket)
  return () => void bringFiles.delete(socket)
}

/** A server with these limits; it listens to nothing yet. */
export function createLimitedServer(
  limits: HttpLimits,
  onRequest: RequestListener,
  onCut: (reason: CutReason) => void,
): Server {
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersMsMax,
      requestTimeout: limits.receiveMsMax,
      keepAliveTimeout: limits.idleMsMax,
      connectionsCheckingInterval: checkMs(limits.headersMsMax),
    },
    onRequest,
  )
  // Node leaves out what is above: one more is enough to see that there are too many.
  server.maxHeadersCount = limits.headersMax + 1
  server.maxConnections = limits.connectionsMax
  server.on('drop', () => onCut('total'))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const reason = cutReasonOf(error)
    // Node looks at each request's time once: a file's connection just goes on.
    if (reason === 'slow' && bringFiles.has(socket)) return
    if (reason === undefined || !sendConnectionProblem(socket, reason)) return
    onCut(reason)
  })
  // Node's own answer, 417, tells nobody what to do; what else is expected may be ignored (RFC 9110, 10.1.1).
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
  capAddresses(server, limits, onCut)
  endUnread(server, limits, onCut)
  rememberOpen(server)
  return server
}

const openOf = new WeakMap<Server, Set<Socket>>()

function rememberOpen(server: Server): void {
  const open = new Set<Socket>()
  openOf.set(server, open)
  server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
}

/**
 * Closes connections on which nothing has come, as clients open them ahead: Node doesn't count them as
 * idle, so one would hold up the end of a process that answers all it has.
 */
export function closeSilent(server: Server): void {
  for (const socket of openOf.get(server) ?? []) if (socket.bytesRead === 0) socket.destroy()
}

/** Short limits in time are looked at more often. */
function checkMs(limitMs: number): number {
  return Math.max(50, Math.min(connectionsCheckMs, limitMs / 2))
}

/** What Node says of a connection it can't go on with; undefined where the client went away. */
function cutReasonOf({
  code,
}: NodeJS.ErrnoException): 'slow' | 'headers' | 'malformed' | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'slow'
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers'
  return code?.startsWith('HPE_') === true ? 'malformed' : undefined
}

function capAddresses(
  server: Server,
  { connectionsPerAddressMax }: HttpLimits,
  onCut: (reason: CutReason) => void,
): void {
  if (connectionsPerAddressMax === 0) return
  const open = new Map<string, number>()
  server.on('connection', (socket) => {
    const address = holderOf(socket.remoteAddress ?? '')
    const before = open.get(address) ?? 0
    if (before >= connectionsPerAddressMax) {
      onCut('address')
      socket.destroy()
      return
    }
    open.set(address, before + 1)
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1
      if (left > 0) open.set(address, left)
      else open.delete(address)
    })
  })
}

/** One IPv4 address, also where it is written as IPv6; of IPv6 the /64, which one holder has. */
export function holderOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped !== null) return mapped[1] as string
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const groups = head.split(':').filter((group) => group !== '')
  const after = (tail ?? '').split(':').filter((group) => group !== '')
  // `::` stands for as many zeros as are missing of eight.
  const zeros = tail === undefined ? 0 : 8 - groups.length - after.length
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...after]
  return all.slice(0, 4).join(':')
}

/**
 * Ends connections whose reader lets an answer wait in this process. Node's own time-out is for
 * silence alone: who takes a byte now and then would hold an answer, and its connection, for ever.
 */
function endUnread(
  server: Server,
  { answerMsMax }: HttpLimits,
  onCut: (reason: CutReason) => void,
): void {
  const open = new Set<Socket>()
  /** When an answer was seen waiting, and how many bytes will have been taken with its last one. */
  const waiting = new WeakMap<Socket, { readonly sinceMs: number; readonly lastByte: number }>()
  const end = (socket: Socket) => {
    if (socket.writableLength > 0) onCut('unread')
    socket.destroy()
  }
  server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.setTimeout(answerMsMax)
  server.on('timeout', end) // silence, also between two requests
  const look = () => {
    const nowMs = performance.now()
    for (const socket of open) {
      if (socket.writableLength === 0) continue
      const { sinceMs, lastByte } = waiting.get(socket) ?? { sinceMs: nowMs, lastByte: 0 }
      const taken = socket.bytesWritten - socket.writableLength
      if (taken >= lastByte) waiting.set(socket, { sinceMs: nowMs, lastByte: socket.bytesWritten })
      else if (nowMs - sinceMs >= answerMsMax) end(socket)
    }
  }
  const timer = setInterval(look, checkMs(answerMsMax)).unref()
  server.once('close', () => clearInterval(timer))
}
