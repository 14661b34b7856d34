/**
 * A system under comparison, Spillway or a peer: one intake process and, unless the request does it
 * all, one worker process, on a database of its own. Whatever ends is started again, as a supervisor
 * would; parts are killed by their process ids.
 */
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { loginUrl } from '../../src/platform/postgres/embedded-logins.ts'
import { freePort } from '../../src/platform/process/free-port.ts'
import { type MeasuredProcess, startProgram } from '../support/processes.ts'
import { isPeer, type PeerName, peers } from './catalogue.ts'
import { prepareLedger } from './ledger.ts'
import type { Peer } from './peer.ts'
import type { RedisKind, Servers } from './servers.ts'

export type SystemName = 'spillway-redis' | 'spillway-postgres' | PeerName
export type Part = 'intake' | 'worker' | 'redis' | 'postgres'

export const systemNames = [
  'spillway-redis',
  'spillway-postgres',
  ...(Object.keys(peers) as PeerName[]),
] as const satisfies readonly SystemName[]

const spillway = {
  'spillway-redis': 'Spillway, queue in Redis',
  'spillway-postgres': 'Spillway, queue in Postgres',
} as const

export const titleOf = (name: SystemName) => (isPeer(name) ? peers[name].title : spillway[name])

const againMs = 200

/** A process that is started again when it ends, until it is stopped. */
class Kept {
  readonly #file: string
  readonly #env: Record<string, string>
  #current: MeasuredProcess | undefined
  #stopped = false
  /** Resolves when its latest life has begun, or none will. */
  #begun: Promise<void> = Promise.resolve()

  constructor(file: string, env: Record<string, string>) {
    this.#file = file
    this.#env = env
  }

  get pid(): number | undefined {
    return this.#current?.pid
  }

  async start(): Promise<void> {
    const started = await startProgram(this.#file, this.#env)
    this.#current = started
    void started.gone.then(() => {
      this.#current = undefined
      this.#begun = this.#startAgain()
    })
  }

  async #startAgain(): Promise<void> {
    let begun = false
    while (!this.#stopped && !begun) {
      await pause(againMs)
      // It may end before it is ready, as long as what it needs is away.
      begun = await this.start().then(
        () => true,
        () => false,
      )
    }
  }

  /** Kills it by its process id; resolves when its next life has begun. */
  async kill(): Promise<void> {
    const life = this.#current
    if (life === undefined) throw new Error(`${this.#file} does not run`)
    process.kill(life.pid, 'SIGKILL')
    await life.gone
    await this.begun()
  }

  async begun(): Promise<void> {
    do await this.#begun
    while (this.#current === undefined && !this.#stopped)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#begun
    await this.#current?.end()
  }
}

export class System {
  readonly name: SystemName
  readonly #servers: Servers
  readonly databaseUrl: string
  readonly #intake: Kept
  readonly #worker: Kept | undefined
  readonly address: string
  readonly owner: pg.Pool

  private constructor(name: SystemName, servers: Servers, databaseUrl: string, port: number) {
    this.name = name
    this.#servers = servers
    this.databaseUrl = databaseUrl
    this.address = `http://127.0.0.1:${port}`
    this.owner = new pg.Pool({ connectionString: databaseUrl, max: 2 })
    this.owner.on('error', () => {})
    const redis = this.redisKind
    const own = !isPeer(name)
    const env = {
      // Peers make tables of their own.
      DATABASE_URL: own ? loginUrl(databaseUrl, 'operator') : databaseUrl,
      KEYRING_FILE: servers.keyringFile,
      PEER: name,
      ...(redis && { REDIS_URL: servers.redisUrl(redis) }),
    }
    const peer = this.#peer
    this.#intake = new Kept(own ? 'src/commands/intake.ts' : 'bench/peers/intake.ts', {
      ...env,
      PORT: String(port),
      OPERATORS_PORT: '0',
    })
    if (own || peer?.startWorker !== undefined) {
      this.#worker = new Kept(own ? 'workers/post.ts' : 'bench/peers/worker.ts', env)
    }
  }

  static async start(name: SystemName, servers: Servers): Promise<System> {
    const databaseUrl = await servers.createDatabase()
    if (isPeer(name)) {
      await prepareLedger(databaseUrl)
      await peers[name].prepare(databaseUrl)
    }
    const system = new System(name, servers, databaseUrl, await freePort('127.0.0.1'))
    if (system.redisKind !== undefined) await servers.clear(system.redisKind)
    await Promise.all([system.#intake.start(), system.#worker?.start()])
    return system
  }

  get #peer(): Peer | undefined {
    return isPeer(this.name) ? peers[this.name] : undefined
  }

  /** The Redis that it uses; undefined for none. */
  get redisKind(): RedisKind | undefined {
    if (this.name === 'spillway-redis') return 'forgetting'
    return this.name === 'bullmq-redis' ? 'durable' : undefined
  }

  get parts(): Part[] {
    return [
      'intake',
      ...(this.#worker === undefined ? [] : (['worker'] as const)),
      ...(this.redisKind === undefined ? [] : (['redis'] as const)),
      'postgres',
    ]
  }

  /** Undefined for a part that it has not, or that is away. */
  pidOf(part: Part): number | undefined {
    switch (part) {
      case 'intake':
        return this.#intake.pid
      case 'worker':
        return this.#worker?.pid
      case 'redis':
        return this.redisKind && this.#servers.redisPid(this.redisKind)
      case 'postgres':
        return this.#servers.postgresPid
    }
  }

  /** SIGKILL by its process id, as if it had crashed; resolves when it and all others are back. */
  async kill(part: Part): Promise<void> {
    if (part === 'intake') await this.#intake.kill()
    else if (part === 'worker') await this.#worker?.kill()
    else if (part === 'postgres') await this.#servers.restartPostgres()
    else if (this.redisKind !== undefined) await this.#servers.restartRedis(this.redisKind)
    await Promise.all([this.#intake.begun(), this.#worker?.begun()])
  }

  /** Lets the worker stand still, so that what is accepted waits. */
  holdWorker(hold: boolean): void {
    const pid = this.pidOf('worker')
    if (pid !== undefined) process.kill(pid, hold ? 'SIGSTOP' : 'SIGCONT')
  }

  get hasWorker(): boolean {
    return this.#worker !== undefined
  }

  /** Whether a declaration that is not posted yet is kept in Postgres: with a worker, and no queue else. */
  get waitsInPostgres(): boolean {
    return this.hasWorker && this.name !== 'bullmq-redis'
  }

  async posted(): Promise<number> {
    const { rows } = await this.owner.query<{ count: string }>(
      'select count(*) from ledger.declaration',
    )
    return Number(rows[0]?.count)
  }

  /** Ids that were accepted and are known to wait still. */
  async held(): Promise<Set<string>> {
    const redis = this.redisKind ?? 'durable'
    const context = { databaseUrl: this.databaseUrl, redisUrl: this.#servers.redisUrl(redis) }
    if (this.#peer !== undefined) return new Set(await this.#peer.held(context))
    const { rows } = await this.owner.query<{ id: string }>(
      'select a.id from journal.unposted u join journal.acceptance a on a.envelope = u.envelope',
    )
    return new Set(rows.map(({ id }) => id))
  }

  async stop(): Promise<void> {
    await Promise.all([this.#intake.stop(), this.#worker?.stop()])
    await this.owner.end()
    await this.#servers.dropDatabase(this.databaseUrl)
  }
}
