/** A real Redis for tests. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from '../../src/platform/free-port.ts'
import { waitFor } from './wait.ts'

export type TestRedis = {
  readonly url: string
  readonly pid: number | undefined
  stop(): Promise<void>
}

export async function startRedis(
  options: { port?: number; own?: boolean } = {},
): Promise<TestRedis> {
  const port = options.port ?? (await freePort('127.0.0.1'))
  const dir = mkdtempSync(path.join(tmpdir(), 'spillway-redis-'))
  const args = [
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--dir',
    dir,
    '--save',
    '',
    '--appendonly',
    'no',
    '--maxmemory-policy',
    'noeviction',
  ]
  const child = spawn('redis-server', args, { stdio: 'ignore' })
  const gone = new Promise((resolve) => child.once('exit', resolve))
  const url = `redis://127.0.0.1:${port}`
  const client = new Redis(url, { maxRetriesPerRequest: null })
  client.on('error', () => {})
  await waitFor('redis', async () => (await client.ping()) === 'PONG')
  client.disconnect()
  return {
    url,
    pid: child.pid,
    stop: async () => {
      child.kill('SIGKILL')
      await gone
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
