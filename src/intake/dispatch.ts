/**
 * In front of an intake's app, where the installation is rehearsed: a request whose bearer token names
 * a rehearsal's key is handed to the rehearsal's app, all others go on as ever. The name is looked at and
 * not verified; whoever gets the request verifies its token with the keys of its own side alone, so that
 * one with a false name is refused there.
 */
import { randomUUID } from 'node:crypto'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { tokenHeaderCharactersMax } from '../limits.ts'
import { bearerToken } from './bearer.ts'
import { languageOf } from './language.ts'
import { problemKinds } from './problem-kinds.ts'
import { noSniffing } from './safe-headers.ts'

/** What takes the requests of a rehearsal. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * @param isRehearsal whether an id is one of a rehearsal's keys
 * @param rehearsal who takes its requests; undefined while it is shut
 */
export function dispatch(
  server: Server,
  isRehearsal: (kid: string) => boolean,
  rehearsal: () => Handler | undefined,
): void {
  const [handle] = server.listeners('request') as [RequestListener]
  server.removeListener('request', handle)
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const kid = kidOf(request.headers.authorization)
    if (kid === undefined || !isRehearsal(kid)) return handle.call(server, request, response)
    response.shouldKeepAlive &&= server.listening // nobody who rehearses holds up the end of a process
    ;(rehearsal() ?? answerShut)(request, response)
  })
}

/** The id of the key that a token says it was signed with. */
export function kidOf(authorization: string | undefined): string | undefined {
  const token = bearerToken(authorization)
  const end = token?.indexOf('.') ?? -1
  if (token === undefined || end < 0 || end > tokenHeaderCharactersMax) return undefined
  try {
    const header = JSON.parse(Buffer.from(token.slice(0, end), 'base64url').toString()) as unknown
    const { kid } = (header ?? {}) as { kid?: unknown }
    return typeof kid === 'string' ? kid : undefined
  } catch {
    return undefined
  }
}

function answerShut(request: IncomingMessage, response: ServerResponse): void {
  const { status, title, fix } = problemKinds.REHEARSAL_SHUT
  const language = languageOf(request)
  const body = JSON.stringify({
    type: '/v1/findings/REHEARSAL_SHUT',
    title: title[language],
    status,
    detail: `${title[language]}${language === 'en' ? '. ' : '。'}${fix[language]}`,
    code: 'REHEARSAL_SHUT',
    message: title,
    fix,
    traceId: randomUUID(),
  })
  response.writeHead(status, {
    'retry-after': '5',
    'cache-control': 'no-store',
    ...noSniffing,
    'content-type': 'application/problem+json',
    'content-language': language,
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

const lookMs = 50

/** A server that listens to nothing: it takes what another one hands it. */
export class InnerServer {
  readonly #underWay = new Set<ServerResponse>()
  #server: Server | undefined

  readonly create = (onRequest: RequestListener): Server => {
    this.#server = createServer(onRequest)
    return this.#server
  }

  readonly handle: Handler = (request, response) => {
    this.#underWay.add(response)
    response.once('close', () => this.#underWay.delete(response))
    this.#server?.emit('request', request, response)
  }

  /** Resolves when all that it was handed is answered; what is not in time has its connection ended. */
  async answered(msMax: number): Promise<void> {
    const until = performance.now() + msMax
    while (this.#underWay.size > 0 && performance.now() < until) await pause(lookMs)
    for (const response of this.#underWay) response.destroy()
  }
}
