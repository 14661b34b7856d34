/**
 * The progress of a batch: percent of the whole way, throughput of its stage, and the estimated end. It
 * is computed from stored counts and instants, never from a clock.
 */
import type { BatchState, WorkProgress } from '../uploads/progress.ts'

/** Share of the upload in the whole way: for the sender, the upload is slower than all that follows. */
const receivingShare = 0.2
/** Shares of the remaining work: roughly the time that each step takes for a large file. */
const workShares = { reading: 0.3, checking: 0.25, filing: 0.25, posting: 0.2 } as const

export type Throughput = { readonly of: 'bytes' | 'rows'; readonly perSecond: number }

/** Percent of the whole way with one decimal; undefined for a batch that stopped early. */
export function percentOf({ upload, work }: BatchState): number | undefined {
  const { stage, size, received } = upload
  if (stage === 'receiving')
    return size === undefined ? 0 : percent(receivingShare * (received / size))
  if (stage === 'received') return percent(receivingShare)
  if (stage === 'posted' || stage === 'checked') return 100
  const done = work && workDone(stage, received, work)
  return done === undefined ? undefined : percent(receivingShare + (1 - receivingShare) * done)
}

/** Throughput of the current stage; undefined before anything is counted in it. */
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
    case 'posting': // posting starts with the first filed declaration
      return throughput('rows', rows.posted, at.checked, at.lastPosted)
    default:
      return undefined
  }
}

/** Microseconds since 1970; undefined while too little is done for an estimate. */
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
    case 'posting': // posting runs while filing continues
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
