/**
 * The size lanes of a batch worker: one file at a time in each lane, by file size. A lane without files
 * of its own size may take smaller ones, never larger, because it could not give a larger one back
 * before its end. So no file waits for a larger one, and each size has a lane that takes it first.
 *
 * One large file keeps the process's thread busy (300,000 rows: 4.9 s of CPU in the worker, 0.6 s in
 * Postgres), so a lane that stays free for small files costs little.
 */
import type { Lane } from '../../journal/lanes.ts'
import { claimsPerTurn, mediumBatchBytesMax, smallBatchBytesMax } from '../../limits.ts'

export type SizeLane = {
  /** The lane's own files have more than `aboveBytes` and at most `bytesMax`. */
  readonly aboveBytes: number
  readonly bytesMax: number
}

export const sizeLanes: readonly SizeLane[] = [
  { aboveBytes: 0, bytesMax: smallBatchBytesMax },
  { aboveBytes: smallBatchBytesMax, bytesMax: mediumBatchBytesMax },
  { aboveBytes: mediumBatchBytesMax, bytesMax: Number.MAX_SAFE_INTEGER },
]

/** Every third claim ignores slots and takes the oldest file. */
export function claimsBySlot(nth: number): boolean {
  return nth % claimsPerTurn !== 0
}

/** The posting lane for the declarations of a file. */
export function postingLane({ bytes }: { readonly bytes: number }): Lane {
  return isSmallFile(bytes) ? 'bulk' : 'large'
}

export function isSmallFile(bytes: number): boolean {
  return bytes <= smallBatchBytesMax
}
