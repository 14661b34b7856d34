/**
 * Progress and throughput of a batch, computed from stored data.
 */
import { expect, test } from 'vitest'
import { type Stage, stages } from '../../src/batch/state/stages.ts'
import {
  estimatedEndMicros,
  percentOf,
  throughputOf,
} from '../../src/batch/status/progress-estimate.ts'
import type { BatchState, RowCounts } from '../../src/batch/uploads/progress.ts'

const second = 1_000_000
const none: RowCounts = { read: 0, good: 0, setAside: 0, filed: 0, posted: 0 }

function stateOf(stage: Stage, rows: Partial<RowCounts>, bytesRead = 1_000): BatchState {
  return {
    upload: { stage, size: 1_000, received: 1_000, createdAtMicros: 0, touchedAtMicros: second },
    work: {
      bytesRead,
      rows: { ...none, ...rows },
      at: {
        began: 2 * second,
        read: 4 * second,
        checked: 6 * second,
        changed: 8 * second,
        lastPosted: 10 * second,
      },
    },
  } as unknown as BatchState
}

test('a rate is of the stage that it is in', () => {
  const rows = { read: 600, good: 90, setAside: 10, filed: 50, posted: 40 }
  expect(throughputOf(stateOf('receiving', {}))).toEqual({ of: 'bytes', perSecond: 1_000 })
  expect(throughputOf(stateOf('reading', rows))).toEqual({ of: 'rows', perSecond: 100 })
  expect(throughputOf(stateOf('checking', rows))).toEqual({ of: 'rows', perSecond: 25 })
  expect(throughputOf(stateOf('filing', rows))).toEqual({ of: 'rows', perSecond: 25 })
  expect(throughputOf(stateOf('posting', rows))).toEqual({ of: 'rows', perSecond: 10 })
  for (const stage of ['received', 'posted', 'refused'] as const)
    expect(throughputOf(stateOf(stage, rows))).toBeUndefined()
})

test('the whole way has no step back from stage to stage', () => {
  const all = { read: 100, good: 90, setAside: 10, filed: 90, posted: 90 }
  const states = [
    stateOf('receiving', none),
    stateOf('received', none),
    stateOf('reading', none, 0),
    stateOf('reading', { read: 50 }, 500),
    stateOf('reading', { read: 100 }),
    stateOf('checking', { read: 100 }),
    stateOf('checking', { ...all, filed: 0, posted: 0 }),
    stateOf('filing', { ...all, filed: 0, posted: 0 }),
    stateOf('filing', { ...all, posted: 20 }),
    stateOf('posting', { ...all, posted: 20 }),
    stateOf('posted', all),
  ]
  const percents = states.map((state) => percentOf(state) ?? Number.NaN)
  expect(percents).toEqual([...percents].sort((one, other) => one - other))
  expect(percents.at(-1)).toBe(100)
  const gone = stages.filter((stage) => percentOf(stateOf(stage, all)) === undefined)
  expect(gone).toEqual(['unreadable', 'refused', 'duplicate', 'damaged', 'cancelled', 'expired'])
})

test('the end is estimated from what is done, and not from next to nothing', () => {
  expect(estimatedEndMicros(stateOf('reading', { read: 1 }, 1))).toBeUndefined()
  // Half of the work takes 8 s, starting at the second second.
  const half = stateOf('filing', { read: 100, good: 100 }, 1_000)
  const done = 0.3 + 0.25
  expect(estimatedEndMicros(half)).toBe(Math.round(2 * second + (8 * second) / done))
})
