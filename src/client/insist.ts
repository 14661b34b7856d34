/**
 * Tries until there is an answer that another attempt would not change. Waits as long as Retry-After says, and
 * never less; where nothing says when, longer and longer. What is waited for is told as it begins.
 *
 * | came | then |
 * |---|---|
 * | no answer in time, a broken line, no token | again |
 * | 408, 425, 429, 5xx | again |
 * | 2xx or 3xx that is no intake's: a proxy's page, a gateway's own JSON, a sign-in of a hotel | again |
 * | 401, with a token of the caller's | again, once, with a new token if there is one |
 * | all else | that is the answer |
 */
import type { Answer, Connection, Lost } from './exchange.ts'
import { jitterMsMax, jitterShare, retryAfterMsMax, retryMsMax, retryMsMin } from './limits.ts'
import { type AttemptTicket, jsonIn, type Problem, problemIn } from './problem.ts'

/**
 * `busy`: there is no room now (503); `share`: more than this caller's share (429); `failed`: the intake could not
 * (5xx); `foreign`: somebody else answered; the rest as in `Lost`.
 */
export type WaitReason = 'busy' | 'share' | 'failed' | 'foreign' | 'token' | 'silent' | 'broken'

export type AttemptEvent =
  | { readonly kind: 'sending'; readonly attempt: number }
  | {
      readonly kind: 'waiting'
      readonly attempt: number
      readonly why: WaitReason
      /** Until the next attempt; for a countdown. */
      readonly waitMs: number
      /** The same as an instant of this machine's clock, in milliseconds since 1970. */
      readonly resumesAtMs: number
      readonly problem?: Problem
      /** Proof of the first attempt, with until when it serves. */
      readonly ticket?: AttemptTicket
    }

export type CallOptions = {
  readonly signal?: AbortSignal
  /** Told of each attempt and of each wait. */
  readonly onAttempt?: (event: AttemptEvent) => void
  /** The call ends where the next attempt would come later than this. */
  readonly giveUpAfterMs?: number
  /** An attempt without an answer is given up after so long. */
  readonly attemptMsMax?: number
}

/** How it ended: an answer, or the last that came before it was given up. */
export type Insisted =
  | { readonly kind: 'answer'; readonly answer: Answer; readonly problem: Problem | undefined }
  | {
      readonly kind: 'gaveUp'
      readonly why: WaitReason | 'stopped'
      readonly problem: Problem | undefined
      /** When it would have been worth another try, where that was told. */
      readonly resumesAtMs?: number
    }

export type Insisting = CallOptions & {
  readonly giveUpAfterMs: number
  /** One attempt. */
  readonly send: () => Promise<Answer | Lost>
  readonly ticket?: () => AttemptTicket | undefined
  /** Whether this is what an intake answers where it does what was asked; else somebody else answered. */
  readonly fits: (content: object) => boolean
  /** Where an intake may also answer without JSON: whether this is such an answer. */
  readonly isDone?: (answer: Answer) => boolean
}

export async function insist(connection: Connection, options: Insisting): Promise<Insisted> {
  const { send, signal, onAttempt = () => {}, ticket = () => undefined } = options
  const endsAtMs = Date.now() + options.giveUpAfterMs
  let last: Answer | Lost | undefined
  for (let attempt = 1; ; attempt += 1) {
    if (signal?.aborted) return stoppedAfter(last)
    onAttempt({ kind: 'sending', attempt })
    const before = last
    last = await send()
    if ('lost' in last && last.lost === 'stopped') return stoppedAfter(before)
    const why = waitReasonOf(last, before, connection, options)
    if (why === undefined) return answered(last as Answer)
    const problem = problemOf(last)
    const waitMs = why === 'again' ? 0 : waitMsOf(last, attempt, connection.random)
    if (why === 'again') continue
    const resumesAtMs = Date.now() + waitMs
    if (resumesAtMs > endsAtMs) return { kind: 'gaveUp', why, problem, resumesAtMs }
    const proof = ticket()
    onAttempt({
      ...{ kind: 'waiting', attempt, why, waitMs, resumesAtMs },
      ...(problem && { problem }),
      ...(proof && { ticket: proof }),
    })
    if (!(await pause(waitMs, signal))) return stoppedAfter(last)
  }
}

function answered(answer: Answer): Insisted {
  return { kind: 'answer', answer, problem: problemIn(answer) }
}

function stoppedAfter(last: Answer | Lost | undefined): Insisted {
  return { kind: 'gaveUp', why: 'stopped', problem: problemOf(last) }
}

function problemOf(last: Answer | Lost | undefined): Problem | undefined {
  return last === undefined || 'lost' in last ? undefined : problemIn(last)
}

/** Undefined for an answer that stands; `again`: at once. */
function waitReasonOf(
  came: Answer | Lost,
  before: Answer | Lost | undefined,
  { token }: Connection,
  { fits, isDone }: Pick<Insisting, 'fits' | 'isDone'>,
): WaitReason | 'again' | undefined {
  if ('lost' in came) return came.lost as Exclude<Lost['lost'], 'stopped'>
  const { status } = came
  if (status === 401) {
    const isFirst = before === undefined || 'lost' in before || before.status !== 401
    return token !== undefined && isFirst ? 'again' : undefined
  }
  if (status === 429) return 'share'
  if (status === 408 || status === 425) return 'failed'
  const problem = problemIn(came)
  if (status >= 500) {
    if (problem === undefined) return 'foreign'
    return problem.code === 'BUSY' ? 'busy' : 'failed'
  }
  if (status >= 400 || isDone?.(came)) return undefined
  const content = jsonIn(came.text)
  return content === undefined || !fits(content) ? 'foreign' : undefined
}

/**
 * Milliseconds: as told and a little more by chance; else from half of a bound that doubles to all of it. A proxy
 * that says 0, or an instant that has passed by this machine's clock, tells nothing.
 */
export function waitMsOf(came: Answer | Lost, attempt: number, random: () => number): number {
  const told = 'lost' in came ? undefined : retryAfterMs(came)
  if (told !== undefined) return told + random() * Math.min(jitterMsMax, jitterShare * told)
  const bound = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(attempt - 1, 10))
  return bound * (0.5 + random() / 2)
}

/** Seconds, or an instant (RFC 9110, 10.2.3), as some proxies say it. */
function retryAfterMs({ headers }: Answer): number | undefined {
  const told = headers.get('retry-after')?.trim()
  if (told === undefined || told === '') return undefined
  const isSeconds = /^\d{1,9}$/.test(told)
  if (!isSeconds && !told.endsWith('GMT')) return undefined
  const ms = isSeconds ? 1_000 * Number(told) : Date.parse(told) - Date.now()
  return ms > 0 ? Math.min(retryAfterMsMax, ms) : undefined
}

/** False where the signal ended it. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isWhole: boolean) => () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      resolve(isWhole)
    }
    const stop = end(false)
    const timer = setTimeout(end(true), ms)
    signal?.addEventListener('abort', stop)
    if (signal?.aborted) stop()
  })
}
