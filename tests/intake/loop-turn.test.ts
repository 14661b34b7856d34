/** What an event loop reads beyond its time is refused, but only where turns stay crowded. */
import { expect, test } from 'vitest'
import { LoopTurn } from '../../src/intake/loop-turn.ts'
import { burstFilings, turnMsMax } from '../../src/limits.ts'

/** Reads requests, one each millisecond, and ends the turn; returns how many were within its time. */
function readFor(turn: LoopTurn, ms: number): number {
  let within = 0
  for (let now = 0; now <= ms; now += 1) if (turn.read(now) < 1) within += 1
  turn.end()
  return within
}

/** A crowd that is no burst any more. */
const crowdMs = turnMsMax + burstFilings

test('short turns refuse nothing, nor does one that is crowded after a short one', () => {
  const turn = new LoopTurn()
  expect(readFor(turn, turnMsMax - 1)).toBe(turnMsMax)
  expect(readFor(turn, 2 * crowdMs)).toBe(2 * crowdMs + 1)
})

test('a burst is no overload, however slowly it is read', () => {
  const turn = new LoopTurn()
  const turns = Math.floor(burstFilings / (2 * turnMsMax + 1))
  for (let i = 0; i < turns; i += 1) expect(readFor(turn, 2 * turnMsMax)).toBe(2 * turnMsMax + 1)
})

test('a crowded turn after a crowded one refuses what comes after its time, until one is short', () => {
  const turn = new LoopTurn()
  readFor(turn, crowdMs)
  expect(turn.crowded).toBe(true)
  expect(readFor(turn, 3 * turnMsMax)).toBe(turnMsMax)
  expect(readFor(turn, 3 * turnMsMax)).toBe(turnMsMax)
  expect(readFor(turn, turnMsMax / 2)).toBe(turnMsMax / 2 + 1)
  expect(turn.crowded).toBe(false)
  expect(readFor(turn, 3 * turnMsMax)).toBe(3 * turnMsMax + 1)
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
  for (let now = 0; now <= 2 * turnMsMax; now += 1) turn.read(now)
  expect(turn.crowded).toBe(false)
  await new Promise((resolve) => setImmediate(resolve))
  expect(turn.crowded).toBe(true)
})
