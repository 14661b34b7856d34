/** Where turns of the event loop stay too long, a part of requests is let in: as many as can be done. */
import { expect, test } from 'vitest'
import { LoopTurn } from '../../src/intake/loop-turn.ts'
import { burstFilings, crowdMsMax, turnMsMax } from '../../src/limits.ts'

/** What letting one in costs, and refusing one. */
const acceptMs = 0.4
const refuseMs = 0.05

type Seen = { accepted: number; refused: number; waitsMs: number[] }

/** An event loop: each turn reads what came until it began. Requests come by chance; time is simulated. */
class Loop {
  readonly turn = new LoopTurn()
  #now = 0
  #next = 0
  #random = 1
  readonly #came: number[] = []

  /** @param load of what can be let in: 1 keeps the loop just busy */
  run(load: number, forMs: number, costMs = acceptMs): Seen {
    const seen: Seen = { accepted: 0, refused: 0, waitsMs: [] }
    this.#next = Math.max(this.#next, this.#now)
    for (const until = this.#now + forMs; this.#now < until; ) {
      this.#arrive(load / costMs)
      for (let left = this.#came.length; left > 0; left -= 1) this.#read(seen, costMs, load)
      this.turn.end()
      if (this.#came.length === 0) this.#now = Math.max(this.#now, this.#next)
    }
    return seen
  }

  rest(forMs: number): void {
    this.#now += forMs
    this.#next = this.#now
  }

  #read(seen: Seen, costMs: number, load: number): void {
    const cameAt = this.#came.shift() as number
    const letIn = this.turn.read(this.#now) < 1
    if (letIn) {
      seen.accepted += 1
      seen.waitsMs.push(this.#now - cameAt)
    } else seen.refused += 1
    this.#now += letIn ? costMs : refuseMs
    this.#arrive(load / costMs)
  }

  #arrive(perMs: number): void {
    for (; this.#next <= this.#now; this.#next += this.#gap() / perMs) this.#came.push(this.#next)
  }

  #gap(): number {
    this.#random = (this.#random * 48_271) % 2_147_483_647
    return -Math.log(this.#random / 2_147_483_647)
  }
}

function p99(waitsMs: number[]): number {
  return waitsMs.sort((one, other) => one - other)[Math.floor(0.99 * waitsMs.length)] as number
}

test('what can be done is all let in, however much it is', () => {
  const { accepted, refused, waitsMs } = new Loop().run(0.95, 20_000)
  expect(accepted).toBeGreaterThan(40_000)
  expect(refused / accepted).toBeLessThan(0.01)
  expect(p99(waitsMs)).toBeLessThan(2 * turnMsMax)
})

test.each([1.2, 1.5, 2, 3, 5])(
  'of %f times as much, as many as refusing the rest leaves time for',
  (load) => {
    const loop = new Loop()
    loop.run(load, 2_000)
    const { accepted, waitsMs } = loop.run(load, 20_000)
    const cost = refuseMs / acceptMs
    const lawful = (1 - cost * load) / (1 - cost)
    expect((accepted * acceptMs) / 20_000 / lawful).toBeGreaterThan(0.95)
    expect(p99(waitsMs)).toBeLessThan(3 * turnMsMax)
  },
)

test('where refusing alone takes all the time, a few are let in, and it ends when the flood does', () => {
  const loop = new Loop()
  const { accepted, refused } = loop.run(12, 1_000)
  expect(accepted / refused).toBeGreaterThan(0.01)
  loop.run(0.5, 8_000)
  expect(loop.run(0.5, 5_000).refused).toBe(0)
})

test('a burst is no overload, however slowly it is read', () => {
  const turn = new LoopTurn()
  for (let i = 0; i < burstFilings - 10; i += 1) expect(turn.read(5 * i)).toBe(0)
  expect(turn.crowded).toBe(true)
})

test('a crowd that passes in a moment is no overload', () => {
  const turn = new LoopTurn()
  for (let now = 0; now < crowdMsMax; now += 0.25) expect(turn.read(now)).toBe(0)
  turn.end()
  turn.read(crowdMsMax + 1)
  turn.end()
  expect(turn.crowded).toBe(false)
})

test('calm again after a flood, all are let in; after a pause, from the first one on', () => {
  const loop = new Loop()
  expect(loop.run(4, 3_000).refused).toBeGreaterThan(0)
  loop.run(0.5, 2_000)
  expect(loop.run(0.5, 5_000).refused).toBe(0)
  expect(loop.run(4, 3_000).refused).toBeGreaterThan(0)
  loop.run(0.5, 200)
  loop.rest(2_000)
  expect(loop.run(0.5, 1_000).refused).toBe(0)
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
  const turn = new LoopTurn()
  for (let now = 0; now < 2 * turnMsMax; now += 1) turn.read(now)
  expect(turn.crowded).toBe(true)
  await new Promise((resolve) => setImmediate(resolve))
  turn.read(performance.now())
  await new Promise((resolve) => setImmediate(resolve))
  expect(turn.crowded).toBe(false)
})
