/** Follows a file that is here to its end, and looks it up: calls that change nothing. */
import { type Batch, isBatch, stages } from './batch.ts'
import { ask } from './declarations.ts'
import type { Connection, Outgoing } from './exchange.ts'
import { contentOf, failureOf } from './failure.ts'
import { type CallOptions, type Insisted, pause, waitMsOf } from './insist.ts'
import { attemptMsMax, batchWaitSeconds, giveUpAfterMs, giveUpSoonMs } from './limits.ts'
import type { BatchOutcome, CancelOutcome } from './outcome.ts'

export type FollowOptions = CallOptions & {
  /** Told of the file as it is, each time that it was looked at. */
  readonly onStage?: (batch: Batch) => void
}

export const lookUpBatch = (id: string): Outgoing => ({
  method: 'GET',
  path: `/v1/batches/${encodeURIComponent(id)}`,
})

/** Looks until nothing more happens to the file. One that was here before is followed in its first batch. */
export async function followBatch(
  connection: Connection,
  id: string,
  options: FollowOptions = {},
): Promise<BatchOutcome> {
  const { signal, onStage } = options
  const endsAtMs = Date.now() + (options.giveUpAfterMs ?? giveUpAfterMs)
  const msMax = (options.attemptMsMax ?? attemptMsMax) + 1_000 * batchWaitSeconds
  let last: Batch | undefined
  let followed = id
  for (;;) {
    const leftMs = Math.max(0, endsAtMs - Date.now())
    const seconds = last === undefined ? 0 : Math.min(batchWaitSeconds, Math.floor(leftMs / 1_000))
    const looking = { ...lookUpBatch(followed), headers: { prefer: `wait=${seconds}` } }
    const ended = await ask(connection, looking, {
      ...options,
      ...{ attemptMsMax: msMax, giveUpAfterMs: leftMs, fits: isBatch },
    })
    const batch = contentOf<Batch>(ended)
    if (batch === undefined) return notSeen(ended, last)
    const first = batch.stage === 'duplicate' ? batch.links.sameAs : undefined
    if (first !== undefined) {
      followed = first.slice(first.lastIndexOf('/') + 1)
      continue
    }
    last = batch
    onStage?.(batch)
    const end = endOf(batch)
    if (end !== undefined) return end
    const told = ended.kind === 'answer' && seconds === 0 && ended.answer
    const waitMs = told ? Math.min(1_000, waitMsOf(told, 1, connection.random)) : lookEveryMs
    const isOver = Date.now() + waitMs > endsAtMs
    if (isOver || !(await pause(waitMs, signal))) return { kind: 'underWay', batch }
  }
}

/** Cancels a file, until it is being filed. */
export async function cancelBatch(
  connection: Connection,
  id: string,
  options: CallOptions = {},
): Promise<CancelOutcome> {
  const cancelling = { ...lookUpBatch(id), method: 'DELETE' } as const
  const ended = await ask(connection, cancelling, {
    ...{ giveUpAfterMs: giveUpSoonMs, ...options },
    ...{ fits: () => false, isDone: ({ status }) => status === 204 },
  })
  if (ended.kind === 'answer' && ended.answer.status === 204) return { kind: 'cancelled' }
  const { problem } = ended
  if (problem?.code === 'NOT_FOUND') return { kind: 'notFound' }
  if (problem?.code === 'BATCH_UNDER_WAY') return { kind: 'tooLate', problem }
  return failureOf(ended)
}

/** Between two answers that came at once, as of many changes or of an intake that has too many who wait. */
const lookEveryMs = 250

/** What is still on its way has none. */
export function endOf(batch: Batch): BatchOutcome | undefined {
  const kind = stages[batch.stage]
  return kind === 'under way' ? undefined : { kind, batch }
}

function notSeen(ended: Insisted, last: Batch | undefined): BatchOutcome {
  if (ended.problem?.code === 'NOT_FOUND') return { kind: 'notFound' }
  const failure = failureOf(ended)
  return failure.kind === 'unavailable' && last !== undefined
    ? { kind: 'underWay', batch: last }
    : failure
}
