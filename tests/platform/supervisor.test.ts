import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { acquireEngineLock, readEngineLock } from '../../src/platform/process/engine-lock.ts'
import { createSupervisor, type Supervisor } from '../../src/platform/process/supervisor.ts'
import { waitFor } from '../support/wait.ts'

let folder: string
let supervisor: Supervisor
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spillway-platform-'))
  supervisor = createSupervisor({ log: pino({ level: 'silent' }) })
})
afterEach(async () => {
  await supervisor.stop()
  rmSync(folder, { recursive: true, force: true })
})

function program(text: string): string {
  const file = path.join(folder, 'program.mjs')
  writeFileSync(file, text)
  return file
}

const stays =
  "process.send({ ready: true }); process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000)"

function run(text: string) {
  return supervisor.run({ name: 'program', file: program(text), env: { PATH: process.env.PATH } })
}

test('a child that is killed is started again, and again', async () => {
  const child = run(stays)
  await child.ready
  for (let kills = 1; kills <= 2; kills += 1) {
    const killed = child.pid() as number
    process.kill(killed, 'SIGKILL')
    await waitFor('the restart', () => child.restarts() === kills && child.pid() !== undefined)
    expect(child.pid()).not.toBe(killed)
  }
})

test('a stop ends the child and starts no other', async () => {
  const child = run(stays)
  await child.ready
  const pid = child.pid() as number
  await supervisor.stop()
  await supervisor.stop()
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
  expect(child.restarts()).toBe(0)
})

test('a child that can’t start is given up, and whoever waits for it hears of it', async () => {
  await expect(run('process.exit(1)').ready).rejects.toThrow("The program process can't start")
})

test('a child that misses something for a moment when it starts is started again', async () => {
  const tries = path.join(folder, 'tries')
  const child = run(`import { existsSync, writeFileSync } from 'node:fs'
    if (!existsSync(${JSON.stringify(tries)})) {
      writeFileSync(${JSON.stringify(tries)}, 'one')
      process.exit(75)
    }
    ${stays}`)
  await child.ready
  expect(child.restarts()).toBe(1)
})

test('one holder at a time; the lock of a dead process is void', () => {
  const lock = acquireEngineLock(folder, { port: 8080 })
  expect(() => acquireEngineLock(folder, { port: 8081 })).toThrow(/process \d+, port 8080/)
  lock.release()
  lock.release()
  const file = path.join(folder, 'engine.json')
  const dead = { pid: process.pid, startTime: 'another life', port: 1 }
  writeFileSync(file, JSON.stringify(dead))
  expect(readEngineLock(folder)).toBeUndefined()
  const next = acquireEngineLock(folder, { port: 8082 })
  expect(JSON.parse(readFileSync(file, 'utf8')).port).toBe(8082)
  next.release()
})
