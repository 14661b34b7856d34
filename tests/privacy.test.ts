/** Names and identity numbers exist in clear in process memory only. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Entry } from '../src/access/entry.ts'
import { writeXlsx } from '../src/formats/xlsx-writer.ts'
import { readKeyring } from '../src/platform/config/key-store.ts'
import { openPool, postingRole } from '../src/platform/postgres/postgres.ts'
import { readLog } from './support/access.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import {
  type EngineProcess,
  file,
  freshMetricsOf,
  startProcess,
  tokenFor,
} from './support/engine.ts'
import { declare } from './support/journal.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { waitFor } from './support/wait.ts'

const planted = {
  idType: 'resident-id',
  idNumber: '11010519491231002X',
  name: '欧阳密不可见',
} as const
/** The same number with a wrong check digit: its refusal must not be logged with it either. */
const refused = { ...planted, idNumber: '110105194912310021' }

/** How a planted text could lie somewhere: as it is, encoded, or hashed without a key. */
const traces = [planted.idNumber, refused.idNumber, planted.name].flatMap((text) => {
  const bytes = Buffer.from(text)
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 32)
  const escaped = JSON.stringify(text).replace(
    /[^\x20-\x7e]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16)}`,
  )
  return [text, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), hash, escaped]
})

function expectNoTrace(where: string, content: string | Buffer): void {
  for (const trace of traces) expect(content.includes(trace), `${trace} in ${where}`).toBe(false)
}

describe.each(['redis', 'postgres'] as const)('queue on %s', (backend) => {
  let database: TestDatabase
  let redis: TestRedis
  let intake: EngineProcess
  let env: Record<string, string>

  beforeAll(async () => {
    database = await createDatabase()
    redis = await startRedis()
    env = {
      DATABASE_URL: database.url,
      LOG_LEVEL: 'trace',
      ...(backend === 'redis' && { REDIS_URL: redis.url }),
    }
    intake = await startProcess('intake', env)
  })
  afterAll(async () => {
    await intake.end()
    await redis.stop()
    await database.drop()
  })

  test('a planted number and name are in no queue, log, metric, table or file of the database', async () => {
    const declaration = declare({ lines: 1 })
    const lines = [{ ...(declaration.lines ?? [])[0], person: planted }]
    const token = await tokenFor([declaration.employer])
    const send = (key: string, body: unknown) => file(intake.address, token, key, body)
    const answer = await send('planted', { ...declaration, lines })
    expect(answer.status).toBe(202)
    const { id } = (await answer.json()) as { id: string }
    expect(
      (await send('bad', { ...declaration, lines: [{ ...lines[0], person: refused }] })).status,
    ).toBe(422)
    expect((await send('odd', { ...declaration, [planted.idNumber]: planted.name })).status).toBe(
      422,
    )
    expect((await send('broken', `{"name": "${planted.name}", ${planted.idNumber}`)).status).toBe(
      400,
    )
    expect((await file(intake.address, planted.idNumber, 'token', declaration)).status).toBe(401)
    const waiting = await waitFor('the job', async () => {
      const content = await queueContent(backend, redis, database)
      return content.includes('envelope-') && content
    })
    expectNoTrace('the queue', waiting)

    const worker = await startProcess('worker', { ...env, WORKER_PORT: '0' })
    await waitFor('posting', async () => {
      const { rowCount } = await database.owner.query('select 1 from ledger.line')
      return rowCount === 1
    })
    const headers = { authorization: `Bearer ${token}` }
    const standing = await fetch(`${intake.address}/v1/declarations/${id}`, { headers })
    expectNoTrace('the answer of a posted declaration', await standing.text())
    // In an address, too, and in what the access log has of who looked: opened, not as it lies.
    const asked = await fetch(`${intake.address}/v1/declarations/${planted.idNumber}`, { headers })
    expect(asked.status).toBe(404)
    const entries = await waitFor('both looks in the access log', async () => {
      const found = await openedAccessLog(database)
      return found.length > 1 && found
    })
    expect(JSON.stringify(entries)).toContain(id)
    expectNoTrace('the access log, opened', JSON.stringify(entries))
    for (const process of [intake, worker]) expectNoTrace('metrics', await freshMetricsOf(process))
    await worker.end()
    expectNoTrace('the worker’s log', worker.output())
    expectNoTrace('intake’s log', intake.output())
    expect(intake.output()).toContain('intake takes declarations')
    expectNoTrace('the queue, afterwards', await queueContent(backend, redis, database))
    expectNoTrace('a dump of the database', await dump(database))
    await database.owner.query('checkpoint')
    let files = 0
    for (const { name, content } of filesUnder(inject('postgresDataDir'))) {
      expectNoTrace(name, content)
      files += 1
    }
    expect(files).toBeGreaterThan(100)
  })

  test('nor are those in files, good rows and wrong ones, in any format', async () => {
    const employers = Array.from({ length: 4 }, () => declare().employer)
    const token = await tokenFor(employers)
    const headers = { authorization: `Bearer ${token}` }
    const [batches, worker] = await Promise.all([
      startProcess('batches', env),
      startProcess('worker', env),
    ])
    const ids: string[] = []
    for (const [name, content] of await plantedFiles(employers)) {
      const form = new FormData()
      const members = { period: '2024-11', region: '340100', kind: 'regular', mode: 'accept-good' }
      for (const [member, value] of Object.entries(members)) form.set(member, value)
      form.set('file', new Blob([new Uint8Array(content)]), name)
      const answer = await fetch(`${intake.address}/v1/batches`, {
        method: 'POST',
        headers: { ...headers, 'idempotency-key': `planted-${ids.length}` },
        body: form,
      })
      ids.push(((await answer.json()) as { id: string }).id)
    }
    // While their bytes and rows are kept, too.
    for (const look of [['checking', 'filing', 'posting', 'posted'], ['posted']]) {
      for (const id of ids) {
        await waitFor(`${id} to be ${look[0]}`, async () => {
          const answer = await fetch(`${intake.address}/v1/batches/${id}`, { headers })
          return look.includes(((await answer.json()) as { stage: string }).stage)
        })
      }
      expectNoTrace('a dump of the database', await dump(database))
      expectNoTrace('the queue', await queueContent(backend, redis, database))
    }
    for (const id of ids) {
      const errors = await fetch(`${intake.address}/v1/batches/${id}/errors`, { headers })
      // They come back to who sent them, and to nobody else.
      expect(await errors.text()).toContain(planted.name)
    }
    const { rowCount } = await database.owner.query('select from batch.error_row')
    expect(rowCount).toBe(3)
    await Promise.all([batches.end(), worker.end()])
    for (const one of [batches, worker, intake]) {
      expect(one.output()).toContain('"level":')
      expectNoTrace('a log', one.output())
    }
    expectNoTrace('a dump of the database, afterwards', await dump(database))
    await database.owner.query('checkpoint')
    for (const { name, content } of filesUnder(inject('postgresDataDir')))
      expectNoTrace(name, content)
  })
})

/** Files in each format, with a good row, wrong ones, and a person in columns where none belongs. */
async function plantedFiles(
  employers: readonly string[],
): Promise<readonly (readonly [string, Buffer])[]> {
  const [ofCsv = '', ofXlsx = '', ofNdjson = '', other = ''] = employers
  const { idNumber, name } = planted
  const rows = (employer: string) => [
    ['统一社会信用代码', '证件号码', '姓名', '缴费工资', name],
    [employer, idNumber, name, '6500', ''],
    [employer, refused.idNumber, name, '6500', name],
    [idNumber, name, idNumber, name, idNumber],
    [employer, idNumber, name, idNumber, ''],
  ]
  const csv = rows(ofCsv)
    .map((row) => row.join(','))
    .join('\n')
  const book = [{ name, widths: [], headerRows: 1, rows: rows(ofXlsx) }]
  const pieces: Buffer[] = []
  for await (const piece of writeXlsx(book)) pieces.push(piece)
  const good = declare({ employer: ofNdjson, lines: 1 })
  const line = { ...good.lines?.[0], person: planted }
  const declarations = [
    JSON.stringify({ ...good, lines: [line] }),
    JSON.stringify({ ...good, employer: other, lines: [{ ...line, person: refused }] }),
    JSON.stringify({ ...good, employer: idNumber, period: name, [name]: idNumber }),
    `{"name": "${name}", ${idNumber}`,
  ]
  return [
    [`${name}.csv`, Buffer.from(csv)],
    [`${name}.xlsx`, Buffer.concat(pieces)],
    [`${name}.ndjson`, Buffer.from(declarations.join('\n'))],
  ]
}

async function queueContent(
  backend: 'redis' | 'postgres',
  redis: TestRedis,
  database: TestDatabase,
): Promise<string> {
  if (backend === 'postgres') return dump(database, 'bullmq')
  const client = new Redis(redis.url)
  const content: unknown[] = []
  for (const key of await client.keys('*')) content.push(key, await readKey(client, key))
  client.disconnect()
  return JSON.stringify(content)
}

async function readKey(client: Redis, key: string): Promise<unknown> {
  const type = await client.type(key)
  switch (type) {
    case 'string':
      return client.get(key)
    case 'hash':
      return client.hgetall(key)
    case 'list':
      return client.lrange(key, 0, -1)
    case 'set':
      return client.smembers(key)
    case 'zset':
      return client.zrange(key, '0', '-1')
    case 'stream':
      return client.xrange(key, '-', '+')
    // Locks and limits of workers that go on are kept for seconds: one can end between the two reads.
    case 'none':
      return null
    default:
      throw new Error(`what is a ${type}?`)
  }
}

async function openedAccessLog({ url }: TestDatabase): Promise<Entry[]> {
  const options = { url, name: 'test', connectionsMax: 1, statementMsMax: 20_000 }
  const pool = openPool({ ...options, role: postingRole })
  const keyring = readKeyring(inject('keyringFile'))
  return readLog({ pool, keyring }).finally(() => pool.end())
}

/** All rows of all tables as text; of a schema, or of all schemas. */
async function dump({ owner }: TestDatabase, schema = '%'): Promise<string> {
  const { rows } = await owner.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname like $1 and schemaname not in ('pg_catalog', 'information_schema')`,
    [schema],
  )
  expect(rows.length).toBeGreaterThan(0)
  const text: string[] = []
  for (const { name } of rows) {
    const content = await owner.query(`select t::text as row from ${name} t`)
    text.push(name, ...content.rows.map(({ row }) => row))
  }
  return text.join('\n')
}

/** Every file of the cluster: tables, write-ahead log, server log. */
function* filesUnder(folder: string): Generator<{ name: string; content: Buffer }> {
  for (const entry of ifThere(() => readdirSync(folder, { withFileTypes: true })) ?? []) {
    const name = path.join(folder, entry.name)
    if (entry.isDirectory()) yield* filesUnder(name)
    const content = entry.isFile() ? ifThere(() => readFileSync(name)) : undefined
    if (content !== undefined) yield { name, content }
  }
}

/** Files and folders come and go while other tests run. */
function ifThere<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
