/**
 * An engine of real processes to break or to drive: Postgres and Redis of its own, intakes and workers
 * that are started again when they die; behind proxies where faults need them. Only processes that it
 * started are ended, by their ids.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createWriteStream, mkdtempSync, rmSync, type WriteStream } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { readEmbeddedPostgresPassword } from '../../src/platform/config/key-store.ts'
import { createKeyring } from '../../src/platform/config/keyring.ts'
import { migrateDatabase } from '../../src/platform/installation/database.ts'
import { loginUrl, makeLogins } from '../../src/platform/postgres/embedded-logins.ts'
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/postgres/embedded-postgres.ts'
import { freePort } from '../../src/platform/process/free-port.ts'
import { endWithThisProcess } from '../../src/platform/process/guard.ts'
import { startRedis, type TestRedis } from '../../tests/support/redis.ts'
import { sayInChinese, TcpProxy } from './proxy.ts'
import { WalReceiver } from './standby.ts'

/** Named in every receipt, and where the queue's keys are. */
export const environment = 'faults'

export type BackendKind = 'redis' | 'postgres'

const preloaded = fileURLToPath(new URL('./misbehave.mjs', import.meta.url))
const entryPoints = {
  intake: fileURLToPath(new URL('../../src/commands/intake.ts', import.meta.url)),
  worker: fileURLToPath(new URL('../../workers/post.ts', import.meta.url)),
  'batch-worker': fileURLToPath(new URL('../../workers/batches.ts', import.meta.url)),
}
export type ProcessKind = keyof typeof entryPoints

/** What Node and tests give to every process. */
const ofNode = Object.fromEntries(
  ['NODE_COMPILE_CACHE', 'NODE_OPTIONS', 'SPILLWAY_TEST_BUNDLES'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  }),
)

/** A process that takes longer to come up has failed. */
const aliveMsMax = 45_000

/** A process that is started again whenever it ends, until it is stopped. */
export class Supervised {
  readonly kind: ProcessKind
  readonly #env: Record<string, string>
  readonly #log: WriteStream
  readonly #execArgv: string[]
  #child: ChildProcess | undefined
  #ready: Promise<void> = Promise.resolve()
  #gone: Promise<void> = Promise.resolve()
  #stopped = false
  /** Of its next start alone. */
  #once: Record<string, string> = {}
  address = ''
  deaths = 0
  /** Where it answers /metrics. */
  readonly port: number

  constructor(
    kind: ProcessKind,
    env: Record<string, string>,
    log: WriteStream,
    { misbehaving }: Pick<WorldOptions, 'misbehaving'>,
  ) {
    this.kind = kind
    this.#execArgv = misbehaving ? ['--import', preloaded] : []
    this.#env = env
    this.#log = log
    this.port = Number(env.WORKER_PORT ?? env.OPERATORS_PORT)
  }

  get pid(): number {
    return this.#child?.pid ?? -1
  }

  start(): void {
    const once = this.#once
    this.#once = {}
    const child = fork(entryPoints[this.kind], {
      env: {
        PATH: process.env.PATH ?? '',
        ...ofNode,
        LOG_LEVEL: 'warn',
        ...this.#env,
        ...once,
      },
      execArgv: this.#execArgv,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true, // Ctrl-C in the terminal is for the runner alone
    })
    endWithThisProcess(child.pid)
    this.#child = child
    child.stdout?.pipe(this.#log, { end: false })
    child.stderr?.pipe(this.#log, { end: false })
    this.#gone = new Promise((resolve) => child.once('exit', () => resolve()))
    this.#ready = new Promise((resolve) => {
      child.on('message', (message: { ready?: boolean; address?: string }) => {
        if (message.ready !== true) return
        this.address = message.address ?? ''
        resolve()
      })
    })
    child.once('exit', () => {
      this.deaths += 1
      const again = () => this.#stopped || this.#child !== child || this.start()
      setTimeout(again, 100)
    })
  }

  /** Its next life has these variables besides. */
  nextLife(env: Record<string, string>): void {
    this.#once = env
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name)
  }

  /** Ends this life, and waits for the next to be ready. */
  async restart(name: NodeJS.Signals): Promise<void> {
    const gone = this.#gone
    this.signal(name)
    await gone
    await this.aliveAgain()
  }

  /** Waits for the end of this life. */
  async death(withinMs: number): Promise<boolean> {
    return Promise.race([this.#gone.then(() => true), pause(withinMs, false)])
  }

  /** Waits until it has ended so many times in all. */
  async deathsReach(count: number, withinMs: number): Promise<boolean> {
    const until = performance.now() + withinMs
    while (this.deaths < count && performance.now() < until) await pause(20)
    return this.deaths >= count
  }

  /** Waits until a life that began after the last end is ready. */
  async aliveAgain(): Promise<void> {
    await pause(150)
    await this.alive()
  }

  /** Waits until a life is ready: where one ends before it is, the next one's readiness counts. */
  async alive(): Promise<void> {
    const until = performance.now() + aliveMsMax
    while (!(await Promise.race([this.#ready.then(() => true), pause(250, false)]))) {
      if (performance.now() > until) throw new Error(`a ${this.kind} does not come up`)
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.signal('SIGCONT')
    this.signal('SIGTERM')
    if (!(await Promise.race([this.#gone.then(() => true), pause(30_000, false)]))) {
      this.signal('SIGKILL')
    }
    await this.#gone
  }
}

export type WorldOptions = {
  readonly intakes: number
  readonly workers: number
  readonly batchWorkers: number
  /** Some faults are of the way to Postgres and Redis; a proxy costs time. */
  readonly proxied: boolean
  /** Each commit must reach a standby. */
  readonly standby?: boolean
  /** Its processes can be told to misbehave; loading that takes them seconds. */
  readonly misbehaving?: boolean
}

/** Of the world's standby. */
export const standbyNames = 'ANY 1 (standby)'

const toBreak: WorldOptions = {
  intakes: 2,
  workers: 2,
  batchWorkers: 0,
  proxied: true,
  standby: true,
  misbehaving: true,
}

export class World {
  readonly backend: BackendKind
  readonly folder = mkdtempSync(path.join(tmpdir(), 'spillway-faults-'))
  readonly keyringFile = path.join(this.folder, 'keyring.json')
  readonly #options: WorldOptions
  readonly #log: WriteStream
  intakes: Supervised[] = []
  workers: Supervised[] = []
  batchWorkers: Supervised[] = []
  postgres!: EmbeddedPostgres
  postgresProxy: TcpProxy | undefined
  standby: WalReceiver | undefined
  redis: TestRedis | undefined
  redisProxy: TcpProxy | undefined
  #redisPort = 0
  /** Masters of before, which follow the one of now. */
  readonly #retired: TestRedis[] = []

  constructor(backend: BackendKind, options: WorldOptions = toBreak) {
    this.backend = backend
    this.#options = options
    this.#log = createWriteStream(this.logFile)
    // Each life of each process has two pipes into it.
    this.#log.setMaxListeners(0)
  }

  async start(): Promise<void> {
    const { intakes, workers, batchWorkers, proxied, standby } = this.#options
    createKeyring(this.keyringFile, new Date())
    await this.startPostgres(await freePort('127.0.0.1'))
    await makeLogins(this.postgres.ownerUrl)
    await migrateDatabase(this.postgres.ownerUrl)
    if (standby) await this.#follow()
    if (proxied) {
      const rewriting = { reply: sayInChinese }
      this.postgresProxy = await new TcpProxy(this.postgres.port, rewriting).start()
    }
    if (this.backend === 'redis') {
      this.#redisPort = await freePort('127.0.0.1')
      await this.startRedis()
      if (proxied) this.redisProxy = await new TcpProxy(this.#redisPort).start()
    }
    const kinds: ProcessKind[] = [
      ...Array<ProcessKind>(intakes).fill('intake'),
      ...Array<ProcessKind>(workers).fill('worker'),
      ...Array<ProcessKind>(batchWorkers).fill('batch-worker'),
    ]
    await Promise.all(kinds.map((kind) => this.add(kind)))
  }

  /** Starts a standby, and has each commit wait for it. */
  async #follow(): Promise<void> {
    this.standby = new WalReceiver('standby', () => this.postgres.ownerUrl)
    this.standby.start()
    const client = await this.connect()
    await setStandbys(client, standbyNames)
    await client.end()
  }

  /** Starts one process more; resolves when it is ready. */
  async add(kind: ProcessKind): Promise<void> {
    const [port = '', open = ''] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')].map(
      String,
    )
    const env = this.#environment(kind)
    const own = kind === 'intake' ? { PORT: open, OPERATORS_PORT: port } : { WORKER_PORT: port }
    const one = new Supervised(kind, { ...env, ...own }, this.#log, this.#options)
    this.#of(kind).push(one)
    one.start()
    await one.alive()
  }

  /** Stops the one that was started last. */
  async remove(kind: ProcessKind): Promise<void> {
    await this.#of(kind).pop()?.stop()
  }

  #of(kind: ProcessKind): Supervised[] {
    return { intake: this.intakes, worker: this.workers, 'batch-worker': this.batchWorkers }[kind]
  }

  get processes(): readonly Supervised[] {
    return [...this.intakes, ...this.workers, ...this.batchWorkers]
  }

  async startPostgres(port: number): Promise<void> {
    const ownerPassword = readEmbeddedPostgresPassword(this.keyringFile)
    this.postgres = await startEmbeddedPostgres({
      dataDir: this.folder,
      ownerPassword,
      port,
      guarded: true,
    })
  }

  /** Starts an empty one on the same port. */
  async startRedis(): Promise<void> {
    this.redis = await startRedis({ port: this.#redisPort, detached: true })
  }

  /** Another Redis is the master now: new connections lead there, and the old one lives on. */
  retireRedis(taking: TestRedis): void {
    if (this.redis !== undefined) this.#retired.push(this.redis)
    this.redis = taking
    this.#redisPort = Number(new URL(taking.url).port)
    this.redisProxy?.retarget(this.#redisPort)
  }

  /** A connection of the runner's own, past the proxy. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.postgres.ownerUrl,
      application_name: 'fault-runner',
      connectionTimeoutMillis: 5_000,
    })
    client.on('error', () => {})
    await client.connect()
    return client
  }

  /** At the end of a run: what was broken is there again. */
  assertWhole(): void {
    for (const one of this.processes) process.kill(one.pid, 0)
    if (!this.postgres.isRunning()) throw new Error('Postgres is gone at the end of the run')
  }

  /** What its processes wrote. */
  get logFile(): string {
    return path.join(this.folder, 'processes.log')
  }

  async stop(keepFolder: boolean): Promise<void> {
    await Promise.all(this.processes.map((one) => one.stop()))
    await this.postgresProxy?.stop()
    await this.redisProxy?.stop()
    await this.redis?.stop()
    await this.standby?.stop()
    for (const redis of this.#retired) await redis.stop()
    // It may have failed to start.
    await (this.postgres as EmbeddedPostgres | undefined)?.stop()
    this.#log.end()
    if (!keepFolder) rmSync(this.folder, { recursive: true, force: true })
  }

  #environment(kind: ProcessKind): Record<string, string> {
    const url = new URL(loginUrl(this.postgres.ownerUrl, kind))
    if (this.postgresProxy !== undefined) url.port = String(this.postgresProxy.port)
    const redisUrl = this.redisProxy ? `redis://127.0.0.1:${this.redisProxy.port}` : this.redis?.url
    return {
      DATABASE_URL: url.href,
      KEYRING_FILE: this.keyringFile,
      DATA_DIR: path.join(this.folder, 'processes'),
      ENVIRONMENT: environment,
      BUSY_MS: '12000',
      ...(redisUrl && { REDIS_URL: redisUrl }),
      ...(this.standby && { SYNCHRONOUS_STANDBYS: '1' }),
    }
  }
}

/** Resolves when commits that begin wait for these. */
export async function setStandbys(client: pg.Client, names: string): Promise<void> {
  await client.query(`alter system set synchronous_standby_names = '${names}'`)
  await client.query('select pg_reload_conf()')
  for (;;) {
    const { rows } = await client.query('show synchronous_standby_names')
    if (rows[0]?.synchronous_standby_names === names) return
    await pause(20)
  }
}
