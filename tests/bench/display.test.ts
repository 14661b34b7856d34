/** What an operator sees while a day is driven. */
import { expect, test } from 'vitest'
import { createDisplay, type Moment } from '../../bench/rehearsal/display.ts'
import { Tally } from '../../bench/rehearsal/tally.ts'

const names = Array.from({ length: 12 }, (_, i) => `worker ${i + 1}`)
const moment: Moment = {
  second: 10,
  seconds: 360,
  timeOfDay: 43_200,
  tally: new Tally(),
  posted: 5,
  drain: 0,
  observed: {
    ...{ accepted: 9, posted: 5, backlog: 4, groupSize: 2, committing: 0, commitMs: 1, posting: 0 },
    processes: names.map((name) => ({ name, kind: 'worker', cores: 0.5, residentBytes: 2 ** 20 })),
    machineCores: 1,
  },
  underWay: ['worker killed (SIGKILL)'],
}

/** A terminal of this size, and what was written to it last. */
function terminal(rows: number, columns: number) {
  const written: string[] = []
  const output = { isTTY: true, rows, columns, write: (text: string) => written.push(text) }
  return { display: createDisplay(output), last: () => written.at(-1) ?? '' }
}

test.each([
  [24, 80],
  [10, 30],
  [0, 0],
])('on a terminal of %i rows and %i columns nothing is moved away', (rows, columns) => {
  const { display, last } = terminal(rows, columns)
  display.show(moment)
  const lines = last().split('\n')
  expect(lines.length).toBeLessThan(rows || 24)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal does not show
  const shown = lines.map((line) => line.replace(/\x1b\[[HJK]/g, ''))
  expect(shown[0]).toMatch(/^Rehearsal {2}12:00:00/)
  if (columns > 0) for (const line of shown) expect(line.length).toBeLessThanOrEqual(columns)
})

test('what happens is told at once, and still when the day is over', () => {
  const { display, last } = terminal(40, 120)
  display.say('starting an engine')
  expect(last()).toBe('starting an engine\n')
  display.show(moment)
  expect(last()).toContain('now: worker killed (SIGKILL)')
  expect(last()).toContain('worker 12')
  display.say('asking the auditor')
  expect(last()).toMatch(/Rehearsal {2}12:00:00[\s\S]*starting an engine[\s\S]*asking the auditor/)
})

test('where it is no terminal, there is a line every ten seconds', () => {
  const written: string[] = []
  const output = { isTTY: false, rows: 0, columns: 0, write: (text: string) => written.push(text) }
  const display = createDisplay(output)
  for (const second of [9, 10, 11]) display.show({ ...moment, second })
  expect(written).toEqual([expect.stringMatching(/^12:00:00 {2}offered 0,.*backlog 4.*\n$/)])
})
