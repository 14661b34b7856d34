/** Faults of Postgres: stopped, killed, frozen, without connections, its disk full or failing. */
import { execFileSync, spawn } from 'node:child_process'
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { serverOwner } from '../../src/platform/postgres/postgres-binaries.ts'
import { afterDependency, type Fault, onPostgres } from './fault.ts'
import { FaultError } from './fault-error.ts'
import type { World } from './world.ts'

const ended = (name: string, signal: 'SIGQUIT' | 'SIGKILL'): Fault => ({
  name: `Postgres ${name} (${signal}), started again`,
  within: afterDependency,
  run: async (world) => {
    const { port, pid } = world.postgres
    process.kill(pid, signal)
    await pause(1_000)
    await world.startPostgres(port)
  },
})

/** Server processes of a postmaster. */
function backendsOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(/\s+/).filter(Boolean).map(Number)
}

/** A server process may have ended meanwhile. */
function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {}
  }
}

const frozen: Fault = {
  name: 'Postgres frozen for 10 s (SIGSTOP)',
  within: afterDependency,
  run: async (world) => {
    process.kill(world.postgres.pid, 'SIGSTOP')
    const all = [...backendsOf(world.postgres.pid), world.postgres.pid]
    signalAll(all, 'SIGSTOP')
    await pause(10_000)
    signalAll(all, 'SIGCONT')
  },
}

const terminated: Fault = {
  name: 'all connections terminated',
  within: afterDependency,
  run: (world) =>
    onPostgres(world, (client) =>
      client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where backend_type = 'client backend' and application_name <> 'fault-runner'`,
      ),
    ),
}

const locked: Fault = {
  name: 'tables locked for 6 s: statements wait in vain',
  within: afterDependency,
  run: (world) =>
    onPostgres(world, async (client) => {
      await client.query('begin')
      await client.query('lock table journal.acceptance, ledger.posting in access exclusive mode')
      await pause(6_000)
      await client.query('rollback')
    }),
}

const noConnectionLeft: Fault = {
  name: 'no connection left for 4 s',
  proxied: true,
  within: afterDependency,
  run: async (world) => {
    const taken: pg.Client[] = []
    world.postgresProxy?.set('refuse') // its connections are given up, and taken here
    for (let i = 0; i < 120; i += 1) {
      const client = await world.connect().catch(() => undefined)
      if (client === undefined) break
      taken.push(client)
    }
    world.postgresProxy?.set('pass')
    await pause(4_000)
    await Promise.all(taken.map((client) => client.end()))
  },
}

/** What a command says fails it; undefined when it succeeds. */
function failureOf(command: string, args: readonly string[]): string | undefined {
  try {
    execFileSync(command, args, { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return (error as Error).message.split('\n')[0]
  }
}

/** The log of a commit can not be written: Postgres must give up, and come back. */
const syncFails: Fault = {
  name: 'fdatasync fails (EIO): Postgres panics',
  within: afterDependency,
  missing: () =>
    failureOf('strace', ['-f', '-e', 'trace=none', 'true']) && 'needs strace, and leave to trace',
  run: async (world) => {
    const { pid, port } = world.postgres
    const panics = panicsOf(world)
    const tracer = spawn(
      'strace',
      [
        ...['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync'],
        ...['-e', 'inject=fdatasync:error=EIO:when=1+'],
        ...[pid, ...backendsOf(pid)].flatMap((one) => ['-p', `${one}`]),
      ],
      { stdio: 'ignore' },
    )
    const gone = new Promise((resolve) => tracer.once('exit', resolve))
    const panicked = await until(10_000, async () => panicsOf(world) > panics)
    tracer.kill('SIGINT')
    await gone
    if (!panicked) throw new FaultError('no fdatasync failed')
    await world.startPostgres(port)
  },
}

function panicsOf({ folder }: World): number {
  return readFileSync(path.join(folder, 'postgres.log'), 'utf8').split('PANIC:').length
}

async function until(withinMs: number, probe: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (!(await probe())) {
    if (performance.now() > deadline) return false
    await pause(20)
  }
  return true
}

const smallDiskMiB = 96

/** The disk of the write-ahead log is full: a small one of its own, for as long as this takes. */
const diskFull: Fault = {
  name: 'disk full for 4 s (write-ahead log)',
  within: afterDependency,
  missing: () =>
    failureOf('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']) &&
    'needs the right to mount a tmpfs',
  run: async (world) => {
    const disk = path.join(world.folder, 'small-disk')
    const ballast = path.join(disk, 'ballast')
    try {
      await moveLogTo(world, disk)
      fill(ballast)
      const full = await until(10_000, () => refusesToWrite(world))
      if (!full) throw new FaultError('the disk did not get full')
      await pause(4_000)
      rmSync(ballast)
    } finally {
      await moveLogBack(world, disk)
    }
  },
}

function fill(file: string): void {
  for (let mib = 1; mib < smallDiskMiB; mib += 1) {
    try {
      writeFileSync(file, Buffer.alloc(1024 * 1024), { flag: 'a' })
    } catch {
      return
    }
  }
}

/** Asks for segment after segment of the log, until there is none. */
async function refusesToWrite(world: World): Promise<boolean> {
  const client = await world.connect().catch(() => undefined)
  if (client === undefined) return true
  try {
    await client.query('create temp table if not exists nothing ()')
    await client.query("select pg_logical_emit_message(true, 'fault', 'x'), pg_switch_wal()")
    return false
  } catch {
    return true
  } finally {
    await client.end().catch(() => {})
  }
}

const logOf = ({ folder }: World) => path.join(folder, 'postgres', 'pg_wal')

/** A clean stop needs the last segment alone; what is kept for later use is left behind. */
async function moveLogTo(world: World, disk: string): Promise<void> {
  const { port } = world.postgres
  let current = ''
  await onPostgres(world, async (client) => {
    const { rows } = await client.query('select pg_walfile_name(pg_current_wal_lsn()) as name')
    current = rows[0].name
  })
  await world.postgres.stop()
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${smallDiskMiB}m,mode=0711`, 'tmpfs', disk])
  const [log, moved] = [logOf(world), path.join(disk, 'log')]
  mkdirSync(moved, { mode: 0o700 })
  for (const name of readdirSync(log).sort()) {
    const needed = !/^[0-9A-F]{24}$/.test(name) || name === current || isNext(name, current)
    if (needed) cpSync(path.join(log, name), path.join(moved, name), { recursive: true })
  }
  renameSync(log, `${log}.whole`)
  symlinkSync(moved, log)
  giveToServer(moved)
  await world.startPostgres(port)
}

/** A checkpoint at the end of a segment is in the next one. */
function isNext(name: string, current: string): boolean {
  // Timeline, then the number in two halves: the last counts segments of 16 MiB to 4 GiB.
  const number = (of: string) =>
    Number.parseInt(of.slice(8, 16), 16) * 256 + Number.parseInt(of.slice(16), 16)
  return name.slice(0, 8) === current.slice(0, 8) && number(name) === number(current) + 1
}

async function moveLogBack(world: World, disk: string): Promise<void> {
  const { port } = world.postgres
  if (!world.postgres.isRunning()) await world.startPostgres(port)
  await until(20_000, async () => !(await refusesToWrite(world)))
  await world.postgres.stop()
  const [log, moved] = [logOf(world), path.join(disk, 'log')]
  if (existsSync(`${log}.whole`)) {
    rmSync(log)
    rmSync(`${log}.whole`, { recursive: true })
    cpSync(moved, log, { recursive: true })
    giveToServer(log)
  }
  if (existsSync(moved)) execFileSync('umount', [disk])
  rmSync(disk, { recursive: true, force: true })
  await world.startPostgres(port)
}

function giveToServer(folder: string): void {
  const owner = serverOwner()
  if (owner === undefined) return
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  for (const name of ['', ...names]) chownSync(path.join(folder, name), owner.uid, owner.gid)
}

export const postgresFaults: readonly Fault[] = [
  ended('stopped at once', 'SIGQUIT'),
  ended('killed', 'SIGKILL'),
  frozen,
  terminated,
  locked,
  noConnectionLeft,
  syncFails,
  diskFull,
]
