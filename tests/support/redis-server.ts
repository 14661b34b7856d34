/**
 * Where tests and benchmarks get a Redis server from: `redis-server` or `valkey-server` on the PATH,
 * else the distribution's packages, unpacked under node_modules and not installed, so that an
 * ordinary user can do it.
 */
import { existsSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { libraryFolders, unpackPackages } from './packages.ts'

export type RedisServer = { readonly command: string; readonly libraries: string | undefined }

const names = ['redis-server', 'valkey-server'] as const
const cache = fileURLToPath(new URL('../../node_modules/.cache/spillway/redis', import.meta.url))

/** @throws Error that says what to install, when there is no way to get one */
export function findRedisServer(): RedisServer {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const name = names.find((candidate) => existsSync(join(folder, candidate)))
    if (name !== undefined) return { command: join(folder, name), libraries: undefined }
  }
  try {
    // The server's program is in redis-tools, which may be installed without the server.
    if (!existsSync(cache)) unpackPackages(['redis-server'], cache, ['redis-tools'])
    return unpackedServer()
  } catch (cause) {
    throw new Error(
      'These tests need a real Redis and found none. Install one (Debian and Ubuntu: apt-get install redis-server), put redis-server or valkey-server on the PATH, and run the command again.',
      { cause },
    )
  }
}

function unpackedServer(): RedisServer {
  const bin = join(cache, 'usr', 'bin')
  const command = join(bin, 'redis-server')
  if (!existsSync(command)) symlinkSync('redis-check-rdb', command)
  return { command, libraries: libraryFolders(cache) }
}
