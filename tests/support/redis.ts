/** A real Redis for tests and benchmarks. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from '../../src/platform/process/free-port.ts'
import { endWithThisProcess, removeWithThisProcess } from '../../src/platform/process/guard.ts'
import { findRedisServer } from './redis-server.ts'
import { waitFor } from './wait.ts'

export type TestRedis = {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

export type RedisOptions = {
  readonly port?: number
  /** A folder in which every command is on disk before it is answered, and found again. */
  readonly durableIn?: string
  /** Ctrl-C in the terminal does not reach it: who started it stops it. */
  readonly detached?: boolean
}

/**
 * Starts a server of the caller's own. It may be emptied and killed: without persistence, unless a
 * folder for it is named.
 */
export async function startRedis(options: RedisOptions = {}): Promise<TestRedis> {
  for (;;) {
    const port = options.port ?? (await freePort('127.0.0.1'))
    const server = await startOn(port, options)
    if (server !== undefined) return server
    // Somebody else has taken the port in between.
    if (options.port !== undefined) throw new Error(`no Redis on port ${port}: it is taken`)
  }
}

/** @returns undefined if it ended instead of serving */
async function startOn(port: number, options: RedisOptions): Promise<TestRedis | undefined> {
  const { command, libraries } = findRedisServer()
  const dir = options.durableIn ?? mkdtempSync(path.join(tmpdir(), 'spillway-redis-'))
  const settings = {
    port,
    bind: '127.0.0.1',
    dir,
    save: '',
    appendonly: options.durableIn === undefined ? 'no' : 'yes',
    appendfsync: 'always',
    'maxmemory-policy': 'noeviction',
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`])
  const env = { ...process.env, ...(libraries && { LD_LIBRARY_PATH: libraries }) }
  const child = spawn(command, args, {
    stdio: 'ignore',
    env,
    detached: options.detached === true,
  })
  endWithThisProcess(child.pid)
  if (options.durableIn === undefined) removeWithThisProcess(dir)
  const gone = new Promise<undefined>((resolve) => child.once('exit', () => resolve(undefined)))
  const url = `redis://127.0.0.1:${port}`
  const stop = async () => {
    child.kill('SIGKILL')
    await gone
    if (options.durableIn === undefined) rmSync(dir, { recursive: true, force: true })
  }
  const pid = await Promise.race([gone, answers(url)])
  if (pid !== undefined && pid === child.pid) return { url, pid, stop }
  await stop()
  return undefined
}

/** Resolves with its process's id when the server at this URL answers. */
export async function answers(url: string): Promise<number> {
  const client = new Redis(url, { maxRetriesPerRequest: null })
  client.on('error', () => {})
  try {
    const info = await waitFor(`a Redis at ${url}`, () =>
      Promise.race([
        client.ping().then(() => client.info('server')),
        new Promise<false>((resolve) => setTimeout(resolve, 1_000, false)),
      ]),
    )
    return Number(/process_id:(\d+)/.exec(info)?.[1])
  } finally {
    client.disconnect()
  }
}
