/** Nothing is left of what ends before its time: killed, or with an output that nobody reads. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTimeOf } from '../../src/platform/process/process-identity.ts'
import { waitFor } from '../support/wait.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spillway-guard-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const moduleOf = (name: string) =>
  JSON.stringify(new URL(`../../src/platform/${name}.ts`, import.meta.url).href)

/** Starts a program; resolves with the first line that it writes. */
async function run(text: string): Promise<{ child: ChildProcess; line: string }> {
  const file = path.join(folder, `${Math.random()}.mjs`)
  writeFileSync(file, text)
  const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, line: line.toString() }
}

test('what a process started for itself ends when that is killed, even if it was frozen', async () => {
  const temporary = mkdtempSync(path.join(folder, 'temporary-'))
  const { child, line } = await run(`
    import { spawn } from 'node:child_process'
    import { endWithThisProcess, removeWithThisProcess } from ${moduleOf('process/guard')}
    const started = [1, 2].map(() => spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }))
    for (const { pid } of started) endWithThisProcess(pid)
    removeWithThisProcess(${JSON.stringify(temporary)})
    started[1].kill('SIGSTOP')
    console.log(started.map(({ pid }) => pid).join(' '))
    setInterval(() => {}, 1000)`)
  const pids = line.split(' ').map(Number)
  expect(pids.map(startTimeOf)).toEqual([expect.any(String), expect.any(String)])
  child.kill('SIGKILL')
  await waitFor('both to end', () => pids.every((pid) => startTimeOf(pid) === undefined))
  await waitFor('the folder to go', () => !existsSync(temporary))
})

const ending = `
  import { createLogger } from ${moduleOf('process/logger')}
  import { stopOnSignal } from ${moduleOf('process/stop')}
  import { tolerateClosedOutput } from ${moduleOf('command/failure')}
  const logger = createLogger('info', 'test')
  const end = stopOnSignal(logger, async () => logger.info('stopping'))
  setInterval(() => {}, 1000)
  logger.info('ready')`

test('a process whose log nobody reads takes a signal and stops in order', async () => {
  const { child } = await run(ending)
  child.stdout?.destroy()
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

test('a process that is to end with its reader does, once it has something to say', async () => {
  const { child } = await run(`${ending}
    tolerateClosedOutput(end)
    process.stdin.once('end', () => process.stdout.write('welcome')).resume()`)
  child.stdout?.destroy()
  child.stdin?.end()
  expect(await once(child, 'exit')).toEqual([0, null])
})
