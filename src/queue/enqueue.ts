/**
 * Puts committed envelopes on their queue without anyone waiting for it: a filer's answer must neither wait
 * for the queue nor fail with it. The sweeper finds envelopes that did not get there.
 */
import type { Lane } from '../journal/lanes.ts'
import { enqueuesUnderWayMax } from '../limits.ts'
import type { LaneQueue } from './backend.ts'

export type Enqueue = (lane: Lane, envelope: bigint) => void

/**
 * @param onSkipped called for each envelope left to the sweeper, with the error if there was one
 * @param onEnqueued called when the queue has an envelope
 */
export function createEnqueue(
  queues: ReadonlyMap<Lane, LaneQueue>,
  onSkipped: (lane: Lane, error: unknown) => void,
  onEnqueued: () => void = () => {},
): Enqueue {
  let underWay = 0
  return (lane, envelope) => {
    const queue = queues.get(lane)
    if (queue === undefined || underWay >= enqueuesUnderWayMax) return onSkipped(lane, undefined)
    underWay += 1
    queue
      .add([envelope])
      .then(onEnqueued, (error: unknown) => onSkipped(lane, error))
      .finally(() => {
        underWay -= 1
      })
  }
}
