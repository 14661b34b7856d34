/**
 * The embedded default: a real Postgres of the engine's own, in DATA_DIR, on a free port of
 * 127.0.0.1. Its data survive; a death at any point leaves what the next start can go on from.
 *
 *   no cluster ──initdb into postgres.new, rename──▶ cluster ──start──▶ running ──stop──▶ cluster
 *   running, its supervisor dead ──start──▶ running (adopted)
 *
 * If its supervisor is killed
 *  - before it told the guard: nothing was started;
 *  - from then on, until it lets the server outlive it: the guard ends initdb or Postgres, whether its id was
 *    known or not, as it is found by its folder; the next start makes the draft anew, or recovers;
 *  - after that: the server goes on, and the next start adopts it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from '../process/free-port.ts'
import { endServerWithThisProcess, letServerOutliveThisProcess } from '../process/guard.ts'
import { isAlive, type ProcessIdentity, startTimeOf } from '../process/process-identity.ts'
import {
  EmbeddedPostgresError,
  findNativeFolder,
  postgresCommand,
  serverOwner,
} from './postgres-binaries.ts'

export type EmbeddedPostgres = {
  /** The owner's URL of the engine's database. */
  readonly ownerUrl: string
  readonly pid: number
  readonly port: number
  isRunning(): boolean
  /** From now on it outlives this process, unless it is guarded: a next start goes on with it. */
  outlive(): void
  /** Fast shutdown; resolves when the server is gone. May be called twice. */
  stop(): Promise<void>
}

export type EmbeddedPostgresOptions = {
  readonly dataDir: string
  readonly ownerPassword: string
  /** Where to listen; a free port unless set. */
  readonly port?: number
  /** It ends with this process, however that ends. Otherwise that is so until it may outlive it. */
  readonly guarded?: boolean
}

export const ownerName = 'spillway_owner'
export const databaseName = 'spillway'

/** Crash recovery after a long peak can take this long; the server says that it is starting. */
const startMsMax = 120_000
/** A query of a killed server runs to its end, which its statement time-out bounds. */
const afterKillMsMax = 60_000
const stopMsMax = 30_000
const pollMs = 20

/** Durable, and silent about what statements hold. */
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // Twice what an installation takes with its queue in the same Postgres: a rehearsal has its database here too.
  max_connections: '200',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  fsync: 'on',
  synchronous_commit: 'on',
  log_min_messages: 'warning',
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
  log_parameter_max_length_on_error: '0',
} as const

/** Starts the Postgres of a DATA_DIR, or adopts the one that runs there already. */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o711 })
  const cluster = clusterOf(options.dataDir)
  endServerWithThisProcess(cluster)
  const running = await findOrStart(options)
  const { identity, port } = running
  const url = urlOf(options, port)
  await createDatabase(url)
  return {
    ownerUrl: url.href,
    pid: identity.pid,
    port,
    isRunning: () => isAlive(identity),
    outlive: () => {
      if (options.guarded !== true) letServerOutliveThisProcess(cluster)
    },
    stop: async () => {
      await stopServer(identity)
      letServerOutliveThisProcess(cluster) // none is left; the next one is of another start
    },
  }
}

/** The owner's URL of a DATA_DIR's Postgres that runs and is ready; undefined otherwise. */
export async function findEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<string | undefined> {
  const running = findServer(options.dataDir)
  return running?.ready ? urlOf(options, running.port).href : undefined
}

type Server = {
  readonly identity: ProcessIdentity
  readonly port: number
  readonly ready: boolean
}

const clusterOf = (dataDir: string) => path.join(dataDir, 'postgres')
const pidFileOf = (dataDir: string) => path.join(clusterOf(dataDir), 'postmaster.pid')
const logOf = (dataDir: string) => path.join(dataDir, 'postgres.log')

/** What postmaster.pid says, if its process lives and is a server of this cluster. */
function findServer(dataDir: string): Server | undefined {
  let lines: string[]
  try {
    lines = readFileSync(pidFileOf(dataDir), 'utf8').split('\n')
  } catch {
    return undefined
  }
  const pid = Number(lines[0])
  const startTime = startTimeOf(pid)
  if (startTime === undefined || !commandOf(pid).includes(clusterOf(dataDir))) return undefined
  const ready = lines[7]?.trim() === 'ready'
  return { identity: { pid, startTime }, port: Number(lines[3]), ready }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** A server that is ready. After one that was killed, its last queries must end first. */
async function findOrStart(options: EmbeddedPostgresOptions): Promise<Server> {
  const killed = existsSync(pidFileOf(options.dataDir))
  const deadline = performance.now() + (killed ? afterKillMsMax : 0)
  for (;;) {
    const server = findServer(options.dataDir) ?? (await startServer(options))
    try {
      await waitUntilReady(options, server)
      return server
    } catch (error) {
      if (performance.now() > deadline || isAlive(server.identity)) throw error
      await pause(pollMs * 10)
    }
  }
}

async function startServer(options: EmbeddedPostgresOptions): Promise<Server> {
  const cluster = clusterOf(options.dataDir)
  if (!existsSync(cluster)) await makeCluster(options)
  // Left by a server that is dead; another process may have its id by now, which stops Postgres.
  // What guards the data besides is the memory that a dead server's last processes still hold.
  rmSync(pidFileOf(options.dataDir), { force: true })
  const port = options.port ?? (await freePort('127.0.0.1'))
  const set = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const program = path.join(findNativeFolder(), 'bin', 'postgres')
  const log = openSync(logOf(options.dataDir), 'a', 0o600)
  const child = run(program, ['-D', cluster, '-p', `${port}`, ...set], cluster, log)
  closeSync(log)
  child.unref()
  const pid = child.pid as number
  return { identity: { pid, startTime: startTimeOf(pid) ?? '' }, port, ready: false }
}

function run(program: string, args: readonly string[], cluster: string, log: number): ChildProcess {
  const { command, args: all, identity } = postgresCommand(program, args, cluster)
  return spawn(command, all, {
    ...identity,
    cwd: '/', // a folder that every user may enter
    env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
    stdio: ['ignore', log, log],
    detached: true, // Ctrl-C in the terminal must not reach it before the engine has stopped
  })
}

/** Makes a new cluster beside its place and moves it there: half a cluster is never found. */
async function makeCluster({ dataDir, ownerPassword }: EmbeddedPostgresOptions): Promise<void> {
  assertNamedUser()
  const draft = `${clusterOf(dataDir)}.new`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { mode: 0o700 })
  const secret = mkdtempSync(path.join(tmpdir(), 'spillway-'))
  const passwordFile = path.join(secret, 'password')
  writeFileSync(passwordFile, ownerPassword, { mode: 0o600 })
  chmodSync(secret, 0o711)
  const owner = serverOwner()
  for (const file of owner === undefined ? [] : [draft, passwordFile]) {
    chownSync(file, owner?.uid ?? 0, owner?.gid ?? 0)
  }
  const log = openSync(logOf(dataDir), 'a', 0o600)
  try {
    const program = path.join(findNativeFolder(), 'bin', 'initdb')
    const args = [
      '-D',
      draft,
      '-U',
      ownerName,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
    ]
    const child = run(program, args, draft, log)
    const code = await new Promise((resolve) => {
      child.once('exit', resolve)
      child.once('error', resolve)
    })
    if (code !== 0) throw failedToStart(dataDir)
    renameSync(draft, clusterOf(dataDir))
  } finally {
    closeSync(log)
    rmSync(secret, { recursive: true, force: true })
  }
}

/** initdb looks the user up; a container may run as a number that has no name. */
function assertNamedUser(): void {
  try {
    userInfo()
  } catch {
    throw new EmbeddedPostgresError(
      `The user id ${process.getuid?.()} has no name on this machine, and Postgres needs one: add it to /etc/passwd, run as another user, or set DATABASE_URL.`,
    )
  }
}

function failedToStart(dataDir: string): EmbeddedPostgresError {
  const log = logOf(dataDir)
  const lines = readFileSync(log, 'utf8').trim().split('\n').slice(-5).join('\n  ')
  return new EmbeddedPostgresError(`Postgres did not start. ${log} ends with:\n  ${lines}`)
}

function urlOf(
  { ownerPassword }: EmbeddedPostgresOptions,
  port: number,
  database = databaseName,
): URL {
  return new URL(
    `postgres://${ownerName}:${encodeURIComponent(ownerPassword)}@127.0.0.1:${port}/${database}`,
  )
}

async function waitUntilReady(options: EmbeddedPostgresOptions, server: Server): Promise<void> {
  const deadline = performance.now() + startMsMax
  while (!(await accepts(urlOf(options, server.port, 'postgres')))) {
    if (!isAlive(server.identity) || performance.now() > deadline) {
      throw failedToStart(options.dataDir)
    }
    await pause(pollMs)
  }
}

async function accepts(url: URL): Promise<boolean> {
  const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch (error) {
    // 28P01: it is up, but the keyring's password is not the one the cluster was made with.
    if ((error as { code?: unknown }).code === '28P01') {
      throw new EmbeddedPostgresError(
        'The keyring does not fit the data in DATA_DIR: restore the keyring that was made with it.',
      )
    }
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

async function createDatabase(url: URL): Promise<void> {
  const admin = new URL(url)
  admin.pathname = '/postgres'
  const client = new pg.Client(admin.href)
  await client.connect()
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [
      databaseName,
    ])
    if (rowCount === 0) await client.query(`create database ${databaseName}`)
  } finally {
    await client.end()
  }
}

async function stopServer(identity: ProcessIdentity): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    if (isAlive(identity)) process.kill(identity.pid, signal)
    const deadline = performance.now() + stopMsMax
    while (isAlive(identity) && performance.now() < deadline) await pause(pollMs)
  }
}
