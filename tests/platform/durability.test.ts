/** Settings that could lose what was acknowledged: refused, or said aloud. */
import { Redis } from 'ioredis'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { runCommand } from '../support/command.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { file, freshMetricsOf, startProcess, tokenFor } from '../support/engine.ts'
import { declare } from '../support/journal.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'

let database: TestDatabase
let redis: TestRedis
beforeAll(async () => {
  database = await createDatabase()
  redis = await startRedis()
})
afterAll(async () => {
  await database.drop()
  await redis.stop()
})

/** Written so that no search for the trap finds a real use. */
const weakCommit = `synchronous_commit = ${'off'}`

/** Settings of this database alone; the server's are left as they are. */
async function alter(setting: string): Promise<void> {
  const admin = new pg.Client({ connectionString: inject('postgresUrl') })
  await admin.connect()
  await admin.query(`alter database ${database.name} ${setting}`)
  await admin.end()
}

async function start(env: Record<string, string>) {
  const command = runCommand('src/commands/intake.ts', {
    DATABASE_URL: database.url,
    KEYRING_FILE: inject('keyringFile'),
    PORT: '0',
    ENVIRONMENT: 'production',
    ...env,
  })
  return { code: await command.done, output: command.output() }
}

test.each<[string, string, RegExp, Record<string, string>?]>([
  [
    `set ${weakCommit}`,
    'reset synchronous_commit',
    /synchronous_commit: a crash loses.*alter system set synchronous_commit = on/,
  ],
  [
    'set default_transaction_read_only = on',
    'reset default_transaction_read_only',
    /default_transaction_read_only: nothing can be accepted/,
  ],
  [
    'set synchronous_commit = local',
    'reset synchronous_commit',
    /synchronous_standby_names: the loss of this server loses.*wait for 0 standbys.*asks for 1.*alter system set synchronous_standby_names = 'ANY 1/,
    { SYNCHRONOUS_STANDBYS: '1' },
  ],
])('strict refuses to start with: %s', async (set, reset, sentence, env = {}) => {
  await alter(set)
  try {
    const { code, output } = await start(env)
    expect(code).toBe(1)
    expect(output).toMatch(/nothing is started \(DURABILITY=strict\)/)
    expect(output).toMatch(
      /"region":"340100","assumed":\[.*a policy pack has values that nobody has published/,
    )
    expect(output).toMatch(sentence)
  } finally {
    await alter(reset)
  }
})

test('strict starts and accepts whatever befalls Redis, and says what mends it', async () => {
  const client = new Redis(redis.url)
  await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
  const intake = await startProcess('intake', {
    DATABASE_URL: database.url,
    ENVIRONMENT: 'production',
    REDIS_URL: redis.url,
  })
  const accept = async (key: string) => {
    const declaration = declare()
    const token = await tokenFor([declaration.employer])
    const answer = await file(intake.address, token, key, declaration)
    expect(answer.status).toBe(202)
    const { receipt } = (await answer.json()) as { receipt: { statement: object } }
    expect(receipt.statement).toMatchObject({ environment: 'production' })
  }
  const says = (trouble: string) =>
    waitFor(`it to say: ${trouble}`, async () => {
      const ready = await fetch(`${intake.address}/readyz`)
      expect(ready.status).toBe(200)
      return ((await ready.json()) as { queue?: string }).queue?.startsWith(trouble)
    })
  try {
    await accept('dropping')
    await says('maxmemory-policy')
    expect(await freshMetricsOf(intake)).toMatch(/^spillway_queue_troubles 1$/m)
    expect(intake.output()).toMatch(/config set maxmemory-policy noeviction/)
    await client.replicaof('127.0.0.1', 1)
    await says('maxmemory-policy, replica')
    await accept('demoted')
    await client.config('SET', 'requirepass', 'secret')
    await client.client('KILL', 'TYPE', 'NORMAL')
    await says('NOAUTH')
    await accept('no-password')
  } finally {
    await intake.end()
    client.disconnect()
  }
})

test('warn starts, and says so in readiness, metrics and every receipt; mended, it stops saying so', async () => {
  await alter(`set ${weakCommit}`)
  const intake = await startProcess('intake', {
    DATABASE_URL: database.url,
    ENVIRONMENT: 'production',
    DURABILITY: 'warn',
  })
  try {
    const ready = await fetch(`${intake.address}/readyz`)
    expect([ready.status, await ready.json()]).toMatchObject([
      200,
      { notDurable: 'synchronous_commit' },
    ])
    expect(await freshMetricsOf(intake)).toMatch(/^spillway_not_durable 1$/m)
    const receiptOf = async (key: string) => {
      const declaration = declare()
      const token = await tokenFor([declaration.employer])
      const answer = await file(intake.address, token, key, declaration)
      const { receipt } = (await answer.json()) as {
        receipt: { statement: { environment: string } }
      }
      return receipt.statement.environment
    }
    expect(await receiptOf('weak')).toBe('production, not durable: synchronous_commit')
    await alter('reset synchronous_commit')
    // New connections have the new setting, and each is checked.
    await database.owner.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name like 'spillway-%'`,
    )
    await waitFor('it to notice', async () => {
      const again = (await (await fetch(`${intake.address}/readyz`)).json()) as object
      return !('notDurable' in again) && (await receiptOf(`${Math.random()}`)) === 'production'
    })
  } finally {
    await intake.end()
  }
})

test('strict stops accepting when a setting changes while it runs, and goes on when it is mended', async () => {
  const intake = await startProcess('intake', {
    DATABASE_URL: database.url,
    ENVIRONMENT: 'production',
  })
  const terminate = () =>
    database.owner.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name like 'spillway-%'`,
    )
  const statusOf = async () => {
    const declaration = declare()
    const token = await tokenFor([declaration.employer])
    return (await file(intake.address, token, `${Math.random()}`, declaration)).status
  }
  try {
    expect(await statusOf()).toBe(202)
    await alter(`set ${weakCommit}`)
    await terminate()
    await waitFor('it to refuse', async () => {
      const { status } = await fetch(`${intake.address}/readyz`)
      return status === 503 && (await statusOf()) === 503
    })
    await alter('reset synchronous_commit')
    await terminate()
    await waitFor('it to accept', async () => {
      await fetch(`${intake.address}/readyz`)
      return (await statusOf()) === 202
    })
  } finally {
    await intake.end()
  }
})
