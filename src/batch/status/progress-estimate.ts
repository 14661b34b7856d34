/**
 * How far a batch is on its whole way, how fast the stage it is in goes, and when all will be done if
 * it goes on like that. Computed from counts and instants that are written, never from a clock.
 */
import type { BatchState, WorkProgress } from '../uploads/progress.ts'

/** Of the whole way, for its sender: the line is slower than all that follows. */
const receivingShare = 0.2
/** Of the work that follows: about the time that each step takes with a large file. */
const workShares = { reading: 0.3, checking: 0.25, filing: 0.25, posting: 0.2 } as const

export type Throughput = { readonly of: 'bytes' | 'rows'; readonly perSecond: number }

/** Percent of the whole way, with one decimal; undefined where it ended before its end. */
export function percentOf({ upload, work }: BatchState): number | undefined {
  const { stage, size, received } = upload
  if (stage === 'receiving')
    return size === undefined ? 0 : percent(receivingShare * (received / size))
  if (stage === 'received') return percent(receivingShare)
  if (stage === 'posted' || stage === 'checked') return 100
  const done = work && workDone(stage, received, work)
  return done === undefined ? undefined : percent(receivingShare + (1 - receivingShare) * done)
}

/** Of the stage that it is in; undefined where nothing was counted in it yet. */
export function throughputOf({ upload, work }: BatchState): Throughput | undefined {
  const { stage, received, createdAtMicros, touchedAtMicros } = upload
  if (stage === 'receiving') return throughput('bytes', received, createdAtMicros, touchedAtMicros)
  if (work === undefined) return undefined
  const { rows, at } = work
  switch (stage) {
    case 'reading':
      return throughput('rows', rows.read, at.began, at.changed)
    case 'checking':
      return throughput('rows', rows.good + rows.setAside, at.read, at.changed)
    case 'filing':
      return throughput('rows', rows.filed, at.checked, at.changed)
    case 'posting': // which begins with the first that is filed
      return throughput('rows', rows.posted, at.checked, at.lastPosted)
    default:
      return undefined
  }
}

/** Microseconds since 1970; undefined while too little is done to say. */
export function estimatedEndMicros({ upload, work }: BatchState): number | undefined {
  const done = work && workDone(upload.stage, upload.received, work)
  if (work === undefined || done === undefined || done < estimatedFrom) return undefined
  const { began, changed, lastPosted = 0 } = work.at
  return Math.round(began + (Math.max(changed, lastPosted) - began) / done)
}

const estimatedFrom = 0.02

/** From 0 to 1; undefined in a stage without work. */
function workDone(
  stage: BatchState['upload']['stage'],
  received: number,
  { rows, bytesRead }: WorkProgress,
): number | undefined {
  const { reading, checking, filing, posting } = workShares
  switch (stage) {
    case 'reading':
      return reading * part(bytesRead, received)
    case 'checking':
      return reading + checking * part(rows.good + rows.setAside, rows.read)
    case 'filing':
    case 'posting': // what is filed is posted meanwhile
      return (
        reading +
        checking +
        filing * part(rows.filed, rows.good) +
        posting * part(rows.posted, rows.good)
      )
    default:
      return undefined
  }
}

function part(some: number, all: number): number {
  return all === 0 ? 0 : Math.min(1, some / all)
}

function percent(share: number): number {
  return Math.floor(1_000 * share) / 10
}

function throughput(
  of: Throughput['of'],
  count: number,
  fromMicros: number | undefined,
  toMicros: number | undefined,
): Throughput | undefined {
  if (count === 0 || fromMicros === undefined || toMicros === undefined) return undefined
  const seconds = (toMicros - fromMicros) / 1_000_000
  return seconds <= 0 ? undefined : { of, perSecond: Math.round(count / seconds) }
}
