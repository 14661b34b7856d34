/** TLS to Postgres and Redis: who answers is who the certificate says, or nothing is sent. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { sentenceOf } from '../../src/platform/command/failure.ts'
import { readConfig } from '../../src/platform/config/config.ts'
import { createQueueWatch } from '../../src/platform/installation/queue-watch.ts'
import { openPool } from '../../src/platform/postgres/postgres.ts'
import { freePort } from '../../src/platform/process/free-port.ts'
import { endWithThisProcess } from '../../src/platform/process/guard.ts'
import type { Logger } from '../../src/platform/process/logger.ts'
import { openRedisBackend } from '../../src/queue/redis-backend.ts'
import { createAuthority } from '../support/certificates.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { findRedisServer } from '../support/redis-server.ts'
import { waitFor } from '../support/wait.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'tls-'))
const own = createAuthority('own')
const another = createAuthority('another')
const save = (name: string, text: string) => {
  const file = path.join(folder, name)
  writeFileSync(file, text)
  return file
}
const ownCa = save('own.pem', own.cert)
const anotherCa = save('another.pem', another.cert)
/** Of a name, and of no address. */
const server = own.certify(['localhost'])
const [cert, key] = [save('server.pem', server.cert), save('server.key', server.key)]

let database: TestDatabase
let admin: pg.Client
beforeAll(async () => {
  database = await createDatabase()
  admin = new pg.Client({ connectionString: inject('postgresUrl') })
  await admin.connect()
  chmodSync(folder, 0o755)
  const { uid, gid } = statSync(path.join(inject('postgresDataDir'), 'postgres'))
  if (process.getuid?.() === 0) chownSync(key, uid, gid)
  chmodSync(key, 0o600)
})
afterAll(async () => {
  await admin.query('alter system reset ssl')
  await admin.query('select pg_reload_conf()')
  await admin.end()
  await database.drop()
  rmSync(folder, { recursive: true })
})

/** The URL of the test's database, by another name of its host and with TLS. */
function urlOf(host: string, ca: string): string {
  const url = new URL(database.url)
  url.hostname = host
  url.searchParams.set('sslmode', 'verify-full')
  url.searchParams.set('sslrootcert', ca)
  return url.href
}

/** @returns whether its connection is by TLS, as the server has it; or what a command would say */
async function ask(url: string): Promise<boolean | string> {
  const pool = openPool({ url, name: 'tls', connectionsMax: 1, statementMsMax: 20_000 })
  try {
    const { rows } = await pool.query('select pg_backend_pid() as pid')
    const found = await admin.query('select ssl from pg_stat_ssl where pid = $1', [rows[0].pid])
    return found.rows[0].ssl
  } catch (error) {
    return sentenceOf(error)
  } finally {
    await pool.end()
  }
}

describe('Postgres', () => {
  test('without TLS is refused where it is asked for, and nothing is sent to it', async () => {
    expect(await ask(urlOf('localhost', ownCa))).toBe(
      'The server of DATABASE_URL speaks no TLS, which is asked for: nothing was sent to it. Switch TLS on there, or see who answers in its place.',
    )
  })

  describe('by TLS', () => {
    beforeAll(async () => {
      await admin.query(`alter system set ssl_cert_file = '${cert}'`)
      await admin.query(`alter system set ssl_key_file = '${key}'`)
      await admin.query('alter system set ssl = on')
      await admin.query('select pg_reload_conf()')
      await waitFor('Postgres to speak TLS', async () => {
        const found = await ask(urlOf('localhost', ownCa))
        return found === true
      })
    })

    test('is taken with the certificate of its authority and its name', async () => {
      expect(await ask(urlOf('localhost', ownCa))).toBe(true)
    })

    test.each([
      ['of another authority', () => urlOf('localhost', anotherCa), /no authority vouches for/],
      ['of another host', () => urlOf('127.0.0.1', ownCa), /a certificate of another host/],
    ])('is refused with a certificate %s, in one sentence', async (_, url, said) => {
      const found = await ask(url())
      expect(found).toMatch(said)
      expect(found).toMatch(/^The server of DATABASE_URL .*\.$/)
    })

    test('a statement that takes too long is cancelled there, too', async () => {
      const pool = openPool({
        ...{ url: urlOf('localhost', ownCa), name: 'cancelled', connectionsMax: 1 },
        statementMsMax: 60_000,
      })
      const client = await pool.connect()
      const sleeping = client.query('select pg_sleep(50)').then(
        () => 'slept',
        (error: { code?: string }) => error.code,
      )
      await waitFor('it to sleep', async () => {
        const { rowCount } = await admin.query(
          "select from pg_stat_activity where application_name = 'cancelled' and wait_event = 'PgSleep'",
        )
        return rowCount === 1
      })
      expect(await (client as unknown as { cancel(): Promise<boolean> }).cancel()).toBe(true)
      expect(await sleeping).toBe('57014')
      client.release()
      await pool.end()
    })
  })
})

describe('Redis', () => {
  let port: number
  let stop: () => Promise<unknown>
  beforeAll(async () => {
    const { command, libraries } = findRedisServer()
    port = await freePort('127.0.0.1')
    const settings = [
      ...['--tls-port', `${port}`, '--port', '0', '--bind', '127.0.0.1', '--save', ''],
      ...['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ownCa],
      ...['--tls-auth-clients', 'no', '--dir', folder],
    ]
    const env = { ...process.env, ...(libraries && { LD_LIBRARY_PATH: libraries }) }
    const child = spawn(command, settings, { stdio: 'ignore', env })
    endWithThisProcess(child.pid)
    const gone = once(child, 'exit')
    stop = () => {
      child.kill('SIGKILL')
      return gone
    }
  })
  afterAll(() => stop())

  /** What an operator reads of it, and whether the queue can be used. */
  async function look(url: string, ca: string | undefined) {
    const said: string[] = []
    const note = (one: unknown, more?: string) => void said.push(more ?? String(one))
    const logger = { warn: note, info: note } as unknown as Logger
    const watch = createQueueWatch(logger, () => {})
    const backend = openRedisBackend({ url, ca, namespace: 'tls', onError: watch.note })
    try {
      const found = () =>
        said.find((one) => one.startsWith('The server')) ??
        /ETIMEDOUT|ECONNRESET|EPROTO/.exec(watch.trouble)?.[0]
      return await waitFor('an answer', async () => {
        const { faults } = await backend.check()
        const works = await backend.exchange?.('one', '1', 60_000).then(
          () => 'works',
          () => undefined,
        )
        return found() ?? (faults.length === 0 ? works : undefined)
      })
    } finally {
      await backend.close()
    }
  }

  test('is taken with the certificate of its authority and its name', async () => {
    expect(await look(`rediss://localhost:${port}`, ownCa)).toBe('works')
  })

  test.each([
    ['of another authority', 'localhost', anotherCa, /no authority vouches for/],
    ['that nobody named', 'localhost', undefined, /no authority vouches for/],
    ['of another host', '127.0.0.1', ownCa, /a certificate of another host/],
  ])('is refused with a certificate %s, in one sentence', async (_, host, ca, said) => {
    const found = await look(`rediss://${host}:${port}`, ca)
    expect(found).toMatch(said)
    expect(found).toMatch(/^The server of REDIS_URL .*\.$/)
  })

  test('without TLS is refused where it is asked for', async () => {
    const plain = new URL(inject('redisUrl'))
    plain.protocol = 'rediss:'
    plain.hostname = 'localhost'
    // It waits for the rest of what it takes for a command, and is given up.
    expect(await look(plain.href, ownCa)).toMatch(/^(ETIMEDOUT|ECONNRESET|EPROTO)$|speaks no TLS/)
  })
})

test('settings that look like TLS and verify nobody are refused', () => {
  const faultOf = (env: Record<string, string>) => {
    try {
      readConfig(env)
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }
  const url = 'postgres://a@b/c'
  for (const mode of ['require', 'prefer', 'allow', 'verify-ca', 'no-verify'])
    expect(faultOf({ DATABASE_URL: `${url}?sslmode=${mode}` })).toMatch(/use verify-full/)
  expect(faultOf({ MIGRATE_DATABASE_URL: `${url}?sslmode=require` })).toMatch(
    /^MIGRATE_DATABASE_URL has/,
  )
  expect(faultOf({ DATABASE_URL: `${url}?sslrootcert=${ownCa}` })).toMatch(
    /needs sslmode=verify-full/,
  )
  const nowhere = `${url}?sslmode=verify-full&sslrootcert=/nowhere.pem`
  expect(faultOf({ DATABASE_URL: nowhere })).toMatch(/there is no file \/nowhere.pem/)
  expect(faultOf({ REDIS_URL: 'redis://a', REDIS_CA: ownCa })).toMatch(/starts with rediss/)
  expect(faultOf({ REDIS_URL: 'rediss://a', REDIS_CA: '/nowhere.pem' })).toMatch(/no file/)
  expect(faultOf({ DATABASE_URL: `${url}?sslmode=disable` })).toBeUndefined()
  expect(faultOf({ DATABASE_URL: `${url}?sslmode=verify-full` })).toBeUndefined()
})
