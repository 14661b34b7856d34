/** What an event loop reads beyond its time is refused, but only where turns stay crowded. */
import { expect, test } from 'vitest'
import { LoopTurn } from '../../../src/intake/overload/event-loop-budget.ts'
import { burstFilings, crowdMsMax, turnMsMax, turnSliceMs } from '../../../src/limits.ts'

/** The loop's clock and what it reads: a request in each step, turns that the test ends. */
class Loop {
  readonly turn = new LoopTurn()
  now = 0

  /** Reads for so long; returns the share of requests that were within their time. */
  read(ms: number, stepMs = 0.25): number {
    let [within, all] = [0, 0]
    for (const end = this.now + ms; this.now <= end; this.now += stepMs) {
      if (this.turn.read(this.now) < 1) within += 1
      all += 1
    }
    return within / all
  }

  endTurn(): void {
    this.turn.end()
  }

  goRound(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve))
  }
}

const longMs = 2 * crowdMsMax

test('turns within their time refuse nothing, however many there are', () => {
  const loop = new Loop()
  for (let i = 0; i < 50; i += 1) {
    expect(loop.read(turnMsMax - 1)).toBe(1)
    loop.endTurn()
  }
  expect(loop.turn.crowded).toBe(false)
})

test('a crowd that passes in a moment is no overload', () => {
  const loop = new Loop()
  expect(loop.read(crowdMsMax)).toBe(1)
  loop.endTurn()
  expect(loop.turn.crowded).toBe(true)
  loop.read(1)
  loop.endTurn()
  expect(loop.turn.crowded).toBe(false)
  expect(loop.read(crowdMsMax)).toBe(1)
})

test('a burst is no overload, however slowly it is read', () => {
  expect(new Loop().read(5 * burstFilings - 10, 5)).toBe(1)
})

test('where turns stay crowded, requests have their time in each turn', () => {
  const loop = new Loop()
  loop.read(longMs)
  for (let i = 0; i < 5; i += 1) {
    loop.endTurn()
    expect(loop.read(turnSliceMs)).toBeCloseTo(turnMsMax / turnSliceMs, 1)
  }
})

test('in a turn that does not end they have it in each slice', () => {
  const loop = new Loop()
  loop.read(longMs)
  expect(loop.read(20 * turnSliceMs)).toBeCloseTo(turnMsMax / turnSliceMs, 1)
})

test('one turn within its time ends it', () => {
  const loop = new Loop()
  loop.read(longMs)
  loop.endTurn()
  loop.read(turnMsMax / 2)
  loop.endTurn()
  expect(loop.turn.crowded).toBe(false)
  expect(loop.read(turnSliceMs)).toBe(1)
})

test('one large declaration, which takes long, is no crowd', () => {
  const turn = new LoopTurn()
  turn.read(0)
  turn.read(400)
  turn.read(401)
  turn.end()
  expect(turn.crowded).toBe(false)
})

test('a turn ends by itself when the loop has read all that there was', async () => {
  const loop = new Loop()
  loop.read(longMs)
  await loop.goRound()
  loop.read(1)
  await loop.goRound()
  expect(loop.turn.crowded).toBe(false)
})

test('a turn in which nothing is read ends it: what comes in bursts does not wait for its process', async () => {
  const loop = new Loop()
  for (let burst = 0; burst < 3; burst += 1) {
    loop.read(longMs)
    await loop.goRound()
    expect(loop.turn.crowded).toBe(true)
    await loop.goRound()
    expect(loop.turn.crowded).toBe(false)
  }
})
