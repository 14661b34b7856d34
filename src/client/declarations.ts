/** Looks declarations up, waits for them, and checks them: calls that change nothing. */
import { type Connection, exchange, type Outgoing } from './exchange.ts'
import { contentOf, failureOf } from './failure.ts'
import {
  type CallOptions,
  type Insisted,
  type Insisting,
  insist,
  pause,
  waitMsOf,
} from './insist.ts'
import { attemptMsMax, giveUpAfterMs, giveUpSoonMs, statusWaitSeconds } from './limits.ts'
import type { CheckOutcome, PostedOutcome, StatusOutcome } from './outcome.ts'
import { hasTexts } from './problem.ts'
import type { Checked, Declaration, DeclarationStatus } from './types.ts'

export async function status(
  connection: Connection,
  id: string,
  options: CallOptions = {},
): Promise<StatusOutcome> {
  return statusOf(
    await ask(connection, lookUp(id), { giveUpAfterMs: giveUpSoonMs, ...options, fits: isStatus }),
  )
}

function lookUp(id: string): Outgoing {
  return { method: 'GET', path: `/v1/declarations/${encodeURIComponent(id)}` }
}

const isStatus = (content: object) => hasTexts<DeclarationStatus>(content, ['id', 'status'])
const isChecked = (content: object) => 'valid' in content && typeof content.valid === 'boolean'

function statusOf(ended: Insisted): StatusOutcome {
  const declaration = contentOf<DeclarationStatus>(ended)
  if (declaration !== undefined) return { kind: 'found', declaration }
  if (ended.problem?.code === 'NOT_FOUND') return { kind: 'notFound' }
  return failureOf(ended)
}

export type WaitOptions = CallOptions & {
  /** Told of each status that is read while it waits. */
  readonly onStatus?: (declaration: DeclarationStatus) => void
}

/** Waits until a declaration is no longer merely accepted; the intake holds the answer until it is. */
export async function waitUntilPosted(
  connection: Connection,
  id: string,
  options: WaitOptions = {},
): Promise<PostedOutcome> {
  const { signal, onStatus } = options
  const endsAtMs = Date.now() + (options.giveUpAfterMs ?? giveUpAfterMs)
  let last: DeclarationStatus | undefined
  const msMax = (options.attemptMsMax ?? attemptMsMax) + 1_000 * statusWaitSeconds
  for (;;) {
    const leftMs = Math.max(0, endsAtMs - Date.now())
    const seconds = Math.min(statusWaitSeconds, Math.floor(leftMs / 1_000))
    const waiting = { ...lookUp(id), headers: { prefer: `wait=${seconds}` } }
    const ended = await ask(connection, waiting, {
      ...options,
      attemptMsMax: msMax,
      giveUpAfterMs: leftMs,
      fits: isStatus,
    })
    const found = statusOf(ended)
    if (found.kind === 'found') {
      last = found.declaration
      onStatus?.(last)
      if (last.status !== 'accepted') return { kind: 'settled', declaration: last }
    } else if (found.kind !== 'unavailable' || last === undefined) return found
    else return { kind: 'stillAccepted', declaration: last }
    // It waited in vain, or there was no room to wait: Retry-After says when to ask again.
    const waitMs = ended.kind === 'answer' ? waitMsOf(ended.answer, 1, connection.random) : 0
    const over = Date.now() + waitMs > endsAtMs
    if (over || !(await pause(waitMs, signal))) return { kind: 'stillAccepted', declaration: last }
  }
}

export type CheckOptions = CallOptions & {
  /** The first line that is explained, counted from 1, and how many: 10 unless given, 50 at most. */
  readonly lines?: { readonly from: number; readonly count: number }
}

/** The findings and the assessment that filing would meet; nothing is kept. */
export async function check(
  connection: Connection,
  declaration: Declaration,
  options: CheckOptions = {},
): Promise<CheckOutcome> {
  const { lines } = options
  const query = lines === undefined ? '' : `?line=${lines.from}&count=${lines.count}`
  const outgoing = {
    method: 'POST',
    path: `/v1/declarations/check${query}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(declaration),
  } as const
  const ended = await ask(connection, outgoing, {
    giveUpAfterMs: giveUpSoonMs,
    ...options,
    fits: isChecked,
  })
  const checked = contentOf<Checked>(ended)
  return checked === undefined ? failureOf(ended) : { kind: 'checked', checked }
}

/** Tries one request until there is an answer that another attempt would not change. */
export function ask(
  connection: Connection,
  outgoing: Outgoing,
  options: Omit<Insisting, 'send' | 'ticket'>,
): Promise<Insisted> {
  const send = () => exchange(connection, outgoing, options)
  return insist(connection, { ...options, send })
}
