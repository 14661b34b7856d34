/**
 * The places of a batch worker: so many files it works on at a time, each on a lane of files by their
 * size. A place takes files of its own lane first, and smaller ones while that has none; never a larger
 * one, as it could not give it back before its end. So no file waits for a larger one, and each lane has
 * a place that takes it first, whatever waits in the others. A large file alone keeps the process's
 * thread busy (of 300,000 rows, 4.9 s of CPU are the worker's own and 0.6 s Postgres's): a place that stays
 * free for small ones costs little.
 */
import type { Lane } from '../../journal/lanes.ts'
import { claimsPerTurn, mediumBatchBytesMax, smallBatchBytesMax } from '../../limits.ts'

export type SizeLane = {
  /** Its lane: files with more bytes than the one, and no more than the other. */
  readonly aboveBytes: number
  readonly bytesMax: number
}

export const sizeLanes: readonly SizeLane[] = [
  { aboveBytes: 0, bytesMax: smallBatchBytesMax },
  { aboveBytes: smallBatchBytesMax, bytesMax: mediumBatchBytesMax },
  { aboveBytes: mediumBatchBytesMax, bytesMax: Number.MAX_SAFE_INTEGER },
]

/** Whether a place's n-th file goes by slots; else it is the next by its time of receipt. */
export function claimsBySlot(nth: number): boolean {
  return nth % claimsPerTurn !== 0
}

/** The lane in which a file's declarations are posted. */
export function postingLane({ bytes }: { readonly bytes: number }): Lane {
  return isSmallFile(bytes) ? 'bulk' : 'large'
}

export function isSmallFile(bytes: number): boolean {
  return bytes <= smallBatchBytesMax
}
