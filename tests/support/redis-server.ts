/**
 * Where tests and benchmarks get a Redis server from: `redis-server` or `valkey-server` on the PATH,
 * else the distribution's packages, unpacked under node_modules and not installed, so that an
 * ordinary user can do it.
 */
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

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
    if (!existsSync(cache)) fetchPackages()
    return unpackedServer()
  } catch (cause) {
    throw new Error(
      'These tests need a real Redis and found none. Install one (Debian and Ubuntu: apt-get install redis-server), put redis-server or valkey-server on the PATH, and run the command again.',
      { cause },
    )
  }
}

/** Downloads redis-server with what it depends on and this machine lacks, and unpacks it. */
function fetchPackages(): void {
  mkdirSync(join(cache, '..'), { recursive: true })
  const draft = mkdtempSync(`${cache}-`)
  try {
    process.stderr.write('Fetching a Redis server for the tests (once) ...\n')
    const folders = { lists: join(draft, 'lists'), archives: join(draft, 'archives') }
    for (const folder of Object.values(folders))
      mkdirSync(join(folder, 'partial'), { recursive: true })
    const own = [
      ...['-o', `Dir::State::lists=${folders.lists}`],
      ...['-o', `Dir::Cache::archives=${folders.archives}`],
      ...['-o', 'Dir::Cache::pkgcache=', '-o', 'Dir::Cache::srcpkgcache='],
      ...['-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=', '-q'],
    ]
    const run = (...args: string[]) =>
      execFileSync(args[0] as string, args.slice(1), { cwd: folders.archives, stdio: 'pipe' })
    run('apt-get', ...own, 'update')
    // The server's program is in redis-tools, which may be installed without the server.
    run('apt-get', ...own, 'download', 'redis-tools')
    run(
      ...['apt-get', ...own, 'install', '--yes', '--download-only', '--no-install-recommends'],
      'redis-server',
    )
    for (const name of readdirSync(folders.archives).filter((file) => file.endsWith('.deb'))) {
      run('dpkg-deb', '--extract', name, join(draft, 'root'))
    }
    renameSync(join(draft, 'root'), cache)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

function unpackedServer(): RedisServer {
  const bin = join(cache, 'usr', 'bin')
  const command = join(bin, 'redis-server')
  if (!existsSync(command)) symlinkSync('redis-check-rdb', command)
  const lib = join(cache, 'usr', 'lib')
  const triples = readdirSync(lib).filter((name) => name.endsWith('-linux-gnu'))
  return { command, libraries: triples.map((name) => join(lib, name)).join(delimiter) }
}
