/** A process whose loop gives no turn is ended from outside the loop; any other is left alone. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spillway-loop-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const watch = JSON.stringify(
  new URL('../../src/platform/process/loop-watch.ts', import.meta.url).href,
)

/** Runs a program that is watched: so many looks without a turn, 50 ms apart, end it. */
async function run(
  looksMax: number,
  text: string,
): Promise<{ child: ChildProcess; output: () => string }> {
  const file = path.join(folder, `${Math.random()}.mjs`)
  const begin = `import { watchLoop } from ${watch}\nconst watching = watchLoop(50, ${looksMax})\n`
  writeFileSync(file, begin + text)
  const child = fork(file, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (piece) => {
    output += piece
  })
  await once(child, 'message')
  return { child, output: () => output }
}

async function endOf(child: ChildProcess) {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.signalCode ?? child.exitCode
}

test.each([
  ['promises that never give way', 'const spin = async () => { for (;;) await null }; spin()'],
  ['a loop that never ends', 'for (;;);'],
])('%s: it says why and is ended, whatever it does with SIGTERM', async (_what, spins) => {
  const { child, output } = await run(
    10,
    `process.on('SIGTERM', () => process.exit(0))
     process.send('ready', () => { ${spins} })`,
  )
  child.kill('SIGTERM') // which nothing in it can hear
  expect(await endOf(child)).toBe('SIGKILL')
  expect(JSON.parse(output())).toMatchObject({
    level: 60,
    pid: child.pid,
    reason: expect.stringContaining('its event loop gave no turn'),
  })
})

test('one that is busy but takes turns lives, and so does one that was frozen', async () => {
  const { child } = await run(
    40,
    `process.on('message', () => {
       let turns = 0
       const busy = () => {
         const until = performance.now() + 60
         while (performance.now() < until);
         turns += 1
         if (turns < 25) setTimeout(busy, 0)
         else { watching.stop(); process.exit(7) }
       }
       busy()
     })
     process.send('ready')`,
  )
  child.kill('SIGSTOP')
  await pause(2_500) // longer than its looks would take
  child.kill('SIGCONT')
  child.send('go')
  expect(await endOf(child)).toBe(7)
})
