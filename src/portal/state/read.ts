/**
 * Reads from the service with the session's cookie. Whatever comes is a value: what was asked for, that nobody is
 * signed in, when to come back, or that no answer came. Filing does not go through here but through the client library.
 */
import { setServerTime } from './clock.ts'

export type Read<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'signedOut' }
  | { readonly kind: 'refused'; readonly status: number; readonly problem: Problem | undefined }
  | { readonly kind: 'busy'; readonly resumesAtMs: number }
  | { readonly kind: 'lost' }

export type Problem = {
  readonly code?: string
  readonly message?: Both
  readonly fix?: Both
  readonly traceId?: string
}
export type Both = { readonly 'zh-CN': string; readonly en: string }

/** Without an answer for so long, there is none. */
const readMsMax = 25_000

export async function read<T>(
  path: string,
  headers: Record<string, string> = {},
): Promise<Read<T>> {
  let answer: Response
  let text: string
  try {
    answer = await fetch(path, {
      headers: { accept: 'application/json', ...headers },
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(readMsMax),
    })
    text = await answer.text()
  } catch {
    return { kind: 'lost' }
  }
  const value = parse(text)
  const date = answer.headers.get('date')
  if (date !== null) setServerTime(date)
  if (answer.ok && value !== undefined) return { kind: 'ok', value: value as T }
  if (answer.status === 401) return { kind: 'signedOut' }
  if (answer.status === 429 || answer.status >= 500) {
    const seconds = Number(answer.headers.get('retry-after') ?? '5')
    return {
      kind: 'busy',
      resumesAtMs: Date.now() + 1_000 * (Number.isFinite(seconds) ? seconds : 5),
    }
  }
  return { kind: 'refused', status: answer.status, problem: value as Problem | undefined }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
