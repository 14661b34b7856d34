/**
 * One request and its answer, over any `fetch`. Whatever happens is a value: an answer, or why there was none.
 */
import { attemptMsMax } from './limits.ts'

/** As much of `fetch` as is needed: that of browsers, Node and React Native fit. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export type Connection = {
  /** Without a slash at its end. */
  readonly baseUrl: string
  /** Asked before each attempt; undefined where a cookie signs the caller in. */
  readonly token: (() => string | Promise<string>) | undefined
  readonly fetch: Fetch
  /** From 0 to 1. */
  readonly random: () => number
}

export type Answer = {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly text: string
}

/**
 * There was no answer. `token`: nothing was sent, as there was no token; `silent`: none in time; `broken`: the
 * line failed; `stopped`: the caller's signal.
 */
export type Lost = { readonly lost: 'token' | 'silent' | 'broken' | 'stopped' }

export type Outgoing = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** From the root of the intake. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Blob
}

export type Patience = { readonly signal?: AbortSignal; readonly attemptMsMax?: number }

export async function exchange(
  connection: Connection,
  outgoing: Outgoing,
  { signal, attemptMsMax: msMax = attemptMsMax }: Patience,
): Promise<Answer | Lost> {
  if (signal?.aborted) return { lost: 'stopped' }
  // AbortSignal.any and .timeout are not in React Native.
  const cut = new AbortController()
  let lost: Lost['lost'] = 'broken'
  let isSent = false
  const cutAs = (why: Lost['lost']) => () => {
    lost = isSent || why === 'stopped' ? why : 'token'
    cut.abort()
  }
  const stop = cutAs('stopped')
  const timer = setTimeout(cutAs('silent'), msMax)
  signal?.addEventListener('abort', stop)
  if (signal?.aborted) stop()
  try {
    const authorization = await Promise.race([authorizationOf(connection), abortOf(cut.signal)])
    if (authorization === 'missing') return { lost: 'token' }
    isSent = true
    const answer = await connection.fetch(`${connection.baseUrl}${outgoing.path}`, {
      method: outgoing.method,
      headers: { ...outgoing.headers, ...authorization },
      ...(outgoing.body !== undefined && { body: outgoing.body }),
      // Where a token is given, no cookie of another session goes with it.
      credentials: connection.token === undefined ? 'same-origin' : 'omit',
      cache: 'no-store',
      // An intake never redirects these; a page to sign in at is no answer.
      redirect: 'error',
      signal: cut.signal,
    })
    return { status: answer.status, headers: answer.headers, text: await answer.text() }
  } catch {
    return { lost }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}

/** Rejects when the signal aborts: a token that is waited for in vain ends with the attempt. */
function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(new Error('aborted'))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  })
}

async function authorizationOf({ token }: Connection): Promise<Record<string, string> | 'missing'> {
  if (token === undefined) return {}
  try {
    return { authorization: `Bearer ${await token()}` }
  } catch {
    return 'missing'
  }
}
