/**
 * What a queue is to the rest of the engine, wherever it keeps its jobs: Redis, or Postgres. Jobs are
 * references: an envelope's number and nothing else.
 */
import type { Lane } from '../journal/lanes.ts'

/** Producer's end of a lane. */
export type LaneQueue = {
  /** Adds references; one that is in the queue already is left alone. A time-out is "unknown". */
  add(envelopes: readonly bigint[]): Promise<void>
  /** Jobs that wait or run. */
  count(): Promise<number>
  /** Jobs that any worker could take now. */
  waiting(): Promise<number>
  close(): Promise<void>
}

/** Consumer's end of a lane. */
export type LaneWorker = {
  /** Takes no more envelopes; resolves when those under way are done. */
  close(): Promise<void>
}

/** What a rejection's message is where time alone mends its cause. */
export const mendedByTime = 'transient'

/** Posts one envelope; a rejection puts it back on the queue with a back-off. */
export type PostEnvelope = (envelope: bigint) => Promise<void>

/**
 * What is wrong with where the queue is kept, and whether it lost what it held. None of it is a reason
 * to refuse an acceptance: what is posted late is posted all the same.
 */
export type QueueCheck = {
  readonly faults: readonly QueueFault[]
  readonly emptied: boolean
  /** What would be better otherwise, though nothing acknowledged can be lost by it. */
  readonly advice: readonly string[]
}

export type QueueFault = {
  /** A setting, or the code that its server answers with. */
  readonly setting: string
  readonly risk: string
  readonly mend: string
}

export type QueueBackend = {
  readonly kind: 'redis' | 'postgres'
  /** Looks at the queue's server; one that is away has no faults: its connections tell. */
  check(): Promise<QueueCheck>
  /** Tells a text to the other processes, and hears what they told lately; where there is a store. */
  readonly exchange?: (name: string, text: string, msMax: number) => Promise<string[]>
  openQueue(lane: Lane): LaneQueue
  openWorker(lane: Lane, post: PostEnvelope): LaneWorker
  /** Ends what the backend holds itself; close queues and workers first. */
  close(): Promise<void>
}

/** There is too little room: the journal has what is left out, and the sweeper tries again. */
export class QueueFullError extends Error {
  override name = 'QueueFullError'
}
