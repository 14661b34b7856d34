/**
 * One connection to Postgres, whose answers mean what they say:
 *
 * - A statement that the server answers with a warning has failed with an unknown outcome: Postgres
 *   answers a commit whose wait for its standbys was cancelled like any other, and warns. Warnings are
 *   known by SQLSTATE, as severities are localised.
 * - A statement that takes too long is cancelled at the server. No time-out of Postgres ends a commit's
 *   wait for its standbys; a client that only went away would leave a backend behind each time.
 * - A connection that broke under a statement is lost: its backend may live on, and what it held counts
 *   until the server has taken the request to cancel it.
 */
import { connect, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as secure } from 'node:tls'
import pg from 'pg'
import { UnconfirmedCommitError } from '../../journal/durable.ts'
import { cancelRequestMsMax } from '../../limits.ts'

/** Something between this process and Postgres changes what is said to it. */
export class PoolerError extends Error {
  override name = 'PoolerError'
  /** SQLSTATE: the server rejected the establishment of a connection. */
  readonly code = '08004'
}

export type SessionConfig = pg.ClientConfig & {
  /** A statement that takes longer is cancelled at the server. */
  readonly cancelAfterMs: number
  /** Told when the connection broke under a statement. */
  readonly onLost: (session: Session) => void
}

type Done = (error: Error | null | undefined, result?: unknown) => void
type Query = (config: unknown, values: unknown, done: Done) => void

/** What pg calls on a query of a caller's own kind. */
type Submitted = {
  submit: unknown
  handleError(error: Error, ...more: unknown[]): void
  handleReadyForQuery(...more: unknown[]): void
}

/** Class 01 is warnings; see appendix A of the Postgres manual. */
const isWarning = (code: string | undefined) => code?.startsWith('01') === true

export class Session extends pg.Client {
  readonly #config: SessionConfig
  readonly #query: Query
  #underWay = 0
  #warned = false
  /** It broke under a statement: whether that is done, and its backend gone, nobody knows. */
  lost = false

  constructor(config: SessionConfig) {
    super(config)
    this.#config = config
    this.#query = this.query.bind(this) as Query
    // pg and its pool call it with callbacks, others with promises.
    this.query = ((config: unknown, values: unknown, callback: unknown) =>
      isSubmitted(config)
        ? this.#query(this.#watchSubmitted(config), values, callback as Done)
        : this.#run(config, values, callback)) as pg.Client['query']
    const open = this.connect.bind(this)
    this.connect = ((done?: (error: Error | null, client?: pg.Client) => void) =>
      done === undefined
        ? open()
        : open((error: Error | null) =>
            error ? done(startErrorOf(error)) : done(null, this),
          )) as pg.Client['connect']
    this.on('notice', ({ code }) => {
      if (isWarning(code)) this.#warned = true
    })
  }

  #run(config: unknown, values: unknown, callback: unknown): Promise<unknown> | undefined {
    const done = (typeof values === 'function' ? values : callback) as Done | undefined
    const bound = typeof values === 'function' ? undefined : values
    if (done !== undefined) {
      this.#watch(config, bound, done)
      return undefined
    }
    return new Promise((resolve, reject) => {
      this.#watch(config, bound, (error, result) => (error ? reject(error) : resolve(result)))
    }).catch((error: Error) => {
      Error.captureStackTrace(error) // of who asked, not of the socket
      throw error
    })
  }

  #watch(config: unknown, values: unknown, done: Done): void {
    if (this.#underWay === 0) this.#warned = false // of the connection's start
    this.#underWay += 1
    const timer = setTimeout(() => void this.cancel(), this.#config.cancelAfterMs)
    this.#query(config, values, (error, result) => {
      clearTimeout(timer)
      this.#underWay -= 1
      const warned = this.#warned
      this.#warned = false
      if (error) done(this.#judge(error))
      else if (warned) done(new UnconfirmedCommitError('a commit may be on no standby'))
      else done(undefined, result)
    })
  }

  /** A query of another kind, which pg tells by methods how it goes: cancelled and lost like any other. */
  #watchSubmitted(query: Submitted): Submitted {
    const timer = setTimeout(() => void this.cancel(), this.#config.cancelAfterMs)
    const { handleError, handleReadyForQuery } = query
    query.handleError = (error, ...more) => {
      clearTimeout(timer)
      handleError.call(query, this.#judge(error), ...more)
    }
    query.handleReadyForQuery = (...more) => {
      clearTimeout(timer)
      handleReadyForQuery.call(query, ...more)
    }
    return query
  }

  #judge(error: Error): Error {
    if (!(error instanceof pg.DatabaseError)) {
      if (!this.lost) this.#config.onLost(this)
      this.lost = true
    }
    return poolerErrorOf(error) ?? error
  }

  /**
   * Asks the server to cancel what this connection's backend does, a wait for standbys too.
   * @returns whether the server took the request: then the backend soon answers or has ended
   */
  cancel(): Promise<boolean> {
    const { processID, secretKey } = this as unknown as Record<string, number | null>
    if (typeof processID !== 'number' || typeof secretKey !== 'number') return Promise.resolve(true)
    const request = Buffer.alloc(16)
    ;[request.length, cancelRequestCode, processID, secretKey].forEach((word, index) => {
      request.writeInt32BE(word, 4 * index)
    })
    const { host, port } = this
    const to = host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : { host, port }
    return sendAndWait(to, request, this.ssl === false ? undefined : this.ssl)
  }
}

const cancelRequestCode = 80_877_102

/** What asks for TLS; the server answers with `S`, or with `N` where it has none. */
const tlsRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/**
 * Resolves with whether the server took it: it closes the connection when it has done so. Where the connection is
 * by TLS, this is as well: what cancels a statement is no one else's to know.
 */
function sendAndWait(
  to: string | { host: string; port: number },
  request: Buffer,
  tls: boolean | ConnectionOptions | undefined,
) {
  return new Promise<boolean>((resolve) => {
    const socket = typeof to === 'string' ? connect(to) : connect(to)
    let taken = false
    const send = (through: Socket) => {
      through.once('end', () => {
        taken = true
      })
      through.on('error', () => {
        taken = false
        socket.destroy()
      })
      through.resume()
      through.write(request)
    }
    socket.setTimeout(cancelRequestMsMax, () => socket.destroy())
    socket.once('close', () => resolve(taken))
    socket.on('error', () => {
      taken = false
    })
    socket.once('connect', () => {
      if (tls === undefined) return send(socket)
      socket.once('data', (answer) => {
        if (answer.toString('latin1') !== 'S') return socket.destroy()
        const { host = 'localhost' } = typeof to === 'string' ? {} : to
        const name = isIP(host) === 0 ? { servername: host } : {}
        const secured = secure({ ...(tls === true ? {} : tls), socket, host, ...name })
        secured.once('secureConnect', () => send(secured))
        secured.on('error', () => socket.destroy())
      })
      socket.write(tlsRequest)
    })
  })
}

function isSubmitted(config: unknown): config is Submitted {
  return typeof (config as { submit?: unknown } | null)?.submit === 'function'
}

/** Codes that only a pooler causes: pg prepares each statement once for each connection. */
const transactionPooling = new Set(['42P05', '26000'])
/** Protocol violation: what pgbouncer answers to a start-up parameter that it does not know. */
const startRefused = '08P01'

/** Of a connection that could not be opened. */
function startErrorOf(error: Error): Error {
  return (error as { code?: string }).code === startRefused
    ? new PoolerError(
        `A pooler at DATABASE_URL refuses \`options\` (${startRefused}: ${error.message}), which the application's role and time-outs are in: connect to Postgres itself, or through a pooler that passes them on.`,
      )
    : error
}

function poolerErrorOf(error: Error): PoolerError | undefined {
  const { code } = error as { code?: string }
  if (!transactionPooling.has(code ?? '')) return undefined
  return new PoolerError(
    `A pooler at DATABASE_URL gives this connection's statements to several of Postgres (${code}): set pool_mode = session in pgbouncer, or connect to Postgres itself.`,
  )
}
