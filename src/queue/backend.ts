/**
 * The interface of the queue, on Redis or Postgres. A job is a reference: an envelope's number and nothing
 * else.
 */
import type { Lane } from '../journal/lanes.ts'

/** Producer's end of a lane. */
export type LaneQueue = {
  /** Adds references; those already in the queue stay as they are. After a time-out the outcome is unknown. */
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

/** The message of a rejection whose cause time alone fixes. */
export const fixedByTime = 'transient'

/** Posts one envelope; a rejection puts it back on the queue with a back-off. */
export type PostEnvelope = (envelope: bigint) => Promise<void>

/**
 * Faults of the queue's server, and whether it lost its jobs. None of this is a reason to refuse a filing:
 * late posting is still posting.
 */
export type QueueCheck = {
  readonly faults: readonly QueueFault[]
  readonly emptied: boolean
  /** Recommendations; following none of them loses nothing acknowledged. */
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
  /** Checks the queue's server. An unreachable server has no faults: its connections report that. */
  check(): Promise<QueueCheck>
  /** Publishes a text to the other processes and returns their recent ones; absent without a shared store. */
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
