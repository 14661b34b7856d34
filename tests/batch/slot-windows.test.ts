/**
 * Free windows for a number of rows, and the throughput of batch processing.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ThroughputMeter } from '../../src/batch/lease/throughput.ts'
import {
  freeWindows,
  quarterMicros,
  type ReservedRows,
  rowsByQuarter,
} from '../../src/batch/slots/slot-windows.ts'

const nowMicros = 1_732_500_300_000_000 // five minutes after a quarter began
const nextQuarter = Math.ceil(nowMicros / quarterMicros) * quarterMicros
const ahead = { fromMicros: nowMicros, untilMicros: nowMicros + 96 * quarterMicros }

test('a slot is now where there is room, and has the time until its quarter begins as well', () => {
  const [first, second] = freeWindows({
    ...{ rows: 100, capacityRows: 150, loads: new Map() },
    ...{ ...ahead, count: 2 },
  })
  expect(first).toEqual({
    startMicros: nowMicros,
    endMicros: nextQuarter + quarterMicros,
    quarters: 1,
  })
  expect(second).toEqual({
    startMicros: nextQuarter + quarterMicros,
    endMicros: nextQuarter + 2 * quarterMicros,
    quarters: 1,
  })
})

test('more rows than a quarter has room for take several in a row', () => {
  const loads = new Map([[nextQuarter + quarterMicros, 100]])
  const [first] = freeWindows({
    ...{ rows: 350, capacityRows: 150, loads },
    ...{ ...ahead, count: 1 },
  })
  expect(first).toEqual({
    startMicros: nextQuarter + 2 * quarterMicros,
    endMicros: nextQuarter + 5 * quarterMicros,
    quarters: 3,
  })
})

test('more rows than all the time ahead has room for have no slot, and that is known at once', () => {
  const question = { rows: 1_000_000, loads: new Map(), ...ahead, count: 1 }
  expect(freeWindows({ ...question, capacityRows: 3_000 })).toEqual([])
  expect(freeWindows({ ...question, capacityRows: 0 })).toEqual([])
  expect(freeWindows({ ...question, capacityRows: 11_000 })).toHaveLength(1)
})

test('however slots are asked for, no quarter has more than its room, and none ends later than it must', () => {
  const asking = fc.array(fc.record({ rows: fc.integer({ min: 1, max: 700 }), late: fc.nat(8) }), {
    maxLength: 40,
  })
  fc.assert(
    fc.property(asking, fc.integer({ min: 100, max: 300 }), (asks, capacityRows) => {
      const reserved: ReservedRows[] = []
      for (const { rows, late } of asks) {
        const loads = rowsByQuarter(reserved)
        const fromMicros = nowMicros + late * quarterMicros
        const question = { rows, capacityRows, loads, ...ahead, fromMicros, count: 1 }
        const [window] = freeWindows(question)
        expect(window).toBeDefined()
        if (window === undefined) return
        expect(window.startMicros).toBeGreaterThanOrEqual(fromMicros)
        expect(window.endMicros - window.startMicros).toBeGreaterThanOrEqual(quarterMicros)
        const { endMicros, quarters } = window
        // A quarter earlier there was no capacity, or it is before the requested time.
        const earlier = rowsByQuarter([
          ...reserved,
          { rows, quarters, endMicros: endMicros - quarterMicros },
        ])
        const tooEarly = endMicros - (quarters + 1) * quarterMicros < fromMicros
        expect(tooEarly || Math.max(...earlier.values()) > capacityRows + 1e-6).toBe(true)
        reserved.push({ rows, ...window })
      }
      for (const rows of rowsByQuarter(reserved).values())
        expect(rows).toBeLessThanOrEqual(capacityRows + 1e-6)
    }),
  )
})

test('a rate counts rows by thirds and the time of work once, and forgets by halves', () => {
  const clock = { ms: 0 }
  const rate = new ThroughputMeter(() => clock.ms)
  expect(rate.perSecond).toBeUndefined()
  clock.ms = 60_000 // nothing to do
  const [one, other] = [rate.begin(), rate.begin()]
  rate.count({ rows_read: 90_000 })
  clock.ms += 1_000
  other()
  expect(rate.perSecond).toBeUndefined() // too little work to measure
  rate.count({ rows_good: 80_000, rows_set_aside: 10_000 })
  clock.ms += 1_000
  rate.count({ rows_filed: 90_000 })
  one()
  clock.ms += 60_000
  expect(rate.perSecond).toBe(45_000)
  const slow = rate.begin()
  for (let i = 0; i < 100; i += 1) {
    clock.ms += 60_000
    rate.count({ rows_filed: 180_000 })
  }
  slow()
  expect(rate.perSecond).toBeGreaterThan(999)
  expect(rate.perSecond).toBeLessThan(1_010)
})
