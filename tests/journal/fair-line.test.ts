import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FairLine } from '../../src/journal/fair-line.ts'

type Item = { readonly filer: string; readonly number: number }

const anyStep = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'a', 'a', 'b', 'c') },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.constant('remove' as const) },
)

test.each([
  [
    'nobody waits while more than two of another filer are taken; each filer’s keep their order',
    false,
  ],
  ['what is taken out of turn leaves the others in theirs; none is lost', true],
])('%s', (_, mayRemove) => {
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 20, maxLength: 60, size: 'max' }), (steps) => {
      const line = new FairLine<Item>()
      let waiting: Item[] = []
      /** By filer with some waiting, how many of each other one were taken since the last of its own was. */
      const passed = new Map<string, Map<string, number>>()
      let number = 0
      for (const step of steps) {
        if (step === 'remove') {
          if (!mayRemove) continue
          const removed = new Set(line.remove((item) => item.number % 3 === 0))
          expect(removed).toEqual(new Set(waiting.filter((item) => item.number % 3 === 0)))
          waiting = waiting.filter((item) => !removed.has(item))
        } else if (typeof step === 'string') {
          const item = { filer: step, number: number++ }
          line.push(item)
          waiting.push(item)
        } else {
          let left = step
          const taken = line.take(() => left-- > 0)
          expect(taken).toHaveLength(Math.min(step, waiting.length))
          for (const item of taken) {
            const own = waiting.filter(({ filer }) => filer === item.filer)
            expect(item).toBe(own[0])
            waiting = waiting.filter((one) => one !== item)
            passed.delete(item.filer)
            for (const filer of new Set(waiting.map((one) => one.filer))) {
              if (filer === item.filer) continue
              const seen = passed.get(filer) ?? new Map<string, number>()
              seen.set(item.filer, (seen.get(item.filer) ?? 0) + 1)
              passed.set(filer, seen)
            }
          }
          const counts = [...passed.values()].flatMap((seen) => [...seen.values()])
          if (!mayRemove) expect(Math.max(0, ...counts)).toBeLessThanOrEqual(2)
        }
        expect(new Set(line)).toEqual(new Set(waiting))
        expect(line.length).toBe(waiting.length)
      }
    }),
  )
})
