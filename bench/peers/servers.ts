/**
 * The servers that all systems share, each in its turn: one Postgres with a database for each turn, a
 * Redis that keeps nothing, which is enough for Spillway, and one that writes every command to disk
 * before it answers, without which BullMQ alone would lose what was acknowledged. They can be killed
 * and started again at the same addresses.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Redis } from 'ioredis'
import pg from 'pg'
import { readEmbeddedPostgresPassword } from '../../src/platform/config/key-store.ts'
import { createKeyring } from '../../src/platform/config/keyring.ts'
import { migrateDatabase } from '../../src/platform/installation/database.ts'
import { makeLogins } from '../../src/platform/postgres/embedded-logins.ts'
import {
  databaseName,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/postgres/embedded-postgres.ts'
import { freePort } from '../../src/platform/process/free-port.ts'
import { removeWithThisProcess } from '../../src/platform/process/guard.ts'
import { startRedis, type TestRedis } from '../../tests/support/redis.ts'

export type RedisKind = 'forgetting' | 'durable'

export class Servers {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'spillway-peers-'))
  readonly keyringFile = path.join(this.#folder, 'keyring.json')
  readonly #redis = new Map<RedisKind, TestRedis>()
  #postgres!: EmbeddedPostgres
  #databases = 0

  async start(): Promise<void> {
    removeWithThisProcess(this.#folder)
    createKeyring(this.keyringFile, new Date())
    await this.startPostgres(await freePort('127.0.0.1'))
    await makeLogins(this.#postgres.ownerUrl)
    await migrateDatabase(this.#postgres.ownerUrl)
    await this.startRedis('forgetting', await freePort('127.0.0.1'))
    await this.startRedis('durable', await freePort('127.0.0.1'))
  }

  get postgresPid(): number {
    return this.#postgres.pid
  }

  redisPid(kind: RedisKind): number {
    return this.#redisOf(kind).pid
  }

  redisUrl(kind: RedisKind): string {
    return this.#redisOf(kind).url
  }

  /** Makes a migrated, empty database. */
  async createDatabase(): Promise<string> {
    this.#databases += 1
    const name = `turn_${this.#databases}`
    await this.#administer(`create database ${name} template ${databaseName}`)
    const url = new URL(this.#postgres.ownerUrl)
    url.pathname = `/${name}`
    return url.href
  }

  async dropDatabase(url: string): Promise<void> {
    await this.#administer(`drop database ${new URL(url).pathname.slice(1)} with (force)`)
  }

  /** Empties it; what the one before wrote is not the next one's cost. */
  async clear(kind: RedisKind): Promise<void> {
    const redis = new Redis(this.redisUrl(kind))
    await redis.flushall()
    redis.disconnect()
  }

  /** Memory of what it holds, without buffers of its clients and of what is being written. */
  async redisBytes(kind: RedisKind): Promise<number> {
    const redis = new Redis(this.redisUrl(kind))
    const memory = await redis.info('memory')
    redis.disconnect()
    const bytes = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(memory)?.[1])
    return bytes('used_memory') - bytes('mem_clients_normal') - bytes('mem_aof_buffer')
  }

  /** SIGKILL, then a start on the same data and port. */
  async restartPostgres(): Promise<void> {
    const { pid, port } = this.#postgres
    process.kill(pid, 'SIGKILL')
    await this.startPostgres(port)
  }

  /** SIGKILL, then a start on the same port: with what is on disk, or empty. */
  async restartRedis(kind: RedisKind): Promise<void> {
    const redis = this.#redisOf(kind)
    await redis.stop()
    await this.startRedis(kind, Number(new URL(redis.url).port))
  }

  async startPostgres(port: number): Promise<void> {
    const ownerPassword = readEmbeddedPostgresPassword(this.keyringFile)
    this.#postgres = await startEmbeddedPostgres({
      dataDir: this.#folder,
      ownerPassword,
      port,
      guarded: true,
    })
  }

  async startRedis(kind: RedisKind, port: number): Promise<void> {
    const durableIn = path.join(this.#folder, 'redis')
    mkdirSync(durableIn, { recursive: true })
    this.#redis.set(kind, await startRedis({ port, ...(kind === 'durable' && { durableIn }) }))
  }

  async stop(): Promise<void> {
    for (const redis of this.#redis.values()) await redis.stop()
    await this.#postgres?.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #redisOf(kind: RedisKind): TestRedis {
    const redis = this.#redis.get(kind)
    if (redis === undefined) throw new Error(`no Redis that is ${kind}`)
    return redis
  }

  async #administer(statement: string): Promise<void> {
    const url = new URL(this.#postgres.ownerUrl)
    url.pathname = '/postgres'
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    await client.query(statement)
    await client.end()
  }
}
